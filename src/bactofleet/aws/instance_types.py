"""Instance types for a fleet: all that are suitable, as each is a separate spot capacity pool."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from bactofleet.core.errors import ConfigurationError

# Current families with 2, 4 and 8 GiB per vCPU whose prices are known (bactofleet/cost); those with
# a "d" have an instance store, those with "flex" cost less.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
FAMILIES = {
    "x86_64": (
        *("c6a", "c6i", "c6id", "c7a", "c7i", "c7i-flex", "c8a", "c8i", "c8i-flex", "c8id"),
        *("m6a", "m6i", "m6id", "m7a", "m7i", "m7i-flex", "m8a", "m8i", "m8i-flex", "m8id"),
        *("r6a", "r6i", "r6id", "r7a", "r7i", "r8a", "r8i", "r8i-flex", "r8id"),
    ),
    "arm64": (
        *("c6g", "c6gd", "c7g", "c7gd", "c8g", "c8gd"),
        *("m6g", "m6gd", "m7g", "m7gd", "m8g", "m8gd"),
        *("r6g", "r6gd", "r7g", "r7gd", "r8g", "r8gd"),
    ),
}
# 4 to 16 vCPUs, that is one to four genomes: larger instances would need larger disks, and more
# genomes would be lost when one is reclaimed.
SIZES = ("xlarge", "2xlarge", "4xlarge")


def offered_types(ec2: Any, architecture: str, without: Container[str] = ()) -> list[str]:
    """Return the instance types of an architecture that the region offers, `without` some families.

    Raises `ConfigurationError` if the architecture is unknown or the region offers none of it.
    """
    if architecture not in FAMILIES:
        raise ConfigurationError(
            [f"Architecture must be {' or '.join(FAMILIES)}, not {architecture!r}"]
        )
    families = [family for family in FAMILIES[architecture] if family not in without]
    wanted = [f"{family}.{size}" for family in families for size in SIZES]
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
        Filters=[{"Name": "instance-type", "Values": wanted}]
    )
    offered = {offer["InstanceType"] for page in pages for offer in page["InstanceTypeOfferings"]}
    if not offered:
        raise ConfigurationError([f"this region has no instances for {architecture}; take another"])
    return [name for name in wanted if name in offered]
