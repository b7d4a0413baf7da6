"""Small helpers for files: checksums, atomic writes, JSON."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

# Of files that are read or written bit by bit. malloc maps larger buffers one by one, so that in
# threads the kernel clears each anew, which takes longer than a checksum of what is in it:
# https://man7.org/linux/man-pages/man3/mallopt.3.html, M_MMAP_THRESHOLD
CHUNK_BYTES = 1 << 16


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, read to its end."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fingerprint(data: Any) -> str:
    """Return a short checksum of JSON data, the same for the same contents in any order."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def copy_summed(source: Path, target: Path) -> tuple[int, str]:
    """Copy a file, reading it once; return its bytes and SHA-256."""
    digest = hashlib.sha256()
    with source.open("rb") as original, target.open("wb") as copy:
        while block := original.read(CHUNK_BYTES):
            digest.update(block)
            copy.write(block)
        return copy.tell(), digest.hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees all of it or none, even after a power cut."""
    with open_atomically(path) as handle:
        handle.write(text)


@contextmanager
def open_atomically(path: Path) -> Iterator[TextIO]:
    """Open a text file to be written so; what was there stays if the block raises."""
    # newline="" writes line ends as they are given.
    with (
        replace_atomically(path) as partial,
        partial.open("w", encoding="utf-8", newline="") as handle,
    ):
        yield handle


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """Give the path of a file to be written, which becomes `path` unless the block raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        sync(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)


def modified(path: str) -> float:
    """Return when a file was changed last, in seconds since the epoch; 0 for one that has gone.

    Text, not a `Path`, which is slow where there are 67,000 of them.
    """
    try:
        return os.stat(path).st_mtime  # noqa: PTH116
    except OSError:
        return 0.0


def sync(path: Path) -> None:
    """Make what a file holds, or the names in a directory, survive a crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, data: Any) -> None:
    """Write `data` as indented JSON, atomically."""
    write_atomically(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
