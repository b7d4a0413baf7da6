"""Families of instances that were too expensive for what they did, as measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from bactofleet.cost.prices import SPOT, Prices, family_of, vcpus_of
from bactofleet.records.attempt import SUCCEEDED, Attempt

# Genomes differ in what they need: fewer say nothing about their instances.
MIN_GENOMES = 20
# Fewer families mean fewer spot pools, and so more waiting: leave out only what costs twice as much
# as the cheapest.
TOO_EXPENSIVE = 2.0


def find_expensive(attempts: Iterable[Attempt], prices: Prices) -> dict[str, str]:
    """Return families whose genomes cost twice as much as those of another, with the reason.

    Only families with `MIN_GENOMES` finished genomes are compared, by the price of the vCPU hours
    on spot that their genomes took.
    """
    genomes: defaultdict[str, int] = defaultdict(int)
    usd: defaultdict[str, float] = defaultdict(float)
    for attempt in attempts:
        vcpus = vcpus_of(attempt.instance_type)
        if attempt.outcome != SUCCEEDED or not vcpus or not attempt.genomes:
            continue
        family = family_of(attempt.instance_type)
        genomes[family] += len(attempt.genomes)
        hourly = prices.instance_hour(attempt.instance_type, SPOT).usd / vcpus
        usd[family] += attempt.vcpu_hours * hourly
    means = {name: usd[name] / count for name, count in genomes.items() if count >= MIN_GENOMES}
    if not means:
        return {}
    cheapest = min(means, key=means.__getitem__)
    return {
        name: f"its genomes cost {mean / means[cheapest]:.1f} times as much as those of {cheapest}"
        for name, mean in sorted(means.items())
        if mean >= TOO_EXPENSIVE * means[cheapest]
    }
