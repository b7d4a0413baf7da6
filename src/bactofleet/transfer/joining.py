"""Join files one after the other, compressed or not."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import IO, cast

from bactofleet.core.files import CHUNK_BYTES

GZIP = ".gz"
LEVEL = 6
# A file of a genome compresses tenfold at most. What is small may be anything.
MAX_RATIO = 100
ALWAYS_ALLOWED_BYTES = 256 * 1024 * 1024


def join(sources: Iterable[tuple[str, Path]], target: Path, *, is_gzip: bool) -> None:
    """Write a file with the contents of all sources, each a name and where the file is.

    What is compressed by its name is unpacked, unless the target `is_gzip`: then it is taken as a
    member, and other files are compressed, because gzip members in a row are one gzip file (RFC
    1952, 2.2). A last line without an end gets one, as the next file begins a new line.

    Raises `OSError`, `EOFError` or `zlib.error` for a source that cannot be unpacked, and
    `ValueError` for one that unpacks to far more bytes than it has.
    """
    with target.open("wb") as joined:
        for name, path in sources:
            with path.open("rb") as source:
                _append(source, joined, was_gzip=name.endswith(GZIP), is_gzip=is_gzip)


def _append(source: IO[bytes], joined: IO[bytes], *, was_gzip: bool, is_gzip: bool) -> None:
    is_member = was_gzip and is_gzip
    with _pack(joined) if is_gzip and not was_gzip else nullcontext(joined) as output:
        # A member is unpacked only to check it and to see its last byte.
        last = _copy(source, None if is_member else output, was_gzip=was_gzip)
        if is_member:
            source.seek(0)
            while chunk := source.read(CHUNK_BYTES):
                joined.write(chunk)
        if last not in (b"", b"\n"):
            output.write(gzip.compress(b"\n", LEVEL, mtime=0) if is_member else b"\n")


def _copy(source: IO[bytes], output: IO[bytes] | None, *, was_gzip: bool) -> bytes:
    """Copy a file, unpacked, to the output if there is one; return its last byte."""
    stream = cast(IO[bytes], gzip.GzipFile(fileobj=source)) if was_gzip else source
    size, last = 0, b""
    while chunk := stream.read(CHUNK_BYTES):
        size += len(chunk)
        if size > ALWAYS_ALLOWED_BYTES and size > MAX_RATIO * source.tell():
            raise ValueError(f"{source.tell():,} bytes unpack to more than {size:,}")
        if output:
            output.write(chunk)
        last = chunk[-1:]
    return last


def _pack(joined: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile("", "wb", LEVEL, joined, mtime=0))
