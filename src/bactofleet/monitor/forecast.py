"""Throughput, and an estimate with interval of the time until the last genome finishes.

First the genomes that have not begun are finished at the current throughput. The window in which
it is measured is divided into batches of equal length. The spread of their counts gives the
interval for the time of the remaining genomes: batch means (Schmeiser 1982,
https://doi.org/10.1287/opre.30.3.556) in the prediction interval for a mean of future observations
(Hahn and Meeker, Statistical Intervals, 1991, chapter 4), solved for the number of future batches.

Then the last genomes finish: as many as are running at that throughput (Little 1961,
https://doi.org/10.1287/opre.9.3.383). The residual time of a duration D that is observed at a
random moment exceeds x with probability E[max(D - x, 0)] / E[D] (renewal theory), where D are the
recent durations.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bactofleet.monitor.receipts import FinishedGenome

BATCHES = 10
# Student's t, two-sided 95 %, with BATCHES - 1 degrees of freedom.
T_95 = 2.262
# Fewer genomes are not enough to measure a throughput.
MIN_FINISHES = 5
# Genomes that began together finish together, so the window spans several median durations and
# enough genomes.
WINDOW_DURATIONS = 4
WINDOW_FINISHES = 20
# If n rare events are expected, none happens with probability exp(-n): n for 2.5, 50 and 97.5 %.
_LOW, _MEDIAN, _HIGH = (-math.log(p) for p in (0.025, 0.5, 0.975))
_TOLERANCE_S = 0.5


@dataclass(frozen=True)
class Throughput:
    """Current throughput: genomes that finished in the last `window_s` seconds."""

    genomes: int
    window_s: float
    per_hour: float


@dataclass(frozen=True)
class TimeLeft:
    """Seconds until the last genome is finished, with 95 % interval from `low_s` to `high_s`.

    `high_s` is None if the throughput varies too much for an upper limit.
    """

    seconds: float
    low_s: float
    high_s: float | None


def measure_throughput(
    finishes: Sequence[FinishedGenome], begin: float, end: float
) -> tuple[Throughput, list[int]] | None:
    """Return the throughput at `end` of a run that began at `begin`, and the counts per batch.

    Return None if too few genomes have finished. Times are in seconds since the epoch.
    """
    times = sorted(finish.time for finish in finishes if begin <= finish.time < end)
    if len(times) < MIN_FINISHES:
        return None
    usual = statistics.median(finish.duration_s for finish in finishes)
    earliest = times[-WINDOW_FINISHES] if len(times) >= WINDOW_FINISHES else begin
    since = max(begin, min(end - WINDOW_DURATIONS * usual, earliest))
    counts, _ = np.histogram(times, bins=BATCHES, range=(since, end))
    genomes = int(counts.sum())
    window = end - since
    return Throughput(genomes, window, genomes / window * 3600), counts.tolist()


def predict_time(
    pace: Throughput,
    counts: Sequence[int],
    durations_s: Sequence[float],
    remaining: int,
    age_s: float = 0.0,
) -> TimeLeft:
    """Return the time until `remaining` genomes, running or not, are finished.

    `pace`, `counts` and `remaining` are those of `age_s` seconds ago.
    """
    durations = np.asarray(durations_s)
    under_way = min(float(remaining), pace.per_hour / 3600 * float(durations.mean()))
    batch = pace.window_s / len(counts)
    needed = _batches_needed(counts, remaining - under_way)
    low, middle, high = (
        max(0.0, batches * batch + _drain(durations, under_way, expected) - age_s)
        for batches, expected in zip(needed, (_LOW, _MEDIAN, _HIGH), strict=True)
    )
    return TimeLeft(middle, low, high if math.isfinite(high) else None)


def _batches_needed(counts: Sequence[int], genomes: float) -> tuple[float, float, float]:
    """Return the low, expected and high number of batches of time for a number of genomes.

    In m batches m * mean +- t * deviation * sqrt(m**2 / k + m) genomes finish, where k is the
    number of `counts`; the bounds are the roots of this equation.
    """
    mean = statistics.mean(counts)
    variance = T_95**2 * statistics.variance(counts)
    a = mean**2 - variance / len(counts)
    b = 2 * mean * genomes + variance
    root = math.sqrt(max(0.0, b**2 - 4 * a * genomes**2))
    low = 2 * genomes**2 / (b + root) if genomes else 0.0
    return low, genomes / mean, (b + root) / (2 * a) if a > 0 else math.inf


def _drain(durations: NDArray[np.float64], under_way: float, expected: float) -> float:
    """Return the time (s) after which `expected` of the `under_way` genomes still run."""
    low, high = 0.0, float(durations.max())
    while high - low > _TOLERANCE_S:
        middle = (low + high) / 2
        left = under_way * np.maximum(durations - middle, 0).mean() / durations.mean()
        low, high = (middle, high) if left > expected else (low, middle)
    return low
