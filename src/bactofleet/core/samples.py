"""The sample sheet: one row for each genome, checked once before anything runs.

Columns: `sample`, then exactly one kind of input per row (`accession`; reads; `assembly`), and
optionally `genome_size` (bp) and `species`. Reads are short ones (`r1` with or without `r2`), long
ones of Nanopore (`ont`) or PacBio HiFi (`hifi`), or both. Several files of one column, the runs of
one experiment, are separated by semicolons and joined in the order given.

A row with an accession may also hold what the archives say about it (`runs`, `layout`, `spots`,
`bases`, `fastq`, `fastq_md5`, `fastq_bytes`), so that a worker need not ask them.

All other columns are the user's own: they go to the cohort's table and decide nothing.
"""

from __future__ import annotations

import csv
import difflib
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bactofleet.core.errors import ConfigurationError
from bactofleet.core.sheet_text import TAB, Table, read_table

if TYPE_CHECKING:
    import jsonschema

SEPARATOR = ";"
# Long reads, by the technology that made them.
LONG_COLUMNS = ("ont", "hifi")
HYBRID = "short_polish"
# Types of rows with files of long reads.
LONG_RUNTYPES = (*LONG_COLUMNS, HYBRID)
# The files of a row, in the order in which they are fetched.
FILE_COLUMNS = ("r1", "r2", *LONG_COLUMNS, "assembly")
# The columns of each kind of input; r2 alone is none.
KINDS = {"accession": ("accession",), "reads": ("r1", *LONG_COLUMNS), "assembly": ("assembly",)}
# Their values are separated by semicolons, one for each value of the column that they belong to.
RUN_COLUMNS = ("runs", "spots", "bases")
FASTQ_COLUMNS = ("fastq", "fastq_md5", "fastq_bytes")
ARCHIVE_COLUMNS = ("runs", "layout", "spots", "bases", *FASTQ_COLUMNS)
COLUMNS = (
    *("sample", "accession", *FILE_COLUMNS, "genome_size", "species"),
    *ARCHIVE_COLUMNS,
)
# Begins the names of the user's own columns in the cohort's table.
OWN = "sheet_"
# As similar as `specie` and `species`, not as `biosample` and `sample`.
MIN_LIKENESS = 0.82
URL_FORMS = {"s3": "s3://bucket/key", "https": "https://host/path, without spaces"}
URL_USER = re.compile(r"(?<=://)[^/;]*@")
# Up to the end of the cell, because a signature may contain a semicolon.
URL_QUERY = re.compile(r"(://[^?]*)\?.*", re.DOTALL)
URL_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?")
# Snakemake takes such a wildcard for one that rules make longer and longer (PeriodicityDetector).
MAX_REPEATS = 20
REPEATS = re.compile(rf"(.+?)\1{{{MAX_REPEATS - 1}}}$")
# Precedes the genus of a species that was never cultured; not a genus itself.
CANDIDATUS = re.compile(r"^(Candidatus|Ca\.) ")
MAX_PROBLEMS_SHOWN = 50
MAX_PATH_SHOWN = 200
INPUTS = "accession, r1, ont, hifi and assembly"
SIZE_WITH_UNIT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([km])(?:bp?)?", re.IGNORECASE)
# NCBI's assemblies, with their version: what another version has is another genome.
ASSEMBLY_ACCESSION = re.compile(r"GC[AF]_[0-9]{9}\.[0-9]{1,3}")
NCBI_ASSEMBLY = "https://api.ncbi.nlm.nih.gov/datasets/v2/genome/accession"
UNITS = {"k": 1_000, "m": 1_000_000}

Row = dict[str, str]


