"""Two hundred genomes while everything goes wrong at once that goes wrong on AWS now and then.

CHAOS_SEED repeats a run; a run that fails tells its seed.
"""

import os
import secrets
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from aws.controller import StubGenomes
from aws.emulator import provision
from aws.emulator.client import EmulatedAWS
from aws.stub_functions import BROKEN
from aws.troubles import Troubles

GENOMES = 200
TIMEOUT_S = 280
FAULTS = 14


class Chaos(Troubles):
    """Lets one thing after the other go wrong; chance decides, the same for the same seed."""

    def __init__(self, controller: StubGenomes, seed: int) -> None:
        super().__init__(controller.aws, controller.folder / "credentials", seed)
        self.done: list[str] = []
        self.log_in(provision.CONTROLLER_KEY)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del controller.environment[name]
        controller.environment["AWS_SHARED_CREDENTIALS_FILE"] = str(self._credentials)
        for index in self._chance.sample(range(GENOMES), 60):
            self._lose_host(index)

    def _lose_host(self, index: int) -> None:
        shows = self._chance.choice(["host", "143", "137", "fargate"])
        after_s = self._chance.uniform(0.1, 2.0)
        self._aws.reclaim(name="*-0000", index=index, shows=shows, after_s=after_s)

    def happen(self) -> None:
        """Let the next thing go wrong."""
        act = self._chance.choice(
            [
                self.fail,
                self.fail,
                self.disconnect,
                self.answer_empty,
                self.lose_answers,
                self.expire,
            ]
        )
        self.done.append(act.__name__)
        act()

    def expire(self) -> None:
        self._aws.expire_token()
        time.sleep(self._chance.uniform(1, 4))
        self.log_in(provision.RENEWED_KEY)


def run(controller: StubGenomes, chaos: Chaos) -> int:
    """Run to the end; what goes wrong does so in the first minute or two."""
    process = controller.start()
    end = time.monotonic() + TIMEOUT_S
    try:
        while process.poll() is None and len(chaos.done) < FAULTS:
            chaos.happen()
            wait(process, 5)
        return process.wait(max(1.0, end - time.monotonic()))
    finally:
        process.kill()
        process.wait()


def wait(process: "subprocess.Popen[str]", seconds: float) -> None:
    """Wait for a process, at most for some time."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def count_made(controller: StubGenomes) -> Counter[int]:
    """How often each genome was made to its end."""
    pages = controller.get_owner("s3").get_paginator("list_objects_v2")
    keys = [
        item["Key"]
        for page in pages.paginate(Bucket=controller.aws.bucket, Prefix="made/")
        for item in page.get("Contents", [])
    ]
    return Counter(int(key.split("/")[1]) for key in keys)


def test_every_genome_ends_exactly_once(
    start_aws: Callable[..., EmulatedAWS], tmp_path: Path
) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    aws = start_aws(stub="aws.stub_functions:behave", stub_seconds=3, spot_vcpus=24)
    controller = StubGenomes(aws, tmp_path, GENOMES)
    controller.settings["attempts"] = 1  # so that what fails is submitted again, many times
    chaos = Chaos(controller, seed)

    code = run(controller, chaos)

    print(f"CHAOS_SEED={seed}: {', '.join(chaos.done)}")  # shown by pytest if it fails
    good = set(range(GENOMES)) - BROKEN
    assert code == 1, controller.log
    assert {int(name) for name in controller.get_receipts()} == good
    assert count_made(controller) == dict.fromkeys(good, 1)
    final = [
        row["target"] for row in controller.get_table("failures.tsv") if row["next"] == "final"
    ]
    assert sorted(final) == sorted(f"results/receipts/{number}.json" for number in BROKEN)
    succeeded = Counter(
        row["target"] for row in controller.get_table("usage.tsv") if row["outcome"] == "succeeded"
    )
    assert succeeded == {f"results/receipts/{number}.json": 1 for number in good}
