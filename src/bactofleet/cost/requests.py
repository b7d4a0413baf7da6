"""How many requests to S3 a run makes, from its design: docs/executor.md."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bactofleet.core.destination import PART_BYTES, SINGLE_REQUEST_BYTES

# A child fetches the bundle of the run and its line of the manifest.
STAGED_IN = 2


def count_requests(attempts: Mapping[bool, int]) -> tuple[int, int]:
    """Return PUT and GET requests of attempts, besides the tarballs of their genomes.

    Args:
        attempts: How many succeeded (True) and how many did not (False). What a child returns is
            one object, which the controller fetches.
    """
    return attempts[True], STAGED_IN * (attempts[True] + attempts[False]) + attempts[True]


def count_uploads(tarball_bytes: int) -> int:
    """Return the requests that put a tarball on S3: one, or its parts and the two around them."""
    if tarball_bytes < SINGLE_REQUEST_BYTES:
        return 1
    return math.ceil(tarball_bytes / PART_BYTES) + 2
