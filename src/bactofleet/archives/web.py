"""Requests over HTTPS: open a URL, turn its status into an error, read it; query services.

Proxies and certificates are taken from the environment (HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE,
SSL_CERT_FILE). urllib3 is used without requests, which would double the import time.
"""

from __future__ import annotations

import functools
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from urllib3 import BaseHTTPResponse, Retry, Timeout, exceptions

from bactofleet import __version__
from bactofleet.archives.retry import (
    LONGEST_PAUSE_S,
    Denied,
    NotFound,
    Say,
    Throttled,
    Unavailable,
    Unreachable,
    retry,
)
from bactofleet.core.errors import ConfigurationError, TemporaryFailure
from bactofleet.core.files import CHUNK_BYTES
from bactofleet.core.samples import shown

CONNECT_TIMEOUT_S = 30
READ_TIMEOUT_S = 120
# All other retries are made by `retry`, which logs what it waits for.
REDIRECTIONS = Retry(total=None, connect=0, read=0, status=0, other=0, redirect=10)
# Of an answer to a question; that for all runs of all bacteria has less than 100 MB.
MAX_ANSWER_BYTES = 256 << 20
NO_CONTENT = 204
DENIED, GONE = (401, 403), (404, 410)
# RFC 9110, 15.5: only these client errors are temporary or concern the requested range.
MOMENTARY = (408, 416, 425, 429)
NO_CONNECTION = (
    exceptions.ConnectTimeoutError,
    exceptions.NewConnectionError,
    exceptions.ProxyError,
    exceptions.SSLError,
)


@dataclass(frozen=True)
class Client:
    """Queries services, with retries; returns only complete answers."""

    say: Say
    attempts: int = 1
    longest_pause_s: float = LONGEST_PAUSE_S
    read_timeout_s: float = READ_TIMEOUT_S

    def ask(self, url: str, form: Mapping[str, str] | None = None) -> bytes | None:
        """Return the body of a URL or the answer to a form; None for status 204 (No Content).

        Unlike a URL, a form is not logged on its way.

        Raises `Unavailable` if there is no answer, or one of more than `MAX_ANSWER_BYTES`.
        """

        def read() -> bytes | None:
            with open_url(url, form=form, read_timeout_s=self.read_timeout_s) as answer:
                body = b"".join(_limited(read_body(answer, url), url))
                return None if answer.status == NO_CONTENT else body

        try:
            return retry(
                read, self.say, attempts=self.attempts, longest_pause_s=self.longest_pause_s
            )
        except (NotFound, TemporaryFailure) as error:
            raise Unavailable(str(error)) from error


@contextmanager
def open_url(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    form: Mapping[str, str] | None = None,
    read_timeout_s: float = READ_TIMEOUT_S,
) -> Iterator[BaseHTTPResponse]:
    """Open a URL, with POST if there is a form; read its body with `read_body`.

    Raises `NotFound`, `Denied`, `Throttled` or `TemporaryFailure` according to the status.
    """
    # No compression in transit, because checksums are those of the stored file.
    fields = {"Accept-Encoding": "identity", "User-Agent": f"bactofleet/{__version__}"}
    if form is not None:
        fields["Content-Type"] = "application/x-www-form-urlencoded"
    with _open_manager(url) as manager:
        with _named(url):
            answer = manager.request(
                "GET" if form is None else "POST",
                url,
                body=None if form is None else urlencode(form),
                headers=fields | dict(headers or {}),
                retries=REDIRECTIONS,
                timeout=Timeout(connect=CONNECT_TIMEOUT_S, read=read_timeout_s),
                preload_content=False,
            )
        try:
            _raise_for_status(answer, url)
            yield answer
        finally:
            answer.close()


def read_body(answer: BaseHTTPResponse, url: str) -> Iterator[bytes]:
    """Yield the body as it is stored; raise `TemporaryFailure` if it breaks off."""
    with _named(url):
        yield from answer.stream(CHUNK_BYTES, decode_content=False)


def _limited(chunks: Iterator[bytes], url: str) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise Unavailable(f"{shown(url)} answers with more than {MAX_ANSWER_BYTES:,} bytes")
        yield chunk


def _open_manager(url: str) -> urllib3.PoolManager:
    """Return a pool for a URL that uses the environment's proxy, if there is one."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme, "")
    trust = _make_ssl_context(os.environ.get("REQUESTS_CA_BUNDLE"), os.environ.get("SSL_CERT_FILE"))
    manager = urllib3.PoolManager(ssl_context=trust)
    if proxy and not proxy_bypass(parts.hostname or ""):
        manager = urllib3.ProxyManager(proxy, proxy_headers=_login(proxy), ssl_context=trust)
    if parts.scheme == "https":
        # A redirect must stay on HTTPS.
        del manager.key_fn_by_scheme["http"]
    return manager


def _login(proxy: str) -> dict[str, str]:
    """Return the header with the user and password of a proxy's URL, if it has them."""
    user = urlsplit(proxy).netloc.rpartition("@")[0]
    return dict(urllib3.make_headers(proxy_basic_auth=unquote(user))) if user else {}


@functools.cache  # reading the authorities takes longer than most requests
def _make_ssl_context(bundle: str | None, _system: str | None) -> ssl.SSLContext:
    """Return the trusted authorities: those of `bundle`, else the system's and Mozilla's.

    The container has no certificates of the system. OpenSSL itself reads SSL_CERT_FILE (`_system`).
    """
    try:
        context = ssl.create_default_context(cafile=bundle)
    except OSError as error:
        problem = f"REQUESTS_CA_BUNDLE must be a file of certificates (PEM), not {bundle}"
        raise ConfigurationError([f"{problem}: {error}"]) from error
    if bundle is None:
        context.load_verify_locations(certifi.where())
    return context


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Translate connection errors into ours, which name the URL.

    Their own messages omit the URL with its query, except for those about the URL itself.
    """
    try:
        yield
    except exceptions.LocationValueError as error:
        raise NotFound(f"{shown(url)} leads to an address that is not https://") from error
    except exceptions.HTTPError as error:
        fault: Any = error.reason if isinstance(error, exceptions.MaxRetryError) else error
        said = f"{shown(url)}: the connection failed ({type(fault).__name__}: {fault})"
        kind = Unreachable if isinstance(fault, NO_CONNECTION) else TemporaryFailure
        raise kind(said) from error


def _raise_for_status(answer: BaseHTTPResponse, url: str) -> None:
    status = answer.status
    if status < 400:
        return
    said = f"{urlsplit(url).hostname} answers {status} ({answer.reason}) for {shown(url)}"
    if status in DENIED:
        raise Denied(said)
    if status in GONE:
        raise NotFound(said)
    if retry_after := answer.headers.get("Retry-After"):
        raise Throttled(said, _seconds(retry_after))
    if status < 500 and status not in MOMENTARY:
        raise NotFound(said)
    raise TemporaryFailure(said)


def _seconds(retry_after: str) -> float:
    """Return the seconds of a Retry-After: a number or a date (RFC 9110, 10.2.3)."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, until.timestamp() - time.time())
