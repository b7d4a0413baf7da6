"""What ENA and SRA say of an accession: its runs, and why its reads cannot be had.

A fleet asks these public services as little as it can: not at all where the sample sheet has the
answer, and each of them once at most.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Collection
from dataclasses import dataclass

from bactofleet.archives.retry import NotThere, Say
from bactofleet.archives.web import open_url, read_body
from bactofleet.core.errors import Excluded, TemporaryFailure
from bactofleet.core.samples import Sample, run_of

ENA_URL = "https://www.ebi.ac.uk/ena"
# Answers to any accession in one request; the E-utilities take two (esearch, efetch).
SRA_URL = "https://trace.ncbi.nlm.nih.gov/Traces/sra-db-be"
# https://www.ebi.ac.uk/ena/portal/api/returnFields?result=read_run
ENA_FIELDS = (
    *("run_accession", "instrument_platform", "library_layout", "read_count", "base_count"),
    *("fastq_ftp", "fastq_md5", "fastq_bytes"),
)
# What SRA's table of runs (runinfo) calls them, and whether the reads are public.
SRA_FIELDS = {
    "run_accession": "Run",
    "instrument_platform": "Platform",
    "library_layout": "LibraryLayout",
    "read_count": "spots",
    "base_count": "bases",
    "consent": "Consent",
}
# Assembled by other programs than ours.
LONG_READS = ("OXFORD_NANOPORE", "PACBIO_SMRT")
RUN_NAME = re.compile(r"[SED]RR[0-9]{6,9}")
ENA_PATH = re.compile(r"ftp\.sra\.ebi\.ac\.uk(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")
MD5 = re.compile(r"[0-9a-f]{32}")
NUMBER = re.compile(r"[0-9]{1,15}")
REASON = "fastq-download"

Table = list[dict[str, str]]


@dataclass(frozen=True)
class EnaFile:
    """A FASTQ file of ENA."""

    path: str
    """Host and path, as ENA gives them."""
    bytes: int
    md5: str


@dataclass(frozen=True)
class Run:
    """One run, as an archive describes it."""

    accession: str
    spots: int
    """Reads, or pairs of them; 0 where it is not known."""
    bases: int
    """Base pairs; 0 where it is not known."""
    layout: str
    """`paired`, `single`, or "" where it is not known; what arrives may differ."""
    files: tuple[EnaFile, ...] | None
    """ENA's files; None where ENA did not answer."""


class Metadata:
    """What is known of one sample's accession."""

    def __init__(self, sample: Sample, say: Say) -> None:
        self._sample = sample
        self._say = say
        self._answers: dict[str, Table] = {}

    def find_runs(self) -> list[Run]:
        """Return the runs of the accession, in the order of their names.

        Raises `Excluded` where neither archive has any of short reads, and `TemporaryFailure`
        where that is not certain.
        """
        runs = _of_sheet(self._sample) or self._ask_for_runs()
        return sorted(runs, key=lambda run: run.accession)

    def explain(self) -> None:
        """Raise `Excluded` if the archives say why the reads cannot be had; ask them if need be."""
        try:
            rows = self._ask("SRA")
            if not rows:
                self._exclude_unknown()
        except TemporaryFailure as fault:
            self._say(f"{fault}; so it is not known whether the reads are public")
            return
        if closed := sorted({row["consent"] for row in rows} - {"public", ""}):
            self._exclude(f"access to its reads is controlled ({', '.join(closed)})")
        if rows and all(row["read_count"] == "0" for row in rows):
            self._exclude("SRA has no reads of it")

    def _ask_for_runs(self) -> list[Run]:
        try:
            rows = self._ask("ENA")
        except TemporaryFailure as fault:
            self._say(f"{fault}; SRA is asked instead")
            rows = []
        if rows:
            return [_to_run(row, _to_files(row)) for row in self._short_reads(rows)]
        rows = self._ask("SRA")
        if not rows:
            self._exclude_unknown()
        files = () if "ENA" in self._answers else None
        return [_to_run(row, files) for row in self._short_reads(rows)]

    def _exclude_unknown(self) -> None:
        """Raise `Excluded` if both archives answered that they know nothing of it."""
        if not self._ask("ENA"):
            self._exclude("neither ENA nor SRA has a run of it: withdrawn, or never public")

    def _short_reads(self, rows: Table) -> Table:
        short = [row for row in rows if row["instrument_platform"] not in LONG_READS]
        if not short:
            platform = rows[0]["instrument_platform"]
            self._exclude(f"its reads are long ({platform}), which are not assembled here")
        return short

    def _exclude(self, why: str) -> None:
        raise Excluded(REASON, f"{self._sample.accession} was not fetched: {why}")

    def _ask(self, archive: str) -> Table:
        """Return what an archive answers, or has answered before."""
        if archive not in self._answers:
            ask = _ask_ena if archive == "ENA" else _ask_sra
            self._answers[archive] = ask(self._sample.accession)
        return self._answers[archive]


