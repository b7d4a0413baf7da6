"""The two tables that the executor appends to: failures.tsv and usage.tsv."""

import csv
import threading
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FailureRow:
    """One failed child; what happens next is `retried` or `final`."""

    time: str
    run: str
    job: str
    target: str
    queue: str
    job_id: str
    cause: str
    exit_code: int | None
    reclaimed: int
    next: str
    reason: str
    log_url: str


@dataclass(frozen=True)
class UsageRow:
    """One attempt; what the metadata service did not tell is empty."""

    run: str
    job: str
    target: str
    job_id: str
    attempt: int
    outcome: str
    queue: str
    instance_type: str
    instance_id: str
    zone: str
    life_cycle: str
    vcpus: int
    memory_mib: int
    started: str
    stopped: str
    instance_vcpus: int | str
    booted: str
    disk_gib: int | str
    more_targets: str


class Table:
    """A tab-separated file with a header, made when the first row comes.

    A file of an earlier version, which had fewer columns, is gone on with as it is.
    """

    def __init__(self, path: Path, row_type: type[FailureRow] | type[UsageRow]) -> None:
        self._path = path
        self._columns = [column.name for column in fields(row_type)]
        self._lock = threading.Lock()

    def append(self, rows: list[Any]) -> None:
        """Add rows; a tab or a line break in a value becomes a space."""
        if not rows:
            return
        with self._lock, self._path.open("a+", newline="") as handle:
            handle.seek(0)
            header = handle.readline().split()
            writer = csv.DictWriter(
                handle,
                header or self._columns,
                dialect="excel-tab",
                lineterminator="\n",
                extrasaction="ignore",
            )
            if not header:
                writer.writeheader()
            writer.writerows({name: _clean(v) for name, v in asdict(row).items()} for row in rows)


def _clean(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def format_time(epoch_ms: int | None) -> str:
    """ISO 8601 in UTC, from the milliseconds of Batch; empty if there are none."""
    if epoch_ms is None:
        return ""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="seconds")
