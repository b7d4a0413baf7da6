"""`bactofleet fetch`: download chosen tarballs from S3, or files from them, and verify them."""

from __future__ import annotations

import argparse
import errno
import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from bactofleet.archives.retry import retry
from bactofleet.core.config import read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import BactofleetError, TemporaryFailure
from bactofleet.core.files import CHUNK_BYTES, read_json, sha256_of, write_json
from bactofleet.core.text import clean, counted
from bactofleet.records.folder import lock_results
from bactofleet.transfer.choice import ChosenGenome, choose
from bactofleet.transfer.parallel import WORKERS, in_parallel
from bactofleet.transfer.places import TARBALL, Bucket, ObjectFault, open_bucket
from bactofleet.transfer.unpack import unpack

# File in the folder of a genome with chosen files: the checksum of the tarball, and the patterns.
MARK = ".fetched.json"
GB = 1e9


class FetchIncomplete(BactofleetError):
    """Some tarballs could not be fetched, or differ from their receipts."""


def run(args: argparse.Namespace) -> None:
    """Carry out the command; raises `FetchIncomplete` if some genomes could not be fetched."""
    address = str(read_config(args.config)["results"])
    bucket = open_bucket(address)
    chosen = choose(args, local_folder(address))
    fetcher = Fetcher(bucket, args.into, tuple(sorted(args.only)))
    wanted = [genome for genome, has in in_parallel(fetcher.has, chosen) if not has]
    size = sum(genome.bytes for genome in wanted)
    are_chosen = counted(len(chosen), "genome is chosen", "genomes are chosen")
    tarballs = counted(
        len(wanted), f"tarball, {size:,} bytes, comes", f"tarballs, {size:,} bytes, come"
    )
    print(
        f"{are_chosen}, {len(chosen) - len(wanted):,} are in {args.into}: "
        f"{tarballs} from {address}.\n"
        "What leaves AWS is paid by the gigabyte (docs/aws.md)."
    )
    if not args.dry_run:
        _check_space(args.into, wanted, is_kept=not args.only)
        with lock_results(args.into):
            _fetch_all(fetcher, wanted)


def _fetch_all(fetcher: Fetcher, wanted: list[ChosenGenome]) -> None:
    files = faults = 0
    try:
        for _, answer in in_parallel(fetcher.fetch, wanted):
            if isinstance(answer, ObjectFault):
                faults += 1
                print(clean(answer), file=sys.stderr)
            else:
                files += answer
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise FetchIncomplete(_describe_full_disk(str(error.filename or fetcher.into))) from error
    genomes = counted(len(wanted) - faults, "genome")
    written = counted(files, f"file of {genomes} was", f"files of {genomes} were")
    print(f"{written} written to {fetcher.into}.")
    if faults:
        missing = counted(faults, "genome was", "genomes were")
        raise FetchIncomplete(f"{missing} not fetched; docs/results.md says what helps.")


def _check_space(into: Path, wanted: list[ChosenGenome], *, is_kept: bool) -> None:
    """Raise `FetchIncomplete` if `into` has no space for the tarballs it must hold at one time."""
    sizes = sorted((genome.bytes for genome in wanted), reverse=True)
    needed = sum(sizes if is_kept else sizes[:WORKERS])
    into.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(into).free
    if needed > free:
        raise FetchIncomplete(
            f"{into} has {free / GB:.1f} GB free, the tarballs take {needed / GB:.1f} GB; nothing "
            "was fetched: make room, choose fewer genomes, or another folder with --into"
        )


def _describe_full_disk(path: str) -> str:
    return (
        f"the disk is full at {path}: make room and give the same command again, "
        "what was fetched stays fetched"
    )


@dataclass(frozen=True)
class Fetcher:
    """Fetches genomes from a bucket into a folder: tarballs, or files that match patterns."""

    bucket: Bucket
    into: Path
    only: tuple[str, ...]

    def has(self, genome: ChosenGenome) -> bool:
        """Return whether the genome was already fetched, from the tarball that its receipt names.

        Raises `FetchIncomplete` if its folder holds files that other patterns chose.
        """
        if self.only:
            return bool(self._mark(genome) == self._read_mark(genome))
        target = self._tarball(genome)
        return target.is_file() and sha256_of(target) == genome.sha256

    def fetch(self, genome: ChosenGenome) -> int | ObjectFault:
        """Fetch a genome completely or not at all; return the number of files written."""
        partial = self.into / f".{genome.sample}.part"
        try:
            return self._unpack(genome, partial) if self.only else self._keep(genome, partial)
        except ObjectFault as fault:
            return fault
        except TemporaryFailure as failure:
            return ObjectFault(str(failure))
        finally:
            if partial.is_dir():
                shutil.rmtree(partial)
            partial.unlink(missing_ok=True)

    def _keep(self, genome: ChosenGenome, partial: Path) -> int:
        self._download(genome, partial)
        partial.replace(self._tarball(genome))
        return 1

    def _unpack(self, genome: ChosenGenome, partial: Path) -> int:
        files = partial / genome.sample
        files.mkdir(parents=True)
        tarball = partial / TARBALL
        self._download(genome, tarball)
        count = unpack(tarball, genome.sample, self.only, partial)
        write_json(files / MARK, self._mark(genome))
        target = self.into / genome.sample
        if target.exists():  # from an earlier tarball, which has been replaced since
            shutil.rmtree(target)
        files.replace(target)
        return count

    def _download(self, genome: ChosenGenome, target: Path) -> None:
        address = self.bucket.address(self._tarball(genome).name)

        def copy() -> None:
            answer = self.bucket.open(self._tarball(genome).name)
            # Check before the download, which costs money.
            genome.check_size(address, answer.get("ContentLength"))
            try:
                checksum = _write(answer["Body"], target)
            except BotoCoreError as error:
                raise TemporaryFailure(f"{address}: {error}") from error
            genome.check_sha256(address, checksum)

        retry(copy, lambda line: print(clean(line), file=sys.stderr))

    def _tarball(self, genome: ChosenGenome) -> Path:
        return self.into / f"{genome.sample}{TARBALL}"

    def _mark(self, genome: ChosenGenome) -> dict[str, Any]:
        return {"sha256": genome.sha256, "only": list(self.only)}

    def _read_mark(self, genome: ChosenGenome) -> Any:
        folder = self.into / genome.sample
        if not folder.exists():
            return None
        mark = read_json(folder / MARK) if (folder / MARK).is_file() else {}
        if mark.get("only") != list(self.only):
            raise FetchIncomplete(
                f"{folder} holds other files than those that match {' '.join(self.only)}; "
                "choose another folder with --into"
            )
        return mark


def _write(body: Any, target: Path) -> str:
    """Write a response body to a file; return its SHA-256."""
    digest = hashlib.sha256()
    with target.open("wb") as handle:
        for chunk in body.iter_chunks(CHUNK_BYTES):
            digest.update(chunk)
            handle.write(chunk)
    return digest.hexdigest()
