"""What genomes will take, in seconds or bytes, foretold from what others took.

A sum of future genomes is their number times the mean of those that were made. Its 95 % interval
comes from the bootstrap (Davison and Hinkley, Bootstrap Methods and their Application, 1997,
https://doi.org/10.1017/CBO9780511802843, sections 2.2 and 5.2): the genomes that were made are to
all genomes as a resample is to them. A resample whose mean is twice theirs stands for a mean of all
genomes that is half of theirs (the basic interval, on the logarithm), around which n future genomes
vary by the square root of n times their deviation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DRAWS = 1000
# A resample of all n genomes varies too little where n is small. With three less its mean varies as
# Student's t of n - 1 degrees of freedom, whose variance is (n - 1) / (n - 3).
FEWER = 3
# Fewer genomes may be as far off as a guess: by a factor, in both directions.
MIN_GENOMES = 10
GUESS_FACTOR = 3.0


@dataclass(frozen=True)
class Range:
    """A number that is expected, and the bounds that it is between in 95 of 100 cases."""

    expected: float
    low: float
    high: float

    def __mul__(self, factor: float) -> Range:
        return Range(self.expected * factor, self.low * factor, self.high * factor)


class Forecast:
    """Foretells sums over genomes from values of those that were made, or from a guess."""

    def __init__(self, values: Array, guess: float) -> None:
        """Learn from `values`, one a genome, shape (n,); `guess` is taken where there are none."""
        self._mean = float(values.mean()) if len(values) else guess
        self.longest = float(values.max()) if len(values) else guess
        """The largest value of one genome."""
        self._is_guess = len(values) < MIN_GENOMES
        if self._is_guess:
            self.longest *= GUESS_FACTOR
            return
        # Seeded: the same receipts tell the same.
        rng = np.random.default_rng(0)
        resamples = rng.choice(values, (DRAWS, len(values) - FEWER))
        self._means = self._mean**2 / resamples.mean(axis=1)
        self._noise = resamples.std(axis=1) * rng.standard_normal(DRAWS)

    def sum_up(self, count: int) -> Range:
        """Return what so many genomes take together."""
        expected = count * self._mean
        if self._is_guess:
            return Range(expected, expected / GUESS_FACTOR, expected * GUESS_FACTOR)
        sums = np.maximum(0, count * self._means + np.sqrt(count) * self._noise)
        low, high = np.quantile(sums, (0.025, 0.975))
        return Range(expected, float(low), float(high))
