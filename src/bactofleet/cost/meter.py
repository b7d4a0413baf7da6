"""Cost of a run so far; each attempt is added once, when it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bactofleet.cost.bill import iter_instance_lines, iter_request_lines, iter_running_lines
from bactofleet.cost.instances import Fleet
from bactofleet.cost.prices import Prices
from bactofleet.records.attempt import RECLAIMED, Attempt, Tarballs


@dataclass(frozen=True)
class Money:
    """Cost of the attempts that have ended, and expected cost at the end of the run."""

    spent_usd: float
    at_end_usd: float | None
    """None until the first genome has ended."""


class Meter:
    """Adds up the costs that the bill calls spent, except uploads of tarballs."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._fleet = Fleet()
        self._outcomes: Counter[bool] = Counter()

    def add(self, attempt: Attempt) -> None:
        """Add an attempt that has ended."""
        self._fleet.add(attempt)
        self._outcomes[attempt.outcome != RECLAIMED] += 1

    def spent(self) -> float:
        """Return the cost of all attempts added so far (USD)."""
        lines = [
            *iter_instance_lines(self._fleet, self._prices),
            *iter_running_lines(self._fleet, self._prices),
            *iter_request_lines(self._outcomes, Tarballs(0, ()), self._prices),
        ]
        return sum(line.usd for line in lines)


def price_attempts(attempts: Iterable[Attempt], prices: Prices) -> float:
    """Return the cost of the attempts (USD)."""
    meter = Meter(prices)
    for attempt in attempts:
        meter.add(attempt)
    return meter.spent()


def foretell_money(spent_usd: float, ended: int, remaining: int) -> Money | None:
    """Return the cost so far and the expected cost at the end; None if nothing was spent.

    The `remaining` genomes are assumed to cost as much each as those that `ended`, with waste.
    """
    if not spent_usd:
        return None
    at_end = spent_usd * (ended + remaining) / ended if ended else None
    return Money(spent_usd, at_end)
