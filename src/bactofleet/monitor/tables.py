"""What the executor's two tables tell: attempts that were reclaimed, and jobs that failed.

docs/executor.md describes usage.tsv and failures.tsv; both only grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from bactofleet.cost.meter import Meter
from bactofleet.cost.prices import load_prices
from bactofleet.records.attempt import iter_attempts
from bactofleet.records.failure import Failure, of_job
from bactofleet.records.folder import sample_of
from snakemake_executor_plugin_aws_batch_array import api


@dataclass
class Attempts:
    """All attempts on AWS Batch, and those that lost their host."""

    total: int = 0
    reclaimed: int = 0
    lost_s: float = 0.0
    """Seconds for which reclaimed attempts had run."""


class Span(NamedTuple):
    """A time for which processors were at work; begin and end in seconds since the epoch."""

    begin: float
    end: float
    vcpus: float


class AttemptTable:
    """usage.tsv: a row for every attempt."""

    def __init__(self, path: Path) -> None:
        self._table = api.TableReader(path, api.UsageRow)
        # The dated table: a look asks nobody.
        self._meter = Meter(load_prices())
        self.attempts = Attempts()
        self.spent_usd = 0.0
        self.spans: list[Span] = []
        """Of the attempts that started."""

    def look(self) -> None:
        """Count what has come since the last look."""
        before = self.attempts.total
        for row in self._table.iter_new():
            self.attempts.total += 1
            for attempt in iter_attempts([row]):
                self._meter.add(attempt)
                self.spans.append(Span(attempt.started, attempt.stopped, attempt.vcpus))
                if attempt.outcome == api.RECLAIMED:
                    self.attempts.lost_s += attempt.seconds
            self.attempts.reclaimed += row.outcome == api.RECLAIMED
        if self.attempts.total > before:
            self.spent_usd = self._meter.spent()


class FailedJobs:
    """failures.tsv: a row for every job that failed, on any attempt of Snakemake's."""

    def __init__(self, path: Path) -> None:
        self._table = api.TableReader(path, api.FailureRow)
        self.final: dict[str, Failure] = {}
        """By sample, those that were not tried again after the last failure."""

    def look(self) -> None:
        """Read what has come since the last look."""
        for row in self._table.iter_new():
            sample = sample_of(row.target)
            if sample and row.next == api.FINAL:
                # The message names the stage.
                self.final[sample] = structs.replace(of_job(row, sample), stage="")
            elif sample:
                self.final.pop(sample, None)