def _of_sheet(sample: Sample) -> list[Run]:
    """Return the runs that the sheet describes."""
    described = zip(sample.fastq, sample.fastq_bytes, sample.fastq_md5, strict=True)
    files = [EnaFile(*one) for one in described]
    return [
        Run(run, spots, bases, sample.layout, tuple(f for f in files if run_of(f.path) == run))
        for run, spots, bases in zip(sample.runs, sample.spots, sample.bases, strict=True)
    ]


def _ask_ena(accession: str) -> Table:
    base = os.environ.get("BACTOFLEET_ENA_URL", ENA_URL)
    url = (
        f"{base}/portal/api/filereport?result=read_run&format=tsv"
        f"&accession={accession}&fields={','.join(ENA_FIELDS)}"
    )
    rows = _read_table(url, "ENA", ENA_FIELDS, "\t")
    if not all(map(_has_form, rows)):
        raise TemporaryFailure("ENA describes files in another form than it documents")
    return rows


def _ask_sra(accession: str) -> Table:
    base = os.environ.get("BACTOFLEET_SRA_URL", SRA_URL)
    rows = _read_table(f"{base}/runinfo?acc={accession}", "SRA", SRA_FIELDS.values(), ",")
    # The header is repeated where a long answer was put together from several.
    runs = [row for row in rows if RUN_NAME.fullmatch(row["Run"])]
    return [{name: row[column] for name, column in SRA_FIELDS.items()} for row in runs]


def _read_table(url: str, archive: str, fields: Collection[str], mark: str) -> Table:
    """Return the rows of an answer, none where the archive knows nothing."""
    try:
        with open_url(url) as answer:
            text = b"".join(read_body(answer, url)).decode(errors="replace")
    except NotThere:
        return []
    reader = csv.DictReader(text.splitlines(), delimiter=mark)
    rows = list(reader)
    # The page of a proxy is no answer of the archive, nor is one that was cut off.
    lacking = set(fields) - set(reader.fieldnames or ())
    if text.strip() and (lacking or any(row[field] is None for row in rows for field in fields)):
        raise TemporaryFailure(f"{archive} answers in another form than it documents")
    return rows


def _has_form(row: dict[str, str]) -> bool:
    """Say whether names that become parts of paths and URLs are what they should be."""
    if not row["fastq_ftp"]:
        return bool(RUN_NAME.fullmatch(row["run_accession"]))
    patterns = {"fastq_ftp": ENA_PATH, "fastq_md5": MD5, "fastq_bytes": NUMBER}
    cells = {column: row[column].split(";") for column in patterns}
    counts = {len(values) for values in cells.values()}
    in_form = all(patterns[c].fullmatch(value) for c, values in cells.items() for value in values)
    runs = {run_of(path) for path in cells["fastq_ftp"]}
    return in_form and len(counts) == 1 and runs == {row["run_accession"]}


def _to_run(row: dict[str, str], files: tuple[EnaFile, ...] | None) -> Run:
    spots, bases = (_to_number(row[name]) for name in ("read_count", "base_count"))
    return Run(row["run_accession"], spots, bases, row["library_layout"].lower(), files)


def _to_number(text: str) -> int:
    return int(text) if NUMBER.fullmatch(text) else 0


def _to_files(row: dict[str, str]) -> tuple[EnaFile, ...]:
    if not row["fastq_ftp"]:
        return ()
    columns = (row[name].split(";") for name in ("fastq_ftp", "fastq_bytes", "fastq_md5"))
    return tuple(EnaFile(path, int(size), md5) for path, size, md5 in zip(*columns, strict=True))
