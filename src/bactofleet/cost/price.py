"""A price and its source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """Price of one unit in USD; `note` says how it was derived, "" if it is the source's own."""

    usd: float
    """Price of the first tier, if there are `tiers`."""
    unit: str
    source: str
    date: str
    note: str = ""
    tiers: tuple[tuple[float, float], ...] = ()
    """Ascending upper bounds in units and the USD per unit below each; empty: one price for all."""

    @property
    def origin(self) -> tuple[str, str]:
        """Source and date of the price."""
        return self.source, self.date

    def cost(self, quantity: float) -> float:
        """Return the cost of a number of units (USD)."""
        if not self.tiers:
            return quantity * self.usd
        usd = below = 0.0
        for bound, rate in self.tiers:
            usd += max(0.0, min(quantity, bound) - below) * rate
            below = bound
        return usd


def average(history: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    """Return the mean over time of a changing price.

    Args:
        history: Ascending times (seconds since the epoch) and the price (USD) from each time on.
        begin: First second; the first price also holds before its time.
        end: Last second; if it is not after `begin`, the price at `begin` is returned.
    """
    until = [time for time, _ in history[1:]] + [math.inf]
    spans = [
        (max(0.0, min(end, stop) - max(begin, start)), usd)
        for (start, usd), stop in zip(_from_the_beginning(history), until, strict=True)
    ]
    total = sum(seconds for seconds, _ in spans)
    if total <= 0:
        return next(usd for (_, usd), stop in zip(history, until, strict=True) if begin < stop)
    return sum(seconds * usd for seconds, usd in spans) / total


def _from_the_beginning(history: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(-math.inf, history[0][1]), *history[1:]]
