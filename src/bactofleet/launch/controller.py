"""The program in the controller's container: fetch the project, run Snakemake, save its state.

`python3 -m bactofleet.launch.controller`. It makes the genomes of one shard; the last controller of
a run also writes the report of all shards. It ends with 0 or 1 as Snakemake does, and with another
status if it was ended from outside, so that Batch starts it again: it then continues with the
state in the bucket, and takes over the jobs that still run. It waits for the end of an outage, for
Batch starts it only so often.
"""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Set
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bactofleet import report
from bactofleet.core.config import CONFIG_FILE, read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import BactofleetError
from bactofleet.core.samples import read_samples
from bactofleet.launch.controller_job import BUCKET, RUN, SHARD, remove_definition
from bactofleet.launch.ending import End, Ends
from bactofleet.launch.gathering import COPIES, Gathering
from bactofleet.launch.place import Place
from bactofleet.launch.project import fetch_project
from bactofleet.launch.record import read_record
from bactofleet.launch.shards import Shards, read_shards
from bactofleet.launch.state import Reader, Writer, publish
from bactofleet.records.folder import FAILED, list_receipts, list_records
from bactofleet.run.beginning import TOKEN
from snakemake_executor_plugin_aws_batch_array import api

# What jobs send back is on record within a second, other changes (logs) within a minute.
LOOK_S, SAVE_S = 1.0, 60.0
# Batch kills a container 30 s after it has asked it to end.
# https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html
ENDED_FROM_OUTSIDE = 128 + signal.SIGTERM
TROUBLE = 75
# Statuses of a Snakemake that has seen the end of all its jobs.
FINISHED = (0, 1)
RETRIES = {"mode": "standard", "total_max_attempts": 10}
AWS_ERRORS = (BotoCoreError, ClientError, Boto3Error)
# What this machine's disk may raise, also by the record of submissions.
DISK_ERRORS = (OSError, sqlite3.Error, api.LedgerError)

log = logging.getLogger("bactofleet")


class LaunchedAgainError(BactofleetError):
    """The shard was launched again: this is no longer its controller."""


class Keeper:
    """Saves the state of the shard as long as this is its controller."""

    def __init__(self, s3: Any, place: Place, token: str) -> None:
        self._s3, self._place, self._token = s3, place, token

    def check(self) -> None:
        """Raise `LaunchedAgainError` after a later launch: there must not be two controllers."""
        record, _ = read_record(self._s3, self._place)
        if record is None or record.token != self._token:
            raise LaunchedAgainError(
                f"{self._place.address} was launched again; this controller ends."
            )

    def restore(self, results: Path) -> None:
        """Bring the results folder to the state in the bucket."""
        reader = Reader(self._s3, self._place, results)
        reader.read()
        self._writer = Writer(self._s3, self._place, results, reader.last)

    def save(self) -> None:
        """Save what has changed."""
        self.check()
        self._writer.save()

    def is_pressing(self) -> bool:
        """Say whether jobs were submitted or settled since the last time."""
        return self._writer.is_pressing()


def main() -> int:
    """Run the controller; return its exit status."""
    logging.basicConfig(format="controller: %(message)s")
    log.setLevel(logging.INFO)
    place = Place(os.environ[BUCKET], os.environ[RUN], os.environ[SHARD])
    try:
        status = api.outlast(lambda: _control(place, os.environ[TOKEN]), log)
    except AWS_ERRORS as error:
        log.error("AWS: %s; Batch starts this controller again.", error)
        return TROUBLE
    except DISK_ERRORS as error:
        log.error("This machine: %s; Batch starts this controller again.", error)
        return TROUBLE
    except BactofleetError as error:
        log.error("%s", error)
        return 1
    log.info("Snakemake ended with %s; %s has the state of the run.", status, place.address)
    return status


def _control(place: Place, token: str) -> int:
    """Do what is left to do for the shard, from the state in the bucket to the last report."""
    with tempfile.TemporaryDirectory(prefix="controller-") as folder:
        os.chdir(folder)
        try:
            return _control_in(Path(folder), place, token)
        finally:
            os.chdir("/")


