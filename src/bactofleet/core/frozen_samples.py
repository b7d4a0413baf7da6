"""The samples and parameters of a run as they were when it began.

A job may start days after the run, on another machine, when the sheet has been edited or is half
saved. The main process checks the sheet once and writes its rows here; jobs and stages read this
file alone. It is an SQLite database, so that each of 67,000 jobs finds its row without reading the
others, and only its owner may read it: a row may hold a URL with a signature.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from bactofleet.core.errors import TemporaryFailure
from bactofleet.core.files import replace_atomically
from bactofleet.core.samples import Row, Samples, own_cells

_TABLE = "CREATE TABLE sample (position INTEGER PRIMARY KEY, name TEXT UNIQUE, cells TEXT)"
_PARAMETERS = "CREATE TABLE parameters (options TEXT)"


class FrozenSamples(Samples):
    """The samples of such a file, in the order of the sheet; it is opened on first use.

    Raises `TemporaryFailure` if the file is missing or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def row(self, name: str) -> Row:
        """Return the cells of a sample by column, without the empty ones."""
        for (cells,) in self._ask("SELECT cells FROM sample WHERE name = ?", name):
            return json.loads(cells)  # type: ignore[no-any-return]
        raise KeyError(name)

    def parameters(self) -> dict[str, Any]:
        """Return the options that change the result, with the checksums of files."""
        return json.loads(self._ask("SELECT options FROM parameters")[0][0])  # type: ignore[no-any-return]

    def own_cells(self) -> dict[str, Row]:
        """Return the cells of the user's own columns, of the samples that have any."""
        rows = self._ask("SELECT name, cells FROM sample ORDER BY position")
        return own_cells((name, json.loads(cells)) for name, cells in rows)

    def __iter__(self) -> Iterator[str]:
        return iter([name for (name,) in self._ask("SELECT name FROM sample ORDER BY position")])

    def __len__(self) -> int:
        return int(self._ask("SELECT count(*) FROM sample")[0][0])

    def _ask(self, query: str, *values: str) -> list[tuple[str, ...]]:
        # Nobody writes to it, so it needs no locks, which a network file system may lack.
        address = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(address, uri=True)) as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise TemporaryFailure(
                f"{self._path}, the samples as they were when the run began, cannot be read: "
                f"{error}; jobs are started by the workflow, which writes it"
            ) from error


def freeze_samples(path: Path, samples: Samples, parameters: Mapping[str, Any]) -> None:
    """Write all samples and the parameters for jobs; the file replaces that of an earlier run."""
    rows = ((name, json.dumps(samples.row(name), ensure_ascii=False)) for name in samples)
    with replace_atomically(path) as partial:
        partial.touch(mode=0o600)
        # Nobody else uses it yet, so it needs no locks either.
        address = f"{partial.absolute().as_uri()}?vfs=unix-none"
        with closing(sqlite3.connect(address, uri=True)) as connection, connection:
            connection.execute(_TABLE)
            connection.execute(_PARAMETERS)
            connection.execute("INSERT INTO parameters VALUES (?)", (json.dumps(parameters),))
            connection.executemany("INSERT INTO sample (name, cells) VALUES (?, ?)", rows)
