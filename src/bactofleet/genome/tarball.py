"""Write a tarball whose bytes depend only on its files, not on the time, user or disk."""

from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

COMPRESSION = 6


def write_tarball(path: Path, files: dict[str, Path]) -> None:
    """Write `files` (name in the tarball -> regular file) as .tar.gz, synced to disk.

    Raises `ValueError` for a name that would unpack outside its folder, and for links: a result
    holds real files only.
    """
    with path.open("wb") as raw:
        # The file name and time of gzip's header (RFC 1952) are left out.
        with (
            gzip.GzipFile("", "wb", COMPRESSION, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name, source in sorted(files.items()):
                _add(tar, name, source)
        raw.flush()
        os.fsync(raw.fileno())


def _add(tar: tarfile.TarFile, name: str, source: Path) -> None:
    if name.startswith("/") or ".." in Path(name).parts:
        raise ValueError(f"{name!r} would unpack outside of its folder")
    if source.is_symlink() or not source.is_file():
        raise ValueError(f"{source} is not a regular file")
    member = tarfile.TarInfo(name)
    member.size = source.stat().st_size
    member.mode = 0o644
    with source.open("rb") as handle:
        tar.addfile(member, handle)
