"""Turn a user's list, or a folder of reads, into rows of the sheet; no archive is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from bactofleet.archives.runs import PUBLIC
from bactofleet.archives.search.experiments import species_of
from bactofleet.archives.search.filters import PLATFORMS, Rejection, check_access, check_word
from bactofleet.archives.search.folder import Doubt, find_genomes
from bactofleet.archives.search.left_out import Summary, open_summary
from bactofleet.archives.search.lists import ARCHIVE_COLUMNS, read_list
from bactofleet.archives.search.sheet import append_rows, names_in, read_known, read_known_files
from bactofleet.archives.tables import Cells
from bactofleet.core.config import load_schema
from bactofleet.core.project import SCHEMAS
from bactofleet.core.samples import (
    COLUMNS,
    SEPARATOR,
    Row,
    check_rows,
    file_of,
    files_in,
    find_column_fault,
    is_name,
    to_bp,
)

# https://github.com/bactopia/bactopia, modules/bactopia/gather: the types of reads and of
# assemblies, each with the sets of columns that it may fill. bactopia-search writes the platform
# into this column.
ACCESSION, PAIR, SINGLE = ({"accession"},), ({"r1", "r2"},), ({"se"},)
HYBRID = ({"r1", "r2", "ont"},)
RUNTYPES: dict[str, tuple[set[str], ...]] = {
    "illumina": ACCESSION,
    "sra_accession": ACCESSION,
    "paired-end": PAIR,
    "single-end": SINGLE,
    "ont": ({"ont"}, {"accession"}),
    "hybrid": HYBRID,
    "hybrid-merge-pe": HYBRID,
    "short_polish": HYBRID,
    "short_polish-merge-pe": HYBRID,
    "merge-pe": PAIR,
    "merge-se": SINGLE,
    "assembly": ({"assembly"}, {"accession"}),
}
# Up to Bactopia 3 a FOFN had `r1`, `r2` and `extra`: what these are called since, by runtype.
SINCE_BACTOPIA_4 = {
    **dict.fromkeys(("single-end", "merge-se"), ("r1", "se")),
    "ont": ("r1", "ont"),
    **{runtype: ("extra", "ont") for runtype, columns in RUNTYPES.items() if columns == HYBRID},
    "assembly": ("extra", "assembly"),
}
INPUTS = ("accession", "r1", "r2", "se", "ont", "extra", "assembly")
NOT_OWN = {*COLUMNS, *INPUTS, *ARCHIVE_COLUMNS, "runtype"}
# Bactopia's words for "not known".
UNKNOWN = {"genome_size": "0", "species": "UNKNOWN_SPECIES"}


def import_list(path: Path, output: Path) -> Summary:
    """Append the rows of a list to a sheet; return what was left out, and why.

    Raises `ConfigurationError` with every wrong line, without appending anything.
    """
    schema = load_schema(SCHEMAS / "samples.schema.yaml")
    known = read_known(output)
    rows: dict[int, Row] = {}
    problems: list[str] = []
    with open_summary(output) as summary:
        for number, cells in ((number, _rename(cells)) for number, cells in read_list(path)):
            summary.examined += 1
            row = _convert(cells)
            if reason := next(_find_rejections(cells, row, known), None):
                summary.leave_out(row["sample"], reason.name, f"line {number}: {reason.detail}")
            elif problem := _find_contradiction(cells):
                problems.append(f"line {number}: {problem}")
            else:
                rows[number] = row
                known |= names_in(row)
        check_rows(path, rows, schema, problems)
        if rows:
            append_rows(output, _columns_of(rows.values()), rows.values())
    return summary


def import_folder(folder: Path, output: Path) -> Summary:
    """Append the genomes of a folder of reads to a sheet; return what was left out, and why.

    Raises `ConfigurationError` if the folder has no FASTQ files.
    """
    schema = load_schema(SCHEMAS / "samples.schema.yaml")
    known, known_files = read_known(output), read_known_files(output)
    rows: dict[int, Row] = {}
    with open_summary(output) as summary:
        for number, genome in enumerate(find_genomes(folder), start=1):
            summary.examined += 1
            if doubt := _find_known(genome.row, known, known_files):
                summary.leave_out(genome.name, *doubt)
                continue
            if genome.row and not is_name(genome.row["sample"], schema):
                genome.row = {}
                genome.doubts = [Doubt("name", "its name does not fit a sheet")]
            for doubt in genome.doubts:
                summary.doubt(genome.name, doubt.detail, is_taken=bool(genome.row))
            if genome.row:
                rows[number] = genome.row
                known |= names_in(genome.row)
            else:
                summary.leave_out(genome.name, *genome.doubts[0])
        check_rows(folder, rows, schema, [])
        if rows:
            append_rows(output, _columns_of(rows.values()), rows.values())
    return summary


def _find_known(row: Row, known: set[str], known_files: set[object]) -> Doubt | None:
    """Say that a genome of a folder, by its name or its files, is in the sheet already."""
    if same := names_in(row) & known:
        return Doubt("in the sheet", f"the sheet, or a genome above, has {', '.join(same)}")
    if same_files := [name for name in files_in(row) if file_of(name) in known_files]:
        return Doubt("in the sheet", f"the sheet has {same_files[0]}")
    return None


def _columns_of(rows: Iterable[Row]) -> list[str]:
    """Return the columns that rows fill: the sheet's in their usual order, then the user's own."""
    present = dict.fromkeys(column for row in rows for column in row)
    return [*filter(present.__contains__, COLUMNS), *(c for c in present if c not in COLUMNS)]


def _rename(cells: Cells) -> Cells:
    """Return the cells of a row of any FOFN by the names of today's columns."""
    old, new = SINCE_BACTOPIA_4.get(cells.get("runtype", ""), ("", ""))
    if old not in cells or new in cells:
        return cells
    return {new if column == old else column: value for column, value in cells.items()}