@dataclass(slots=True)
class Sample:
    """One genome to make."""

    sample: str
    accession: str = ""
    r1: list[str] = field(default_factory=list)
    r2: list[str] = field(default_factory=list)
    ont: list[str] = field(default_factory=list)
    hifi: list[str] = field(default_factory=list)
    assembly: str = ""
    genome_size: int = 0
    """Expected size in bp; 0 where it is to be estimated."""
    species: str = ""
    runs: list[str] = field(default_factory=list)
    """Run accessions, in the order of their names; empty where the archives are to be asked."""
    layout: str = ""
    """`paired` or `single`, as the archive claims."""
    spots: list[int] = field(default_factory=list)
    """Reads, or pairs of them, of each run."""
    bases: list[int] = field(default_factory=list)
    """Base pairs of each run."""
    fastq: list[str] = field(default_factory=list)
    """ENA's files of all runs, host and path; empty where ENA has none."""
    fastq_md5: list[str] = field(default_factory=list)
    fastq_bytes: list[int] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """What the genome is made from: `accession`, `assembly` or `reads`."""
        if self.accession:
            return "accession"
        return "assembly" if self.assembly else "reads"

    @property
    def runtype(self) -> str:
        """Bactopia's name for the kind of input."""
        if self.kind != "reads":
            return "sra_accession" if self.accession else "assembly"
        if self.long_reads:
            return HYBRID if self.r1 else self.long_reads
        return "paired-end" if self.r2 else "single-end"

    @property
    def long_reads(self) -> str:
        """The column that names long reads: `ont` or `hifi`; "" if there are none."""
        return next((column for column in LONG_COLUMNS if getattr(self, column)), "")

    @property
    def sources(self) -> list[str]:
        """The inputs to fetch: paths and URLs, or the accession."""
        return [source for source in (self.accession, *self.files) if source]

    @property
    def files(self) -> list[str]:
        """The files named in the row, in the order of `FILE_COLUMNS`."""
        return [*self.reads, *filter(None, [self.assembly])]

    @property
    def reads(self) -> list[str]:
        """The files of reads."""
        return [*self.r1, *self.r2, *self.ont, *self.hifi]


class Samples(Mapping[str, Sample]):
    """The samples of a sheet by name, in its order; each is parsed when it is needed."""

    notes: tuple[str, ...] = ()
    """What is unusual about the sheet and how it was understood, as sentences."""

    def __init__(self, header: list[str], cells: dict[str, list[str]]) -> None:
        self._header = header
        self._cells = cells

    def __getitem__(self, name: str) -> Sample:
        return to_sample(name, self.row(name))

    def row(self, name: str) -> Row:
        """Return the cells of a sample by column, without the empty ones."""
        cells = zip(self._header, self._cells[name], strict=False)
        return {column: cell for column, cell in cells if cell}

    def own_cells(self) -> dict[str, Row]:
        """Return the cells of the user's own columns, of the samples that have any."""
        return own_cells((name, self.row(name)) for name in self)

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)


def own_cells(rows: Iterable[tuple[str, Row]]) -> dict[str, Row]:
    """Return the cells of the user's own columns by sample, of the rows that have any."""
    known = set(COLUMNS)
    return {
        name: {column: row[column] for column in row if column not in known}
        for name, row in rows
        if not known.issuperset(row)
    }


def is_remote(source: str) -> bool:
    """Say whether a source is a URL that must be fetched."""
    return "://" in source


def shown(source: str) -> str:
    """Return a source without secrets: a URL without its query, which may hold a signature."""
    return source.partition("?")[0] if is_remote(source) else source


def without_secrets(cell: str) -> str:
    """Return a cell without secrets: its URLs without user, password and query."""
    return URL_QUERY.sub(r"\1?…", URL_USER.sub("…@", cell))


def run_of(path: str) -> str:
    """Return the run of an ENA file: its file name begins with the run's accession."""
    return path.rpartition("/")[2].partition(".")[0].partition("_")[0]


def read_samples(path: Path) -> Samples:
    """Read a sheet that has been checked already.

    Raises `ConfigurationError` if there is no sheet.
    """
    table = _read_sheet(path)
    return Samples(table.header, _by_name(table))


