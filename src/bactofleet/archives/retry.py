"""Retries: after which errors, and after how long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from bactofleet.core.errors import BactofleetError, TemporaryFailure

ATTEMPTS = 5
# Without a network, or with a wrong certificate, do not wait long.
CONNECT_ATTEMPTS = 4
FIRST_PAUSE_S = 2.0
# If a source asks for a longer wait, the next source is tried or the stage is retried later.
LONGEST_PAUSE_S = 120.0

Result = TypeVar("Result")
Say = Callable[[str], None]
"""Writes a line to the log."""


class NotFound(BactofleetError):
    """A source answered that it does not have the requested object."""


class Denied(NotFound):
    """A source denied access."""


class Throttled(TemporaryFailure):
    """A source asks to wait."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unreachable(TemporaryFailure):
    """No connection to a source can be made."""


class Unavailable(TemporaryFailure):
    """An archive gave no answer, an incomplete one, or one not in the documented form."""


def retry(
    action: Callable[[], Result],
    say: Say,
    *,
    attempts: int = ATTEMPTS,
    longest_pause_s: float = LONGEST_PAUSE_S,
) -> Result:
    """Return the result of `action` after up to `attempts` attempts; failed ones are logged.

    Raises the `TemporaryFailure` of the last attempt; other errors are raised at once.
    """
    for attempt in range(1, attempts):
        try:
            return action()
        except TemporaryFailure as fault:
            pause = _pause_s(fault, attempt)
            is_in_vain = isinstance(fault, Unreachable) and attempt >= CONNECT_ATTEMPTS
            if is_in_vain or pause > longest_pause_s:
                raise
            say(f"{fault}; attempt {attempt + 1} of {attempts} follows in {pause:.1f} s")
        time.sleep(pause)
    return action()


def _pause_s(fault: TemporaryFailure, attempt: int) -> float:
    """Return the seconds to wait: what the source asks for plus a random part of 2, 4, 8, ...

    All jobs of a fleet meet a fault at once; without randomness they would all return at once
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """
    asked = fault.retry_after_s if isinstance(fault, Throttled) else 0.0
    return asked + random.uniform(0, FIRST_PAUSE_S * 2 ** (attempt - 1))  # noqa: S311
