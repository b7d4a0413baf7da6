"""Histogram of the durations of genomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_BINS, MAX_BINS = 6, 40
# If the longest duration is more than FAR times this percentile, bins end at the percentile.
MOST = 99
FAR = 1.5


@dataclass(frozen=True)
class Durations:
    """A histogram of minutes: `counts` in bins of width `width_min`, starting at `begin_min`."""

    begin_min: float
    width_min: float
    counts: list[int]
    longer: int
    """Number of genomes that took longer than the last bin."""
    low_min: float
    median_min: float
    high_min: float
    """`low_min`, `median_min` and `high_min` are the 5th, 50th and 95th percentile."""
    longest_min: float


def bin_durations(minutes: Sequence[float]) -> Durations | None:
    """Return the histogram of durations; None if there are none."""
    if not minutes:
        return None
    values = np.array(minutes)
    low, median, high, most = map(float, np.percentile(values, (5, 50, 95, MOST)))
    longest = float(values.max())
    end = most if longest > FAR * most else longest
    width = _choose_width(end - values.min(), len(values))
    begin = math.floor(values.min() / width) * width
    bins = max(1, math.ceil((end - begin) / width))
    edges = begin + width * np.arange(bins + 1)
    counts, _ = np.histogram(values, edges)
    longer = int((values > edges[-1]).sum())
    return Durations(begin, width, counts.tolist(), longer, low, median, high, longest)


def _choose_width(spread: float, count: int) -> float:
    """Return a round bin width (1, 2 or 5 times a power of ten) for `count` values."""
    bins = min(MAX_BINS, max(MIN_BINS, 2 * math.isqrt(count)))
    exact = max(spread / bins, 1e-3)
    unit = 10.0 ** math.floor(math.log10(exact))
    return next(round(unit * digit, 6) for digit in (1, 2, 5, 10) if unit * digit >= exact)
