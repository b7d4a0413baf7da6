"""Download files over HTTPS: resumed after interruptions, verified, never unencrypted."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urllib3 import BaseHTTPResponse

from bactofleet.archives.disk import check_space
from bactofleet.archives.retry import Say, retry
from bactofleet.archives.web import open_url, read_body
from bactofleet.core.errors import TemporaryFailure, TooLarge
from bactofleet.core.samples import shown

# A slower transfer is restarted, because another connection may take another route.
SLOWEST_BYTES_S, PATIENCE_S = 20_000, 120
SIZE_UNKNOWN = -1


@dataclass(frozen=True)
class Fetched:
    """A downloaded file."""

    source: str
    """Its address, without the query of a URL, which may contain a signature."""
    path: Path
    bytes: int
    md5: str
    """As given by the source and verified; "" if the source gave none."""
    sha256: str
    """Of what arrived."""

    def describe(self) -> dict[str, Any]:
        """Return what the receipt says about the file."""
        known = {"source": self.source, "bytes": self.bytes}
        return known | ({"md5": self.md5} if self.md5 else {}) | {"sha256": self.sha256}


def download(
    url: str,
    target: Path,
    say: Say,
    *,
    size: int = SIZE_UNKNOWN,
    md5: str = "",
    max_bytes: int = sys.maxsize,
) -> Fetched:
    """Download one file to `target`; a broken transfer is resumed.

    `size` (bytes) and `md5` are compared if they are known. Raises `NotFound`, `TooLarge` if the
    file has more than `max_bytes`, or `TemporaryFailure` after all attempts.
    """
    transfer = _Transfer(url, target, size, md5, max_bytes)
    retry(transfer.go_on, say)
    return Fetched(shown(url), target, transfer.written, md5, transfer.sha256)


class _Transfer:
    """The transfer of one file, over as many connections as necessary."""

    def __init__(
        self, url: str, target: Path, size: int, md5: str, max_bytes: int = sys.maxsize
    ) -> None:
        self._url, self._target, self._size, self._md5 = url, target, size, md5
        self._max_bytes = max_bytes
        self._start_over()

    def _start_over(self) -> None:
        self.written = 0
        self._md5_so_far = hashlib.md5(usedforsecurity=False)
        self._sha256_so_far = hashlib.sha256()
        self._version = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes written."""
        return self._sha256_so_far.hexdigest()

    def go_on(self) -> None:
        """Make one attempt to fetch the rest."""
        if self.written != self._size:
            self._receive()
        self._verify()

    def _receive(self) -> None:
        with open_url(self._url, self._range()) as answer:
            if self.written and not self._is_continued(answer):
                self._start_over()
            self._version = answer.headers.get("ETag", "")
            announced = answer.headers.get("Content-Length", "")
            rest = int(announced) if announced.isdecimal() else 0
            self._check_limit(self.written + rest)
            check_space(self._target.parent, rest, shown(self._url))
            with self._target.open("r+b" if self.written else "wb") as handle:
                handle.seek(self.written)
                for chunk in _check_speed(read_body(answer, self._url), shown(self._url)):
                    handle.write(chunk)
                    self._md5_so_far.update(chunk)
                    self._sha256_so_far.update(chunk)
                    self.written += len(chunk)
                    self._check_limit(self.written)
                    if self._size != SIZE_UNKNOWN and self.written > self._size:
                        break  # `_verify` refuses the file, however much is behind

    def _check_limit(self, size: int) -> None:
        if size > self._max_bytes:
            raise TooLarge(shown(self._url), self._max_bytes)

    def _range(self) -> dict[str, str]:
        """Return the headers that ask for the rest, or for the whole file if it has changed."""
        if not self.written:
            return {}
        fields = {"Range": f"bytes={self.written}-"}
        # A weak validator would never match (RFC 9110, 13.1.5).
        if self._version and not self._version.startswith("W/"):
            fields["If-Range"] = self._version
        return fields

    def _is_continued(self, answer: BaseHTTPResponse) -> bool:
        given = answer.headers.get("Content-Range", "")
        return answer.status == 206 and given.startswith(f"bytes {self.written}-")

    def _verify(self) -> None:
        problem = ""
        if self._size not in (SIZE_UNKNOWN, self.written):
            more = "or more " if self.written > self._size else ""
            problem = f"has {self.written:,} {more}bytes, not {self._size:,}"
        elif self._md5 and self._md5_so_far.hexdigest() != self._md5:
            problem = f"has the MD5 {self._md5_so_far.hexdigest()}, not {self._md5}"
        if problem:
            # A short file can be resumed; a wrong one cannot.
            if not self.written < self._size:
                self._start_over()
            raise TemporaryFailure(f"{shown(self._url)} {problem}")


def _check_speed(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield chunks; raise `TemporaryFailure` if they arrive too slowly."""
    since, arrived = time.monotonic(), 0
    for chunk in chunks:
        yield chunk
        arrived += len(chunk)
        passed = time.monotonic() - since
        if passed > PATIENCE_S:
            if arrived / passed < SLOWEST_BYTES_S:
                raise TemporaryFailure(f"{name} comes at {arrived / passed / 1e3:.1f} kB/s only")
            since, arrived = time.monotonic(), 0
