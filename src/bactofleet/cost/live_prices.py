"""Prices from AWS: the Price List and the history of spot prices.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bactofleet.aws.faults import explain
from bactofleet.aws.session import open_session
from bactofleet.cost.instances import Instance
from bactofleet.cost.price import Price
from bactofleet.cost.prices import INSTANCE_HOUR, ON_DEMAND, SPOT, UNITS, History, Key, Prices

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


@dataclass(frozen=True)
class Product:
    """A product of the Price List: its attributes, and its usage type without region prefix."""

    service: str
    attributes: Mapping[str, str]
    usage_type: str
    count: int = 1
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
    try:
        session = open_session(_region_of(instances))
        region = session.region_name
        pricing = session.client("pricing", region_name=PRICE_LIST_REGION, config=_CONFIG)
        ec2 = session.client("ec2", region_name=region, config=_CONFIG)
    except (BotoCoreError, ClientError) as error:
        return prices, [_describe(error)]
    problems: list[str] = []
    listed: dict[Key, Price] = {}
    histories: dict[tuple[str, str], History] = {}
    try:
        listed.update(_iter_listed(pricing, region, instances))
        lacking = {*UNITS, *_types_on_demand(instances)} - {name for _, name in listed}
        problems += [f"the Price List has no {', '.join(sorted(lacking))}"] if lacking else []
    except _FAULTS as error:
        problems.append(_describe(error))
    try:
        histories = _read_histories(ec2, instances)
        places = {(instance.type, instance.zone) for instance in _on_spot(instances)}
        lacking = {f"{name} in {zone or 'a zone'}" for name, zone in places - histories.keys()}
        problems += [f"no spot price of {', '.join(sorted(lacking))}"] if lacking else []
    except _FAULTS as error:
        problems.append(_describe(error))
    told = replace(prices, entries={**prices.entries, **listed}, histories=histories)
    return told, list(dict.fromkeys(problems))


def _iter_listed(
    pricing: Any, region: str, instances: Collection[Instance]
) -> Iterator[tuple[Key, Price]]:
    for name, query in _CHARGES.items():
        where = "fromRegionCode" if name == "transfer_out" else "regionCode"
        attributes = {**query.attributes, where: region}
        if price := _find(pricing, replace(query, attributes=attributes), UNITS[name]):
            yield ("charges", name), price
    for name in sorted(_types_on_demand(instances)):
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
        for price in _iter_terms(product, unit, query.count)
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


def _read_histories(ec2: Any, instances: Collection[Instance]) -> dict[tuple[str, str], History]:
    """Return the spot prices by type and zone for the time in which the instances ran."""
    spot = _on_spot(instances)
    if not spot:
        return {}
    pages = ec2.get_paginator("describe_spot_price_history").paginate(
        InstanceTypes=sorted({instance.type for instance in spot}),
        ProductDescriptions=["Linux/UNIX"],
        StartTime=datetime.fromtimestamp(min(instance.begin for instance in spot), UTC),
        EndTime=datetime.fromtimestamp(max(instance.end for instance in spot), UTC),
    )
    histories: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for page in pages:
        for entry in page["SpotPriceHistory"]:
            change = (entry["Timestamp"].timestamp(), float(entry["SpotPrice"]))
            histories[entry["InstanceType"], entry["AvailabilityZone"]].append(change)
    return {key: sorted(changes) for key, changes in histories.items()}


def _types_on_demand(instances: Collection[Instance]) -> set[str]:
    return {i.type for i in instances if i.life_cycle == ON_DEMAND and i.type}


def _on_spot(instances: Collection[Instance]) -> list[Instance]:
    return [i for i in instances if i.life_cycle == SPOT and i.type]


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