def _control_in(folder: Path, place: Place, token: str) -> int:
    session = boto3.Session()
    s3 = session.client("s3", config=Config(retries=RETRIES))
    keeper = Keeper(s3, place, token)
    keeper.check()
    shards, _ = read_shards(s3, place.run)
    if shards is None:
        raise LaunchedAgainError(f"{place.address} has no shards; this controller ends.")
    ends = Ends(s3, place.run, shards.get_places(place.run))
    # One that was killed after its end has only to write the report, if that is its task.
    end = ends.find(token)
    if end is None:
        status = _make_genomes(folder, session, s3, place, keeper)
        if status not in FINISHED:
            return status
        end = End(token, status)
        ends.add(end)
    if ends.is_last(token):
        results = _report_all(folder, s3, place.run, shards)
        keeper.check()
        publish(s3, place.run, results)
        ends.set_reported(token)
    remove_definition(session.client("batch"), place, token)
    return end.status


def _make_genomes(folder: Path, session: Any, s3: Any, place: Place, keeper: Keeper) -> int:
    """Make the genomes of the shard, and return the exit status of Snakemake."""
    project = folder / "project"
    project.mkdir()
    os.chdir(project)
    config = fetch_project(s3, place, project)
    settings = read_config(config)
    results = local_folder(str(settings["results"]))
    samples = set(read_samples(Path(settings["samples"])))
    keeper.restore(results)
    failed = set(list_records(results / FAILED))
    status = _run_snakemake(config, keeper)
    api.outlast(keeper.save, log)
    if status not in FINISHED:
        return status
    if left := api.read_open_jobs(results).targets:
        # A full disk, for example, or an error of Snakemake's own: no reason to lose them.
        log.error("%s jobs were not collected; Batch starts this controller again.", len(left))
        return TROUBLE
    if status == 1 and (unmade := _find_unmade(results, samples, failed)):
        log.error(
            "Snakemake failed, and none of its genomes: %s are left; Batch starts this controller "
            "again.",
            len(unmade),
        )
        return TROUBLE
    # Not before the state is safe: a controller that lost it would look for these objects.
    api.remove_leftovers(results, session, place.bucket, log)
    keeper.save()
    # Snakemake knows nothing of the genomes that failed under an earlier controller of this launch.
    return status or int(has_failed(results, samples))


def _find_unmade(results: Path, samples: Set[str], failed_before: Set[str]) -> set[str]:
    """Return what a Snakemake has left that failed without the failure of any genome."""
    failed = set(list_records(results / FAILED))
    if failed - failed_before:
        return set()
    return set(samples).difference(failed, list_receipts(results))


def has_failed(results: Path, samples: Collection[str]) -> bool:
    """Say whether a genome of the sheet has failed; others may have failed in earlier launches."""
    return not set(list_records(results / FAILED)).isdisjoint(samples)


def _report_all(folder: Path, s3: Any, run: Place, shards: Shards) -> Path:
    """Write the table and the report of all shards; return their folder."""
    project = folder / "run"
    project.mkdir()
    os.chdir(project)
    config = read_config(fetch_project(s3, run, project))
    results = local_folder(str(config["results"]))
    Gathering(s3, run, shards, results, COPIES).read()
    samples = read_samples(Path(config["samples"]))
    sizes = report.SizeLimits.of(config)
    report.write_report(results, list(samples), sizes, samples.own_cells())
    return results


def _run_snakemake(config: Path, keeper: Keeper) -> int:
    """Run Snakemake and save its state until it ends, or this container has to."""
    words = [sys.executable, "-m", "snakemake", "--profile", "profiles/aws"]
    if config != CONFIG_FILE:
        words += ["--configfile", str(config)]
    process = subprocess.Popen([*words, "--aws-batch-array-keep-finished"])

    def end(number: int, frame: FrameType | None) -> None:
        # Its jobs go on: the next controller takes them over, and `bactofleet stop` ends them.
        process.kill()

    signal.signal(signal.SIGTERM, end)
    try:
        _accompany(process, keeper)
    finally:
        process.kill()
    status = process.wait()
    return status if status >= 0 else ENDED_FROM_OUTSIDE


def _accompany(process: subprocess.Popen[bytes], keeper: Keeper) -> None:
    """Save the state until Snakemake ends.

    During an outage, or on a full disk, Snakemake goes on, as its jobs do.
    """
    saved = time.monotonic()
    while process.poll() is None:
        time.sleep(LOOK_S)
        if keeper.is_pressing() or time.monotonic() - saved > SAVE_S:
            try:
                keeper.save()
            except (*AWS_ERRORS, *DISK_ERRORS) as error:
                log.warning("The state is saved later, it cannot be saved now: %s", error)
            saved = time.monotonic()


if __name__ == "__main__":
    sys.exit(main())
