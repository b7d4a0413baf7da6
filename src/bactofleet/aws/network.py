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
    used = {str(table["RouteTableId"]) for table in _tables_of(ec2, found).values()}
    return Network(vpc, names, sorted(used - _served_tables(ec2, region, vpc, own_endpoints)))


def find_dead_ends(ec2: Any, subnets: list[str]) -> list[str]:
    """Return why instances in these subnets would not reach AWS, one line for each such subnet.

    Batch would start instances there, which cost money and never accept a job:
    https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
    """
    found = _given(ec2, subnets)
    tables = _tables_of(ec2, found)
    problems = {s["SubnetId"]: _dead_end(s, tables[s["SubnetId"]]) for s in found}
    return [f"{name} {problem}" for name, problem in problems.items() if problem]


def _dead_end(subnet: dict[str, Any], table: dict[str, Any]) -> str:
    """Return what is wrong with the way from a subnet to the internet; "" if nothing is."""
    routes = [
        route
        for route in table.get("Routes", [])
        if route.get("DestinationCidrBlock") == "0.0.0.0/0" and route.get("State") != "blackhole"
    ]
    if not routes:
        return "has no route to the internet"
    # Through a NAT or another gateway, private addresses suffice.
    is_direct = all(str(route.get("GatewayId", "")).startswith("igw-") for route in routes)
    if is_direct and not subnet.get("MapPublicIpOnLaunch"):
        return "leads to an internet gateway, but gives instances no public address"
    return ""


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


def _tables_of(ec2: Any, subnets: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return each subnet's route table: its VPC's main table if it has none of its own."""
    found: dict[str, dict[str, Any]] = {}
    for vpc in {str(subnet["VpcId"]) for subnet in subnets}:
        here = {"Name": "vpc-id", "Values": [vpc]}
        tables: list[dict[str, Any]] = ec2.describe_route_tables(Filters=[here])["RouteTables"]
        links = [(link, table) for table in tables for link in table["Associations"]]
        main = [table for link, table in links if link.get("Main")]
        own = {link["SubnetId"]: table for link, table in links if "SubnetId" in link}
        names = (subnet["SubnetId"] for subnet in subnets if subnet["VpcId"] == vpc)
        found |= {name: own[name] if name in own else main[0] for name in names}
    return found


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
