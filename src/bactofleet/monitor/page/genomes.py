"""All genomes of the sample sheet as rows; a page requests only those that changed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

from bactofleet.core.times import format_time
from bactofleet.monitor.activity import get_stage_start
from bactofleet.monitor.receipts import FinishedGenome
from bactofleet.monitor.snapshot import Observer
from bactofleet.records.failure import Failure


class GenomeStatus(NamedTuple):
    """A row; its fields are the columns of the page's table."""

    sample: str
    status: str
    stage: str | None = None
    """Stage that is running, that excluded the genome, or that failed."""
    reason: str | None = None
    """Kind and message of an exclusion or failure."""
    minutes: float | None = None
    """Wall time of all stages."""
    time: str | None = None
    """When the genome was finished or its current stage began (UTC)."""


@dataclass(frozen=True)
class Rows:
    """The rows of one look, in the order of the sample sheet."""

    genomes: Sequence[GenomeStatus] = ()
    changed: Sequence[float] = ()
    """Version in which each row last changed."""
    version: float = 0.0

    def since(self, version: float) -> list[tuple[Any, ...]]:
        """Return the rows that changed after a version, each preceded by its row number."""
        pairs = enumerate(zip(self.genomes, self.changed, strict=True))
        return [(number, *row) for number, (row, changed) in pairs if changed > version]


def compare_rows(genomes: Sequence[GenomeStatus], last: Rows, now: float) -> Rows:
    """Compare the rows of a look at `now` (seconds since the epoch) with those of the `last` look.

    The time is the version, so that versions also increase across restarts of the server, for
    pages that stay open. If the clock was set back, the version still increases.
    """
    version = max(now, math.nextafter(last.version, math.inf))
    changed = [
        since if row == before else version
        for row, before, since in zip_longest(genomes, last.genomes, last.changed)
    ]
    return Rows(genomes, changed[: len(genomes)], version)


def iter_genomes(observer: Observer, failures: Mapping[str, Failure]) -> Iterator[GenomeStatus]:
    """Yield the row of each genome from the last look."""
    finishes = observer.receipts.finishes
    for name in observer.samples:
        if finish := finishes.get(name):
            yield _describe_finish(name, finish)
        elif failure := failures.get(name):
            yield GenomeStatus(name, "failed", failure.stage, _join(failure.kind, failure.message))
        elif stage := observer.running.get(name):
            since = get_stage_start(observer.scratch, name)
            yield GenomeStatus(name, "running", stage, time=_format_time(since) if since else None)
        else:
            yield GenomeStatus(name, "submitted" if name in observer.at_work else "waiting")


def _describe_finish(name: str, finish: FinishedGenome) -> GenomeStatus:
    reason = finish.reason or {}
    return GenomeStatus(
        name,
        finish.status,
        reason.get("stage"),
        _join(reason["type"], reason["message"]) if reason else None,
        round(finish.duration_s / 60, 1),
        _format_time(finish.time),
    )


def _join(kind: str, message: str) -> str:
    return f"{kind}: {message}"


def _format_time(seconds: float) -> str:
    return format_time(seconds).removesuffix(" UTC")
