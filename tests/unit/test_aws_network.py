"""Where a stack's instances are placed, and which route tables get its endpoint of S3."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bactofleet.aws.network import find_dead_ends, find_network
from bactofleet.core.errors import ConfigurationError

REGION = "us-east-1"


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client of a new account, which has a default VPC with a subnet in each zone."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    with mock_aws():
        yield boto3.client("ec2", region_name=REGION)


def make_subnet(ec2: Any, network: int = 0) -> tuple[str, str, str]:
    """Make a VPC with a subnet; return both, and the VPC's own route table."""
    vpc = ec2.create_vpc(CidrBlock=f"10.{network}.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{network}.1.0/24")["Subnet"]["SubnetId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    return vpc, subnet, tables["RouteTables"][0]["RouteTableId"]


def make_endpoint(ec2: Any, vpc: str, table: str) -> str:
    """Make a gateway endpoint of S3 for a route table; return its name."""
    made = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[table]
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


def test_the_default_vpc_gives_a_subnet_in_every_zone(ec2: Any) -> None:
    network = find_network(ec2, REGION, [])

    subnets = ec2.describe_subnets(SubnetIds=network.subnets)["Subnets"]
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert {s["AvailabilityZone"] for s in subnets} == {zone["ZoneName"] for zone in zones}
    assert len(network.route_tables) == 1


def test_given_subnets_are_taken_with_their_vpc_and_route_table(ec2: Any) -> None:
    vpc, subnet, table = make_subnet(ec2)

    network = find_network(ec2, REGION, [subnet])

    assert (network.vpc, network.subnets, network.route_tables) == (vpc, [subnet], [table])


def test_a_route_table_of_the_subnets_own_is_found(ec2: Any) -> None:
    vpc, subnet, _ = make_subnet(ec2)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)

    assert find_network(ec2, REGION, [subnet]).route_tables == [table]


def test_a_route_table_that_has_an_endpoint_of_s3_gets_no_other(ec2: Any) -> None:
    vpc, subnet, table = make_subnet(ec2)
    make_endpoint(ec2, vpc, table)

    assert find_network(ec2, REGION, [subnet]).route_tables == []


def test_a_stack_that_changes_its_subnets_keeps_its_own_endpoint(ec2: Any) -> None:
    vpc, subnet, table = make_subnet(ec2)
    endpoint = make_endpoint(ec2, vpc, table)

    assert find_network(ec2, REGION, [subnet], {endpoint}).route_tables == [table]


def test_subnets_of_several_vpcs_are_refused(ec2: Any) -> None:
    subnets = [make_subnet(ec2, network)[1] for network in (1, 2)]

    with pytest.raises(
        ConfigurationError, match="the subnets belong to 2 VPCs; give SubnetIds of one"
    ):
        find_network(ec2, REGION, subnets)


def test_a_region_without_a_default_vpc_is_reported_with_what_helps(ec2: Any) -> None:
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])

    with pytest.raises(ConfigurationError, match="this region has no default VPC; make one"):
        find_network(ec2, REGION, [])


def open_way(ec2: Any, vpc: str, table: str) -> None:
    """Let a route table lead to the internet, through a gateway of the VPC."""
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def test_a_subnet_without_a_route_to_the_internet_is_a_dead_end(ec2: Any) -> None:
    _, subnet, _ = make_subnet(ec2)

    assert find_dead_ends(ec2, [subnet]) == [f"{subnet} has no route to the internet"]


def test_an_internet_gateway_is_a_way_out_only_for_instances_with_a_public_address(
    ec2: Any,
) -> None:
    vpc, subnet, table = make_subnet(ec2)
    open_way(ec2, vpc, table)

    assert find_dead_ends(ec2, [subnet]) == [
        f"{subnet} leads to an internet gateway, but gives instances no public address"
    ]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    assert find_dead_ends(ec2, [subnet]) == []


def test_behind_a_nat_gateway_private_addresses_suffice(ec2: Any) -> None:
    _, subnet, table = make_subnet(ec2)
    nat = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]
    ec2.create_route(
        RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"]
    )

    assert find_dead_ends(ec2, [subnet]) == []
