"""How long genomes took, in bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_BINS, MAX_BINS = 6, 40
# Above this percentile genomes share the last bin, if they lie far off.
MOST = 99
FAR = 1.5


@dataclass(frozen=True)
class Durations:
    """A histogram of minutes: `counts` of bins of `width_min` from `begin_min` on."""

    begin_min: float
    width_min: float
    counts: list[int]
    longer: int
    """Genomes that took longer than the last bin."""
    low_min: float
    median_min: float
    high_min: float
    """5th, 50th and 95th percentile."""
    longest_min: float


def bin_durations(minutes: Sequence[float]) -> Durations | None:
    """Return the histogram of durations, None of none."""
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
    """Return a round width (1, 2 or 5 and zeros) that makes as many bins as the values fill."""
    bins = min(MAX_BINS, max(MIN_BINS, 2 * math.isqrt(count)))
    exact = max(spread / bins, 1e-3)
    unit = 10.0 ** math.floor(math.log10(exact))
    return next(round(unit * digit, 6) for digit in (1, 2, 5, 10) if unit * digit >= exact)
