"""The bill of the run of 67,000 *S. aureus* genomes by Bactopia's author, told on 2020-12-07.

With 5,000 tests 70,000 genomes: 258,670 CPU hours on EC2 $7,552; 42 TB out of AWS $3,566; 84 TB on
S3 $1,286, every tarball twice; 9 GB of logs $4. docs/cost.md explains each difference.
"""

from pathlib import Path

import pytest

from bactofleet.cost.bill import Bill, make_bill
from bactofleet.cost.prices import load_prices
from bactofleet.records.attempt import Attempt, Tarballs

PRICES = load_prices(Path(__file__).parents[1] / "data" / "prices-2020.yaml")
GENOMES = 70_000
# A sixteenth of the genomes of a sixteenth of the size stands for all of them.
SCALE = 16
VCPUS = 4
TB = 2**40
PAID = {"EC2": 7552, "transfer": 3566, "S3": 1286, "CloudWatch": 4}


def make_seed_bill(instance_type: str, jobs: int) -> Bill:
    """The bill, if instances were of this type and each held so many jobs of 16 GB at a time."""
    seconds = 258_670 / VCPUS / GENOMES * 3600 * SCALE
    attempts = [
        Attempt(
            sample=f"g{number}",
            outcome="succeeded",
            queue="spot",
            instance_type=instance_type,
            instance_id=f"i-{number // jobs}",
            zone="us-east-1a",
            life_cycle="spot",
            vcpus=VCPUS,
            started=0.0,
            stopped=seconds,
        )
        for number in range(GENOMES // SCALE)
    ]
    tarballs = (42 * TB // GENOMES * SCALE,) * (GENOMES // SCALE)
    return make_bill(attempts, Tarballs(GENOMES, tarballs), PRICES)


def lines_of(bill: Bill) -> dict[str, float]:
    usd = {line.charge: line.usd for line in bill.lines}
    return {
        "EC2": sum(value for charge, value in usd.items() if charge.startswith("EC2")),
        "transfer": usd["data transfer out of AWS"],
        "S3": 2 * usd["S3, results kept"],  # every tarball was stored twice, for a month
        "CloudWatch": usd["CloudWatch, logs"] * SCALE,
    }


def test_the_bill_of_the_seed_run_is_that_of_the_model_within_a_tenth():
    """Three jobs of 16 GB fit an instance of 64 GiB, of which the system keeps some."""
    model = lines_of(make_seed_bill("m5.4xlarge", jobs=3))

    assert sum(PAID.values()) == 12_408
    assert sum(model.values()) == pytest.approx(12_408, rel=0.1)
    assert sum(model.values()) / GENOMES == pytest.approx(0.18, abs=0.01)


def test_each_line_differs_as_the_docs_explain():
    model = lines_of(make_seed_bill("m5.4xlarge", jobs=3))

    difference = {name: model[name] - usd for name, usd in PAID.items()}
    assert difference == {
        "EC2": pytest.approx(-930, abs=5),
        "transfer": pytest.approx(141, abs=5),
        "S3": pytest.approx(692, abs=5),
        "CloudWatch": pytest.approx(0.5, abs=0.1),
    }


@pytest.mark.parametrize(
    ("instance_type", "jobs", "usd"),
    [("m5.2xlarge", 1, 11_175), ("m5.4xlarge", 3, 6_622), ("m5.12xlarge", 11, 4_741)],
)
def test_what_ec2_costs_hangs_on_how_full_the_instances_are(instance_type, jobs, usd):
    """What was paid lies between: the run had all types that Batch chose."""
    assert lines_of(make_seed_bill(instance_type, jobs))["EC2"] == pytest.approx(usd, rel=0.001)
