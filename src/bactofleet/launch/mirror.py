"""A launched run on this machine: its project and its state, in a folder that is removed again."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import boto3

from bactofleet.aws.faults import translated
from bactofleet.aws.session import open_session
from bactofleet.aws.settings import read_settings
from bactofleet.core.config import read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.launch.controller_job import Controller, find_controllers, remove_definition
from bactofleet.launch.gathering import COPIES, Gathering, ShardCopy
from bactofleet.launch.place import Place, parse_place
from bactofleet.launch.project import fetch_project
from bactofleet.launch.record import Record, read_record
from bactofleet.launch.shards import read_shards
from bactofleet.launch.state import Writer
from bactofleet.records.folder import LOCK, lock_results
from snakemake_executor_plugin_aws_batch_array import api

POLL_S = 2.0
# Batch gives a container 30 s to end.
END_S = 180.0


class Mirror:
    """A run in the current folder, which is only for it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        # The bucket says its region; that of the queues is in the settings that come from it.
        self._s3 = boto3.Session().client("s3")
        self.config = fetch_project(self._s3, place, Path.cwd())
        """Path of the run's configuration."""
        self.results = local_folder(str(read_config(self.config)["results"]))
        self.settings = read_settings()
        """The settings that the run was launched with."""
        self.controllers: dict[Place, Controller] = {}
        """The controllers at work at the last look, by their shards."""
        self._session = open_session(self.settings["region"])
        self._batch = self._session.client("batch")
        shards, _ = read_shards(self._s3, place)
        if shards is None:
            raise ConfigurationError([f"{place.address} is being launched; try again in a minute"])
        self._gathering = Gathering(self._s3, place, shards, self.results, COPIES)
        self._records: dict[Place, Record | None] = {}
        self._lock: IO[str] | None = None

    def describe(self) -> str:
        """Say what the controllers do."""
        number = len(self._gathering.copies)
        if not self.controllers:
            return f"{self.place.address}: no controller is at work"
        if number == 1:
            (controller,) = self.controllers.values()
            return f"{self.place.address}: controller {controller.job_id} is {controller.status}"
        counts = Counter(controller.status for controller in self.controllers.values())
        counts["ended"] = number - counts.total()
        states = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        return f"{self.place.address}: {number} controllers: {states}"

    def refresh(self) -> None:
        """Fetch what is new; raise `ConfigurationError` if AWS does not answer."""
        with translated():
            places = [copy.place for copy in self._gathering.copies]
            self._records = {place: read_record(self._s3, place)[0] for place in places}
            queue = self.settings["controller-queue"]
            self.controllers = find_controllers(self._batch, self._records, queue)
            self._gathering.read()
        self._show_activity()

    def _show_activity(self) -> None:
        """Hold the lock of the results as long as a controller works, for all who look."""
        times = [found.started for found in self.controllers.values() if found.started is not None]
        if times and self._lock is None:
            self._lock = lock_results(self.results)
            os.utime(self.results / LOCK, (min(times), min(times)))
        elif not times and self._lock is not None:
            self._lock.close()
            self._lock = None

    def stop(self) -> int:
        """End the controllers, then their jobs; return the number of array jobs that were ended.

        The state in the bucket says so: the next launch submits these jobs again. Raises
        `ConfigurationError` if a controller does not end.
        """
        reason = "bactofleet stop"
        self.refresh()
        self._end_controllers(reason)
        with translated():
            for place, record in self._records.items():
                if record:
                    remove_definition(self._batch, place, record.token)
            ended = sum(self._end_jobs(copy, reason) for copy in self._gathering.copies)
        self.refresh()
        return ended

    def _end_jobs(self, copy: ShardCopy, reason: str) -> int:
        if not api.get_ledger(copy.folder).is_file():
            return 0
        names = ("job-queue", "fallback-queue")
        queues = [self.settings[name] for name in names if name in self.settings]
        writer = Writer(self._s3, copy.place, copy.folder, copy.reader.last)
        ended = api.terminate_jobs(copy.folder, self._session, queues, reason)
        writer.save()
        return ended

    def _end_controllers(self, reason: str) -> None:
        if not all(controller.job_id for controller in self.controllers.values()):
            raise ConfigurationError(["the run is being launched just now; stop it in a minute"])
        with translated():
            for controller in self.controllers.values():
                self._batch.terminate_job(jobId=controller.job_id, reason=reason)
        end = time.monotonic() + END_S
        while self.controllers:
            if time.monotonic() > end:
                jobs = ", ".join(controller.job_id for controller in self.controllers.values())
                raise ConfigurationError(
                    [
                        f"controllers do not end: job {jobs}. The jobs of the run were not "
                        "touched; give this command again"
                    ]
                )
            time.sleep(POLL_S)
            self.refresh()


@contextmanager
def open_mirror(address: str) -> Iterator[Mirror]:
    """Bring a run here, and make its folder the current one in the block.

    The sheet may hold signed URLs: only this user may read the folder. Raises `ConfigurationError`
    if there is no such run, or AWS does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="bactofleet-") as folder, chdir(folder):
        with translated():
            mirror = Mirror(parse_place(address))
        mirror.refresh()
        yield mirror


@dataclass(frozen=True)
class Run:
    """A run to look at: that of this folder, or a launched one."""

    config: Path
    refresh: Callable[[], None] = lambda: None
    """Fetches what is new of a launched run; raises `ConfigurationError`."""
    address: str = ""
    """Where a launched run is in S3."""
    state: str = ""
    """What the controllers of a launched run do."""


@contextmanager
def open_run(address: str | None, config: Path) -> Iterator[Run]:
    """Open the launched run at an address, or without one the run of a configuration here.

    In the block, the current folder is that of the run. Raises as `open_mirror` does.
    """
    if address is None:
        yield Run(config)
        return
    with open_mirror(address) as mirror:
        yield Run(mirror.config, mirror.refresh, mirror.place.address, mirror.describe())
