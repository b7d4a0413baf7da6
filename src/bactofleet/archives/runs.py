"""A run of an archive, as described by ENA, SRA or the sample sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bactofleet.archives.retry import Unavailable
from bactofleet.archives.tables import Cells
from bactofleet.core.samples import SEPARATOR, run_of

# Names of fields in ENA's Portal API (result read_run):
# https://www.ebi.ac.uk/ena/portal/api/returnFields?result=read_run
NAME_FIELDS = (
    "run_accession",
    "experiment_accession",
    "sample_accession",
    "secondary_sample_accession",
    "study_accession",
    "secondary_study_accession",
)
FIELDS = (
    *NAME_FIELDS,
    "tax_id",
    "scientific_name",
    "instrument_platform",
    "library_layout",
    "library_source",
    "library_strategy",
    "library_selection",
    "read_count",
    "base_count",
)
FILE_FIELDS = ("fastq_ftp", "fastq_bytes", "fastq_md5")
MODEL_FIELD = "instrument_model"
PUBLIC = "public"
# Platforms of long reads, and the columns of the sheet for their files.
LONG_READS = {"OXFORD_NANOPORE": "ont", "PACBIO_SMRT": "hifi"}
ENA_PATH = re.compile(r"ftp\.sra\.ebi\.ac\.uk(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")
MD5 = re.compile(r"[0-9a-f]{32}")
NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class EnaFile:
    """A FASTQ file of ENA."""

    path: str
    """Host and path, as ENA gives them."""
    bytes: int
    md5: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run as an archive describes it; "" means not given."""

    accession: str
    """"" for an experiment that has no run."""
    spots: int = 0
    """Reads, or pairs of them; 0 where it is not known."""
    bases: int = 0
    """Base pairs; 0 where it is not known."""
    layout: str = ""
    """`paired` or `single`; what arrives may differ."""
    files: tuple[EnaFile, ...] | None = None
    """ENA's files; None if ENA did not name them, or not in a known form."""
    experiment: str = ""
    platform: str = ""
    """`ILLUMINA`, in capital letters."""
    model: str = ""
    """Of the instrument: `Illumina NovaSeq 6000`."""
    source: str = ""
    strategy: str = ""
    selection: str = ""
    tax_id: str = ""
    scientific_name: str = ""
    access: str = PUBLIC
    """`public`, or the group that must consent to its use."""
    is_empty: bool = False
    """Whether the archive says that it has no reads."""
    names: frozenset[str] = frozenset()
    """Every accession by which someone may have named it."""

    @property
    def long_reads(self) -> str:
        """The column of the sheet for files of such long reads; "" for short ones."""
        return LONG_READS.get(self.platform, "")


def read_runs(records: Iterable[Cells]) -> list[Run]:
    """Return the runs described by records with `FIELDS`, each once; raise `Unavailable`.

    ENA's portal repeats some runs. A record may lack `FILE_FIELDS`, `MODEL_FIELD` and `access`.
    """
    unique: dict[tuple[str, str], Run] = {}
    for run in map(_to_run, records):
        unique.setdefault((run.experiment, run.accession), run)
    return list(unique.values())


def _to_run(record: Cells) -> Run:
    return Run(
        accession=record["run_accession"],
        spots=_to_number(record["read_count"]),
        bases=_to_number(record["base_count"]),
        layout=record["library_layout"].lower(),
        files=_to_files(record),
        experiment=record["experiment_accession"],
        platform=record["instrument_platform"].upper(),
        model=record.get(MODEL_FIELD, ""),
        source=record["library_source"],
        strategy=record["library_strategy"],
        selection=record["library_selection"],
        tax_id=record["tax_id"],
        scientific_name=record["scientific_name"],
        access=record.get("access") or PUBLIC,
        is_empty=record["read_count"] == "0",
        names=frozenset(record[name] for name in NAME_FIELDS if record[name]),
    )


def _to_number(text: str) -> int:
    if text and not NUMBER.fullmatch(text):
        raise Unavailable(f"an archive answers {text!r} where a number of reads or bases belongs")
    return int(text or 0)


def _to_files(record: Cells) -> tuple[EnaFile, ...] | None:
    """Return ENA's files if everything that becomes part of a path or URL is in the known form."""
    if not record.keys() >= set(FILE_FIELDS):
        return None
    cells = (record[name].strip(SEPARATOR).split(SEPARATOR) for name in FILE_FIELDS)
    paths, sizes, sums = cells
    if paths == [""]:
        return ()
    sums = [md5.lower() for md5 in sums]
    is_known = (
        len(paths) == len(sizes) == len(sums)
        and all(map(ENA_PATH.fullmatch, paths))
        and all(map(NUMBER.fullmatch, sizes))
        and all(map(MD5.fullmatch, sums))
        and {run_of(path) for path in paths} == {record["run_accession"]}
    )
    if not is_known:
        return None
    return tuple(EnaFile(*file) for file in zip(paths, map(int, sizes), sums, strict=True))
