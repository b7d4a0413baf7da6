"""What a run has cost so far: attempts are added as they end, none is looked at twice."""

from __future__ import annotations

from collections.abc import Iterator

from bactofleet.cost.bill import iter_attempt_lines, iter_disk_lines, price_homeless
from bactofleet.cost.instances import Fleet, Instance
from bactofleet.cost.prices import Prices
from bactofleet.cost.records import SUCCEEDED, Attempt


class Meter:
    """Adds up what `make_bill` calls spent, but for the uploads of large tarballs."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._fleet = Fleet()
        self.usd = 0.0

    def add(self, attempt: Attempt) -> None:
        """Take in an attempt that has ended."""
