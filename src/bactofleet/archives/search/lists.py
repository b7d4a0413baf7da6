"""Lists that users have: one accession a line, or a table with a header, such as Bactopia's.

https://bactopia.github.io/latest/full-guide/: columns are found by their names, because
Bactopia's own tables differ in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bactofleet.core.errors import ConfigurationError

HEADER_COLUMNS = {"accession", "sample"}


def read_list(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and the cells by column of each row, without the empty cells.

    The first line is a header if it has a column `accession` or `sample`; without one every line
    is an accession. Raises `ConfigurationError` where the file is missing, not text, or has rows
    that do not fit its header.
    """
    header: list[str] = []
    for number, cells in _iter_lines(path):
        if not header:
            header = [cell.lower() for cell in cells]
            if HEADER_COLUMNS & set(header):
                continue
            header = ["accession"]
        yield number, _to_row(path, number, header, cells)


def _iter_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open(encoding="utf-8-sig") as handle:
            for number, line in enumerate(handle, start=1):
                if line.strip() and not line.startswith("#"):
                    yield number, [cell.strip() for cell in line.rstrip("\n").split("\t")]
    except FileNotFoundError as error:
        raise ConfigurationError([f"{path}: there is no such file"]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{path}: it is not UTF-8 text: {error}"]) from error


def _to_row(path: Path, number: int, header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) > len(header):
        raise ConfigurationError(
            [
                f"{path}, line {number}: {len(cells)} cells are given for the columns "
                f"{', '.join(header)}; a table needs a header with a column accession or sample"
            ]
        )
    return {column: cell for column, cell in zip(header, cells, strict=False) if cell}
