"""Read tarballs that others have compressed, but not without end."""

import gzip
import tarfile
from typing import IO, cast

# Text compresses tenfold, gzip at most a thousandfold. What is small may be anything.
MAX_RATIO = 100
ALWAYS_ALLOWED_BYTES = 256 * 1024 * 1024


def open_tarball(stream: IO[bytes]) -> tarfile.TarFile:
    """Open a stream of a tar archive in gzip, for reading its members one after the other.

    Reading raises `ValueError` if it unpacks to far more bytes than it has itself, and `EOFError`
    behind its end. Headers count as well: `tarfile` reads a header of any length into memory, and
    skips a member of any length in small steps, which after the end take years.
    """
    return tarfile.open(fileobj=cast(IO[bytes], _LimitedGunzip(stream)), mode="r|")


class _LimitedGunzip:
    """The decompressed bytes of a gzip stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._received = _Counted(stream)
        self._gzip = gzip.GzipFile(fileobj=cast(IO[bytes], self._received))
        self._bytes = 0
        self._is_at_end = False

    def read(self, size: int) -> bytes:
        content = self._gzip.read(size)
        if self._is_at_end:
            raise EOFError("it ends before its last member does")
        self._is_at_end = not content  # tarfile reads there once, to fill its buffer
        self._bytes += len(content)
        if self._bytes > ALWAYS_ALLOWED_BYTES + MAX_RATIO * self._received.bytes:
            raise ValueError(
                f"its first {self._received.bytes:,} bytes unpack to more than {self._bytes:,}"
            )
        return content


class _Counted:
    """A stream that counts its bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.bytes = 0

    def read(self, size: int) -> bytes:
        content = self._stream.read(size)
        self.bytes += len(content)
        return content
