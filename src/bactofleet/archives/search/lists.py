"""Lists from users: one accession per line, or a table with a header.

Columns are found by name, in the table's order. Tables of accessions and files are Bactopia's
(https://bactopia.github.io/latest/full-guide/) and our own sheets. Tables of archives are ENA's
report, SRA's runinfo and its Run Selector, and NCBI Pathogen Detection's isolates; they are
separated by tabs or commas. `core.sheet_text` says what else may come from a spreadsheet.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from bactofleet.archives.tables import Cells
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.sheet_text import TAB, iter_cells, read_text, separator_of

OUR_COLUMNS = {"accession", "sample"}
# Our names for the columns needed from an archive's table, and the tables' names for them.
ARCHIVE_COLUMNS = {
    "scientific_name": (
        *("scientific_name", "scientificname", "scientific name", "organism", "organism group"),
    ),
    "platform": ("instrument_platform", "platform"),
    "library source": ("library_source", "librarysource"),
    "library strategy": ("library_strategy", "librarystrategy", "assay type"),
    "access": ("consent",),
}
# An experiment is a genome; a run may be part of one. A BioSample is used only if a table has no
# column of runs; in a table that has one, an isolate without a run has no reads.
READS = ("experiment_accession", "experiment", "run_accession", "run", "acc")
SAMPLES = ("biosample_acc", "biosample", "sample_accession")
# Their words for "not known".
UNKNOWN = ("NULL", "-")


def read_list(path: Path) -> Iterator[tuple[int, Cells]]:
    """Yield the line number and the cells by column of each row, without the empty cells.

    From an archive's table these are `accession` and those of `ARCHIVE_COLUMNS` that it has.
    Without a header, every line is an accession. Raises `ConfigurationError` if the file is
    missing, is not text, or has rows that do not fit its header.
    """
    rows = _iter_cells(path)
    number, first = next(rows, (0, []))
    header = _to_names(first)
    if _is_of_archive(header):
        reads = READS if set(READS) & set(header) else SAMPLES
        columns = {"accession": reads, **ARCHIVE_COLUMNS}
        yield from (
            (number, _select(_to_row(path, number, header, row), columns)) for number, row in rows
        )
        return
    if not OUR_COLUMNS & set(header):
        header = ["accession"]
        if first:
            yield number, _to_row(path, number, header, first)
    if repeated := sorted({column for column in header if header.count(column) > 1}):
        raise ConfigurationError(
            [f"{path}, line {number}: the column {', '.join(repeated)} occurs more than once"]
        )
    yield from ((number, _to_row(path, number, header, row)) for number, row in rows)


def _is_of_archive(header: list[str]) -> bool:
    return bool({*READS, *SAMPLES} & set(header)) and not {"accession", "r1"} & set(header)


def _to_names(cells: list[str]) -> list[str]:
    """Return the names of columns, which may have quotes; the first may begin with #."""
    return [cell.strip().strip('"').removeprefix("#").lower() for cell in cells]


def _select(cells: Cells, columns: dict[str, tuple[str, ...]]) -> Cells:
    """Return the needed cells of a row of an archive's table, by our names."""
    known = {column: cell for column, cell in cells.items() if cell not in UNKNOWN}
    return {
        name: known[found]
        for name, theirs in columns.items()
        if (found := next((column for column in theirs if column in known), ""))
    }


def _iter_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of each line; a first line of column names may begin with #."""
    try:
        text = read_text(path)
    except FileNotFoundError as error:
        raise ConfigurationError([f"{path} does not exist"]) from error
    if text.problems:
        raise ConfigurationError([f"{path}, {problem}" for problem in text.problems])
    lines = text.lines
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    separator = separator_of(path, lines[first])
    if separator == TAB not in lines[first] and _is_of_archive(_to_names(lines[first].split(","))):
        separator = ","
    is_header = _is_of_archive(_to_names(_strip(lines[first].split(separator))))
    data = [
        "" if line.startswith("#") and not (number == first and is_header) else line
        for number, line in enumerate(lines)
    ]
    try:
        for number, cells in iter_cells(data, separator):
            if any(stripped := _strip(cells)):
                yield number, stripped
    except csv.Error as error:
        raise ConfigurationError([f"{path}, {error}"]) from error


def _strip(cells: list[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def _to_row(path: Path, number: int, header: list[str], cells: list[str]) -> Cells:
    if len(cells) > len(header):
        raise ConfigurationError(
            [
                f"{path}, line {number}: {len(cells)} cells are given for the columns "
                f"{', '.join(header)}; a table needs a header with a column accession or sample"
            ]
        )
    return {column: cell for column, cell in zip(header, cells, strict=False) if cell}
