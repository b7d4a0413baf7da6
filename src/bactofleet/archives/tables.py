"""Read the tables that archives return: complete and with the requested columns, or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection

from bactofleet.archives.retry import Unavailable

# How many characters of an answer a message shows.
EXCERPT = 60

Cells = dict[str, str]


def read_table(
    answer: bytes, source: str, fields: Collection[str], dialect: type[csv.Dialect]
) -> list[Cells]:
    """Return the rows of a table by column; skip empty lines and repeated headers.

    The header must have all of `fields`, and each row a cell for every column. An HTML page, an XML
    error, an empty body or a truncated table raises `Unavailable`, which names the `source`.
    """
    text = answer.decode("utf-8-sig", errors="replace")
    try:
        # Lines end only at \n or \r\n; splitlines() also splits at characters within names.
        cells = [row for row in csv.reader(io.StringIO(text, newline="\n"), dialect) if any(row)]
    except csv.Error as error:
        raise Unavailable(f"{source} answers with a table that cannot be read: {error}") from error
    header = cells[0] if cells else []
    if lacking := [field for field in fields if field not in header]:
        raise Unavailable(
            f"{source}'s answer does not have the documented form: "
            f"{text[:EXCERPT]!r} has no column "
            f"{lacking[0]}"
        )
    if any(len(row) != len(header) for row in cells):
        raise Unavailable(f"the answer of {source} is cut short")
    known = header.index(next(iter(fields)))
    rows = (row for row in cells if row[known] != header[known])
    return [dict(zip(header, row, strict=True)) for row in rows]


class Tsv(csv.Dialect):
    """Cells separated by tabs, without quotes."""

    delimiter = "\t"
    lineterminator = "\n"
    quoting = csv.QUOTE_NONE
