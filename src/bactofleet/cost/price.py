"""One price, with where it was read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """USD for one unit; `note` says how it was derived, "" where the source has it as it is."""

    usd: float
    """The first tier's, where there are `tiers`."""
    unit: str
    source: str
    date: str
    note: str = ""
    tiers: tuple[tuple[float, float], ...] = ()
    """Upper bounds in units, ascending, and the USD a unit below each; none is one tier."""

    @property
    def origin(self) -> tuple[str, str]:
        """Where it was read and of when it is."""
        return self.source, self.date

    def cost(self, quantity: float) -> float:
        """Return the USD of so many units."""
        if not self.tiers:
            return quantity * self.usd
        usd = below = 0.0
        for bound, rate in self.tiers:
            usd += max(0.0, min(quantity, bound) - below) * rate
            below = bound
        return usd


def average(history: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    """Return the mean over time of a price that changed.

    Args:
        history: Times (seconds since the epoch, ascending) and the USD from each on.
        begin: First second; before the first change, its price is taken.
        end: Last second; where it is not after `begin`, the price of that moment is returned.
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