def _convert(cells: Cells) -> Row:
    """Convert a row of a list to a row of the sheet.

    The user's own columns of a sheet are kept; other columns, and those that only look like one of
    the sheet's, are ignored. In a list, runs to be merged are separated by commas.
    """
    runtype = cells.get("runtype", "")
    row = {
        column: value
        for column, value in cells.items()
        if (column in COLUMNS or (not runtype and _is_own(column))) and value != UNKNOWN.get(column)
    }
    if runtype in ("single-end", "merge-se") and "se" in cells:
        row["r1"] = cells["se"]
    if "merge-" in runtype:
        row |= {mate: row[mate].replace(",", SEPARATOR) for mate in ("r1", "r2") if mate in row}
    if "genome_size" in row:
        row["genome_size"] = to_bp(row["genome_size"])
    # A taxonomic name need not be a species, but a species that the user gave must be one.
    given = row.pop("species", "")
    if species := species_of(given or cells.get("scientific_name", "")) or given:
        row["species"] = species
    return row | {"sample": row.get("sample") or row.get("accession", "")}


@cache
def _is_own(column: str) -> bool:
    return column not in NOT_OWN and not find_column_fault(column)


def _find_contradiction(cells: Cells) -> str:
    """Name the columns that contradict a row's runtype; "" if none do.

    The sheet's own checks refuse a row without any input.
    """
    given = set(INPUTS) & cells.keys()
    runtype = cells.get("runtype", "")
    if not (runtype and given):
        return ""
    meant = min(RUNTYPES[runtype], key=lambda columns: len(columns ^ given))
    wrong = [f"{column} is empty" for column in INPUTS if column in meant - given]
    wrong += [f"{column} is given" for column in INPUTS if column in given - meant]
    return f"runtype is {runtype}, {' and '.join(wrong)}" if wrong else ""


def _find_rejections(cells: Cells, row: Row, known: set[str]) -> Iterator[Rejection]:
    runtype = cells.get("runtype", "")
    if runtype and runtype not in RUNTYPES:
        yield Rejection("runtype", f"runtype is {runtype}, must be one of {', '.join(RUNTYPES)}")
    if not cells.keys() & {"sample", *INPUTS}:
        yield Rejection("reads", "it names no reads")
    if row.get("accession", "").startswith(("GCF_", "GCA_")):
        yield Rejection("assembly accession", "give it with its version in the column assembly")
    # Jobs ask the archive whether reads are long.
    allowed = {"platform": tuple(PLATFORMS.values()), "library source": (), "library strategy": ()}
    for name in filter(cells.__contains__, allowed):
        yield from check_word(name, cells[name], allowed[name])
    yield from check_access({cells.get("access", PUBLIC)} - {PUBLIC})
    if same := names_in(row) & known:
        names = ", ".join(sorted(same))
        yield Rejection("in the sheet", f"the sheet, or a line above, has {names}")
