"""The bill of a run with reclaimed attempts, beside sums of its records that the test makes."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from aws.controller import Controller, PretendGenomes
from aws.emulator.client import EmulatedAWS

from bactofleet.cost.bill import Bill, Kind, make_bill
from bactofleet.cost.prices import load_prices
from bactofleet.records.attempt import Tarballs, read_attempts

BEHAVIOURS = {
    "good": "wait:2",
    "reclaimed-once": "wait:60:1",
    "reclaimed-thrice": "wait:60:3",
    "broken": "exit:1",
}
# USD an hour: dear enough that attempts of seconds cost dollars, no two types the same.
SPOT = {"c6i.large": 3600.0, "m6i.large": 5400.0, "r6i.large": 7777.0}
ON_DEMAND = {"c6i.large": 9000.0, "m6i.large": 11000.0, "r6i.large": 13000.0}
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A run in which hosts were reclaimed, until one genome went to the fallback queue."""
    with EmulatedAWS(spot_vcpus=4) as aws:
        controller = PretendGenomes(aws, tmp_path_factory.mktemp("run"), list(BEHAVIOURS))
        controller.set_behaviours(BEHAVIOURS)
        aws.reclaim(after_log="output: scratch/reclaimed-once/contigs.txt", attempts=[1])
        aws.reclaim(after_log="output: scratch/reclaimed-thrice/contigs.txt", name="*-0000")
        assert controller.run(timeout_s=300) == 1, controller.log
        yield controller


@pytest.fixture(scope="module")
def bill(finished: Controller) -> Bill:
    """The bill at the prices above."""
    prices = finished.folder / "prices.yaml"
    own = {"spot": {"usd": SPOT}, "on-demand": {"usd": ON_DEMAND}}
    prices.write_text(yaml.safe_dump({"instance_hour": own}))
    attempts = read_attempts(finished.folder / "results")
    return make_bill(attempts, Tarballs(0, ()), load_prices(prices))


def get_usd(row: dict[str, str], since: str = "booted") -> Decimal:
    """What an attempt's instance cost; each has one of its own."""
    prices = SPOT if row["life_cycle"] == "spot" else ON_DEMAND
    begin, end = (datetime.fromisoformat(row[name]) for name in (since, "stopped"))
    seconds = Decimal(round((end - begin).total_seconds()))
    return seconds * Decimal(prices[row["instance_type"]]) / 3600


def in_cents(usd: float | Decimal) -> Decimal:
    return Decimal(usd).quantize(CENT)


def test_the_records_have_all_that_a_bill_needs(finished: Controller) -> None:
    rows = finished.get_table("usage.tsv")

    assert len(rows) == 1 + 2 + 4 + 1
    assert len({row["instance_id"] for row in rows}) == len(rows)
    assert {row["life_cycle"] for row in rows} == {"spot", "on-demand"}
    assert len({row["instance_type"] for row in rows}) > 1
    for row in rows:
        assert row["booted"] <= row["started"].replace("+00:00", "Z")
        assert int(row["instance_vcpus"]) >= 1
        assert int(row["disk_gib"]) >= 1


def test_the_lines_of_ec2_are_the_sums_of_the_records_to_the_cent(
    finished: Controller, bill: Bill
) -> None:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in finished.get_table("usage.tsv"):
        sums[f"EC2 {row['life_cycle']}, {row['instance_type']}"] += get_usd(row)

    lines = {line.charge: line.usd for line in bill.lines if line.charge.startswith("EC2")}

    assert sum(sums.values()) > 10
    assert {charge: in_cents(usd) for charge, usd in lines.items()} == {
        charge: in_cents(usd) for charge, usd in sums.items()
    }


def test_waste_and_idle_time_are_those_of_the_records_to_the_cent(
    finished: Controller, bill: Bill
) -> None:
    rows = finished.get_table("usage.tsv")
    reclaimed = sum(get_usd(row, "started") for row in rows if row["outcome"] == "reclaimed")
    failed = sum(get_usd(row, "started") for row in rows if row["outcome"] == "exit 1")
    idle = sum(get_usd(row) - get_usd(row, "started") for row in rows)

    parts = {line.charge: in_cents(line.usd) for line in bill.lines if line.kind is Kind.PART}

    assert parts.pop("idle: instances without an attempt", in_cents(0)) == in_cents(idle)
    assert parts == {
        "wasted: attempts that failed": in_cents(failed),
        "wasted: attempts that were reclaimed": in_cents(reclaimed),
    }


def test_a_genome_pays_for_every_host_that_it_lost(finished: Controller, bill: Bill) -> None:
    rows = [(Path(row["target"]).stem, row) for row in finished.get_table("usage.tsv")]
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for sample, row in rows:
        sums[sample] += get_usd(row, "started")

    outcomes = [row["outcome"] for sample, row in rows if sample == "reclaimed-thrice"]
    assert outcomes.count("reclaimed") == 3
    assert in_cents(bill.by_genome["reclaimed-thrice"]) == in_cents(sums["reclaimed-thrice"])
    assert bill.most_expensive(1)[0][0] == max(sums, key=lambda sample: sums[sample])


def test_requests_are_those_that_the_service_has_seen(finished: Controller, bill: Bill) -> None:
    """Those of the attempts; bundle, manifests and inputs of a run are some more."""
    seen = [
        request["operation"]
        for request in finished.aws.requests()
        if request["service"] == "s3"
        and request["status"] < 300
        and (request["caller"].startswith("job/") or request["operation"] == "GetObject")
    ]
    lines = {line.charge: line.usage * 1000 for line in bill.lines}

    assert lines["S3, GET requests"] == pytest.approx(seen.count("GetObject"))
    tarballs = len(finished.get_receipts())
    assert lines["S3, PUT requests"] + tarballs == pytest.approx(seen.count("PutObject"))
