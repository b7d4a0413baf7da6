"""Rows of usage.tsv as the executor writes them."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from snakemake_executor_plugin_aws_batch_array.tables import Table, UsageRow, format_time

# Midnight of a day, so that seconds are easy to read.
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC).timestamp()


def at(seconds: float | None) -> str:
    """The time so many seconds after midnight, as the table has it."""
    return "" if seconds is None else format_time(round((MIDNIGHT + seconds) * 1000))


def make_row(
    sample: str = "a",
    started: float | None = 0.0,
    stopped: float | None = 3600.0,
    booted: float | None = None,
    **cells: Any,
) -> UsageRow:
    """An attempt on a spot instance of the type m6i.xlarge; times are seconds after midnight."""
    values: dict[str, Any] = {
        "run": "run",
        "job": "genome",
        "target": f"results/receipts/{sample}.json",
        "job_id": "id:0",
        "attempt": 1,
        "outcome": "succeeded",
        "queue": "genomes",
        "instance_type": "m6i.xlarge",
        "instance_id": "i-1",
        "zone": "us-east-1a",
        "life_cycle": "spot",
        "vcpus": 4,
        "memory_mib": 14336,
        "started": at(started),
        "stopped": at(stopped),
        "instance_vcpus": "",
        "booted": at(booted),
        "disk_gib": "",
        "more_targets": "",
    }
    return UsageRow(**(values | cells))


def write_usage(results: Path, rows: Iterable[UsageRow]) -> Path:
    """Append rows to a run's table."""
    results.mkdir(parents=True, exist_ok=True)
    path = results / "usage.tsv"
    Table(path, UsageRow).append(list(rows))
    return path


def iter_fleet(samples: Iterable[str]) -> Iterator[UsageRow]:
    """Attempts of about an hour, four at a time on instances of 16 vCPUs; some are reclaimed."""
    rng = random.Random(1)
    for number, sample in enumerate(samples):
        host, place = divmod(number, 40)
        started = 60 + 3600 * (place // 4)
        seconds = rng.randrange(2400, 3600)
        cells = {"instance_id": f"i-{host}", "instance_type": "m6i.4xlarge", "disk_gib": 60}
        if rng.random() < 0.05:
            yield make_row(sample, started, started + 600, 0, outcome="reclaimed", **cells)
            started += 7200
        yield make_row(sample, started, started + seconds, 0, **cells)
