"""Provider `ena`: FASTQ files of the European Nucleotide Archive, over HTTPS."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bactofleet.archives.delivery import Delivery
from bactofleet.archives.disk import check_space
from bactofleet.archives.https import Fetched, download
from bactofleet.archives.retry import NotFound, Say
from bactofleet.archives.runs import EnaFile, Run
from bactofleet.core.errors import TemporaryFailure
from bactofleet.core.samples import run_of

# https://ena-docs.readthedocs.io/en/latest/retrieval/file-download.html
FILES_URL = "https://ftp.sra.ebi.ac.uk"
# The two mates of a pair: ENA asks users to limit parallel transfers
# (https://github.com/enasequence/enaBrowserTools/issues/75).
CONNECTIONS = 2
# Suffixes of a paired run's files: both mates, and orphans if there are any.
ENDS = ("_1.fastq.gz", "_2.fastq.gz", ".fastq.gz")


def fetch_run(run: Run, folder: Path, say: Say) -> Delivery:
    """Download the files of a run into `folder` and verify their MD5.

    Raises `NotFound` if ENA has none, and `TemporaryFailure` if they did not arrive.
    """
    if run.files is None:
        raise TemporaryFailure(
            f"ENA did not name its files of {run.accession}, or not in a known form"
        )
    files, has_orphans = choose_files(run.files)
    if not files:
        raise NotFound(f"ENA has no FASTQ files of {run.accession}")
    check_space(folder, sum(disk_bytes(run)), f"{run.accession} from ENA")
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        fetched = list(pool.map(lambda file: _fetch_file(file, folder, say), files))
    reads = [one.path for one in fetched]
    orphans = reads.pop() if has_orphans else None
    return Delivery(run.accession, "ena", reads, orphans, fetched)


def disk_bytes(run: Run) -> tuple[int, int]:
    """Return the bytes that a run's files take permanently and, in addition, temporarily.

    While a file is joined with those of other runs, there are two copies of it.
    """
    sizes = [file.bytes for file in run.files or ()]
    return sum(sizes), max(sizes, default=0)


def choose_files(files: tuple[EnaFile, ...]) -> tuple[list[EnaFile], bool]:
    """Return the files to fetch: both mates, or the file of single-end reads; orphans come last.

    Also says whether there are orphans (reads that have lost their mates).
    A paired run has `<run>_1.fastq.gz` and `<run>_2.fastq.gz`, and for orphans `<run>.fastq.gz`.
    A run with one file is single-end, whatever its name.
    """
    by_name = {Path(file.path).name.removeprefix(run_of(file.path)): file for file in files}
    if {"_1.fastq.gz", "_2.fastq.gz"} <= by_name.keys() <= set(ENDS):
        return [by_name[end] for end in ENDS if end in by_name], len(files) == len(ENDS)
    if len(files) > 1:
        names = " and ".join(Path(file.path).name for file in files)
        raise NotFound(f"ENA's files are neither a pair nor one of single-end reads: {names}")
    return list(files), False


def _fetch_file(file: EnaFile, folder: Path, say: Say) -> Fetched:
    base = os.environ.get("BACTOFLEET_ENA_FILES_URL", FILES_URL)
    _, _, path = file.path.partition("/")
    target = folder / Path(path).name
    return download(f"{base}/{path}", target, say, size=file.bytes, md5=file.md5)
