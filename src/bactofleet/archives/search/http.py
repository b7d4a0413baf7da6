"""Requests to the services that are searched: whole answers only, patiently waited for."""

from __future__ import annotations

import sys
import time
from urllib.parse import urlencode

from bactofleet.archives.retry import NotThere, retry
from bactofleet.archives.web import open_url, read_body
from bactofleet.core.errors import BactofleetError, TemporaryFailure

# A minute or two in all, which a restart of a service takes; Retry-After may ask for more.
ATTEMPTS, LONGEST_PAUSE_S = 7, 600
# ENA takes its time before it answers with the first line of a large taxon.
READ_TIMEOUT_S = 300


class Unavailable(BactofleetError):
    """A service does not answer, or not as it is documented to."""


class Http:
    """A client that tries again, a broken body included."""

    def __init__(self, pause_s: float = 0) -> None:
        self._pause_s = pause_s

    def get(self, url: str) -> bytes:
        """Return the body that a URL has; raise `Unavailable` where there is none."""
        return self._request(url)

    def post(self, url: str, form: dict[str, str]) -> bytes:
        """Return the answer to a form, which nothing logs, unlike a URL; raise `Unavailable`."""
        return self._request(url, urlencode(form))

    def _request(self, url: str, form: str | None = None) -> bytes:
        time.sleep(self._pause_s)
        try:
            return retry(
                lambda: _read(url, form),
                lambda line: print(line, file=sys.stderr),
                attempts=ATTEMPTS,
                longest_pause_s=LONGEST_PAUSE_S,
            )
        except (NotThere, TemporaryFailure) as error:
            raise Unavailable(str(error)) from error


def _read(url: str, form: str | None) -> bytes:
    with open_url(url, form=form, read_timeout_s=READ_TIMEOUT_S) as answer:
        return b"".join(read_body(answer, url))