def cut_sheet(path: Path, is_wanted: Callable[[str], bool]) -> None:
    """Keep only the samples that are wanted in a sheet that has been checked already."""
    table = _read_sheet(path)
    kept = [cells for name, cells in _by_name(table).items() if is_wanted(name)]
    text = io.StringIO()
    csv.writer(text, delimiter=TAB, lineterminator="\n").writerows([table.header, *kept])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def _by_name(table: Table) -> dict[str, list[str]]:
    """Return the cells of each sample by its name."""
    header = table.header
    columns = [header.index(column) for column in ("sample", "accession") if column in header]
    cells = {}
    for _, values in table.rows:
        names = (values[column] for column in columns if column < len(values))
        cells[next(filter(None, names), "")] = values
    return cells


def check_samples(path: Path, schema: dict[str, Any]) -> Samples:
    """Read a sheet and check all of it: names, columns, kinds of input, files.

    Raises `ConfigurationError` with one line for each problem: the file, line, column and value,
    and what is allowed.
    """
    # Read once: what is used is what was checked, though the sheet may be saved meanwhile.
    table = _read_sheet(path)
    _refuse(path, _find_problems(table, schema))
    samples = Samples(table.header, _by_name(table))
    own = [column for column in table.header if column not in COLUMNS]
    notes = [f"your own columns go to cohort.tsv as {', '.join(OWN + column for column in own)}"]
    samples.notes = (*table.notes, *(notes if own else []))
    return samples


def check_rows(
    source: Path, rows: Mapping[int, Row], schema: dict[str, Any], problems: list[str]
) -> None:
    """Check rows, given by their line number in `source`, before they are added to a sheet.

    Raises `ConfigurationError` as `check_samples` does; problems found earlier come first.
    """
    _refuse(source, problems + (_check_rows(rows.items(), schema) if rows else []))


def _refuse(path: Path, problems: list[str]) -> None:
    if problems:
        raise ConfigurationError(_shorten([f"{path}, {problem}" for problem in problems]))


def _read_sheet(path: Path) -> Table:
    """Read a sheet; sizes such as 2.8m become base pairs."""
    if path.is_dir():
        raise ConfigurationError([f"{path} is a folder; name the file that lists the genomes"])
    if not path.is_file():
        raise ConfigurationError([f"{path} does not exist; this file lists the genomes to make"])
    table = read_table(path)
    if "genome_size" in table.header:
        _convert_sizes(table, table.header.index("genome_size"))
    return table


def _convert_sizes(table: Table, column: int) -> None:
    converted = []
    for number, cells in table.rows:
        if column < len(cells) and (size := to_bp(cells[column])) != cells[column]:
            converted.append(f"{cells[column]!r} as {int(size):,} bp (line {number})")
            cells[column] = size
    if converted:
        more = f", and {len(converted) - 1:,} more alike" if converted[1:] else ""
        table.notes.append(f"genome_size is read with its unit: {converted[0]}{more}")


def to_bp(size: str) -> str:
    """Return a size with the unit k or m (`2.8m`, `2.8 Mb`) in base pairs, others as they are."""
    found = SIZE_WITH_UNIT.fullmatch(size)
    return str(round(Decimal(found[1]) * UNITS[found[2].lower()])) if found else size


def _iter_rows(table: Table) -> Iterator[tuple[int, Row]]:
    """Yield the line number and the cells by column of each row."""
    header = table.header
    for number, values in table.rows:
        row = dict(zip(header, values, strict=False))
        # Cells beyond the header are stored under a name that no column has.
        if len(values) > len(header):
            row[""] = "\t".join(values[len(header) :])
        row["sample"] = row.get("sample") or row.get("accession", "")
        yield number, row


