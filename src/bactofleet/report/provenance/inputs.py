"""inputs.tsv: every input file of the cohort, with its source, size and checksums.

docs/provenance.md shows the same columns; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bactofleet.core.files import open_atomically
from bactofleet.core.text import to_cell
from bactofleet.report.columns import Column
from bactofleet.report.rows import InputFile

COLUMNS = (
    Column("sample", "text", "", "name of the genome in the sample sheet"),
    Column("run", "text", "", "accession of the run, for reads from an archive"),
    Column(
        "provider",
        "text",
        "",
        "provider, for reads from an archive: `ena`, `sra-odp` or `sra`",
    ),
    Column("source", "text", "", "path, or address without its query"),
    Column("bytes", "whole", "bytes", "size"),
    Column("md5", "text", "", "MD5 as given by the source, compared with the file"),
    Column("sha256", "text", "", "SHA-256 of the data that were read"),
)


def write_inputs(inputs: Iterable[InputFile], path: Path) -> None:
    """Write tab-separated text in UTF-8, one file per line, in the order of the sample sheet."""
    with open_atomically(path) as table:
        table.write("\t".join(column.name for column in COLUMNS) + "\n")
        for file in inputs:
            table.write("\t".join(map(to_cell, file)) + "\n")
