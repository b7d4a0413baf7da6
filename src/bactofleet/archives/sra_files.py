"""Providers `sra-odp` and `sra`: SRA's archive files, converted to FASTQ by fasterq-dump.

`sra-odp` copies runs from SRA's open data bucket by key, without asking NCBI's resolver, which
blocks fleets (https://github.com/ncbi/sra-tools/issues/363). `sra` is prefetch, which asks the
resolver.
"""

from __future__ import annotations

from pathlib import Path

from bactofleet.archives.delivery import Delivery
from bactofleet.archives.disk import check_space
from bactofleet.archives.https import Fetched
from bactofleet.archives.retry import NotFound, retry
from bactofleet.archives.runs import Run
from bactofleet.core.errors import TemporaryFailure, TooLarge, ToolFailure
from bactofleet.core.files import sha256_of
from bactofleet.core.tools import Command, Toolbox

# https://registry.opendata.aws/ncbi-sra/: normalized files, with all qualities.
BUCKET, REGION = "sra-pub-run-odp", "us-east-1"
# Short read names with the mate. fasterq-dump's own names include lengths and take a third more.
NAMES = ("--seq-defline", "@$ac.$si/$ri", "--qual-defline", "+")
BYTES_A_NAME = 32
# fasterq-dump first writes about 1.5 times the size of its output to its temporary folder:
# https://github.com/ncbi/sra-tools/wiki/HowTo:-fasterq-dump
TEMPORARY_SHARE = 1.5
# Each attempt asks the resolver. prefetch itself retries a transfer; the second attempt resumes it.
PREFETCH_ATTEMPTS = 2


def fetch_from_bucket(
    run: Run, folder: Path, tools: Toolbox, threads: int, max_bytes: int
) -> Delivery:
    """Copy a run from the open data bucket and dump it.

    Raises `NotFound` if the bucket lacks it, `TooLarge` if a file of reads would have more than
    `max_bytes`, and `TemporaryFailure` for faults that may pass.
    """
    # Imported here because boto3 starts slowly and reads from elsewhere do not need it.
    from bactofleet.archives import s3  # noqa: PLC0415

    client = s3.make_client(signed=False, region=REGION)
    found = s3.find_object(client, BUCKET, f"sra/{run.accession}/{run.accession}", tools.say)
    check_space(folder, found.bytes + sum(disk_bytes(run)), f"{run.accession} from SRA")
    archive = folder / f"{run.accession}.sra"
    fetched = s3.download(client, found, archive, tools.say)
    return _dump(run, "sra-odp", archive, fetched, tools, threads, max_bytes)


def prefetch(run: Run, folder: Path, tools: Toolbox, threads: int, max_bytes: int) -> Delivery:
    """Find and download a run with prefetch, and dump it; raises `TemporaryFailure`.

    prefetch does not say whether a run does not exist or did not arrive.
    """
    check_space(folder, sum(disk_bytes(run)), f"{run.accession} from SRA")
    archive = folder / f"{run.accession}.sra"
    command = ["prefetch", "--output-file", archive, run.accession]
    retry(lambda: _run(tools, command), tools.say, attempts=PREFETCH_ATTEMPTS)
    size, checksum = archive.stat().st_size, sha256_of(archive)
    fetched = Fetched(f"sra:{run.accession}", archive, size, "", checksum)
    return _dump(run, "sra", archive, fetched, tools, threads, max_bytes)


def disk_bytes(run: Run) -> tuple[int, int]:
    """Return the bytes of a run's FASTQ and of the temporary files while it is dumped."""
    fastq = 2 * (run.bases + BYTES_A_NAME * run.spots)
    return fastq, int(fastq * TEMPORARY_SHARE)


def _dump(
    run: Run,
    provider: str,
    archive: Path,
    fetched: Fetched,
    tools: Toolbox,
    threads: int,
    max_bytes: int,
) -> Delivery:
    """Convert a run's archive; raises `TooLarge` before a file has more than `max_bytes`."""
    folder = archive.parent
    options = ["--split-3", "--threads", threads, "--temp", folder, "--outdir", folder, *NAMES]
    try:
        _run(tools, ["prlimit", f"--fsize={max_bytes}", "fasterq-dump", *options, archive])
    except TemporaryFailure as error:
        written = (path for path in folder.rglob("*") if path.is_file() and path != archive)
        if any(path.stat().st_size >= max_bytes for path in written):
            raise TooLarge(f"{run.accession} from {provider}", max_bytes) from error
        raise
    archive.unlink()
    single, *mates = (folder / f"{run.accession}{end}.fastq" for end in ("", "_1", "_2"))
    used = ("fasterq-dump",) if provider == "sra-odp" else ("prefetch", "fasterq-dump")
    if not all(mate.exists() for mate in mates):
        if not single.exists():
            raise NotFound(f"SRA's file of {run.accession} holds no reads")
        return Delivery(run.accession, provider, [single], None, [fetched], used)
    orphans = single if single.exists() else None
    return Delivery(run.accession, provider, mates, orphans, [fetched], used)


def _run(tools: Toolbox, command: Command) -> None:
    """Run one of SRA's tools; a file that it cannot read or fetch may work the next time."""
    try:
        tools.run(command)
    except ToolFailure as error:
        raise TemporaryFailure(str(error)) from error
