"""A launched run on this machine: its project and its state, in a folder that is removed again."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import IO

import boto3

from bactofleet.aws.faults import translated
from bactofleet.aws.session import open_session
from bactofleet.aws.settings import read_settings
from bactofleet.core.config import read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.launch.controller_job import Controller, find_controller, remove_definition
from bactofleet.launch.place import Place, parse_place
from bactofleet.launch.project import fetch_project
from bactofleet.launch.record import Record, read_record
from bactofleet.launch.state import Reader, Writer
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
        self.controller: Controller | None = None
        """The controller at the last look; None if it has ended."""
        self._session = open_session(self.settings["region"])
        self._batch = self._session.client("batch")
        self._reader = Reader(self._s3, place, self.results)
        self._record: Record | None = None
        self._lock: IO[str] | None = None

    def describe(self) -> str:
        """Say what the controller does."""
        if self.controller is None:
            return f"{self.place.address}: no controller is at work"
        return (
            f"{self.place.address}: controller {self.controller.job_id} is {self.controller.status}"
        )

    def refresh(self) -> None:
        """Fetch what is new; raise `ConfigurationError` if AWS does not answer."""
        with translated():
            self._record, _ = read_record(self._s3, self.place)
            queue = self.settings["controller-queue"]
            self.controller = find_controller(self._batch, self.place, self._record, queue)
            self._reader.read()
        self._show_activity()

    def _show_activity(self) -> None:
        """Hold the lock of the results as long as the controller works, for all who look."""
        started = self.controller.started if self.controller else None
        if started is not None and self._lock is None:
            self._lock = lock_results(self.results)
            os.utime(self.results / LOCK, (started, started))
        elif started is None and self._lock is not None:
            self._lock.close()
            self._lock = None

    def stop(self) -> int:
        """End the controller, then its jobs, and return the number of array jobs that were ended.

        The state in the bucket says so: the next launch submits these jobs again. Raises
        `ConfigurationError` if the controller does not end.
        """
        reason = "bactofleet stop"
        self.refresh()
        if self.controller:
            self._end(self.controller, reason)
        if self._record:
            with translated():
                remove_definition(self._batch, self.place, self._record.token)
        if not api.get_ledger(self.results).is_file():
            return 0
        names = ("job-queue", "fallback-queue")
        queues = [self.settings[name] for name in names if name in self.settings]
        writer = Writer(self._s3, self.place, self.results, self._reader.last)
        with translated():
            ended = api.terminate_jobs(self.results, self._session, queues, reason)
            writer.save()
        return ended

    def _end(self, controller: Controller, reason: str) -> None:
        if not controller.job_id:
            raise ConfigurationError(["the run is being launched just now; stop it in a minute"])
        with translated():
            self._batch.terminate_job(jobId=controller.job_id, reason=reason)
        end = time.monotonic() + END_S
        while self.controller:
            if time.monotonic() > end:
                raise ConfigurationError(
                    [
                        f"the controller, job {controller.job_id}, does not end. Its jobs were not "
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
