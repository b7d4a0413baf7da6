"""Network of the instances: by default all zones of the region's default VPC."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from bactofleet.core.errors import ConfigurationError


@dataclass(frozen=True)
class Network:
    """A VPC, the subnets for instances, and their route tables without an endpoint for S3."""

    vpc: str
    subnets: list[str]
    route_tables: list[str]


def find_network(
    ec2: Any, region: str, subnets: list[str], own_endpoints: Collection[str] = ()
) -> Network:
    """Look up the given subnets, or those of the default VPC.

    Route tables of the stack's own endpoints are included, otherwise an update would remove them.
    Raises `ConfigurationError` if there is no default VPC, or the subnets are in several VPCs.
    """
    found = _given(ec2, subnets) if subnets else _default(ec2)
    vpcs = {subnet["VpcId"] for subnet in found}
    if len(vpcs) != 1:
        raise ConfigurationError(
            [f"the subnets belong to {len(vpcs)} VPCs; give SubnetIds of one VPC"]
        )
    vpc, names = str(vpcs.pop()), sorted(str(subnet["SubnetId"]) for subnet in found)
    used = _tables_of(ec2, vpc, set(names))
    return Network(vpc, names, sorted(used - _served_tables(ec2, region, vpc, own_endpoints)))


def _given(ec2: Any, subnets: list[str]) -> list[dict[str, Any]]:
    return list(ec2.describe_subnets(SubnetIds=subnets)["Subnets"])


def _default(ec2: Any) -> list[dict[str, Any]]:
    filters = [{"Name": "default-for-az", "Values": ["true"]}]
    found: list[dict[str, Any]] = ec2.describe_subnets(Filters=filters)["Subnets"]
    if not found:
        raise ConfigurationError(
            [
                "this region has no default VPC; make one (`aws ec2 create-default-vpc`) "
                "or give --parameter SubnetIds=subnet-...,subnet-..."
            ]
        )
    return found


def _tables_of(ec2: Any, vpc: str, subnets: set[str]) -> set[str]:
    """Return the subnets' route tables: the VPC's main table for subnets without their own."""
    here = {"Name": "vpc-id", "Values": [vpc]}
    tables = ec2.describe_route_tables(Filters=[here])["RouteTables"]
    explicit = {
        link["SubnetId"]: table["RouteTableId"]
        for table in tables
        for link in table["Associations"]
        if link.get("SubnetId") in subnets
    }
    main = [t["RouteTableId"] for t in tables if any(a.get("Main") for a in t["Associations"])]
    return set(explicit.values()) | (set(main) if subnets - explicit.keys() else set())


def _served_tables(ec2: Any, region: str, vpc: str, but: Collection[str]) -> set[str]:
    """Return the route tables with a gateway endpoint for S3, other than the endpoints in `but`."""
    here = {"Name": "vpc-id", "Values": [vpc]}
    service = {"Name": "service-name", "Values": [f"com.amazonaws.{region}.s3"]}
    endpoints = ec2.describe_vpc_endpoints(Filters=[here, service])["VpcEndpoints"]
    return {
        table
        for endpoint in endpoints
        if endpoint["VpcEndpointId"] not in but
        for table in endpoint.get("RouteTableIds", [])
    }
