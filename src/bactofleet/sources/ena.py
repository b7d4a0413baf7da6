"""Provider `ena`: FASTQ files of the European Nucleotide Archive, over HTTPS."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bactofleet.errors import TemporaryFailure
from bactofleet.samples import run_of
from bactofleet.sources.delivery import Delivery
from bactofleet.sources.disk import check_space
from bactofleet.sources.https import Fetched, download
from bactofleet.sources.metadata import EnaFile, Run
from bactofleet.sources.retry import NotThere, Say

# https://ena-docs.readthedocs.io/en/latest/retrieval/file-download.html
FILES_URL = "https://ftp.sra.ebi.ac.uk"
# The mates of a pair; ENA asks for restraint with parallel transfers
# (https://github.com/enasequence/enaBrowserTools/issues/75).
CONNECTIONS = 2


def fetch_run(run: Run, folder: Path, say: Say) -> Delivery:
    """Bring the files of a run into `folder`, their MD5 verified.

    Raises `NotThere` where ENA has none, and `TemporaryFailure` where they did not arrive.
    """
    if run.files is None:
        raise TemporaryFailure(f"ENA did not tell its files of {run.accession}")
    wanted, left_out = choose_files(run.files)
    if not wanted:
        raise NotThere(f"ENA has no FASTQ files of {run.accession}")
    # Twice the largest: while it is joined to those of other runs it is there two times.
    largest = max(file.bytes for file in wanted)
    check_space(folder, sum(file.bytes for file in wanted) + largest, f"{run.accession} from ENA")
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        fetched = list(pool.map(lambda file: _fetch_file(file, folder, say), wanted))
    notes = [
        f"reads without a mate were left out ({Path(file.path).name}, {file.bytes:,} bytes)"
        for file in left_out
    ]
    return Delivery(run.accession, "ena", [one.path for one in fetched], fetched, notes=notes)


def choose_files(files: tuple[EnaFile, ...]) -> tuple[list[EnaFile], list[EnaFile]]:
    """Return the mates, or the one file of single-end reads; and what is left out.

    A paired run has `<run>_1.fastq.gz` and `<run>_2.fastq.gz`, and where reads have lost their
    mates `<run>.fastq.gz` too. A run with one file is single-end, whatever its name.
    """
    by_name = {Path(file.path).name.removeprefix(run_of(file.path)): file for file in files}
    mates = [by_name[end] for end in ("_1.fastq.gz", "_2.fastq.gz") if end in by_name]
    if len(mates) == 2:
        return mates, [file for file in files if file not in mates]
    if len(files) > 1:
        names = " and ".join(Path(file.path).name for file in files)
        raise NotThere(f"ENA's files are neither a pair nor one of single-end reads: {names}")
    return list(files), []


def _fetch_file(file: EnaFile, folder: Path, say: Say) -> Fetched:
    base = os.environ.get("BACTOFLEET_ENA_FILES_URL", FILES_URL)
    _, _, path = file.path.partition("/")
    target = folder / Path(path).name
    return download(f"{base}/{path}", target, say, size=file.bytes, md5=file.md5)
