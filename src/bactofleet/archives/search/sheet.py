"""Append rows to a user's sample sheet without changing the existing rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import open_atomically
from bactofleet.core.samples import (
    COLUMNS,
    SEPARATOR,
    Row,
    file_of,
    files_in,
    find_column_fault,
)
from bactofleet.core.sheet_text import read_table


def read_known(path: Path) -> set[str]:
    """Return the case-folded names in a sheet, if there is one: samples, accessions and runs.

    Raises `ConfigurationError` if the file is not a sheet, before any archive is asked.
    """
    if not path.exists():
        return set()
    table = read_table(path)
    if table.problems:
        raise ConfigurationError([f"{path}, {problem}" for problem in table.problems])
    if table.notes:
        raise ConfigurationError(
            [
                f"{path}: {'; '.join(table.notes)}; rows are added only to plain tab-separated "
                "UTF-8: name another file as --output "
                f"(`bactofleet import {path} --output NEW.tsv` makes one of this sheet)"
            ]
        )
    unknown = {column for column in table.header if find_column_fault(column)}
    if not set(table.header) & set(COLUMNS):
        unknown = set(table.header)
    if unknown:
        raise ConfigurationError(
            [
                f"{path}: it has the columns {', '.join(sorted(map(repr, unknown)))}, which a "
                "sample sheet has not; name another file as --output, or correct its header"
            ]
        )
    rows = (dict(zip(table.header, cells, strict=False)) for _, cells in table.rows)
    return {name for row in rows for name in names_in(row)}


def read_known_files(path: Path) -> set[object]:
    """Return what identifies the read files that a sheet names, if there is one (`file_of`)."""
    if not path.exists():
        return set()
    table = read_table(path)
    rows = (dict(zip(table.header, cells, strict=False)) for _, cells in table.rows)
    return {file_of(name) for row in rows for name in files_in(row)}


def names_in(row: Row) -> set[str]:
    """Return the case-folded names by which a repeated row is recognized."""
    runs = row.get("runs", "").split(SEPARATOR)
    names = (row.get("sample", ""), row.get("accession", ""), *runs)
    return {name.casefold() for name in names if name}


def append_rows(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Append rows to a sheet, all or none; columns that it lacks are added at the end.

    Existing rows are not changed: the cells that they lack at the end count as empty.
    """
    # A link to a sheet stays a link.
    path = path.resolve()
    given = _read_header(path) if path.exists() else []
    header = given + [column for column in columns if column not in given]
    with open_atomically(path) as sheet:
        if not given:
            sheet.write("\t".join(header) + "\n")
        if path.exists():
            _copy(path, sheet, header)
            shutil.copymode(path, sheet.name)
        for row in rows:
            sheet.write("\t".join(row.get(column, "") for column in header) + "\n")


def _iter_cells(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in filter(_is_row, lines):
            yield line.removesuffix("\n").split("\t")


def _read_header(path: Path) -> list[str]:
    return next(_iter_cells(path), [])


def _is_row(line: str) -> bool:
    return line[:1] not in ("#", "\n", "")


def _copy(path: Path, sheet: TextIO, header: list[str]) -> None:
    """Copy a sheet line by line, with a new header and a line end after its last line."""
    line = "\n"
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            if header and _is_row(line):
                sheet.write("\t".join(header) + "\n")
                header = []
            else:
                sheet.write(line)
    if not line.endswith("\n"):
        sheet.write("\n")
