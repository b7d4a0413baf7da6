"""The two tables that the executor appends to, failures.tsv and usage.tsv: written and read."""

import csv
import errno
import io
import math
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from .text import to_cell

# `next` of a failure that is not retried.
FINAL = "final"
COLLECTED_LATER = "collected by the next start"
# `outcome` of an attempt.
SUCCEEDED = "succeeded"
RECLAIMED = "reclaimed"


@dataclass(frozen=True)
class FailureRow:
    """One failed child; what happens next is `retried ...` or `final`."""

    time: str
    run: str
    job: str
    target: str
    queue: str
    job_id: str
    cause: str
    exit_code: float | None
    reclaimed: float | None
    next: str
    reason: str
    log_url: str


@dataclass(frozen=True)
class UsageRow:
    """One attempt; values that the metadata service did not give are empty or None."""

    run: str
    job: str
    target: str
    job_id: str
    attempt: float | None
    outcome: str
    queue: str
    instance_type: str
    instance_id: str
    zone: str
    life_cycle: str
    vcpus: float | None
    memory_mib: float | None
    started: str
    stopped: str
    instance_vcpus: float | None
    booted: str
    disk_gib: float | None
    more_targets: str


Row = TypeVar("Row", FailureRow, UsageRow)


class Table:
    """A tab-separated file with a header, created with the first row.

    A file of an earlier version, with fewer columns, is continued as it is.
    """

    def __init__(
        self,
        path: Path,
        row_type: type[FailureRow] | type[UsageRow],
        ask: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        """Name the file; `ask` runs each change of it, and again if the disk was full."""
        self._path = path
        self._columns = [column.name for column in fields(row_type)]
        self._lock = threading.Lock()
        self._ask = ask or (lambda call: call())

    def append(self, rows: list[Any]) -> None:
        """Add rows, all of them or none; a value becomes a cell (text.to_cell)."""
        if rows:
            self._ask(lambda: self._write(rows))

    def _write(self, rows: list[Any]) -> None:
        with self._lock, self._path.open("a+b", buffering=0) as handle:
            handle.seek(0)
            header = handle.readline().decode("utf-8", "replace").split()
            text = io.StringIO()
            writer = csv.DictWriter(
                text,
                header or self._columns,
                dialect="excel-tab",
                lineterminator="\n",
                extrasaction="ignore",
            )
            if not header:
                writer.writeheader()
            writer.writerows({name: to_cell(v) for name, v in asdict(row).items()} for row in rows)
            content = text.getvalue().encode()
            end = handle.seek(0, os.SEEK_END)
            if handle.write(content) != len(content):
                handle.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))


class TableReader(Generic[Row]):
    """Reads a table that a controller may be appending to; each time only the new rows.

    Nothing in the file is trusted: a number that cannot be read is None, text may be anything, and
    a column that the file does not have is empty.
    """

    def __init__(self, path: Path, row_type: type[Row]) -> None:
        self._path = path
        self._row_type: type[Row] = row_type
        self._is_text = {column.name: column.type is str for column in fields(row_type)}
        self._offset = 0
        self._columns: list[str] = []

    def iter_new(self) -> Iterator[Row]:
        """Yield the rows added since the last call; an incomplete row is left for the next one."""
        if not self._path.is_file():
            return
        with self._path.open("rb") as handle:
            handle.seek(self._offset)
            added = handle.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        lines = whole.decode("utf-8", "replace").split("\n")[:-1]
        for cells in csv.reader(lines, dialect="excel-tab"):
            if self._columns:
                yield self._parse(dict(zip(self._columns, cells, strict=False)))
            else:
                self._columns = cells

    def _parse(self, row: dict[str, str]) -> Row:
        cells = {name: row.get(name, "") for name in self._is_text}
        values: dict[str, Any] = {
            name: cell if self._is_text[name] else _parse_number(cell)
            for name, cell in cells.items()
        }
        return self._row_type(**values)


def format_time(epoch_ms: int | None) -> str:
    """ISO 8601 in UTC, from Batch's milliseconds since the epoch; empty if there are none."""
    if epoch_ms is None:
        return ""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="seconds")


def parse_time(cell: str) -> float | None:
    """Seconds since the epoch; None if it is not a time or has no time zone."""
    try:
        time = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return time.timestamp() if time.tzinfo else None


def _parse_number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
