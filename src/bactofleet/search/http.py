"""Requests to public services: patient with their faults, and polite."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import BaseHTTPResponse
from urllib3.connectionpool import ConnectionPool
from urllib3.util import Retry, Timeout

from bactofleet import __version__
from bactofleet.errors import BactofleetError


class Patience(Retry):
    """Tries again, and says so: a service that is down is waited for, for minutes."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """Return what is left of the patience; raise `MaxRetryError` where nothing is."""
        left = super().increment(method, url, response, error, _pool, _stacktrace)
        host = _pool.host if _pool else ""
        why = f"status {response.status}" if response else error
        print(f"{host}: {why}; trying again", file=sys.stderr)
        return left


# About two minutes in all, which a restart of a service takes; Retry-After may ask for more.
RETRIES = Patience(
    total=6,
    connect=3,  # without a network nobody waits for so long,
    other=0,  # nor for a certificate that is wrong
    backoff_factor=2,
    backoff_max=60,
    backoff_jitter=2,
    status_forcelist=(408, 429, 500, 502, 503, 504),
    allowed_methods=None,  # POST too: all that is posted are questions
    retry_after_max=600,
)
# ENA takes its time before it answers with the first line of a large taxon.
TIMEOUT = Timeout(connect=15, read=300)


class Unavailable(BactofleetError):
    """A service does not answer, or not as it is documented to."""


class Http:
    """A client that tries again, a broken body included, and returns whole answers only."""

    def __init__(self, pause_s: float = 0) -> None:
        self._pause_s = pause_s
        self._headers = {
            "User-Agent": f"bactofleet/{__version__}",
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def get(self, url: str) -> bytes:
        """Return the body that a URL has; raise `Unavailable` where there is none."""
        return self._request("GET", url)

    def post(self, url: str, form: dict[str, str]) -> bytes:
        """Return the answer to a form, which nothing logs, unlike a URL; raise `Unavailable`."""
        return self._request("POST", url, urlencode(form))

    def _request(self, method: str, url: str, body: str | None = None) -> bytes:
        time.sleep(self._pause_s)
        host = urlsplit(url).hostname or url
        try:
            # The body is read within the attempt, so that a connection that breaks in the middle
            # of it is an attempt that failed.
            answer = _manager(url, host).request(method, url, body=body, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            why = getattr(error, "reason", error)  # of the last attempt
            raise Unavailable(f"{host} does not answer: {why}") from error
        if answer.status not in (200, 204):
            text = answer.data[:200].decode(errors="replace").strip()
            raise Unavailable(f"{host} answers with status {answer.status}: {text}")
        return answer.data


def _manager(url: str, host: str) -> urllib3.PoolManager:
    """Return a client for a URL that goes through the proxy of the environment, if it has one."""
    proxy = getproxies().get(urlsplit(url).scheme)
    if proxy and not proxy_bypass(host):
        return urllib3.ProxyManager(proxy, retries=RETRIES, timeout=TIMEOUT)
    return urllib3.PoolManager(retries=RETRIES, timeout=TIMEOUT)
