"""The bill of a run, with the same lines as AWS's bill."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bactofleet.core.destination import PART_BYTES, SINGLE_REQUEST_BYTES
from bactofleet.cost.instances import Fleet, Instance, count_busy_hours, share_out
from bactofleet.cost.prices import INSTANCE_HOUR, SPOT, VCPU_HOUR, Price, Prices
from bactofleet.records.attempt import RECLAIMED, SUCCEEDED, Attempt, Tarballs

# An average month, as in AWS's pricing calculator.
MONTH_HOURS = 730
GIB = 2**30
KIB_OF_GIB = 2**20
NO_TARBALLS = Tarballs(0, ())


class Kind(StrEnum):
    """The total that a line belongs to."""

    SPENT = "spent"
    PART = "of which"
    """A part of the lines above, not added to any total."""
    MONTHLY = "a month"
    """USD per month for as long as the results are kept."""
    DOWNLOAD = "if downloaded"


@dataclass(frozen=True)
class BillLine:
    """One charge."""

    kind: Kind
    charge: str
    usage: float
    unit: str
    usd: float
    price: Price | None
    """None if the line is a part of others and has no price of its own."""


@dataclass(frozen=True)
class Bill:
    """The cost of a run, and of keeping and downloading its results."""

    lines: list[BillLine]
    genomes: int
    """Number of genomes with a receipt, complete or excluded."""
    attempts: int
    by_genome: dict[str, float] = field(repr=False)
    """USD for EC2 of all attempts of a genome; the genomes of a job share its cost equally."""

    def total(self, kind: Kind) -> float:
        """Return the sum of all lines of a kind (USD)."""
        return sum(line.usd for line in self.lines if line.kind is kind)

    @property
    def spent(self) -> float:
        """Cost of the run (USD)."""
        return self.total(Kind.SPENT)

    def per_genome(self, usd: float) -> float | None:
        """Divide `usd` by the number of genomes with a receipt; return None if there are none."""
        return usd / self.genomes if self.genomes else None

    @property
    def median_genome(self) -> float | None:
        """Median EC2 cost per genome (USD); None without genomes."""
        return statistics.median(self.by_genome.values()) if self.by_genome else None

    def most_expensive(self, count: int) -> list[tuple[str, float]]:
        """Return the genomes with the highest EC2 cost (USD), the most expensive first."""
        return sorted(self.by_genome.items(), key=lambda item: (-item[1], item[0]))[:count]


@dataclass(frozen=True)
class Shares:
    """USD for EC2 divided among attempts; the rest is idle time."""

    of_attempts: list[tuple[Attempt, float]]
    idle_hours: float
    idle_usd: float


def make_bill(attempts: Sequence[Attempt], tarballs: Tarballs, prices: Prices) -> Bill:
    """Return the bill of these attempts and results."""
    fleet = Fleet(attempts)
    shares = share_fleet(fleet, attempts, prices)
    by_genome: defaultdict[str, float] = defaultdict(float)
    for attempt, usd in shares.of_attempts:
        for sample in attempt.genomes:
            by_genome[sample] += usd / len(attempt.genomes)
    lines = [
        *iter_instance_lines(fleet, prices),
        *_iter_parts(shares),
        *_iter_other_lines(fleet, tarballs, prices),
        *_iter_result_lines(tarballs, prices),
    ]
    return Bill(lines, tarballs.genomes, len(attempts), dict(by_genome))


def price_fleet(fleet: Fleet, prices: Prices) -> float:
    """Return what the bill calls spent (USD), except for uploads of tarballs."""
    others = _iter_other_lines(fleet, NO_TARBALLS, prices)
    return sum(line.usd for line in (*iter_instance_lines(fleet, prices), *others))


def share_fleet(fleet: Fleet, attempts: Iterable[Attempt], prices: Prices) -> Shares:
    """Divide the cost of the instances among the attempts that ran on them."""
    by_host: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_host[attempt.instance_id].append(attempt)
    shares = [
        (attempt, attempt.vcpu_hours * prices.vcpu_hour(fleet.life_cycle_of(attempt)).usd)
        for attempt in by_host.pop("", ())
    ]
    idle_hours = idle_usd = 0.0
    for host, on_host in by_host.items():
        instance = fleet.instances[host]
        price = instance.price(prices).usd
        usd = share_out(instance.hours * price, instance, on_host)
        shares += zip(on_host, usd, strict=True)
        idle = instance.hours - count_busy_hours(on_host)
        idle_hours += idle
        idle_usd += idle * price
    return Shares(shares, idle_hours, idle_usd)


def iter_instance_lines(fleet: Fleet, prices: Prices) -> Iterator[BillLine]:
    """Yield the lines of EC2: by life cycle and type, then for attempts on unknown hosts."""
    groups: defaultdict[tuple[str, str], list[Instance]] = defaultdict(list)
    for instance in fleet.instances.values():
        groups[instance.life_cycle, instance.type].append(instance)
    for life_cycle, name in sorted(groups, key=lambda group: (group[0] != SPOT, group[1])):
        hourly = [(i.hours, i.price(prices)) for i in groups[life_cycle, name]]
        charge = f"EC2 {life_cycle}, {name or 'type not known'}"
        yield _sum_up(charge, INSTANCE_HOUR, hourly)
    unknown = defaultdict(list)
    for attempt in fleet.unknown_hosts:
        life_cycle = fleet.life_cycle_of(attempt)
        unknown[life_cycle].append((attempt.vcpu_hours, prices.vcpu_hour(life_cycle)))
    for life_cycle, hourly in sorted(unknown.items(), reverse=True):
        yield _sum_up(f"EC2 {life_cycle}, host not known", VCPU_HOUR, hourly)


def _sum_up(charge: str, unit: str, hourly: Sequence[tuple[float, Price]]) -> BillLine:
    """Return the line of hours at several prices, with their mean and the first one's source."""
    usage = sum(hours for hours, _ in hourly)
    usd = sum(hours * price.usd for hours, price in hourly)
    first = hourly[0][1]
    sources = list(dict.fromkeys(price.source for _, price in hourly))
    note = first.note if len(sources) == 1 else f"partly from {' and '.join(sources)}"
    mean = replace(first, usd=usd / usage if usage else first.usd, note=note)
    return BillLine(Kind.SPENT, charge, usage, unit, usd, mean)


