"""The rights that docs/executor.md gives are those that are used, no more and no fewer."""

import json
import re
import signal
from pathlib import Path

from aws.controller import Controller, PretendGenomes, wait_until
from aws.emulator.client import EmulatedAWS

DOCS = Path(__file__).parents[2] / "docs" / "executor.md"
# Checked by AWS when roles are handed to Batch; no request is made for it.
IMPLIED = {"iam:PassRole"}


def get_documented(heading: str) -> set[str]:
    """Actions in the policy below a heading."""
    section = DOCS.read_text().split(f"### {heading}\n")[1]
    block = re.search(r"```json\n(.*?)```", section, re.DOTALL)
    assert block
    policy = json.loads(block[1])
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def get_used(controller: Controller, caller: str) -> set[str]:
    return {
        request["action"]
        for request in controller.aws.requests()
        if request["caller"].startswith(caller)
    }


def test_the_documented_rights_are_those_that_are_used(aws: EmulatedAWS, tmp_path: Path) -> None:
    """A run is interrupted, the next has a genome that fails, and of another all fail."""
    controller = PretendGenomes(aws, tmp_path)
    controller.set_behaviours({"alpha": "exit:1"})
    aws.lose_response("batch:SubmitJob")
    controller.signal_midway(signal.SIGINT, lambda: len(aws.containers()) >= 1)
    wait_until(lambda: bool(controller.count("batch", "TerminateJob")))

    assert controller.run() == 1, controller.log
    failing = PretendGenomes(aws, tmp_path / "failing", ["one", "two"])
    failing.set_behaviours({"one": "exit:1", "two": "exit:1"})
    assert failing.run() == 1, failing.log

    assert get_used(controller, "controller") == get_documented("Of the controller") - IMPLIED
    assert get_used(controller, "job/") == get_documented("Of the jobs")
