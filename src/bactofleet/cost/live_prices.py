"""Prices from AWS: the Price List and the history of spot prices.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bactofleet.aws.faults import explain
from bactofleet.aws.session import open_session
from bactofleet.cost.instances import Instance
from bactofleet.cost.prices import INSTANCE_HOUR, ON_DEMAND, SPOT, UNITS, Key, Price, Prices

PRICE_LIST = "AWS Price List"
# The service runs in few regions and has the prices of all regions.
PRICE_LIST_REGION = "us-east-1"
# Short, to fall back to the package's table soon if there is no network.
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})
# AWS refuses, does not answer, or answers in a form that it does not document.
_FAULTS = (BotoCoreError, ClientError, LookupError, ValueError, TypeError, AttributeError)
_ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d+)[a-z]")
_LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "operation": "RunInstances",
}


class Product(NamedTuple):
    """A product of the Price List: its attributes, and its usage type without region prefix."""

    service: str
    attributes: Mapping[str, str]
    usage_type: str
    units: int = 1
    """Number of AWS's units in one of ours."""


_CHARGES = {
    "ebs": Product(
        "AmazonEC2", {"productFamily": "Storage", "volumeApiName": "gp3"}, "EBS:VolumeUsage.gp3"
    ),
    "public_ipv4": Product(
        "AmazonVPC", {"group": "VPCPublicIPv4Address"}, "PublicIPv4:InUseAddress"
    ),
    "s3_put": Product("AmazonS3", {"group": "S3-API-Tier1"}, "Requests-Tier1", 1000),
    "s3_get": Product("AmazonS3", {"group": "S3-API-Tier2"}, "Requests-Tier2", 1000),
    "s3_storage": Product("AmazonS3", {"volumeType": "Standard"}, "TimedStorage-ByteHrs"),
    "transfer_out": Product(
        "AWSDataTransfer", {"transferType": "AWS Outbound"}, "DataTransfer-Out-Bytes"
    ),
    "logs": Product("AmazonCloudWatch", {"group": "Ingested Logs"}, "DataProcessing-Bytes"),
    "ecr": Product(
        "AmazonECR", {"productFamily": "EC2 Container Registry"}, "TimedStorage-ByteHrs"
    ),
}


def ask_aws(prices: Prices, instances: Collection[Instance]) -> tuple[Prices, list[str]]:
    """Update prices of these instances and of the other charges with those from AWS.

    Prices that AWS does not give stay unchanged. The second value says which these are and why;
    it is empty if AWS gave all prices.
    """
    problems = []
    for ask in (_ask_price_list, _ask_spot_history):
        try:
            prices, problem = ask(open_session(_region_of(instances)), prices, instances)
        except _FAULTS as error:
            problem = _describe(error)
        problems.append(problem)
    return prices, list(dict.fromkeys(filter(None, problems)))


def _ask_price_list(
    session: Any, prices: Prices, instances: Collection[Instance]
) -> tuple[Prices, str]:
    pricing = session.client("pricing", region_name=PRICE_LIST_REGION, config=_CONFIG)
    types = {i.type for i in instances if i.life_cycle == ON_DEMAND and i.type}
    listed = dict(_iter_listed(pricing, session.region_name, types))
    lacking = {*UNITS, *types} - {name for _, name in listed}
    problem = f"the Price List has no {', '.join(sorted(lacking))}" if lacking else ""
    return replace(prices, entries={**prices.entries, **listed}), problem


def _iter_listed(pricing: Any, region: str, types: Iterable[str]) -> Iterator[tuple[Key, Price]]:
    for name, query in _CHARGES.items():
        where = "fromRegionCode" if name == "transfer_out" else "regionCode"
        attributes = {**query.attributes, where: region}
        if price := _find(pricing, query._replace(attributes=attributes), UNITS[name]):
            yield ("charges", name), price
    for name in sorted(types):
        attributes = {**_LINUX, "regionCode": region, "instanceType": name}
        query = Product("AmazonEC2", attributes, f"BoxUsage:{name}")
        if price := _find(pricing, query, INSTANCE_HOUR):
            yield (f"instance_hour.{ON_DEMAND}", name), replace(price, note=f"of {region}")


def _find(pricing: Any, query: Product, unit: str) -> Price | None:
    """Return the price that a query matches; None unless there is exactly one."""
    filters = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in query.attributes.items()
    ]
    pages = pricing.get_paginator("get_products").paginate(
        ServiceCode=query.service, Filters=filters
    )
    products = (json.loads(text) for page in pages for text in page["PriceList"])
    # Prefixes with lower-case letters, such as `Global-`, belong to other products.
    usage_type = re.compile(rf"(?:[A-Z0-9]+-)?{re.escape(query.usage_type)}")
    found = {
        price
        for product in products
        if usage_type.fullmatch(product["product"]["attributes"].get("usagetype", ""))
        for price in _iter_terms(product, unit, query.units)
    }
    return found.pop() if len(found) == 1 else None


def _iter_terms(product: Mapping[str, Any], unit: str, count: int) -> Iterator[Price]:
    """Yield the on-demand prices of a product; price dimensions are tiers of monthly usage."""
    for term in product["terms"].get("OnDemand", {}).values():
        tiers = tuple(
            sorted(
                (float(tier["endRange"]), float(tier["pricePerUnit"]["USD"]) * count)
                for tier in term["priceDimensions"].values()
            )
        )
        if any(usd for _, usd in tiers):
            date = str(term["effectiveDate"])[:10]
            several = tiers if len(tiers) > 1 else ()
            yield Price(tiers[0][1], unit, PRICE_LIST, date, tiers=several)


def _ask_spot_history(
    session: Any, prices: Prices, instances: Collection[Instance]
) -> tuple[Prices, str]:
    """Add the spot prices by type and zone for the time in which the instances ran."""
    spot = [i for i in instances if i.life_cycle == SPOT and i.type]
    if not spot:
        return prices, ""
    ec2 = session.client("ec2", config=_CONFIG)
    pages = ec2.get_paginator("describe_spot_price_history").paginate(
        InstanceTypes=sorted({instance.type for instance in spot}),
        ProductDescriptions=["Linux/UNIX"],
        StartTime=datetime.fromtimestamp(min(instance.begin for instance in spot), UTC),
        EndTime=datetime.fromtimestamp(max(instance.end for instance in spot), UTC),
    )
    changes: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for entry in (entry for page in pages for entry in page["SpotPriceHistory"]):
        change = (entry["Timestamp"].timestamp(), float(entry["SpotPrice"]))
        changes[entry["InstanceType"], entry["AvailabilityZone"]].append(change)
    places = {(instance.type, instance.zone) for instance in spot} - changes.keys()
    lacking = sorted(f"{name} in {zone or 'a zone'}" for name, zone in places)
    problem = f"no spot price of {', '.join(lacking)}" if lacking else ""
    return replace(prices, histories={key: sorted(each) for key, each in changes.items()}), problem


def _region_of(instances: Collection[Instance]) -> str | None:
    """Return the region of most instances."""
    zones = (_ZONE.match(instance.zone) for instance in instances)
    regions = Counter(zone[1] for zone in zones if zone)
    return regions.most_common(1)[0][0] if regions else None


def _describe(error: Exception) -> str:
    if not isinstance(error, BotoCoreError | ClientError):
        return f"AWS's answer does not have the documented form ({error!r})"
    fault = explain(error)
    return f"{fault.message}; {fault.remedy}"