def to_sample(name: str, row: Row) -> Sample:
    """Parse a row that has been checked."""
    return Sample(
        sample=name,
        accession=row.get("accession", ""),
        r1=_split(row.get("r1", "")),
        r2=_split(row.get("r2", "")),
        ont=_split(row.get("ont", "")),
        hifi=_split(row.get("hifi", "")),
        assembly=_to_address(row.get("assembly", "")),
        genome_size=int(row.get("genome_size") or 0),
        species=CANDIDATUS.sub("", row.get("species", "")),
        runs=_split(row.get("runs", "")),
        layout=row.get("layout", ""),
        spots=_split_numbers(row.get("spots", "")),
        bases=_split_numbers(row.get("bases", "")),
        fastq=_split(row.get("fastq", "")),
        fastq_md5=_split(row.get("fastq_md5", "")),
        fastq_bytes=_split_numbers(row.get("fastq_bytes", "")),
    )


def _to_address(assembly: str) -> str:
    """Return where an assembly is: an accession of NCBI's is at an address of NCBI Datasets."""
    if not ASSEMBLY_ACCESSION.fullmatch(assembly):
        return assembly
    return f"{NCBI_ASSEMBLY}/{assembly}/download?include_annotation_type=GENOME_FASTA"


def files_in(row: Row) -> list[str]:
    """Return the names of the files in a row that may not have been checked."""
    return [name for column in FILE_COLUMNS for name in _split(row.get(column, ""))]


def _split(cell: str) -> list[str]:
    return [part for part in cell.split(SEPARATOR) if part]


def _split_numbers(cell: str) -> list[int]:
    return [int(part) for part in _split(cell)]


def _find_problems(table: Table, schema: dict[str, Any]) -> list[str]:
    """Find all problems at once, so that a user can correct the sheet in one go."""
    number, columns = table.first_line, table.header
    if not columns:
        return [*table.problems, "line 1: the file is empty; its first line names the columns"]
    problems = table.problems + _check_columns(number, columns)
    # If these were missing, every row would have the same problem.
    lacking = _check_needed_columns(number, columns)
    return problems + (lacking or _check_rows(_iter_rows(table), schema))


def _check_columns(number: int, columns: list[str]) -> list[str]:
    problems = [
        f"line {number}, column {_clip(column)}: {fault}"
        for column in columns
        if (fault := find_column_fault(column))
    ]
    return problems + [
        f"line {number}, column {_clip(column)}: it occurs more than once"
        for column in sorted({column for column in columns if columns.count(column) > 1})
    ]


def find_column_fault(column: str) -> str:
    """Say why a column is neither a known one nor one of the user's own; "" if it is."""
    if column in COLUMNS:
        return ""
    if not (column.strip() and column.isprintable()) and "\r" not in column:
        return "it has no name that can be printed"
    parts = re.split(r"[,;\r]| {2,}", column.lower())
    known = f"known columns are {', '.join(COLUMNS)}"
    if parts[1:] and set(parts) & set(COLUMNS):
        return f"unknown; {known} (separated by tabs, or by commas in a file called .csv)"
    likeness = {_letters_of(name): name for name in COLUMNS}
    if near := difflib.get_close_matches(_letters_of(column), likeness, 1, MIN_LIKENESS):
        return f"unknown; do you mean {likeness[near[0]]!r}? If not, give it another name; {known}"
    return ""


def _letters_of(column: str) -> str:
    return re.sub(r"[^a-z0-9]", "", column.lower())


def _check_needed_columns(number: int, columns: list[str]) -> list[str]:
    problems = []
    if not set(columns) & set(chain(*KINDS.values())):
        problems.append(f"line {number}: none of the columns {INPUTS} is there")
    if "sample" not in columns and "accession" not in columns:
        problems.append(f"line {number}, column 'sample': it is missing")
    return problems


