"""Number of running genomes over time, from the times at which each began and ended.

A line through the numbers at some moments would miss what happens between them. Therefore each bin
has the mean over its time: the sum of the running times of genomes in the bin, divided by its
length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bactofleet.monitor.receipts import FinishedGenome
from bactofleet.monitor.tables import Span

Numbers = NDArray[np.float64]

MAX_BINS = 240
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
BIN_SIZES_S = (
    *(1, 5, 15, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 28 * _DAY),
)
# A longer pause starts a new timeline; otherwise the timeline would mostly show the pause.
MAX_PAUSE_S = 3 * _DAY
# Clocks of other computers may be wrong, and records are not trusted: spans beyond these limits
# are implausible.
MAX_SPAN_S = 30 * _DAY
MAX_AHEAD_S = _HOUR


@dataclass(frozen=True)
class Timeline:
    """Means in bins of equal length; times are in seconds since the epoch."""

    begin: float
    step_s: int
    at_work: list[float]
    vcpus: list[float]
    earlier: int
    """Number of spans before the last long pause, which are left out."""
    sure_until: float
    """Work that began later may not have been recorded yet."""


def to_spans(finishes: Iterable[FinishedGenome]) -> list[Span]:
    """Return when genomes were running, and the average number of processors that they used.

    A receipt has the finishing time, and wall and processor time of each stage; the stages are
    assumed to have run without pauses between them.
    """
    return [
        Span(finish.time - duration, finish.time, finish.cpu_s / duration)
        for finish in finishes
        if (duration := finish.duration_s) > 0
    ]


def measure_timeline(spans: Sequence[Span], now: float, *, is_under_way: bool) -> Timeline | None:
    """Return the timeline of the work since the last long pause; None if there is no work.

    During a run the timeline ends now, but work in progress is recorded only when it has ended.
    """
    begins, ends, vcpus = np.array(spans, dtype=float).reshape(-1, 3).T
    duration = ends - begins
    plausible = (duration > 0) & (duration < MAX_SPAN_S) & (ends < now + MAX_AHEAD_S)
    chosen = plausible & (begins >= _find_last_start(begins[plausible], ends[plausible]))
    if not chosen.any():
        return None
    begins, ends, vcpus = begins[chosen], ends[chosen], vcpus[chosen]
    end = max(now, ends.max()) if is_under_way else ends.max()
    step = _choose_step(end - begins.min())
    edges = np.arange(begins.min() // step * step, end + step, step)
    usual_longest = float(np.percentile(ends - begins, 95))
    return Timeline(
        begin=float(edges[0]),
        step_s=step,
        at_work=_average(begins, ends, np.ones_like(begins), edges),
        vcpus=_average(begins, ends, vcpus, edges),
        earlier=int(plausible.sum() - chosen.sum()),
        sure_until=float(ends.max()) - usual_longest if is_under_way else end,
    )


def _find_last_start(begins: Numbers, ends: Numbers) -> float:
    """Return when the work after the last long pause began; -inf if there was no long pause."""
    order = np.argsort(begins)
    begins, reach = begins[order], np.maximum.accumulate(ends[order])
    after_pauses = begins[1:][begins[1:] - reach[:-1] > MAX_PAUSE_S]
    return float(after_pauses[-1]) if len(after_pauses) else -np.inf


def _choose_step(length_s: float) -> int:
    """Return the shortest bin size that covers the time with fewer than `MAX_BINS` bins."""
    return next((step for step in BIN_SIZES_S if length_s / step < MAX_BINS), BIN_SIZES_S[-1])


def _average(begins: Numbers, ends: Numbers, weights: Numbers, edges: Numbers) -> list[float]:
    """Return the time average of the summed weights in each bin."""
    work = _work_since(begins, weights, edges) - _work_since(ends, weights, edges)
    means: Numbers = np.diff(work) / np.diff(edges)
    return [round(float(mean), 2) for mean in np.maximum(means, 0)]


def _work_since(times: Numbers, weights: Numbers, edges: Numbers) -> Numbers:
    """Return for each edge the sum of weight x elapsed time, over all times before the edge."""
    order = np.argsort(times)
    # Relative to the first edge: times since the epoch would leave few digits for differences.
    passed, weight = times[order] - edges[0], weights[order]
    count = np.searchsorted(passed, edges - edges[0], side="right")
    total = np.concatenate(([0.0], np.cumsum(weight)))[count]
    offset = np.concatenate(([0.0], np.cumsum(weight * passed)))[count]
    result: Numbers = total * (edges - edges[0]) - offset
    return result
