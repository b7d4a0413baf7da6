"""Seconds and bytes of genomes that are to be made, from what is known of them and of others."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from bactofleet.cost.genomes import Known, Lessons
from bactofleet.cost.regression import (
    GUESS_WEIGHT,
    GUESSED_NOISE,
    Array,
    Gap,
    Regression,
    Sums,
    fit,
)

# What the genome of bench/genome/README.md took on 2 cores, 2.87 Mb with 287 Mb of reads of which
# all were used: for each genome (starts of programs, publish), base pair that is used, base pair
# that is there (download and qc, 92 s) and base pair of the genome (annotation, 182 s). The 661 s
# of the assembly go with what is used and with the genome: SKESA alone took 987 CPU s at 100x and
# 692 CPU s at 50x.
MEASURED_SECONDS = np.array([14.0, 1.38e-6, 0.32e-6, 155e-6])
# Bytes of tarballs: FASTA, annotation and logs; and of what `keep` adds, FASTQ or BAM.
TARBALL_BYTES = np.array([1e5, 0.0, 0.0, 3.2])
KEPT_BYTES = np.array([0.0, 0.6, 0.0, 0.0])
# Where neither sheet nor receipts tell; the depth is then that of which all is used.
GUESSED_SIZE = 3e6


class Model:
    """Foretells genomes from those that were made, or else from the one that was measured."""

    def __init__(self, lessons: Lessons, coverage: float, keep: Collection[str] = ()) -> None:
        """Learn; `coverage` is the largest depth (x) that is used, `keep` is `reads` and `bam`."""
        self._coverage = coverage
        self._sizes, self._depths = _seen(lessons.known)
        self._size = _mean(self._sizes, GUESSED_SIZE)
        self._depth = _mean(self._depths, coverage)
        self._used_depth = _mean(np.minimum(self._depths, coverage), coverage)
        features = self._to_features(lessons.known)
        self._seconds = fit(MEASURED_SECONDS, features, lessons.seconds)
        weighed = ~np.isnan(lessons.bytes)
        measured = TARBALL_BYTES + len(set(keep)) * KEPT_BYTES
        self._bytes = fit(measured, features[weighed], lessons.bytes[weighed])

    def sum_seconds(self, known: Known) -> Sums:
        """Return the wall seconds of the first genomes of a list, one after the other."""
        return self._sum_up(self._seconds, known)

    def find_longest(self, known: Known) -> float:
        """Return the wall seconds that none of these genomes takes, but for one of 1,000."""
        return self._seconds.find_longest(self._to_features(known))

    def sum_bytes(self, known: Known) -> Sums:
        """Return the bytes of the tarballs of the first genomes of a list."""
        return self._sum_up(self._bytes, known)

    def _to_features(self, known: Known) -> Array:
        """Return what `Regression` takes, shape (n, 4); what is not known is as it usually is."""
        sizes = np.where(np.isnan(known.sizes), self._size, known.sizes)
        is_known = ~np.isnan(known.bases)
        there = np.where(is_known, known.bases, self._depth * sizes)
        used = np.minimum(known.bases, self._coverage * sizes)
        used = np.where(is_known, used, self._used_depth * sizes)
        return np.column_stack([np.ones_like(sizes), used, there, sizes])

    def _sum_up(self, regression: Regression, known: Known) -> Sums:
        same = np.ones_like(self._depths)
        of_depths = Known(self._depths * self._size, same * self._size)
        of_sizes = Known(self._sizes * self._depth, self._sizes)
        gaps = [
            Gap(np.isnan(wanted), _spread(regression.predict(self._to_features(seen))), len(seen))
            for wanted, seen in ((known.bases, of_depths), (known.sizes, of_sizes))
            if len(seen)
        ]
        return regression.sum_up(self._to_features(known), gaps)


def _seen(known: Known) -> tuple[Array, Array]:
    """Return sizes and depths of the genomes of which they are known; assemblies have no depth."""
    depths = known.bases / known.sizes
    return known.sizes[~np.isnan(known.sizes)], depths[depths > 0]


def _mean(values: Array, guess: float) -> float:
    return float(values.mean()) if len(values) else guess


def _spread(values: Array) -> float:
    """Return the variance of values around their mean, relative to it; a guess for a few."""
    deviations = values / values.mean() - 1
    guess = GUESS_WEIGHT * GUESSED_NOISE**2
    return float((guess + deviations @ deviations) / (GUESS_WEIGHT + len(values) - 1))
