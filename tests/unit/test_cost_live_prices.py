"""Prices that AWS itself tells, and what is taken where it tells none."""

from collections.abc import Iterator
from typing import Any

import pytest
from support.price_list import PriceServer, product, serve_prices
from support.usage import MIDNIGHT, at

from bactofleet.cost.bill import iter_instance_lines
from bactofleet.cost.instances import Fleet, Instance
from bactofleet.cost.live_prices import ask_aws
from bactofleet.cost.prices import UNITS, load_prices

REGION = "us-west-2"
PREFIX = "USW2-"
HOUR = 3600.0


def instance(life_cycle: str, begin: float = 0.0, end: float = HOUR, **members: Any) -> Instance:
    values: dict[str, Any] = {
        "type": "m6i.xlarge",
        "zone": f"{REGION}a",
        "vcpus": 4,
        "disk_gib": 60,
    } | members
    return Instance(life_cycle=life_cycle, begin=MIDNIGHT + begin, end=MIDNIGHT + end, **values)


SPOT = instance("spot")
ON_DEMAND = instance("on-demand", type="m6i.2xlarge")


def list_everything(aws: PriceServer) -> None:
    """A price of each kind, beside products that are like it and are not it."""
    linux = {
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "operation": "RunInstances",
        "regionCode": REGION,
    }
    here = {"regionCode": REGION}
    out = {"transferType": "AWS Outbound", "fromRegionCode": REGION}
    storage = {**here, "productFamily": "Storage", "volumeApiName": "gp3"}
    images = {**here, "productFamily": "EC2 Container Registry"}
    type_2x = {"instanceType": "m6i.2xlarge", "usagetype": f"{PREFIX}BoxUsage:m6i.2xlarge"}
    ipv4 = {**here, "group": "VPCPublicIPv4Address"}
    tiers = {"10240": 0.09, "51200": 0.085, "Inf": 0.07}
    aws.products += [
        product("AmazonEC2", 0.3, **linux, **type_2x),
        product("AmazonEC2", 9.9, **linux | {"tenancy": "Dedicated"}, **type_2x),
        product("AmazonEC2", 0.0, **linux, **type_2x | {"usagetype": "USW2-UnusedBox:m6i.2xlarge"}),
        product("AmazonEC2", 0.07, **storage, usagetype=f"{PREFIX}EBS:VolumeUsage.gp3"),
        product("AmazonEC2", 0.9, **storage, usagetype=f"{PREFIX}EBS:VolumeP-IOPS.gp3"),
        product("AmazonVPC", 0.004, **ipv4, usagetype=f"{PREFIX}PublicIPv4:InUseAddress"),
        product("AmazonVPC", 0.9, **ipv4, usagetype=f"{PREFIX}PublicIPv4:IdleAddress"),
        product("AmazonS3", 5e-6, **here, group="S3-API-Tier1", usagetype="USW2-Requests-Tier1"),
        product("AmazonS3", 4e-7, **here, group="S3-API-Tier2", usagetype="USW2-Requests-Tier2"),
        product(
            "AmazonS3",
            {"51200": 0.022, "Inf": 0.021},
            **here,
            volumeType="Standard",
            usagetype=f"{PREFIX}TimedStorage-ByteHrs",
        ),
        product("AWSDataTransfer", tiers, **out, usagetype=f"{PREFIX}DataTransfer-Out-Bytes"),
        product("AWSDataTransfer", 0.9, **out, usagetype="Global-DataTransfer-Out-Bytes"),
        product(
            "AmazonCloudWatch",
            0.4,
            **here,
            group="Ingested Logs",
            usagetype=f"{PREFIX}DataProcessing-Bytes",
        ),
        product("AmazonECR", 0.11, **images, usagetype=f"{PREFIX}TimedStorage-ByteHrs"),
        product("AmazonECR", 0.9, **images, usagetype=f"{PREFIX}TimedStorage-Archive-ByteHrs"),
    ]
    aws.history += [
        ("m6i.xlarge", f"{REGION}a", at(-7200).replace("+00:00", "Z"), 0.04),
        ("m6i.xlarge", f"{REGION}a", at(1800).replace("+00:00", "Z"), 0.06),
        ("m6i.xlarge", f"{REGION}b", at(-7200).replace("+00:00", "Z"), 0.99),
    ]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[PriceServer]:
    """AWS's two services, with everything that is asked for."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    with serve_prices() as (prices, address):
        monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", address)
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", address)
        list_everything(prices)
        yield prices


def test_every_charge_is_that_of_the_price_list(aws):
    prices, problems = ask_aws(load_prices(), [SPOT])

    assert problems == []
    told = {name: prices.charge(name) for name in UNITS}
    assert {price.source for price in told.values()} == {"AWS Price List"}
    assert {price.date for price in told.values()} == {"2026-11-01"}
    usd = {"ebs": 0.07, "public_ipv4": 0.004, "s3_put": 0.005, "s3_get": 0.0004, "logs": 0.4}
    assert {name: told[name].usd for name in usd} == pytest.approx(usd)
    assert told["ecr"].usd == pytest.approx(0.11)
    assert told["transfer_out"].cost(20480) == pytest.approx(10240 * (0.09 + 0.085))
    assert told["s3_storage"].cost(51201) == pytest.approx(51200 * 0.022 + 0.021)


def test_an_instance_on_demand_costs_what_the_list_says_of_its_type(aws):
    prices, _ = ask_aws(load_prices(), [ON_DEMAND])

    price = ON_DEMAND.price(prices)

    assert (price.usd, price.source, price.note) == (0.3, "AWS Price List", "of us-west-2")


def test_a_spot_instance_costs_the_mean_of_the_time_and_zone_it_ran_in(aws):
    prices, _ = ask_aws(load_prices(), [SPOT, ON_DEMAND])

    assert SPOT.price(prices).usd == pytest.approx((0.04 + 0.06) / 2)
    assert instance("spot", end=1800).price(prices).usd == pytest.approx(0.04)
    assert instance("spot", zone=f"{REGION}b").price(prices).usd == pytest.approx(0.99)
    (asked,) = [a["request"] for a in aws.asked if a["operation"] == "DescribeSpotPriceHistory"]
    assert asked["StartTime"] == ["2026-11-23T00:00:00Z"]
    assert asked["EndTime"] == ["2026-11-23T01:00:00Z"]
    assert [asked[name] for name in asked if name.startswith("InstanceType")] == [["m6i.xlarge"]]


def test_what_the_list_does_not_have_stays_that_of_the_table(aws):
    aws.products = [item for item in aws.products if item["serviceCode"] != "AmazonECR"]

    prices, problems = ask_aws(load_prices(), [SPOT])

    assert problems == ["the Price List has no ecr"]
    assert prices.charge("ecr") == load_prices().charge("ecr")


def test_instances_that_aws_has_no_price_of_are_named(aws):
    fleet = [SPOT, instance("spot", zone=f"{REGION}c"), ON_DEMAND, instance("on-demand")]

    _, problems = ask_aws(load_prices(), fleet)

    assert problems == [
        "the Price List has no m6i.xlarge",
        f"no spot price of m6i.xlarge in {REGION}c",
    ]


def test_two_prices_for_one_thing_are_none(aws):
    here = {"regionCode": REGION, "group": "Ingested Logs"}
    aws.products.append(
        product("AmazonCloudWatch", 0.6, **here, usagetype=f"{PREFIX}DataProcessing-Bytes")
    )

    _, problems = ask_aws(load_prices(), [SPOT])

    assert problems == ["the Price List has no logs"]


def test_without_the_right_to_one_of_them_the_other_is_used(aws):
    aws.refuses = {"GetProducts"}

    prices, problems = ask_aws(load_prices(), [SPOT])

    assert len(problems) == 1
    assert "permission denied" in problems[0]
    assert "GetProducts" in problems[0]
    assert SPOT.price(prices).usd == pytest.approx(0.05)
    assert prices.charge("ebs") == load_prices().charge("ebs")


def test_a_zone_without_history_has_the_tables_price(aws):
    aws.refuses = {"DescribeSpotPriceHistory"}

    prices, problems = ask_aws(load_prices(), [SPOT])

    assert "permission denied" in problems[0]
    assert "55 % below on demand" in SPOT.price(prices).note


def test_a_line_of_which_spot_prices_are_known_in_part_says_so(aws):
    """History goes back 90 days, and here to one zone of two."""
    aws.history = [entry for entry in aws.history if entry[1].endswith("a")]
    prices, _ = ask_aws(load_prices(), [SPOT])
    fleet = Fleet()
    fleet.instances = {"i-1": SPOT, "i-2": instance("spot", zone=f"{REGION}b")}

    (line,) = iter_instance_lines(fleet, prices)

    assert line.price is not None
    assert line.price.note.startswith("partly from EC2 DescribeSpotPriceHistory and https://")


def test_an_answer_of_another_form_is_reported_and_does_not_stop_the_bill(aws):
    for item in aws.products:
        for term in item["terms"]["OnDemand"].values():
            for dimension in term["priceDimensions"].values():
                dimension["pricePerUnit"] = {"CNY": "1"}

    prices, problems = ask_aws(load_prices(), [SPOT])

    assert problems == ["AWS's answer does not have the documented form (KeyError('USD'))"]
    assert prices.charge("ebs") == load_prices().charge("ebs")


def test_without_credentials_the_table_is_taken_and_that_is_said_once(aws, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    prices, problems = ask_aws(load_prices(), [SPOT])

    assert prices.entries == load_prices().entries
    assert len(problems) == 1
    assert "no AWS credentials" in problems[0]


def test_a_run_of_which_no_zone_is_known_needs_a_region(aws):
    _, problems = ask_aws(load_prices(), [instance("spot", zone="")])

    assert "no AWS region is chosen" in problems[0]
