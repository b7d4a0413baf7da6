"""Copy the files of a genome that match patterns out of its stored tarball."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, cast

from botocore.exceptions import BotoCoreError

from bactofleet.archives.retry import retry
from bactofleet.core.errors import TemporaryFailure
from bactofleet.core.files import CHUNK_BYTES
from bactofleet.core.text import clean
from bactofleet.transfer.choice import ChosenGenome
from bactofleet.transfer.places import TARBALL, ObjectFault, Place
from bactofleet.transfer.unpack import as_fault, iter_members

_WILDCARD = re.compile(r"[*?[]")


@dataclass(frozen=True)
class Extractor:
    """Copies files that match patterns out of stored tarballs.

    Patterns are those of `fnmatch`. They are compared with the path of a file below the sample's
    folder, in which `*` also matches slashes, and with its name.
    """

    place: Place
    patterns: tuple[str, ...]

    def copy(self, genome: ChosenGenome, folder: Path) -> dict[str, Path]:
        """Copy the files of a genome into a new `folder`; return them by path in the tarball.

        The copies have numbers for names. The tarball is read as a stream, up to the last file
        that can match, or else to its end; then its SHA-256 is compared with the receipt. Raises
        `ObjectFault` for a tarball that is damaged, hostile, not that of the receipt, or not to be
        had in several attempts.
        """
        try:
            return retry(
                lambda: self._copy(genome, folder), lambda line: print(clean(line), file=sys.stderr)
            )
        except TemporaryFailure as failure:
            raise ObjectFault(str(failure)) from failure

    def _copy(self, genome: ChosenGenome, folder: Path) -> dict[str, Path]:
        name = f"{genome.sample}{TARBALL}"
        address = self.place.address(name)
        if folder.exists():  # from an attempt that broke off
            shutil.rmtree(folder)
        folder.mkdir()
        copies: dict[str, Path] = {}
        with self.place.reading(name) as (size, stream), as_fault(genome.sample):
            genome.check_size(address, size)
            summed = _Summed(stream, address)
            for path, member, tar in iter_members(cast(IO[bytes], summed), genome.sample):
                if not _can_follow(path, self.patterns):
                    return copies
                if _matches(path, self.patterns):
                    copies[path] = folder / str(len(copies))
                    with copies[path].open("wb") as target:
                        shutil.copyfileobj(cast(IO[bytes], tar.extractfile(member)), target)
            genome.check_sha256(address, summed.read_rest())
        return copies


def _matches(path: str, patterns: Sequence[str]) -> bool:
    name = PurePosixPath(path).name
    return any(fnmatchcase(path, pattern) or fnmatchcase(name, pattern) for pattern in patterns)


def _can_follow(path: str, patterns: Sequence[str]) -> bool:
    """Say whether this file, or one after it, can match: tarballs are sorted by path.

    A pattern without a slash may match the name of any file.
    """
    starts = (_WILDCARD.split(pattern, maxsplit=1)[0] for pattern in patterns if "/" in pattern)
    return any("/" not in pattern for pattern in patterns) or any(
        path[: len(start)] <= start for start in starts
    )


class _Summed:
    """A stream of which the SHA-256 is computed while it is read."""

    def __init__(self, stream: IO[bytes], address: str) -> None:
        self._stream = stream
        self._address = address
        self._digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; raises `TemporaryFailure` if the transfer breaks off."""
        try:
            chunk = self._stream.read(size)
        except BotoCoreError as error:
            raise TemporaryFailure(f"{self._address}: {error}") from error
        self._digest.update(chunk)
        return chunk

    def read_rest(self) -> str:
        """Read to the end; return the SHA-256 of all bytes."""
        while self.read(CHUNK_BYTES):
            pass
        return self._digest.hexdigest()