def _iter_other_lines(fleet: Fleet, tarballs: Tarballs, prices: Prices) -> Iterator[BillLine]:
    """Yield the other costs of the run: disks, IP addresses, requests to S3 and logs."""
    if instances := fleet.instances.values():
        disk, ebs = prices.assumption("disk_gib"), prices.charge("ebs")
        if assumed := sum(instance.disk_gib is None for instance in instances):
            note = f"{disk.usd:g} GiB assumed of {assumed:,} instances: {disk.source}"
            ebs = replace(ebs, note=note)
        gib_hours = sum((instance.disk_gib or disk.usd) * instance.hours for instance in instances)
        yield _line(Kind.SPENT, "EBS, disks of instances", gib_hours / MONTH_HOURS, ebs)
        hours = sum(instance.hours for instance in instances)
        yield _line(Kind.SPENT, "public IPv4 addresses", hours, prices.charge("public_ipv4"))
    if fleet.attempts:
        # docs/executor.md: an attempt fetches the bundle and its line of the manifest. If it keeps
        # its host, it writes one object (outputs, or the log of a failure) for the controller.
        returned = fleet.attempts - fleet.reclaimed
        puts = returned + sum(map(_count_uploads, tarballs.bytes))
        gets = 2 * fleet.attempts + returned
        yield _line(Kind.SPENT, "S3, PUT requests", puts / 1000, prices.charge("s3_put"))
        yield _line(Kind.SPENT, "S3, GET requests", gets / 1000, prices.charge("s3_get"))
        log = prices.assumption("log_kb")
        note = f"{log.usd:g} KiB an attempt assumed: {log.source}"
        logs = replace(prices.charge("logs"), note=note)
        yield _line(Kind.SPENT, "CloudWatch, logs", fleet.attempts * log.usd / KIB_OF_GIB, logs)


def _count_uploads(tarball_bytes: int) -> int:
    """Return the number of requests to upload a tarball: one, or one per part and two more."""
    if tarball_bytes < SINGLE_REQUEST_BYTES:
        return 1
    return math.ceil(tarball_bytes / PART_BYTES) + 2


def _iter_result_lines(tarballs: Tarballs, prices: Prices) -> Iterator[BillLine]:
    """Yield the costs after the run: storage of results and image, and one download of all."""
    if not tarballs.bytes:
        return
    size = sum(tarballs.bytes) / GIB
    image = prices.assumption("image_gb")
    ecr = replace(prices.charge("ecr"), note=f"{image.usd:g} GB assumed: {image.source}")
    yield _line(Kind.MONTHLY, "S3, results kept", size, prices.charge("s3_storage"))
    yield _line(Kind.MONTHLY, "ECR, the image", image.usd, ecr)
    yield _line(Kind.DOWNLOAD, "data transfer out of AWS", size, prices.charge("transfer_out"))


def _iter_parts(shares: Shares) -> Iterator[BillLine]:
    """Yield the wasted part of the EC2 costs."""
    succeeded = (a for a, _ in shares.of_attempts if a.outcome == SUCCEEDED)
    made = {sample for attempt in succeeded for sample in attempt.genomes}
    lost: defaultdict[str, list[tuple[Attempt, float]]] = defaultdict(list)
    for attempt, usd in shares.of_attempts:
        if attempt.outcome != SUCCEEDED:
            lost[_describe_loss(attempt, made)].append((attempt, usd))
    for charge, part in sorted(lost.items()):
        hours = sum(attempt.vcpu_hours for attempt, _ in part)
        yield BillLine(Kind.PART, charge, hours, VCPU_HOUR, sum(usd for _, usd in part), None)
    if shares.idle_hours > 0:
        charge = "idle: instances without an attempt"
        yield BillLine(Kind.PART, charge, shares.idle_hours, INSTANCE_HOUR, shares.idle_usd, None)


def _describe_loss(attempt: Attempt, made: set[str]) -> str:
    if attempt.outcome == RECLAIMED:
        return "wasted: attempts that were reclaimed"
    if made.intersection(attempt.genomes):
        return "wasted: attempts that failed and were retried"
    return "wasted: attempts that failed"


def _line(kind: Kind, charge: str, usage: float, price: Price) -> BillLine:
    return BillLine(kind, charge, usage, price.unit, price.cost(usage), price)
