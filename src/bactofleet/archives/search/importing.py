"""From a list that a user has to rows of the sample sheet, asking nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bactofleet.archives.search.experiments import species_of
from bactofleet.archives.search.filters import Reason
from bactofleet.archives.search.lists import read_list
from bactofleet.archives.search.sheet import append_rows, names_in, read_known
from bactofleet.archives.search.tally import open_tally
from bactofleet.core.config import SCHEMAS, load_schema
from bactofleet.core.samples import SEPARATOR, Row, check_rows

# https://github.com/bactopia/bactopia, modules/bactopia/gather: those of Illumina reads and of
# assemblies. bactopia-search writes the platform into this column.
RUNTYPES = (
    *("", "illumina", "sra_accession", "paired-end", "single-end", "merge-pe", "merge-se"),
    "assembly",
)
# What Bactopia writes for what is not known.
UNKNOWN = {"genome_size": "0", "species": "UNKNOWN_SPECIES"}


def import_list(path: Path, output: Path) -> None:
    """Append the rows of a list to a sheet, and say what was left out.

    Raises `ConfigurationError` with every wrong line; nothing is appended then.
    """
    schema = load_schema(SCHEMAS / "samples.schema.yaml")
    known = read_known(output, schema)
    rows: dict[int, Row] = {}
    with open_tally(output) as tally:
        for number, cells in read_list(path):
            tally.looked_at += 1
            row = _convert(cells, schema)
            if reason := _find_reason(cells, row, known):
                tally.leave_out(row["sample"], reason.name, f"line {number}: {reason.detail}")
            else:
                rows[number] = row
                known |= names_in(row)
        if rows:
            check_rows(path, rows.items(), schema)
            columns = [c for c in schema["properties"] if any(c in row for row in rows.values())]
            append_rows(output, columns, rows.values())
    tally.print("rows", output)


def _convert(cells: dict[str, str], schema: dict[str, Any]) -> Row:
    """Return a row of the sheet for one of a list; columns that the sheet has not are passed over.

    Bactopia's FOFN of today has single-end reads and assemblies in columns of their own, that of
    its first versions has both in `r1` and `extra`; runs to be merged are separated by commas.
    """
    row = {
        column: value
        for column, value in cells.items()
        if column in schema["properties"] and value != UNKNOWN.get(column)
    }
    runtype = cells.get("runtype", "")
    if runtype == "assembly" and "extra" in cells:
        row["assembly"] = cells["extra"]
    if runtype in ("single-end", "merge-se") and "se" in cells:
        row["r1"] = cells["se"]
    if runtype.startswith("merge-"):
        row |= {mate: row[mate].replace(",", SEPARATOR) for mate in ("r1", "r2") if mate in row}
    if species := species_of(row.pop("species", "")):
        row["species"] = species
    return row | {"sample": row.get("sample") or row.get("accession", "")}


def _find_reason(cells: dict[str, str], row: Row, known: set[str]) -> Reason | None:
    runtype = cells.get("runtype", "")
    if runtype not in RUNTYPES:
        allowed = ", ".join(filter(None, RUNTYPES))
        return Reason("runtype", f"runtype is {runtype}, allowed is one of {allowed}")
    if row.get("accession", "").startswith(("GCF_", "GCA_")):
        return Reason("assembly accession", "give the assembly's file in the column assembly")
    if same := names_in(row) & known:
        return Reason("in the sheet", f"the sheet, or a line above, has {', '.join(sorted(same))}")
    return None
