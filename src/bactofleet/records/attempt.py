"""What a run has recorded of its use: attempts in usage.tsv, tarballs in receipts.

Neither is trusted: a cell that is no number or no time is as good as an empty one, and text may be
anything, which whoever shows it has to mind.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bactofleet.core.destination import is_s3
from bactofleet.records.growing_table import GrowingTable
from bactofleet.records.rows import Row
from bactofleet.run.failed_jobs import sample_of

USAGE = "usage.tsv"
SUCCEEDED = "succeeded"
RECLAIMED = "reclaimed"
# Larger ones are no machine's; they would make the sums of a bill meaningless.
_MAX_VCPUS = 4096
_MAX_GIB = 65536
_TEXTS = ("outcome", "queue", "instance_type", "instance_id", "zone", "life_cycle")


@dataclass(frozen=True)
class Attempt:
    """One attempt that started; times are seconds since the epoch, what is not known is None."""

    sample: str
    """The genome whose receipt it was to bring; with several a job, the first of them."""
    outcome: str
    queue: str
    instance_type: str
    instance_id: str
    zone: str
    life_cycle: str
    vcpus: float
    started: float
    stopped: float
    instance_vcpus: int | None = None
    booted: float | None = None
    disk_gib: float | None = None
    others: tuple[str, ...] = ()
    """The other genomes of its job."""

    @property
    def genomes(self) -> tuple[str, ...]:
        """All genomes that it was to make."""
        return tuple(filter(None, (self.sample, *self.others)))

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return self.stopped - self.started

    @property
    def vcpu_hours(self) -> float:
        """The vCPUs that it had asked for, times hours."""
        return self.vcpus * self.seconds / 3600


@dataclass(frozen=True)
class Tarballs:
    """Results on S3: how many genomes have one, and the bytes of each."""

    genomes: int
    """Those with a receipt, complete or excluded."""
    bytes: tuple[int, ...]


def read_attempts(results: Path) -> list[Attempt]:
    """Return the attempts of all runs; none where nothing ran on AWS Batch."""
    return list(iter_attempts(GrowingTable(results / USAGE).iter_new()))


def iter_attempts(rows: Iterable[Mapping[str, str]]) -> Iterator[Attempt]:
    """Yield the attempts of a table's rows that started: the others cost nothing."""
    for row in rows:
        if attempt := _to_attempt(row):
            yield attempt


def measure_tarballs(rows: Iterable[Row]) -> Tarballs:
    """Sum up the tarballs of a cohort's rows."""
    sizes = []
    genomes = 0
    for row in rows:
        genomes += row["status"] in {"complete", "excluded"}
        size = row.get("tarball_bytes")
        if isinstance(size, int) and size >= 0 and is_s3(str(row.get("tarball_path"))):
            sizes.append(size)
    return Tarballs(genomes, tuple(sizes))


def _to_attempt(row: Mapping[str, str]) -> Attempt | None:
    started, stopped = (_to_time(row.get(name)) for name in ("started", "stopped"))
    if started is None or stopped is None:
        return None
    booted = _to_time(row.get("booted"))
    vcpus = _to_number(row.get("instance_vcpus"), _MAX_VCPUS)
    text = {name: row.get(name) or "" for name in _TEXTS}
    return Attempt(
        **text,
        sample=sample_of(row.get("target") or ""),
        others=tuple(filter(None, map(sample_of, (row.get("more_targets") or "").split()))),
        vcpus=_to_number(row.get("vcpus"), _MAX_VCPUS) or 0.0,
        started=started,
        # A clock that went backwards makes no time that is given back.
        stopped=max(started, stopped),
        instance_vcpus=math.ceil(vcpus) if vcpus else None,
        booted=None if booted is None else min(booted, started),
        disk_gib=_to_number(row.get("disk_gib"), _MAX_GIB),
    )


def _to_time(cell: str | None) -> float | None:
    try:
        time = datetime.fromisoformat(cell or "")
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _to_number(cell: str | None, largest: float) -> float | None:
    try:
        number = float(cell or "")
    except ValueError:
        return None
    return number if 0 <= number <= largest else None
