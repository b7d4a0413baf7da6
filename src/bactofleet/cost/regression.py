"""What genomes take, seconds or bytes, foretold from their bases and sizes with an interval.

One genome was measured (bench/genome/README.md); receipts teach how much more or less than it each
part of the work takes on the machines and with the data of now. Genome i takes

    y_i = p_i * (z_i . b + noise),    p_i = x_i . measured,    z_i = x_i * measured / p_i

x being its features, p what it takes by the measured genome and b a multiplier for each feature.
b is found by least squares with the weights 1 / p, with which the sum that is foretold of the
genomes that taught is what they took, whatever the shape of the truth. Receipts of genomes that are
all alike cannot tell the parts from each other: a penalty keeps the multipliers together there, and
leaves their common level to the receipts (ridge regression: Hoerl and Kennard 1970,
https://doi.org/10.1080/00401706.1970.10488634).

The interval is that of a sum of future observations (Seber and Lee, Linear Regression Analysis,
2003, section 5.3): the uncertainty of b, which all genomes share, and the noise of each of them.
It is taken on the logarithm, for what is taken is never less than nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Columns of `x`: 1, base pairs that are used, base pairs that are there, expected size (bp).
FEATURES = 4
# A genome varies so much around what is foretold of it (relative deviation), until receipts tell
# better: those of this many genomes count as much as this guess.
GUESSED_NOISE = 0.4
GUESS_WEIGHT = 4
# The penalty holds the multipliers together as if they had a deviation of 100 % of their mean.
PENALTY = GUESSED_NOISE**2
# Without receipts: machines and tools may be so much faster or slower than those of the benchmark.
UNTAUGHT_FACTOR = 3.0
_Z_95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Range:
    """A number that is expected, and the bounds that it is between in 95 of 100 cases."""

    expected: float
    low: float
    high: float

    def __mul__(self, factor: float) -> Range:
        return Range(self.expected * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Gap:
    """Something that is not known of genomes, such as their depth.

    For want of it they take more or less by `variance` (relative), a number that was learned from
    so many genomes; `concerned` says for each genome whether it is one of them, shape (n,).
    """

    concerned: NDArray[np.bool_]
    variance: float
    genomes: int


@dataclass(frozen=True)
class Sums:
    """Sums over the first 0, 1, 2, ... of a list of n genomes; each has the shape (n + 1,)."""

    expected: Array
    low: Array
    high: Array

    def __mul__(self, factor: float) -> Sums:
        return Sums(self.expected * factor, self.low * factor, self.high * factor)

    @property
    def whole(self) -> Range:
        """The sum over the whole list."""
        return Range(*(float(sums[-1]) for sums in (self.expected, self.low, self.high)))


@dataclass(frozen=True)
class Regression:
    """What features take; `measured` and `multipliers` have the shape (4,), `covariance` (4, 4)."""

    measured: Array
    multipliers: Array
    covariance: Array
    noise: float
    """Variance of one genome, for each unit that is foretold of it by the measured genome."""
    quantile: float
    """Of the distribution that the interval is taken from, for 97.5 %."""

    def predict(self, features: Array) -> Array:
        """Return what genomes take each; `features` has the shape (n, 4)."""
        return features @ (self.measured * self.multipliers)

    def find_longest(self, features: Array) -> float:
        """Return what none of these genomes takes, but for one of 1,000 (three deviations)."""
        deviations = np.sqrt(self.noise * (features @ self.measured))
        return float((self.predict(features) + 3 * deviations).max(initial=0.0))

    def sum_up(self, features: Array, gaps: Sequence[Gap] = ()) -> Sums:
        """Return what the first genomes of a list take together, for each length of the list."""
        parts = features * self.measured
        sums = np.cumsum(parts, axis=0)
        of_multipliers = np.einsum("ij,jk,ik->i", sums, self.covariance, sums)
        variance = self.noise * sums.sum(axis=1) + of_multipliers
        each = self.predict(features)
        for gap in gaps:
            concerned = each * gap.concerned
            shared = np.cumsum(concerned) ** 2 / gap.genomes
            variance += gap.variance * (np.cumsum(concerned**2) + shared)
        expected = np.cumsum(each)
        deviation, nothing = np.sqrt(variance), np.zeros_like(expected)
        relative = np.divide(deviation, expected, out=nothing, where=expected > 0)
        factor = np.exp(self.quantile * relative)
        bounds = (expected, expected / factor, expected * factor)
        return Sums(*(np.concatenate([[0.0], bound]) for bound in bounds))


def fit(measured: Array, features: Array, taken: Array) -> Regression:
    """Return what receipts teach: features (n, 4) of genomes and what they took (n,).

    `measured` is what the measured genome took for each feature, shape (4,). Without receipts it
    is all that is known.
    """
    if not len(taken):
        level = (math.log(UNTAUGHT_FACTOR) / _Z_95) ** 2
        everywhere = np.full((FEATURES, FEATURES), level)
        return Regression(measured, np.ones(FEATURES), everywhere, 0.0, _Z_95)
    parts = features * measured
    foretold = parts.sum(axis=1)
    typical = float(foretold.mean())
    weights = 1 / (typical * foretold)
    penalty = PENALTY * (np.eye(FEATURES) - 1 / FEATURES)
    weighted = parts.T * weights
    multipliers, inverse = _solve(weighted @ parts + penalty, weighted @ taken)
    residuals = taken - parts @ multipliers
    # Not weighted: it is the variance of sums that is to be right.
    misfit = residuals @ residuals / typical**2 + multipliers @ penalty @ multipliers
    freedom = GUESS_WEIGHT + len(taken) - 1
    guess = GUESS_WEIGHT * (GUESSED_NOISE * float(taken.sum() / foretold.sum())) ** 2
    noise = (guess + float(misfit)) / freedom
    quantile = student_quantile(freedom)
    return Regression(measured, multipliers, noise * inverse, noise * typical, quantile)


def _solve(matrix: Array, right: Array) -> tuple[Array, Array]:
    """Return the solution and the inverse; features that would take less than nothing are 0."""
    kept = np.arange(len(right))
    while True:
        inverse = np.linalg.inv(matrix[np.ix_(kept, kept)])
        found = inverse @ right[kept]
        if (found >= 0).all():
            break
        kept = kept[found >= 0]
    solution, whole = np.zeros_like(right), np.zeros_like(matrix)
    solution[kept] = found
    whole[np.ix_(kept, kept)] = inverse
    return solution, whole


def student_quantile(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t, right to 1 % from 4 degrees of freedom.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, formula 26.7.5.
    """
    z, n = _Z_95, float(freedom)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / n + second / n**2 + third / n**3
