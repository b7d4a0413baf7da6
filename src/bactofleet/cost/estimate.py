"""Forecast of the cost, time and storage of genomes, before a job is submitted.

The time of the stages and the bytes of the tarballs are predicted from the receipts. The overhead
on top of this time (container starts, reclaimed and failed attempts, idle instances) and the price
of an hour are those of the attempts in results/usage.tsv; without attempts both are assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bactofleet.core.times import format_duration
from bactofleet.cost.bill import GIB, price_fleet
from bactofleet.cost.display import format_usd
from bactofleet.cost.forecast import Forecast, Range
from bactofleet.cost.genomes import PastGenomes, read_past_genomes
from bactofleet.cost.instances import Fleet, Instance
from bactofleet.cost.prices import ON_DEMAND, SPOT, Prices
from bactofleet.records.attempt import Attempt

# Default of MaxSpotVcpus in infra/bactofleet.yaml.
STACK_VCPUS = 256
# Without receipts, a genome, of long reads too, is assumed to take as much as the one measured in
# bench/genome/README.md, 2.87 Mb at 100x on two cores. Its tarball holds FASTA, annotation and
# logs, and for each entry of `keep` FASTQ or BAM.
MEASURED_SECONDS = 949.0
MEASURED_BYTES = 9.3e6
KEPT_BYTES = 172e6
# Seconds paid per second of the stages: a guess for as long as there are no attempts.
ASSUMED_OVERHEAD = 1.1
# The stack's instances have 4 to 16 vCPUs.
ASSUMED_INSTANCE_VCPUS = 8
HOUR_S = 3600
GB = 1e9


class Rate(NamedTuple):
    """vCPU seconds paid per vCPU second of the stages, and the price of a vCPU hour (USD).

    The price includes disks, addresses, requests and logs. Both are calculated from a number of
    `attempts`, or assumed if there are none.
    """

    overhead: float
    usd: float
    attempts: int


@dataclass(frozen=True)
class Estimate:
    """Forecast for a number of genomes."""

    genomes: int
    finished: int
    """Number of finished genomes that the forecast is based on; 0: the genome of the benchmark."""
    is_guess: bool
    """Whether genomes of short or of long reads are predicted from the benchmark's."""
    attempts: int
    """Attempts on AWS Batch that overhead and price are calculated from; 0 if they are assumed."""
    vcpu_hours: Range
    usd: Range
    usd_on_demand: Range
    """Cost without spot instances."""
    bytes: Range
    """Size of the tarballs."""
    usd_month: Range
    """Cost of storing the tarballs per month."""
    usd_download: Range
    """Cost of downloading all tarballs from AWS once."""
    vcpus: int
    hours: tuple[float, float]
    """Minimum and maximum wall time on this number of vCPUs."""

    def describe(self) -> str:
        """Return the most important numbers as one line, for the start of a run."""
        return (
            f"forecast: {_format_range(self.usd)}, {self.vcpu_hours.expected:,.0f} vCPU hours, "
            f"{self._describe_time()}; based on {self._describe_source()}"
        )

    def describe_work(self, *, with_time: bool) -> str:
        """Return what matters without AWS as one line; the time is that on `vcpus` cores."""
        hours, size = self.vcpu_hours, self.bytes * (1 / GB)
        time = f"{self._describe_time('cores')}, " if with_time else ""
        return (
            f"forecast: {time}{hours.expected:,.1f} CPU hours (95 %: {hours.low:,.1f} to "
            f"{hours.high:,.1f}), {size.expected:,.1f} GB of results; based on "
            f"{self._describe_genomes()}"
        )

    def iter_facts(self) -> Iterator[tuple[str, str]]:
        """Yield all predicted quantities as name and value."""
        yield "genomes", f"{self.genomes:,} to do"
        if not self.genomes:
            return
        each = format_usd(self.usd.expected / self.genomes)
        yield "cost", f"{_format_range(self.usd)}, {each} each"
        yield "on demand", f"{_format_range(self.usd_on_demand)}, without spot instances"
        hours, size = self.vcpu_hours, self.bytes * (1 / GB)
        yield "vCPU hours", f"{hours.expected:,.0f} (95 %: {hours.low:,.0f} to {hours.high:,.0f})"
        yield "time", self._describe_time()
        stored, sent = format_usd(self.usd_month.expected), format_usd(self.usd_download.expected)
        yield (
            "results",
            f"{size.expected:,.1f} GB (95 %: {size.low:,.1f} to {size.high:,.1f})"
            f", {stored} per month to store, {sent} to download",
        )
        yield "based on", self._describe_source()

    def _describe_time(self, processors: str = "vCPUs") -> str:
        low, high = (format_duration(HOUR_S * hours) for hours in self.hours)
        return f"{low} to {high} on {self.vcpus:,} {processors}"

    def _describe_source(self) -> str:
        made = self._describe_genomes()
        if not self.finished:
            return made
        if not self.attempts:
            return f"{made}; price and losses on AWS are assumed"
        return f"{made} and their cost on AWS"

    def _describe_genomes(self) -> str:
        if not self.finished:
            return "one genome measured elsewhere; your first genomes will improve it"
        made = f"{self.finished:,} finished genomes"
        if self.is_guess:
            return f"{made}, and one of the other kind of reads measured elsewhere"
        return made


