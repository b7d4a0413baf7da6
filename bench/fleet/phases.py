"""The phases of a run of the real workflow on the emulated AWS, with stubbed children."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aws.controller import Controller
from aws.emulator.client import EmulatedAWS
from cohort import RESULTS, write_project
from watch import Watch

VCPUS = 1_000_000
"""So many that no child waits for room."""
POLL_S = 5
LEFT = 10
"""Genomes that are not finished when the run is started for the second time."""
SUBMITTED = r"Submitted (\d+) jobs to"


@dataclass(frozen=True)
class Phase:
    """What one phase took.

    Attributes:
        name: Which one.
        seconds: Wall time.
        cpu_s: CPU time of the controller and the programs that it starts.
        peak_mib: The most resident memory of the controller up to the end of the phase.
        batch_calls: Requests of the controller to Batch, by operation.
        s3_requests: Requests of the controller to S3, by operation.
    """

    name: str
    seconds: float
    cpu_s: float
    peak_mib: float
    batch_calls: dict[str, int]
    s3_requests: dict[str, int]


class Fleet(Controller):
    """A controller of the real workflow, whose genomes stubs make."""

    def __init__(self, aws: EmulatedAWS, folder: Path, genomes: int) -> None:
        super().__init__(aws, folder, "no-image")
        write_project(folder, genomes)
        self.settings["poll_interval"] = POLL_S
        self.options = ["--config", f"results={RESULTS}"]
        self._genomes = genomes

    def iter_phases(self) -> Iterator[Phase]:
        """Run all phases, one after the other."""
        with self._watched("--dry-run") as watch:
            watch.until_ended("dry run")
        yield from self._get_phases(watch)
        # Children wait until all are submitted, as on AWS: a genome takes most of an hour.
        self.aws.stick(self.aws.queue, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - held back")
        with self._watched() as watch:
            watch.until_logged("plan", r"genomes are made now")
            watch.until_logged("submit", SUBMITTED, self._genomes)
            self.aws.clear_faults()
            watch.until_started("collect", "scripts/report.py")
            watch.until_ended("report, end")
        yield from self._get_phases(watch)
        self._forget(LEFT)
        with self._watched() as watch:
            watch.until_logged(f"start, {LEFT} to do", SUBMITTED, LEFT)
            watch.until_ended("collect, report, end")
        yield from self._get_phases(watch)
        with self._watched() as watch:
            watch.until_ended("start, nothing to do")
        yield from self._get_phases(watch)

    def count_log_lines(self) -> dict[str, int]:
        """Lines of the terminal, and of Snakemake's own logs, of all runs so far."""
        logs = (self.folder / ".snakemake/log").glob("*.log")
        return {
            "terminal": self.log.count("\n"),
            ".snakemake/log": sum(path.read_text().count("\n") for path in logs),
        }

    @contextmanager
    def _watched(self, *arguments: str) -> Iterator[Watch]:
        with self.started(*arguments) as process:
            yield Watch(process, self.folder / "controller.log")

    def _forget(self, count: int) -> None:
        receipts = sorted((self.folder / "results/receipts").iterdir())
        if len(receipts) != self._genomes:
            raise RuntimeError(f"{len(receipts)} receipts of {self._genomes} genomes")
        for path in receipts[:count]:
            path.unlink()

    def _get_phases(self, watch: Watch) -> Iterator[Phase]:
        requests = [r for r in self.aws.requests() if r["caller"] == "controller"]
        before = watch.begin
        for name, after in watch.readings.items():
            calls = [r for r in requests if before.at <= r["time"] < after.at]
            yield Phase(
                name=name,
                seconds=after.at - before.at,
                cpu_s=after.cpu_s - before.cpu_s,
                peak_mib=after.peak_mib,
                batch_calls=_count(calls, "batch"),
                s3_requests=_count(calls, "s3"),
            )
            before = after


def _count(calls: list[dict[str, str]], service: str) -> dict[str, int]:
    return dict(Counter(call["operation"] for call in calls if call["service"] == service))
