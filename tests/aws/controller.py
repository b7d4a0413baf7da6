"""Runs Snakemake as a user does, in a folder of its own, against the emulated AWS."""

import csv
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from aws.emulator import provision
from aws.emulator.client import EmulatedAWS

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PROFILES = REPOSITORY / "profiles"
PLUGIN = REPOSITORY / "packages/snakemake-executor-plugin-aws-batch-array"
PRETEND_WORKFLOW = PLUGIN / "tests/pretend_genomes"
# The profile forces receipts of bactofleet's own workflow, where only those to be made are targets.
FORCE_NOTHING = ["--forcerun", "all"]
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
WAIT_S = 120


@functools.cache
def build_worker_image() -> str:
    """The small image for workers of the pretend workflow, built when something changed."""
    subprocess.run([HERE / "image" / "build"], check=True, capture_output=True)
    return "bactofleet-test-worker"


class Controller:
    """One working directory with a workflow, and the `snakemake` that is called there."""

    def __init__(self, aws: EmulatedAWS, folder: Path, image: str) -> None:
        self.aws = aws
        self.folder = folder
        self.environment = dict(aws.environment)
        self.options: list[str] = []
        self.settings: dict[str, object] = {
            "region": aws.region,
            "bucket": aws.bucket,
            "job_queue": aws.queue,
            "fallback_queue": aws.fallback_queue,
            "job_role": aws.job_role_arn,
            "image": image,
            "match_versions": "",  # the workers of the pretend workflow have no bactofleet
            "poll_interval": 1,
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `snakemake --profile profiles/aws`, its output going to controller.log."""
        variables = {
            f"SNAKEMAKE_AWS_BATCH_ARRAY_{name.upper()}": str(value)
            for name, value in self.settings.items()
        }
        with (self.folder / "controller.log").open("a") as log:
            return subprocess.Popen(
                self.wrap(
                    [*SNAKEMAKE, "--profile", str(PROFILES / "aws"), *self.options, *arguments]
                ),
                cwd=self.folder,
                env={**os.environ, **self.environment, **variables},
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def wrap(self, command: list[str]) -> list[str]:
        """Change the command line by which it is started."""
        return command

    @contextmanager
    def started(self, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """Start it; it does not outlive the context."""
        process = self.start(*arguments)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def run(self, *arguments: str, timeout_s: float = WAIT_S) -> int:
        """Run it to its end and return the exit code."""
        with self.started(*arguments) as process:
            return process.wait(timeout_s)

    def kill_when(self, happened: Callable[[], bool], *arguments: str) -> None:
        """Start it and send SIGKILL as soon as something has happened."""
        self.signal_when(signal.SIGKILL, happened, *arguments)

    def signal_when(self, number: int, happened: Callable[[], bool], *arguments: str) -> int:
        """Start it, send one signal as soon as something has happened, wait for its end."""
        with self.started(*arguments) as process:
            wait_until(lambda: happened() or process.poll() is not None)
            assert process.poll() is None, self.log
            process.send_signal(number)
            return process.wait(WAIT_S)

    @property
    def log(self) -> str:
        """All that was said so far."""
        return (self.folder / "controller.log").read_text()

    def get_receipts(self) -> dict[str, Any]:
        """Receipts by sample."""
        folder = self.folder / "results" / "receipts"
        return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}

    def get_table(self, name: str) -> list[dict[str, str]]:
        """Rows of failures.tsv or usage.tsv."""
        path = self.folder / "results" / name
        if not path.exists():
            return []
        with path.open(newline="") as handle:
            return list(csv.DictReader(handle, dialect="excel-tab"))

    def count(self, service: str, operation: str | None = None) -> Counter[str]:
        """Requests that succeeded, by operation, of the controller and of the jobs."""
        return Counter(
            request["operation"]
            for request in self.aws.requests()
            if request["service"] == service
            and request["status"] < 300
            and request["caller"].startswith(("controller", "job/"))
            and operation in (None, request["operation"])
        )

    def get_owner(self, service: str) -> Any:
        """A client of the account's owner, whose requests are not the executor's."""
        return provision.client(service, self.aws.endpoint_url)

    def get_keys(self) -> list[str]:
        """Keys of all objects in the bucket."""
        reply = self.get_owner("s3").list_objects_v2(Bucket=self.aws.bucket)
        return sorted(item["Key"] for item in reply.get("Contents", []))

    def count_in_logs(self, beginning: str) -> int:
        """How many lines begin so, in the logs of all attempts."""
        logs = self.get_owner("logs")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/batch/job")
        return sum(
            event["message"].strip().startswith(beginning)
            for page in pages
            for event in page["events"]
        )


class PretendGenomes(Controller):
    """A controller of the pretend workflow, whose genomes take no time."""

    def __init__(self, aws: EmulatedAWS, folder: Path, samples: list[str] | None = None) -> None:
        super().__init__(aws, folder, build_worker_image())
        self.options = FORCE_NOTHING
        shutil.copytree(PRETEND_WORKFLOW, folder, dirs_exist_ok=True)
        if samples is not None:
            sheet = "".join(f"{sample}\n" for sample in samples)
            (folder / "config" / "samples.tsv").write_text(sheet)

    def hold_last(self) -> None:
        """Keep the last genome from being published until faults are cleared: no run can end."""
        last = (self.folder / "config" / "samples.tsv").read_text().split()[-1]
        self.aws.hold("s3:PutObject", f"{self.aws.bucket}/results/{last}.tar.gz")

    def kill_midway(self, happened: Callable[[], bool]) -> None:
        """Start it and send SIGKILL as soon as something has happened; it cannot end before."""
        self.signal_midway(signal.SIGKILL, happened)

    def signal_midway(self, number: int, happened: Callable[[], bool], *arguments: str) -> int:
        """Start it and send a signal as soon as something has happened; it cannot end before."""
        self.hold_last()
        try:
            return self.signal_when(number, happened, *arguments)
        finally:
            self.aws.clear_faults()

    def set_behaviours(self, behaviours: dict[str, str]) -> None:
        """Say how the assembly of some samples goes: the words of scripts/assemble.py."""
        config = self.folder / "config" / "config.yaml"
        options = yaml.safe_load(config.read_text())
        config.write_text(yaml.safe_dump({**options, "behaviours": behaviours}))


class StubGenomes(Controller):
    """A controller of a workflow of one rule, whose jobs stubs do (stub_functions.py)."""

    def __init__(self, aws: EmulatedAWS, folder: Path, genomes: int = 4) -> None:
        super().__init__(aws, folder, "no-image")
        folder.mkdir(exist_ok=True)
        shutil.copy(HERE / "stub_workflow.smk", folder / "Snakefile")
        self.options = [*FORCE_NOTHING, "--config", f"genomes={genomes}"]


def wait_until(happened: Callable[[], bool], seconds: float = WAIT_S) -> None:
    """Look again and again, at most for some time."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
