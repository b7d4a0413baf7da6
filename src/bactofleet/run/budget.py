"""`max_cost`: a run makes only as many genomes as the rest of the budget pays for.

The executor submits all jobs of a run at once, so a limit on the money already spent would act too
late. Therefore the plan is first cut according to the estimated cost of its genomes. A guard then
watches the spending while they are made.
"""

from __future__ import annotations

import bisect
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bactofleet.core.samples import Sample
from bactofleet.core.text import counted
from bactofleet.cost.bill import price_fleet
from bactofleet.cost.display import format_usd
from bactofleet.cost.estimate import Estimator
from bactofleet.cost.forecast import Range
from bactofleet.cost.instances import Fleet
from bactofleet.cost.prices import load_prices
from bactofleet.monitor.batch import read_submitted
from bactofleet.records.attempt import iter_attempts, open_usage, read_attempts
from bactofleet.run.plan import Plan

# How often the guard looks for new rows in a table; a look without new rows takes no time.
LOOK_S = 2.0


@dataclass(frozen=True)
class Affordable:
    """How many of `total` genomes the rest of `max_cost` pays for.

    This run makes `genomes`, computed from the upper bound of the estimated cost, so that the limit
    holds; `at_most` is computed from the lower bound.
    """

    limit: float
    spent: float
    genomes: int
    at_most: int
    total: int

    def describe(self) -> str:
        """Return it as one line."""
        spent = f"max_cost: {format_usd(self.limit)}: {format_usd(self.spent)} spent"
        if self.genomes == self.total:
            return f"{spent}; the rest is enough for all {counted(self.total, 'genome')}"
        of_all = f"of the {counted(self.total, 'genome')}"
        if not self.genomes:
            return f"{spent}; the rest is not enough for any {of_all}. Raise max_cost to continue"
        return (
            f"{spent}; the rest is enough for {self.genomes:,} to {self.at_most:,} {of_all}. "
            f"This run makes {self.genomes:,}. Start the same command again to continue with "
            "the rest of the money"
        )


def price_plan(
    plan: Plan, samples: Mapping[str, Sample], config: Mapping[str, Any], results: Path
) -> tuple[Plan, list[str]]:
    """Estimate what a plan costs, and cut it to what `max_cost` pays for.

    Returns the plan and the lines to show the user. Genomes that an earlier controller submitted
    come first, because they cost money whether this one takes them over or not. Raises
    `ConfigurationError` if the executor's ledger cannot be read.
    """
    prices, attempts = load_prices(), read_attempts(results)
    submitted = read_submitted(results).samples
    order = sorted(plan.todo, key=lambda name: name not in submitted)
    estimator = Estimator(config, results, attempts, prices, plan.long_share(samples))
    lines = [estimator.predict(len(order)).describe()]
    if config["max_cost"] is None:
        return plan, lines
    spent = price_fleet(Fleet(attempts), prices)
    committed = len(submitted.intersection(order))
    affordable = count_affordable(
        config["max_cost"], spent, estimator.predict_usd, len(order), committed
    )
    chosen = set(order[: affordable.genomes])
    todo = [name for name in plan.todo if name in chosen]
    return replace(plan, todo=todo), [*lines, affordable.describe()]


def count_affordable(
    limit: float, spent: float, predict_usd: Callable[[int], Range], total: int, committed: int
) -> Affordable:
    """Return how many of `total` genomes the rest of a limit pays for.

    `predict_usd` estimates the cost of a number of genomes in USD. The first `committed` genomes
    are made however little is left.
    """
    counts = range(1, total + 1)
    genomes, at_most = (
        max(committed, bisect.bisect_right(counts, limit - spent, key=cost))
        for cost in (lambda n: predict_usd(n).high, lambda n: predict_usd(n).low)
    )
    return Affordable(limit, spent, genomes, at_most, total)


class Guard(threading.Thread):
    """Stops a run from submitting more once its limit is reached; ends with the process."""

    def __init__(
        self, results: Path, limit: float, stop: Callable[[], object], say: Callable[[str], object]
    ) -> None:
        """Watch the cost (USD) of the attempts in `results`; a thread calls `stop` and `say`."""
        super().__init__(name="max_cost", daemon=True)
        self._limit = limit
        self._stop_submitting = stop
        self._say = say
        self._table = open_usage(results)
        self._prices = load_prices()
        self._fleet = Fleet()
        self._spent = 0.0

    def run(self) -> None:
        """Watch until the limit is reached."""
        while (spent := self.look()) < self._limit:
            time.sleep(LOOK_S)
        self._stop_submitting()
        self._say(
            f"max_cost: {format_usd(self._limit)} is reached: {format_usd(spent)} spent. "
            "No more jobs are submitted; submitted jobs continue (Ctrl-C terminates "
            "them). Raise max_cost and start the same command again to make the others"
        )

    def look(self) -> float:
        """Return what all runs have spent so far, in USD."""
        new = list(iter_attempts(self._table.iter_new()))
        for attempt in new:
            self._fleet.add(attempt)
        if new:
            self._spent = price_fleet(self._fleet, self._prices)
        return self._spent
