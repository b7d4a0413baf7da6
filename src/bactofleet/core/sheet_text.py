"""The text of a sheet or list as editors and spreadsheets save it, and its cells.

Beside tab-separated UTF-8, these are taken: a byte order mark, UTF-16, Windows line ends, quoted
cells (RFC 4180), empty rows, empty columns at the end, and commas or semicolons between the cells
of a file whose name ends with `.csv`.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bactofleet.core.errors import ConfigurationError

TAB = "\t"
# .xlsx and .ods are ZIP files; .xls is a compound file.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

Cells = list[str]
"""The cells of a row."""


@dataclass(slots=True)
class Text:
    """The lines of a file without their ends, and what is unusual or wrong about them."""

    lines: list[str]
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """A sheet's columns and rows, each with its line number (from 1)."""

    header: Cells = field(default_factory=list)
    first_line: int = 1
    rows: list[tuple[int, Cells]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is unusual about the file and was understood, as sentences."""
    problems: list[str] = field(default_factory=list)
    """What cannot be read."""


def read_text(path: Path) -> Text:
    """Return the text of a file; what is not UTF-8 or UTF-16 becomes U+FFFD and a problem.

    Raises `ConfigurationError` for a workbook of a spreadsheet program.
    """
    data = path.read_bytes()
    if data.startswith(_WORKBOOKS):
        raise ConfigurationError(
            [
                f"{path} is a workbook of a spreadsheet program; save its sheet as text (in Excel: "
                "Save As, 'CSV UTF-8' or 'Text (Tab delimited)'), and name that file"
            ]
        )
    mark = data[:2]
    if mark in _UTF16:
        text = Text(data[2:].decode(_UTF16[mark], errors="replace").split("\n"))
        text.notes.append("it is UTF-16, as Excel saves 'Unicode Text'")
    else:
        text = Text(data.removeprefix(codecs.BOM_UTF8).decode(errors="replace").split("\n"))
        if data.startswith(codecs.BOM_UTF8):
            text.notes.append("it starts with a byte order mark, which is ignored")
    if any(line.endswith("\r") for line in text.lines):
        text.notes.append("it has Windows line ends")
        text.lines = [line.removesuffix("\r") for line in text.lines]
    if bad := next((i for i, line in enumerate(text.lines, start=1) if "\ufffd" in line), None):
        text.problems.append(f"line {bad}: it is not UTF-8; save it as UTF-8")
    return text


def read_table(path: Path) -> Table:
    """Return the cells of a sheet, without empty rows and comments (lines that begin with #).

    Raises `ConfigurationError` for a workbook of a spreadsheet program.
    """
    text = read_text(path)
    table = Table(notes=text.notes, problems=text.problems)
    lines = ["" if line.startswith("#") else line for line in text.lines]
    separator = separator_of(path, next(filter(None, lines), ""))
    if separator != TAB:
        table.notes.append(f"its cells are separated by {separator!r}")
    try:
        table.rows += (row for row in iter_cells(lines, separator) if any(row[1]))
    except csv.Error as error:
        table.problems.append(str(error))
    if table.rows:
        table.first_line, table.header = table.rows.pop(0)
    if table.rows and any('"' in line for line in lines):
        _note_quotes(table, lines)
    _drop_empty_columns(table)
    return table


def separator_of(path: Path, header: str) -> str:
    """Return what separates the cells of a file, by its name and the line of its columns."""
    if path.suffix.lower() != ".csv":
        return TAB
    return next((mark for mark in (TAB, ",", ";") if mark in header), ",")


def iter_cells(lines: Sequence[str], separator: str) -> Iterator[tuple[int, Cells]]:
    """Yield line number and cells of each line that is not empty.

    Raises `csv.Error` with the line for quotes that do not match.
    """
    if not any('"' in line for line in lines):
        yield from ((i, line.split(separator)) for i, line in enumerate(lines, start=1) if line)
        return
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=separator, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise csv.Error(f"line {number}: its quotes do not match: {error}") from error
        if cells is None:
            return
        if cells:
            yield number, cells


def _note_quotes(table: Table, lines: Sequence[str]) -> None:
    for number, cells in ((table.first_line, table.header), *table.rows):
        if sum(cell.count('"') for cell in cells) != lines[number - 1].count('"'):
            table.notes.append(f"it has quoted cells (line {number}), which are read without them")
            return


def _drop_empty_columns(table: Table) -> None:
    """Drop columns at the end that have no name, where they have no cells either."""
    width = len(table.header)
    while width and not table.header[width - 1]:
        width -= 1
    if width < len(table.header) or any(len(cells) > width for _, cells in table.rows):
        table.notes.append("it has empty columns at its end, which are ignored")
    del table.header[width:]
    for _, cells in table.rows:
        if not any(cells[width:]):
            del cells[width:]
