"""Tables that another process appends to, such as those of the executor (docs/executor.md)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path


class GrowingTable:
    """A tab-separated file with a header that rows are appended to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._columns: list[str] = []

    def iter_new(self) -> Iterator[dict[str, str]]:
        """Yield the rows that were added since the last time; one half written waits."""
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
                yield dict(zip(self._columns, cells, strict=False))
            else:
                self._columns = cells