class _Kind(NamedTuple):
    """Genomes with or without long reads: their share of those to do, and what they will take."""

    share: float
    finished: int
    seconds: Forecast
    bytes: Forecast


class Estimator:
    """Forecasts genomes for one results folder and one configuration."""

    def __init__(
        self,
        config: Mapping[str, Any],
        results: Path,
        attempts: Sequence[Attempt],
        prices: Prices,
        long_share: float = 0,
    ) -> None:
        """Use the receipts below `results` and the attempts of its runs.

        `long_share` is the share of the genomes to do whose rows name files of long reads. Those
        are predicted from their like, and the others from theirs.
        """
        self._threads: int = config["threads"]
        self._prices = prices
        past = read_past_genomes(results, config)
        guess = MEASURED_BYTES + len(set(config["keep"])) * KEPT_BYTES
        self._kinds = [
            _Kind(
                share,
                int(alike.sum()),
                Forecast(past.seconds[alike], MEASURED_SECONDS),
                Forecast(past.bytes[alike & ~np.isnan(past.bytes)], guess),
            )
            for share, alike in ((1 - long_share, ~past.is_long), (long_share, past.is_long))
            if share
        ]
        self._rate = measure_rate(past, attempts, self._threads, prices)
        # vCPU hours paid per second of wall time of a genome's stages.
        self._paid: float = self._rate.overhead * self._threads / HOUR_S

    def predict_usd(self, genomes: int) -> Range:
        """Predict the cost of a number of genomes (USD)."""
        return self._sum_seconds(genomes) * (self._paid * self._rate.usd)

    def _sum_seconds(self, genomes: int) -> Range:
        parts = (kind.seconds.sum_up(genomes * kind.share) for kind in self._kinds)
        return sum(parts, start=Range(0, 0, 0))

    def predict(self, genomes: int, vcpus: int = STACK_VCPUS) -> Estimate:
        """Predict cost, wall time on `vcpus` vCPUs, and storage of a number of genomes."""
        vcpu_hours = self._sum_seconds(genomes) * self._paid
        sizes = (kind.bytes.sum_up(genomes * kind.share) for kind in self._kinds)
        size = sum(sizes, start=Range(0, 0, 0))
        return Estimate(
            genomes=genomes,
            finished=sum(kind.finished for kind in self._kinds),
            is_guess=not all(kind.finished for kind in self._kinds),
            attempts=self._rate.attempts,
            vcpu_hours=vcpu_hours,
            usd=self.predict_usd(genomes),
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
        """Return the minimum and maximum wall time of the genomes, whatever their order.

        List scheduling: Graham 1966, https://doi.org/10.1002/j.1538-7305.1966.tb01709.x
        """
        at_once = max(1, min(vcpus // self._threads, genomes))
        seconds = self._sum_seconds(genomes)
        longest = max(kind.seconds.longest for kind in self._kinds)
        most = seconds.high / at_once + (longest if genomes else 0)
        paid = self._rate.overhead / HOUR_S
        return seconds.low / at_once * paid, most * paid


def measure_rate(
    past: PastGenomes, attempts: Sequence[Attempt], threads: int, prices: Prices
) -> Rate:
    """Compare what was paid since the first of these genomes began with the time of the stages.

    The result includes everything that was paid for those genomes: lost attempts, failed genomes
    and idle instances.
    """
    begin = float(np.min(past.finished - past.seconds, initial=np.inf))
    paid = [attempt for attempt in attempts if attempt.stopped >= begin]
    vcpu_hours = sum(attempt.vcpu_hours for attempt in paid)
    first = min((attempt.started for attempt in paid), default=np.inf)
    of_stages = float(past.seconds[past.finished >= first].sum()) * threads / HOUR_S
    if not (vcpu_hours and of_stages):
        return Rate(ASSUMED_OVERHEAD, price_vcpu_hour(SPOT, threads, prices), 0)
    usd = price_fleet(Fleet(paid), prices) / vcpu_hours
    return Rate(vcpu_hours / of_stages, usd, len(paid))


def price_vcpu_hour(life_cycle: str, threads: int, prices: Prices) -> float:
    """Return the price of a vCPU hour (USD), from the bill of a fully used instance."""
    jobs = max(1, ASSUMED_INSTANCE_VCPUS // threads)
    fleet = Fleet()
    fleet.attempts = jobs
    fleet.instances["full"] = Instance("", life_cycle, "", jobs * threads, None, 0.0, HOUR_S)
    return price_fleet(fleet, prices) / (jobs * threads)


def _format_range(usd: Range) -> str:
    return f"{format_usd(usd.expected)} (95 %: {format_usd(usd.low)} to {format_usd(usd.high)})"
