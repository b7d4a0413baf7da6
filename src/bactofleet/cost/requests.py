"""Number of requests to S3, calculated from the design of the executor: docs/executor.md."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bactofleet.core.destination import PART_BYTES, SINGLE_REQUEST_BYTES

# Each child job fetches the bundle of the run and its line of the manifest.
STAGED_IN = 2


def count_requests(attempts: Mapping[bool, int]) -> tuple[int, int]:
    """Return the numbers of PUT and GET requests of attempts, without uploads of tarballs.

    Args:
        attempts: Number of attempts that ended by themselves (True) and of those that lost their
            host (False). A child job that ends writes one object, its outputs or the logs of its
            failure, which the controller fetches.
    """
    return attempts[True], STAGED_IN * (attempts[True] + attempts[False]) + attempts[True]


def count_uploads(tarball_bytes: int) -> int:
    """Return the number of requests to upload a tarball: one, or one per part and two more."""
    if tarball_bytes < SINGLE_REQUEST_BYTES:
        return 1
    return math.ceil(tarball_bytes / PART_BYTES) + 2
