"""Fetch the references that options name by address: once for all genomes that share `scratch`.

These are the genomes of a job on AWS or Slurm (`--group-components`), and of a run on one machine.
"""

from __future__ import annotations

import fcntl
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bactofleet.core.errors import MissingInput
from bactofleet.core.files import sha256_of
from bactofleet.core.references import FIND_FAULT, REFERENCES, local_place, url_and_checksum
from bactofleet.genome.species import find_sketch_fault
from bactofleet.genome.stage import Stage

CHECKS = {**FIND_FAULT, "species_references": find_sketch_fault}


def fetch_reference(stage: Stage, option: str, address: str) -> None:
    """Fetch what an option names, unless another genome has done so; unpack an archive.

    Raises `MissingInput` if it is not there, has another checksum, or is not what it should be.
    """
    place = local_place(address, stage.scratch)
    place.parent.mkdir(exist_ok=True)
    # Beside its place, not in the stage's folder: in a container both are mounts of their own, and
    # no file can be renamed from one to the other.
    part = place.with_name(f"{place.name}.{stage.sample}")
    with _only_one(place.with_suffix(".lock")):
        shutil.rmtree(part, ignore_errors=True)  # of an attempt that was killed
        if place.exists():
            return
        part.mkdir()
        try:
            _put(_fetch(stage, option, address, part), place)
        finally:
            shutil.rmtree(part)


def _fetch(stage: Stage, option: str, address: str, folder: Path) -> Path:
    """Fetch a reference to a folder; return the file, or the folder of what was unpacked."""
    from bactofleet.archives.files import fetch  # noqa: PLC0415  # an HTTPS client: few need it

    url, sha256 = url_and_checksum(address)
    fetched = folder / "reference"
    fetch(url, fetched, stage.tools.say, named_in="config/config.yaml")
    if (found := sha256_of(fetched)) != sha256:
        raise MissingInput(f"{url} has the SHA-256 {found}; config/config.yaml has {sha256}")
    whole = _find_content(option, _unpack(url, fetched)) if REFERENCES[option] else fetched
    if fault := CHECKS[option](whole):
        raise MissingInput(f"{option}: {url}: {fault.replace(str(whole), '')}")
    return whole


def _find_content(option: str, folder: Path) -> Path:
    """Return the folder that was packed: what was unpacked, or the only folder in it.

    Names that begin with a dot do not count: macOS packs such files beside others.
    """
    inner = [path for path in folder.iterdir() if not path.name.startswith(".")]
    is_packed_whole = len(inner) == 1 and inner[0].is_dir() and not CHECKS[option](inner[0])
    return inner[0] if CHECKS[option](folder) and is_packed_whole else folder


def _put(whole: Path, place: Path) -> None:
    """Rename a reference, so that others see all of it or nothing."""
    try:
        whole.rename(place)
    except OSError:
        # Where the file system has no locks, another genome may have been quicker.
        if not place.exists():
            raise


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Keep other processes waiting until the block ends, however it does.

    Some shared file systems have no locks (Lustre without `flock`): then nobody waits.
    """
    with path.open("a") as lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack(url: str, archive: Path) -> Path:
    """Unpack an archive, whose checksum the user has given; return the folder."""
    folder = archive.with_name("unpacked")
    try:
        with tarfile.open(archive) as tar:
            # PEP 706: refuses devices, and paths and links outside.
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise MissingInput(f"{url} cannot be unpacked: {error}") from error
    return folder
