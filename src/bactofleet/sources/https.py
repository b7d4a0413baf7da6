"""Files over HTTPS: resumed where they broke off, verified, and never unencrypted.

Proxies and certificates are those of the environment, as requests knows them (HTTPS_PROXY,
NO_PROXY, REQUESTS_CA_BUNDLE).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from bactofleet import __version__
from bactofleet.errors import TemporaryFailure
from bactofleet.files import CHUNK_BYTES
from bactofleet.samples import shown
from bactofleet.sources.disk import check_space
from bactofleet.sources.retry import Denied, NotThere, Say, Throttled, retry

CONNECT_TIMEOUT_S = 30
READ_TIMEOUT_S = 120
# A transfer slower than this is begun anew: another connection may go another way.
SLOWEST_BYTES_S, PATIENCE_S = 20_000, 120
SIZE_UNKNOWN = -1
DENIED, GONE = (401, 403), (404, 410)
# RFC 9110, 15.5: of the client's errors only these are about the moment, or the range asked for.
MOMENTARY = (408, 416, 425, 429)


@dataclass(frozen=True)
class Fetched:
    """A file that was brought here."""

    source: str
    """Where from, without the query of a URL, which may hold a signature."""
    path: Path
    bytes: int
    md5: str
    """Of what arrived, "" where nothing was there to compare it with."""

    def describe(self) -> dict[str, Any]:
        """Return what a receipt says of the file."""
        known = {"source": self.source, "bytes": self.bytes}
        return known | ({"md5": self.md5} if self.md5 else {})


@contextmanager
def open_url(url: str, headers: Mapping[str, str] | None = None) -> Iterator[requests.Response]:
    """Open a URL; its body is still to be read with `read_body`.

    Raises `NotThere`, `Denied`, `Throttled` or `TemporaryFailure` by the status of the answer.
    """
    with _session() as session, _named(url):
        # The file as it is stored, which its checksum is of: not compressed once more on the way.
        fields = {"Accept-Encoding": "identity", **(headers or {})}
        answer = session.get(
            url, headers=fields, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        )
        _raise_for_status(answer)
        yield answer


def read_body(answer: requests.Response) -> Iterator[bytes]:
    """Yield the body as it is stored; raise `TemporaryFailure` where it breaks off."""
    with _named(answer.url):
        yield from answer.raw.stream(CHUNK_BYTES, decode_content=False)


def download(
    url: str, target: Path, say: Say, *, size: int = SIZE_UNKNOWN, md5: str = ""
) -> Fetched:
    """Bring one file to `target`; a broken transfer goes on where it was.

    `size` (bytes) and `md5` are compared where they are known. Raises `NotThere`, or after all
    attempts `TemporaryFailure`.
    """
    transfer = _Transfer(url, target, size, md5)
    retry(transfer.go_on, say)
    return Fetched(shown(url), target, transfer.written, md5)


class _Transfer:
    """One file on its way, over as many connections as it takes."""

    def __init__(self, url: str, target: Path, size: int, md5: str) -> None:
        self._url, self._target, self._size, self._md5 = url, target, size, md5
        self._start_over()

    def _start_over(self) -> None:
        self.written = 0
        self._digest = hashlib.md5(usedforsecurity=False)
        self._version = ""

    def go_on(self) -> None:
        """Make one attempt to get what is lacking."""
        if self.written != self._size:
            self._receive()
        self._verify()

    def _receive(self) -> None:
        with open_url(self._url, self._range()) as answer:
            if self.written and not self._is_continued(answer):
                self._start_over()
            self._version = answer.headers.get("ETag", "")
            rest = answer.headers.get("Content-Length", "")
            check_space(self._target.parent, int(rest or 0), shown(self._url))
            with self._target.open("r+b" if self.written else "wb") as handle:
                handle.seek(self.written)
                for chunk in _at_a_pace(read_body(answer), shown(self._url)):
                    handle.write(chunk)
                    self._digest.update(chunk)
                    self.written += len(chunk)

    def _range(self) -> dict[str, str]:
        """Return the fields that ask for the rest, and for all of a file that has changed."""
        if not self.written:
            return {}
        fields = {"Range": f"bytes={self.written}-"}
        # A weak validator would never match (RFC 9110, 13.1.5).
        if self._version and not self._version.startswith("W/"):
            fields["If-Range"] = self._version
        return fields

    def _is_continued(self, answer: requests.Response) -> bool:
        given = answer.headers.get("Content-Range", "")
        return answer.status_code == 206 and given.startswith(f"bytes {self.written}-")

    def _verify(self) -> None:
        problem = ""
        if self._size not in (SIZE_UNKNOWN, self.written):
            problem = f"has {self.written:,} bytes, not {self._size:,}"
        elif self._md5 and self._digest.hexdigest() != self._md5:
            problem = f"has the MD5 {self._digest.hexdigest()}, not {self._md5}"
        if problem:
            # A short body may be the rest of a transfer that is to go on; a wrong one is not.
            if not self.written < self._size:
                self._start_over()
            raise TemporaryFailure(f"{shown(self._url)} {problem}")


def _at_a_pace(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Pass chunks on; raise `TemporaryFailure` where they come too slowly."""
    since, arrived = time.monotonic(), 0
    for chunk in chunks:
        yield chunk
        arrived += len(chunk)
        passed = time.monotonic() - since
        if passed > PATIENCE_S:
            if arrived / passed < SLOWEST_BYTES_S:
                raise TemporaryFailure(f"{name} comes at {arrived / passed / 1e3:.1f} kB/s only")
            since, arrived = time.monotonic(), 0


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = f"bactofleet/{__version__}"
    # So that no redirection leads out of TLS.
    del session.adapters["http://"]
    return session


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Turn the faults of a connection into a `TemporaryFailure` that says whose it was."""
    try:
        yield
    except requests.exceptions.InvalidSchema as error:
        raise NotThere(f"{shown(url)} leads to an address that is not https://") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        # Not the error's own words: they repeat the URL, with its query.
        fault = type(error).__name__
        raise TemporaryFailure(f"{shown(url)}: the connection failed ({fault})") from error


def _raise_for_status(answer: requests.Response) -> None:
    status, url = answer.status_code, shown(answer.url)
    if status < 400:
        return
    said = f"{urlsplit(url).hostname} answers {status} ({answer.reason}) for {url}"
    if status in DENIED:
        raise Denied(said)
    if status in GONE:
        raise NotThere(said)
    if retry_after := answer.headers.get("Retry-After"):
        raise Throttled(said, _seconds(retry_after))
    if status < 500 and status not in MOMENTARY:
        raise NotThere(said)
    raise TemporaryFailure(said)


def _seconds(retry_after: str) -> float:
    """Return the seconds that a Retry-After asks for: a number, or a date (RFC 9110, 10.2.3)."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, until.timestamp() - time.time())
