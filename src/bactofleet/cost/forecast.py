"""Prediction of the seconds or bytes of future genomes from those of finished genomes.

The sum over n future genomes is n times the mean of the finished genomes. Its 95 % prediction
interval is a basic bootstrap interval on the logarithmic scale (Davison and Hinkley, Bootstrap
Methods and their Application, 1997, https://doi.org/10.1017/CBO9780511802843, sections 2.2 and
5.2): if the mean of a resample is twice the mean of the finished genomes, the true mean is taken to
be half of it. The sum varies around n times this mean with sqrt(n) times the standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DRAWS = 1000
# Resamples of all n genomes vary too little if n is small. With three genomes fewer, their mean
# varies like Student's t with n - 1 degrees of freedom, whose variance is (n - 1) / (n - 3).
FEWER = 3
# Fewer genomes are as uncertain as a guess: the interval is this factor in both directions.
MIN_GENOMES = 10
GUESS_FACTOR = 3.0


@dataclass(frozen=True)
class Range:
    """An expected number and its 95 % prediction interval."""

    expected: float
    low: float
    high: float

    def __mul__(self, factor: float) -> Range:
        return Range(self.expected * factor, self.low * factor, self.high * factor)

    def __add__(self, other: Range) -> Range:
        return Range(self.expected + other.expected, self.low + other.low, self.high + other.high)


class Forecast:
    """Predicts sums over future genomes from the values of finished ones, or from a guess."""

    def __init__(self, values: Array, guess: float) -> None:
        """Use `values`, one per finished genome, shape (n,), or `guess` if there are none."""
        self._mean = float(values.mean()) if len(values) else guess
        self.longest = float(values.max()) if len(values) else guess
        """The largest value of one genome."""
        self._is_guess = len(values) < MIN_GENOMES
        if self._is_guess:
            self.longest *= GUESS_FACTOR
            return
        # A fixed seed: the same receipts give the same forecast.
        rng = np.random.default_rng(0)
        resamples = rng.choice(values, (DRAWS, len(values) - FEWER))
        self._means = self._mean**2 / resamples.mean(axis=1)
        self._noise = resamples.std(axis=1) * rng.standard_normal(DRAWS)

    def sum_up(self, count: float) -> Range:
        """Return the predicted sum over `count` genomes, which may be a share of a cohort."""
        expected = count * self._mean
        if self._is_guess:
            return Range(expected, expected / GUESS_FACTOR, expected * GUESS_FACTOR)
        sums = np.maximum(0, count * self._means + np.sqrt(count) * self._noise)
        low, high = np.quantile(sums, (0.025, 0.975))
        return Range(expected, float(low), float(high))
