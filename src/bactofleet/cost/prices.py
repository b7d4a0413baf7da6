"""Prices of AWS: from the package's dated table, a user's file, and AWS itself."""

from __future__ import annotations

import bisect
import json
import math
import re
import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import yaml

from bactofleet.core.config import describe_error
from bactofleet.core.errors import ConfigurationError

SPOT = "spot"
ON_DEMAND = "on-demand"
UNITS = {
    "ebs": "GB-month",
    "public_ipv4": "h",
    "s3_put": "thousand requests",
    "s3_get": "thousand requests",
    "s3_storage": "GB-month",
    "transfer_out": "GB",
    "logs": "GB",
    "ecr": "GB-month",
}
"""Units of the charges other than instances; a GB is 2**30 bytes."""
INSTANCE_HOUR = "h"
VCPU_HOUR = "vCPU h"
SPOT_HISTORY = "EC2 DescribeSpotPriceHistory"
_TABLE = files("bactofleet.cost") / "prices.yaml"
_SCHEMA = files("bactofleet.cost") / "prices.schema.yaml"

# Section of the file and name in it, as one key, so that a user's file can override the table.
Key = tuple[str, str]
# Ascending times (seconds since the epoch), and the price (USD per hour) from each time on.
History = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Price:
    """Price of one unit in USD; `note` says how it was derived, "" if it is the source's own."""

    usd: float
    """Price of the first tier, if there are `tiers`."""
    unit: str
    source: str
    date: str
    note: str = ""
    tiers: tuple[tuple[float, float], ...] = ()
    """Ascending upper bounds in units and the USD per unit below each; empty: one price for all."""

    @property
    def origin(self) -> tuple[str, str]:
        """Source and date of the price."""
        return self.source, self.date

    def cost(self, quantity: float) -> float:
        """Return the cost of a number of units (USD)."""
        if not self.tiers:
            return quantity * self.usd
        usd = below = 0.0
        for bound, rate in self.tiers:
            usd += max(0.0, min(quantity, bound) - below) * rate
            below = bound
        return usd


@dataclass(frozen=True)
class Prices:
    """All known prices; an unknown price is derived from others, and its `note` says how."""

    region: str
    """Region of the prices that others are derived from."""
    entries: Mapping[Key, Price]
    histories: Mapping[tuple[str, str], History] = field(default_factory=dict)
    """Spot prices by instance type and zone."""
    _memo: dict[tuple[str, str, str, int | None], Price] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def charge(self, name: str) -> Price:
        """Return the price of one of `UNITS`."""
        return self.entries["charges", name]

    def assumption(self, name: str) -> Price:
        """Return an assumed quantity that no record has; `usd` is its value, in its own unit."""
        return self.entries["assumptions", name]

    def vcpu_hour(self, life_cycle: str) -> Price:
        """Return the price of a vCPU hour on an unknown instance."""
        if price := self.entries.get(("vcpu_hour", life_cycle)):
            return price
        return self._median_spot if life_cycle == SPOT else self._median_on_demand

    def instance_hour(
        self,
        instance_type: str,
        life_cycle: str,
        zone: str = "",
        period: tuple[float, float] | None = None,
        vcpus: int | None = None,
    ) -> Price:
        """Return the price of an instance hour.

        Args:
            instance_type: For example `m6i.xlarge`.
            life_cycle: `spot` or `on-demand`.
            zone: Availability zone, "" if unknown.
            period: First and last second since the epoch, for the mean of a spot price.
            vcpus: Recorded vCPUs of the instance, for types that are not in the table.
        """
        history = self.histories.get((instance_type, zone), ())
        if history and period and life_cycle == SPOT:
            usd, note = average(history, *period), "mean of the time that it ran"
            return Price(usd, INSTANCE_HOUR, SPOT_HISTORY, "", note)
        key = (instance_type, life_cycle, zone, vcpus)
        if key not in self._memo:
            known = self.entries.get((f"instance_hour.{life_cycle}", instance_type))
            derived = self._derive(instance_type, life_cycle, vcpus)
            self._memo[key] = known or self._note_region(derived, zone)
        return self._memo[key]

    def _derive(self, instance_type: str, life_cycle: str, vcpus: int | None) -> Price:
        family = family_of(instance_type)
        price = self.entries.get(("on_demand_vcpu_hour", family))
        count = vcpus_of(instance_type)
        if price is None or count is None:
            count = vcpus or count or 1
            price = self.vcpu_hour(life_cycle)
            note = f"{instance_type or 'type'} not in the table: {count} vCPUs at the {price.note}"
            return replace(price, usd=count * price.usd, unit=INSTANCE_HOUR, note=note)
        usd, note = count * price.usd, f"{count} vCPUs of {family}"
        if life_cycle == SPOT:
            price = self._spot_saving(instance_type)
            note += f", {price.usd:g} % below on demand{price.note}"
            usd *= 1 - price.usd / 100
        return replace(price, usd=usd, unit=INSTANCE_HOUR, note=note)

    def _spot_saving(self, instance_type: str) -> Price:
        """Return the saving (%) of the type, else the median of its family, else of all types."""
        if instance_type in self._savings:
            return self._savings[instance_type]
        family = family_of(instance_type)
        siblings = [price for name, price in self._savings.items() if family_of(name) == family]
        median_of = family if siblings else "all types"
        median = _median(siblings or self._savings.values())
        return replace(median, note=f", the median of {median_of}")

    @cached_property
    def _savings(self) -> dict[str, Price]:
        return self._section("spot_saving")

    @cached_property
    def _median_spot(self) -> Price:
        families = self._section("on_demand_vcpu_hour")
        types = {name: vcpus_of(name) for name in self._savings if family_of(name) in families}
        hours = [
            replace(price, usd=price.usd / count, unit=VCPU_HOUR)
            for name, count in types.items()
            if count and (price := self._derive(name, SPOT, None))
        ]
        return replace(_median(hours), note=f"median of {len(hours)} types on spot")

    @cached_property
    def _median_on_demand(self) -> Price:
        families = self._section("on_demand_vcpu_hour").values()
        return replace(_median(families), note=f"median of {len(families)} families on demand")

    def _section(self, section: str) -> dict[str, Price]:
        return {name: price for (part, name), price in self.entries.items() if part == section}

    def _note_region(self, price: Price, zone: str) -> Price:
        if not zone or zone.startswith(self.region):
            return price
        return replace(price, note=f"{price.note}; the price of {self.region}, not of {zone}")


