"""What a run recorded about its resource usage: attempts in usage.tsv, tarballs in receipts.

Neither is trusted: a cell that is not a valid number or time counts as empty, and text may be
anything, so that code that shows it must take care.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bactofleet.core.destination import is_s3
from bactofleet.records.folder import USAGE, sample_of
from snakemake_executor_plugin_aws_batch_array import api

SUCCEEDED, RECLAIMED = api.SUCCEEDED, api.RECLAIMED
# No machine has larger values; they would make the sums of a bill meaningless.
_MAX_VCPUS = 4096
_MAX_GIB = 65536


@dataclass(frozen=True)
class Attempt:
    """One attempt that started; times are in seconds since the epoch; unknown values are None."""

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
        """All genomes that it was meant to make."""
        return tuple(filter(None, (self.sample, *self.others)))

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return self.stopped - self.started

    @property
    def vcpu_hours(self) -> float:
        """The vCPUs that it had requested, times its hours."""
        return self.vcpus * self.seconds / 3600


@dataclass(frozen=True)
class Tarballs:
    """Results on S3: the number of genomes that have a tarball, and their sizes in bytes."""

    genomes: int
    """Those with a receipt, complete or excluded."""
    bytes: tuple[int, ...]


def open_usage(results: Path) -> api.TableReader[api.UsageRow]:
    """Return the reader of the table that the executor appends attempts to."""
    return api.TableReader(results / USAGE, api.UsageRow)


def read_attempts(results: Path) -> list[Attempt]:
    """Return the attempts of all runs; none if nothing ran on AWS Batch."""
    return list(iter_attempts(open_usage(results).iter_new()))


def iter_attempts(rows: Iterable[api.UsageRow]) -> Iterator[Attempt]:
    """Yield the attempts of a table's rows that started: the others cost nothing."""
    for row in rows:
        if attempt := _to_attempt(row):
            yield attempt


def measure_tarballs(tarballs: Iterable[tuple[object, object]]) -> Tarballs:
    """Sum up the tarballs of genomes that have a receipt."""
    sizes = []
    genomes = 0
    for path, size in tarballs:
        genomes += 1
        if isinstance(size, int) and size >= 0 and is_s3(str(path)):
            sizes.append(size)
    return Tarballs(genomes, tuple(sizes))


def _to_attempt(row: api.UsageRow) -> Attempt | None:
    started, stopped = map(api.parse_time, (row.started, row.stopped))
    if started is None or stopped is None:
        return None
    booted = api.parse_time(row.booted)
    vcpus = _limit(row.instance_vcpus, _MAX_VCPUS)
    return Attempt(
        sample=sample_of(row.target),
        others=tuple(filter(None, map(sample_of, row.more_targets.split()))),
        outcome=row.outcome,
        queue=row.queue,
        instance_type=row.instance_type,
        instance_id=row.instance_id,
        zone=row.zone,
        life_cycle=row.life_cycle,
        vcpus=_limit(row.vcpus, _MAX_VCPUS) or 0.0,
        started=started,
        # A clock that was set back must not give a negative time.
        stopped=max(started, stopped),
        instance_vcpus=math.ceil(vcpus) if vcpus else None,
        booted=None if booted is None else min(booted, started),
        disk_gib=_limit(row.disk_gib, _MAX_GIB),
    )


def _limit(number: float | None, largest: float) -> float | None:
    return number if number is not None and 0 <= number <= largest else None