def _check_rows(numbered: Iterable[tuple[int, Row]], schema: dict[str, Any]) -> list[str]:
    # Imported here because they import slowly, and jobs read the sheet without checking it.
    import fastjsonschema  # noqa: PLC0415
    import jsonschema  # noqa: PLC0415

    # The compiled check is quick but stops at the first fault. Only a row that fails it is checked
    # with the library that finds and describes all faults.
    is_valid = fastjsonschema.compile(schema)
    explain = jsonschema.Draft202012Validator(schema)
    checked = {*schema["properties"], ""}
    problems: list[str] = []
    first_lines: dict[str, int] = {}
    rows = 0
    for number, row in numbered:
        rows += 1
        given = {column: row[column] for column in checked & row.keys() if row[column]}
        try:
            is_valid(given)
        except fastjsonschema.JsonSchemaException:
            problems += [
                f"line {number}, {_describe(error)}"
                for error in sorted(explain.iter_errors(given), key=_column_of)
            ]
        else:
            problems += [f"line {number}, {problem}" for problem in _check_repeats(row["sample"])]
        # On macOS and Windows, names that differ only in case are the same file.
        first = first_lines.setdefault(row["sample"].casefold(), number)
        if row["sample"] and first != number:
            problems.append(
                f"line {number}, column sample: {row['sample']!r} is the sample of line {first} "
                "too; each genome needs a name of its own"
            )
        problems += [f"line {number}, {problem}" for problem in _check_input(row)]
    if not rows:
        problems.append("line 1: there are no samples below the header")
    return problems


def is_name(name: str, schema: dict[str, Any]) -> bool:
    """Say whether a sheet takes a name of a sample."""
    rules = schema["properties"]["sample"]
    is_safe = re.fullmatch(rules["pattern"], name) and len(name) <= rules["maxLength"]
    return bool(is_safe) and not any(_check_repeats(name))


def _check_repeats(name: str) -> Iterator[str]:
    if REPEATS.search(name):
        yield (
            f"column sample: {_clip(name)} ends with the same characters {MAX_REPEATS} times or "
            "more, which Snakemake refuses"
        )


def _check_input(row: Row) -> Iterator[str]:
    """Find what is wrong with a row's kind of input and with its files."""
    kinds = [
        given[0]
        for columns in KINDS.values()
        if (given := [column for column in columns if row.get(column)])
    ]
    if not kinds:
        yield f"columns {INPUTS}: all are empty; one of them is needed"
    if len(kinds) > 1:
        values = " and ".join(_clip(row[kind]) for kind in kinds)
        yield (
            f"columns {' and '.join(kinds)}: {values} are given, two kinds of input; "
            "leave one of them"
        )
    if row.get("ont") and row.get("hifi"):
        yield "columns ont and hifi: both are given; leave one of them"
    yield from _check_mates({column: _split(row.get(column, "")) for column in FILE_COLUMNS[:-1]})
    for column in FILE_COLUMNS:
        cell = row.get(column, "")
        if column == "assembly" and ASSEMBLY_ACCESSION.fullmatch(cell):
            continue
        yield from (f"column {column}: {problem}" for problem in _check_sources(cell))
    if any(row.get(column) for column in ARCHIVE_COLUMNS):
        yield from _check_archive(row)


def _check_sources(cell: str) -> Iterator[str]:
    names = _split(cell)
    signed = [name for name, after in pairwise(names) if "?" in name and not is_remote(after)]
    if any(map(is_remote, signed)):
        # The rest may be half a signature, which no message may show.
        yield f"{_clip(cell)} holds ';' after '?': ';' separates files; write %3B within a URL"
    else:
        yield from filter(None, map(_check_source, names))


def _check_source(name: str) -> str | None:
    """Describe what is wrong with a file named in a row, or return None."""
    shown = _clip(name, MAX_PATH_SHOWN)
    if not is_remote(name):
        return _check_file(name, shown)
    scheme, _, rest = name.partition("://")
    host, _, path = rest.partition("/")
    if scheme not in URL_FORMS:
        return f"{shown} is not a file, s3:// or https:// (encrypted transfers only)"
    if "@" in host:
        return f"{shown} names a user; do not put user names or passwords into the sheet"
    if not (URL_HOST.fullmatch(host) and path) or (scheme == "https" and " " in path):
        return f"{shown} is not of the form {URL_FORMS[scheme]}"
    return None