def average(history: History, begin: float, end: float) -> float:
    """Return the mean over time of a changing price.

    The first price also holds before its time. If `end` is not after `begin`, the price at `begin`
    is returned.
    """
    times, usd = zip(*history, strict=True)
    if end <= begin:
        return float(usd[max(0, bisect.bisect_right(times, begin) - 1)])
    changes = np.clip((begin, *times[1:], end), begin, end)
    return float(np.average(usd, weights=np.diff(changes)))


def load_prices(path: Path | None = None) -> Prices:
    """Return the prices of the package's table, overridden by those of a user's file.

    Raises `ConfigurationError` with all errors in the file.
    """
    region, entries = _read_table()
    if path is None:
        return Prices(region, entries)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path} cannot be read: {error}"]) from error
    own = _parse(text, str(path))
    return Prices(own.get("region", region), entries | dict(_iter_entries(own, str(path))))


@cache
def _read_table() -> tuple[str, dict[Key, Price]]:
    """Return the region and the entries of the package's table, which never changes."""
    table = _parse(_TABLE.read_text(encoding="utf-8"), "the package's table")
    return str(table["region"]), dict(_iter_entries(table, ""))


def vcpus_of(instance_type: str) -> int | None:
    """Return the vCPUs of a current C, M or R type from its size; None for other sizes.

    https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
    """
    size = instance_type.partition(".")[2]
    if found := re.fullmatch("([0-9]*)xlarge", size):
        return 4 * int(found[1] or 1)
    return {"medium": 1, "large": 2}.get(size)


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        # Through JSON: dates become text, and numbers that JSON lacks are refused.
        data = json.loads(json.dumps(yaml.safe_load(text) or {}, default=str, allow_nan=False))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError([f"{source} is not YAML of prices: {error}"]) from error
    schema = yaml.safe_load(_SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    problems = sorted(f"{source}: {describe_error(error)}" for error in validator.iter_errors(data))
    if not problems:
        problems = [f"{source}: {problem}" for problem in _iter_wrong_tiers(data)]
    if problems:
        raise ConfigurationError([*problems, "docs/cost.md has the form of a file of prices"])
    return data  # type: ignore[no-any-return]


def _iter_wrong_tiers(data: dict[str, Any]) -> Iterator[str]:
    """Yield errors a schema cannot find: bounds must ascend, and the last tier has none."""
    for name, charge in data.get("charges", {}).items():
        bounds = [tier.get("up_to", math.inf) for tier in charge.get("tiers", ())]
        if bounds and (bounds[-1] != math.inf or sorted(set(bounds)) != bounds):
            yield f"charges.{name}.tiers: up_to must ascend, and the last tier must have none"


def _iter_entries(data: dict[str, Any], source: str) -> Iterator[tuple[Key, Price]]:
    """Yield the prices of a file; `source` is the source of prices that do not name one."""
    by_name = [
        ("on_demand_vcpu_hour", data.get("on_demand_vcpu_hour", {}), "usd", VCPU_HOUR),
        ("spot_saving", data.get("spot_saving", {}), "percent", "%"),
    ]
    for life_cycle, part in data.get("instance_hour", {}).items():
        by_name.append((f"instance_hour.{life_cycle}", part, "usd", INSTANCE_HOUR))
    for section, part, values, unit in by_name:
        for name, usd in part.get(values, {}).items():
            yield (section, name), _to_price({**part, "usd": usd}, unit, source)
    for section, units in (
        ("vcpu_hour", dict.fromkeys((SPOT, ON_DEMAND), VCPU_HOUR)),
        ("charges", UNITS),
        ("assumptions", {}),
    ):
        for name, price in data.get(section, {}).items():
            yield (section, name), _to_price(price, units.get(name, ""), source)


def _to_price(data: Mapping[str, Any], unit: str, source: str) -> Price:
    tiers = tuple((tier.get("up_to", math.inf), tier["usd"]) for tier in data.get("tiers", ()))
    return Price(
        usd=tiers[0][1] if tiers else data["usd"] if "usd" in data else data["value"],
        unit=unit,
        source=data.get("source", source),
        date=data.get("date", ""),
        tiers=tiers,
    )


def _median(prices: Collection[Price]) -> Price:
    """Return the median price, with the source of the first one."""
    return replace(next(iter(prices)), usd=statistics.median(price.usd for price in prices))


def family_of(instance_type: str) -> str:
    """Return the family of a type, for example `m6i` of `m6i.xlarge`."""
    return instance_type.partition(".")[0]
