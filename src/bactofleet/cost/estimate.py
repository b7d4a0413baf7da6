"""Forecast of the cost, time and storage of genomes, before a job is submitted.

Seconds of the stages and bytes are foretold from the receipts. What is paid beyond these seconds
(starts of containers, attempts that were reclaimed or failed, instances that wait) and for an hour
is as it was in the runs whose attempts results/usage.tsv has; without any it is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bactofleet.cost.bill import GIB
from bactofleet.cost.forecast import Forecast, Range
from bactofleet.cost.genomes import PastGenomes, read_past_genomes
from bactofleet.cost.meter import price_attempts
from bactofleet.cost.prices import ON_DEMAND, SPOT, Prices
from bactofleet.records.attempt import SUCCEEDED, Attempt

# Most spot vCPUs of the stack (MaxSpotVcpus of infra/bactofleet.yaml), where nobody changed it.
STACK_VCPUS = 256
# Without receipts a genome takes what that of bench/genome/README.md did, 2.87 Mb at 100x on two
# cores; its tarball holds FASTA, annotation and logs, and for each of `keep` FASTQ or BAM.
MEASURED_SECONDS = 949.0
MEASURED_BYTES = 9.3e6
KEPT_BYTES = 172e6
# Seconds that are paid for each second of the stages: a guess, until attempts tell.
ASSUMED_OVERHEAD = 1.1
# The stack's instances have 4 to 16 vCPUs.
ASSUMED_INSTANCE_VCPUS = 8
HOUR_S = 3600


@dataclass(frozen=True)
class Rate:
    """Price of a vCPU hour, and the overhead on top of the time of the stages."""

    overhead: float
    """vCPU seconds that are paid for each that stages take."""
    usd: float
    """Of a vCPU hour, with everything that comes with it."""
    attempts: int
    """That this was learned from; with none it is assumed."""


@dataclass(frozen=True)
class Estimate:
    """Forecast for a number of genomes."""

    genomes: int
    lessons: int
    """Finished genomes that the forecast uses; without any it uses the measured genome."""
    attempts: int
    """On AWS Batch, from which overhead and price were learned; without any they are assumed."""
    vcpu_hours: Range
    usd: Range
    usd_on_demand: Range
    """If no instance is a spot instance."""
    bytes: Range
    """Of the tarballs."""
    usd_month: Range
    """For keeping them."""
    usd_download: Range
    """For taking them all out of AWS once."""
    vcpus: int
    hours: tuple[float, float]
    """Wall time on so many vCPUs, at least and at most."""


class Estimator:
    """Forecasts genomes for one results folder and one configuration."""

    def __init__(
        self, config: Mapping[str, Any], results: Path, attempts: Sequence[Attempt], prices: Prices
    ) -> None:
        """Learn from the receipts below `results` and from the attempts of its runs."""
        self._threads: int = config["threads"]
        self._prices = prices
        past = read_past_genomes(results, config)
        self._lessons = len(past.seconds)
        self._seconds = Forecast(past.seconds, MEASURED_SECONDS)
        guess = MEASURED_BYTES + len(set(config["keep"])) * KEPT_BYTES
        self._bytes = Forecast(past.bytes[~np.isnan(past.bytes)], guess)
        self._rate = learn_rate(past, attempts, self._threads, prices)
        # vCPU hours that are paid for a wall second of a genome's stages.
        self._paid: float = self._rate.overhead * self._threads / HOUR_S

    def foretell_usd(self, genomes: int) -> Range:
        """Return what so many genomes cost."""
        return self._seconds.sum_up(genomes) * (self._paid * self._rate.usd)

    def foretell(self, genomes: int, vcpus: int = STACK_VCPUS) -> Estimate:
        """Return what so many genomes cost, take on so many vCPUs, and leave."""
        vcpu_hours = self._seconds.sum_up(genomes) * self._paid
        size = self._bytes.sum_up(genomes)
        return Estimate(
            genomes=genomes,
            lessons=self._lessons,
            attempts=self._rate.attempts,
            vcpu_hours=vcpu_hours,
            usd=self.foretell_usd(genomes),
            usd_on_demand=vcpu_hours * price_vcpu_hour(ON_DEMAND, self._threads, self._prices),
            bytes=size,
            usd_month=self._price_bytes("s3_storage", size),
            usd_download=self._price_bytes("transfer_out", size),
            vcpus=vcpus,
            hours=self._bound_hours(genomes, vcpus),
        )

    def _price_bytes(self, charge: str, size: Range) -> Range:
        price = self._prices.charge(charge)
        return Range(*(price.cost(part / GIB) for part in (size.expected, size.low, size.high)))

    def _bound_hours(self, genomes: int, vcpus: int) -> tuple[float, float]:
        """Return the wall time that genomes take at least and at most, in whatever order.

        List scheduling: Graham 1966, https://doi.org/10.1002/j.1538-7305.1966.tb01709.x
        """
        at_once = max(1, min(vcpus // self._threads, genomes))
        seconds = self._seconds.sum_up(genomes)
        most = seconds.high / at_once + (self._seconds.longest if genomes else 0)
        paid = self._rate.overhead / HOUR_S
        return seconds.low / at_once * paid, most * paid


def learn_rate(
    past: PastGenomes, attempts: Sequence[Attempt], threads: int, prices: Prices
) -> Rate:
    """Compare what was paid since the first of these genomes began with the seconds of the stages.

    So everything is in it that was paid to make those genomes: attempts that were lost, genomes
    that failed, idle instances.
    """
    begin = float(np.min(past.finished - past.seconds, initial=np.inf))
    paid = [attempt for attempt in attempts if attempt.stopped >= begin]
    vcpu_hours = sum(attempt.vcpu_hours for attempt in paid)
    first = min((attempt.started for attempt in paid), default=np.inf)
    of_stages = float(past.seconds[past.finished >= first].sum()) * threads / HOUR_S
    if not (vcpu_hours and of_stages):
        return Rate(ASSUMED_OVERHEAD, price_vcpu_hour(SPOT, threads, prices), 0)
    usd = price_attempts(paid, prices) / vcpu_hours
    return Rate(vcpu_hours / of_stages, usd, len(paid))


def price_vcpu_hour(life_cycle: str, threads: int, prices: Prices) -> float:
    """Return the USD of a vCPU hour and of what comes with it: the bill of a full instance."""
    jobs = max(1, ASSUMED_INSTANCE_VCPUS // threads)
    attempt = Attempt(
        sample="",
        outcome=SUCCEEDED,
        queue="",
        instance_type="",
        instance_id="full",
        zone="",
        life_cycle=life_cycle,
        vcpus=threads,
        started=0.0,
        stopped=float(HOUR_S),
        instance_vcpus=jobs * threads,
    )
    return price_attempts([attempt] * jobs, prices) / (jobs * threads)
