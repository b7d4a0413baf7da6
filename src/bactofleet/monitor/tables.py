"""Readers of the executor's two tables: attempts on AWS Batch, and failed jobs.

docs/executor.md describes usage.tsv and failures.tsv; rows are only appended.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from bactofleet.cost.bill import price_fleet
from bactofleet.cost.instances import Fleet
from bactofleet.cost.prices import load_prices
from bactofleet.records.attempt import iter_attempts
from bactofleet.records.failure import Failure, of_job
from bactofleet.records.folder import sample_of
from snakemake_executor_plugin_aws_batch_array import api


@dataclass
class Attempts:
    """Number of attempts on AWS Batch, and of those whose host was reclaimed."""

    total: int = 0
    reclaimed: int = 0
    lost_s: float = 0.0
    """Running time of reclaimed attempts (s)."""


class Span(NamedTuple):
    """A time in which processors were in use; begin and end in seconds since the epoch."""

    begin: float
    end: float
    vcpus: float


class AttemptTable:
    """usage.tsv: one row per attempt."""

    def __init__(self, path: Path) -> None:
        self._table = api.TableReader(path, api.UsageRow)
        # The package's dated table: a look does not ask AWS for prices.
        self._prices = load_prices()
        self._fleet = Fleet()
        self.attempts = Attempts()
        self.spent_usd = 0.0
        self.spans: list[Span] = []
        """Times of the attempts that started."""

    def leave_out_present(self) -> None:
        """Leave out the rows that are there now."""
        for _ in self._table.iter_new():
            pass

    def look(self) -> None:
        """Count the rows added since the last look."""
        before = self.attempts.total
        for row in self._table.iter_new():
            self.attempts.total += 1
            for attempt in iter_attempts([row]):
                self._fleet.add(attempt)
                self.spans.append(Span(attempt.started, attempt.stopped, attempt.vcpus))
                if attempt.outcome == api.RECLAIMED:
                    self.attempts.lost_s += attempt.seconds
            self.attempts.reclaimed += row.outcome == api.RECLAIMED
        if self.attempts.total > before:
            self.spent_usd = price_fleet(self._fleet, self._prices)


class FailedJobs:
    """failures.tsv: one row per failed job, in any attempt of Snakemake."""

    def __init__(self, path: Path) -> None:
        self._table = api.TableReader(path, api.FailureRow)
        self.final: dict[str, Failure] = {}
        """Failures by sample that were not followed by a retry."""

    def look(self) -> None:
        """Read the rows added since the last look."""
        for row in self._table.iter_new():
            sample = sample_of(row.target)
            if sample and row.next == api.FINAL:
                # The message already names the stage.
                self.final[sample] = structs.replace(of_job(row, sample), stage="")
            elif sample:
                self.final.pop(sample, None)