def _check_file(name: str, shown: str) -> str | None:
    # Unlike those of `Path`, these have an answer for names that are too long too.
    if not os.path.isfile(name):  # noqa: PTH113
        if os.path.exists(name):  # noqa: PTH110
            # A pipe can be read once, and a genome's files are read again at another attempt.
            return f"{shown} is a folder or a pipe, no file"
        return f"there is no file {shown}"
    return None if os.access(name, os.R_OK) else f"you may not read {shown}; see `ls -l`"


def _check_archive(row: Row) -> Iterator[str]:
    """Find where the columns that describe an accession contradict it or each other."""
    if not (row.get("accession") and row.get("runs")):
        given = ", ".join(column for column in ARCHIVE_COLUMNS if row.get(column))
        yield f"columns {given}: they describe the runs of an accession; fill in both"
    for first, *others in (RUN_COLUMNS, FASTQ_COLUMNS):
        expected = len(_split(row.get(first, "")))
        for column in others:
            count = len(_split(row.get(column, "")))
            if count != expected:
                yield (
                    f"columns {first} and {column}: {expected} and {count} values; "
                    "both need the same number"
                )
    runs = _split(row.get("runs", ""))
    for run in sorted({run for run in runs if runs.count(run) > 1}):
        yield f"column runs: {run} occurs more than once; its reads would be used twice"
    for path in _split(row.get("fastq", "")):
        if run_of(path) not in runs:
            yield f"column fastq: {_clip(path, MAX_PATH_SHOWN)} belongs to none of the runs"


def _check_mates(files: dict[str, list[str]]) -> Iterator[str]:
    r1, r2 = files["r1"], files["r2"]
    if r2 and not r1:
        names = SEPARATOR.join(r2)
        yield f"column r2: {_clip(names)} has no r1; put single-end reads into r1"
    elif r2 and len(r1) != len(r2):
        yield f"columns r1 and r2: {len(r1)} and {len(r2)} files; both need the same number"
    first: dict[object, str] = {}
    for name in chain(*files.values()):
        other = first.setdefault(file_of(name), name)
        if other is not name:
            also = "" if other == name else f", the same file as {_clip(other, MAX_PATH_SHOWN)}"
            given = " and ".join(column for column in files if files[column])
            yield (
                f"columns {given}: {_clip(name, MAX_PATH_SHOWN)} occurs more than once{also}; "
                "each mate and each run needs its own file"
            )


def file_of(name: str) -> object:
    """Return what identifies a file: the same value for all its names, including links."""
    try:
        stat = os.stat(name)  # noqa: PTH116
    except OSError:
        return name
    return stat.st_dev, stat.st_ino


def _column_of(error: jsonschema.ValidationError) -> str:
    return str(error.absolute_path[0]) if error.absolute_path else ""


def _describe(error: jsonschema.ValidationError) -> str:
    if error.validator == "additionalProperties":
        extra = _clip(error.instance[""])
        return f"{extra} is after the last column; a row has one cell for each column"
    if error.validator == "required":
        return "column sample: it is empty"
    allowed = error.schema.get("description", error.message)
    return f"column {_column_of(error)}: {_clip(error.instance)} is not {allowed}"


def _clip(value: str, length: int = 60) -> str:
    value = without_secrets(value)
    return repr(value if len(value) <= length else value[:length] + "…")


def _shorten(problems: list[str]) -> list[str]:
    more = len(problems) - MAX_PROBLEMS_SHOWN
    return problems[:MAX_PROBLEMS_SHOWN] + ([f"and {more:,} more"] if more > 0 else [])
