"""What a run has cost so far: attempts are added as they end, none is looked at twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bactofleet.cost.bill import iter_instance_lines, iter_request_lines, iter_running_lines
from bactofleet.cost.instances import Fleet
from bactofleet.cost.prices import Prices
from bactofleet.records.attempt import SUCCEEDED, Attempt, Tarballs


@dataclass(frozen=True)
class Money:
    """What has been spent on attempts that have ended, and what all will have cost at the end."""

    spent_usd: float
    at_end_usd: float | None
    """None while no genome has ended."""


class Meter:
    """Adds up what the bill calls spent, but for the uploads of tarballs."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._fleet = Fleet()
        self._outcomes: Counter[bool] = Counter()

    def add(self, attempt: Attempt) -> None:
        """Take in an attempt that has ended."""
        self._fleet.add(attempt)
        self._outcomes[attempt.outcome == SUCCEEDED] += 1

    def spent(self) -> float:
        """Return the USD of all attempts that were added."""
        lines = [
            *iter_instance_lines(self._fleet, self._prices),
            *iter_running_lines(self._fleet, self._prices),
            *iter_request_lines(self._outcomes, Tarballs(0, ()), self._prices),
        ]
        return sum(line.usd for line in lines)


def price_attempts(attempts: Iterable[Attempt], prices: Prices) -> float:
    """Return the USD that attempts have cost."""
    meter = Meter(prices)
    for attempt in attempts:
        meter.add(attempt)
    return meter.spent()


def foretell_money(spent_usd: float, ended: int, remaining: int) -> Money | None:
    """Return the money of a run of which so many genomes ended; None where nothing was spent.

    The genomes that remain are taken to cost what those that ended did, waste and all.
    """
    if not spent_usd:
        return None
    at_end = spent_usd * (ended + remaining) / ended if ended else None
    return Money(spent_usd, at_end)
