"""Small helpers for files: checksums, atomic writes, JSON."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

# Buffer size for reading and writing files. malloc maps each larger buffer separately, so that in
# threads the kernel clears it every time, which takes longer than computing a checksum of its
# contents: https://man7.org/linux/man-pages/man3/mallopt.3.html, M_MMAP_THRESHOLD
CHUNK_BYTES = 1 << 16


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def only_regular(path: str, flags: int) -> int:
    """Open a file that others may have made; the `opener` of Python's `open`.

    Raises `OSError` for a folder, and for a pipe or device, which may have no end.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK)  # a pipe would be waited for
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", path)
    return descriptor


def fingerprint(data: Any) -> str:
    """Return a short checksum of JSON data, independent of the order of keys."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def copy_summed(source: Path, target: Path) -> tuple[int, str]:
    """Copy a file, reading it once; return its size in bytes and its SHA-256."""
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
    """Open a text file for an atomic write; the old file stays if the block raises."""
    # newline="" writes line ends unchanged.
    with (
        replace_atomically(path) as partial,
        partial.open("w", encoding="utf-8", newline="") as handle,
    ):
        yield handle


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file, which replaces `path` unless the block raises."""
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
    """Return when a file was last changed, in seconds since the epoch; 0 if it is gone.

    Takes text rather than a `Path`, which is slow for 67,000 files.
    """
    try:
        return os.stat(path).st_mtime  # noqa: PTH116
    except OSError:
        return 0.0


def sync(path: Path) -> None:
    """Make the contents of a file, or the names in a directory, survive a crash."""
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
