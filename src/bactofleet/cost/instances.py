"""The instances of a run, from its attempts, and how their cost is shared among attempts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bactofleet.cost.prices import ON_DEMAND, SPOT, Price, Prices
from bactofleet.records.attempt import RECLAIMED, Attempt


@dataclass
class Instance:
    """One instance, paid from its boot until its last attempt stopped.

    If the boot was not recorded, it is paid from the start of its first attempt.
    """

    type: str
    life_cycle: str
    zone: str
    vcpus: int | None
    disk_gib: float | None
    begin: float
    end: float

    @classmethod
    def of(cls, attempt: Attempt) -> Instance:
        """Return the instance that an attempt ran on, as this attempt recorded it."""
        return cls(
            type=attempt.instance_type,
            life_cycle=SPOT if attempt.life_cycle == SPOT else ON_DEMAND,
            zone=attempt.zone,
            vcpus=attempt.instance_vcpus,
            disk_gib=attempt.disk_gib,
            begin=attempt.started if attempt.booted is None else attempt.booted,
            end=attempt.stopped,
        )

    def merge(self, other: Instance) -> None:
        """Add what another attempt recorded of this instance."""
        self.begin = min(self.begin, other.begin)
        self.end = max(self.end, other.end)
        self.vcpus = self.vcpus or other.vcpus
        self.disk_gib = self.disk_gib or other.disk_gib

    @property
    def hours(self) -> float:
        """Hours that are paid."""
        return (self.end - self.begin) / 3600

    def price(self, prices: Prices) -> Price:
        """Return the price of an hour."""
        period = (self.begin, self.end)
        return prices.instance_hour(self.type, self.life_cycle, self.zone, period, self.vcpus)


class Fleet:
    """All instances by ID, the attempts whose host is unknown, and the number of attempts.

    The host is unknown on Fargate, and if a container cannot reach the metadata service.
    """

    def __init__(self, attempts: Iterable[Attempt] = ()) -> None:
        self.instances: dict[str, Instance] = {}
        self.unknown_hosts: list[Attempt] = []
        self.attempts = 0
        self.reclaimed = 0
        self._life_cycles: dict[str, str] = {}
        for attempt in attempts:
            self.add(attempt)

    def add(self, attempt: Attempt) -> None:
        """Add an attempt that has ended."""
        self.attempts += 1
        self.reclaimed += attempt.outcome == RECLAIMED
        if not attempt.instance_id:
            self.unknown_hosts.append(attempt)
            return
        self._life_cycles[attempt.queue] = attempt.life_cycle
        instance = Instance.of(attempt)
        self.instances.setdefault(attempt.instance_id, instance).merge(instance)

    def life_cycle_of(self, attempt: Attempt) -> str:
        """Return the life cycle of an unknown host: that of other hosts in the attempt's queue.

        If these are unknown too, it is on demand, which is more expensive.
        """
        return self._life_cycles.get(attempt.queue, ON_DEMAND)


def share_out(usd: float, instance: Instance, attempts: Sequence[Attempt]) -> list[float]:
    """Divide the cost of an instance among its attempts.

    Each second costs the same, and the attempts that run in it share its cost in proportion to
    their vCPUs, even if the instance is half empty. Idle seconds are not charged to any attempt,
    so the shares may sum to less than `usd`.

    Args:
        usd: Cost of the instance from `begin` to `end`.
        instance: The instance.
        attempts: All attempts that ran on it.

    Returns:
        USD of each attempt, in the order of `attempts`.
    """
    seconds = instance.end - instance.begin
    if seconds <= 0:
        return [0.0] * len(attempts)
    weights = [attempt.vcpus or 1.0 for attempt in attempts]
    events = [(a.started, w) for a, w in zip(attempts, weights, strict=True)]
    events += [(a.stopped, -w) for a, w in zip(attempts, weights, strict=True)]
    # Seconds charged to each vCPU in use since the boot, by time: an attempt's share is the
    # difference between its stop and its start.
    paid: dict[float, float] = {}
    since, running, vcpus, total = instance.begin, 0, 0.0, 0.0
    for moment, change in sorted(events):
        total += (moment - since) / vcpus if running > 0 else 0.0
        since, running, vcpus = moment, running + (1 if change > 0 else -1), vcpus + change
        paid[moment] = total
    rate = usd / seconds
    return [
        rate * weight * (paid[attempt.stopped] - paid[attempt.started])
        for attempt, weight in zip(attempts, weights, strict=True)
    ]


def count_busy_hours(attempts: Sequence[Attempt]) -> float:
    """Return the hours in which at least one of the attempts ran."""
    seconds, until = 0.0, -math.inf
    for attempt in sorted(attempts, key=lambda attempt: attempt.started):
        seconds += max(0.0, attempt.stopped - max(attempt.started, until))
        until = max(until, attempt.stopped)
    return seconds / 3600
