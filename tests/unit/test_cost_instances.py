"""Who pays for which hour of an instance, and that no money is lost on the way."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.usage import make_row, write_usage

from bactofleet.cost.bill import Kind, make_bill, price_fleet, share_fleet
from bactofleet.cost.instances import Fleet
from bactofleet.cost.prices import load_prices
from bactofleet.records.attempt import Attempt, Tarballs, read_attempts
from snakemake_executor_plugin_aws_batch_array.tables import UsageRow

NOTHING = Tarballs(0, ())
HOUR = 3600.0
# USD an hour of m6i.xlarge on spot and on demand, from the package's table.
SPOT_HOUR = 0.048 * 4 * 0.45
ON_DEMAND_HOUR = 0.048 * 4


def read(tmp_path: Path, *rows: UsageRow) -> list[Attempt]:
    write_usage(tmp_path, rows)
    return read_attempts(tmp_path)


def shares_of(attempts: list[Attempt]) -> list[float]:
    return [usd for _, usd in share_fleet(Fleet(attempts), attempts, load_prices()).of_attempts]


def lines_of(attempts: list[Attempt], kind: Kind) -> dict[str, float]:
    bill = make_bill(attempts, NOTHING, load_prices())
    return {line.charge: line.usd for line in bill.lines if line.kind is kind}


def test_an_attempt_alone_on_an_instance_pays_all_of_its_time(tmp_path):
    attempts = read(tmp_path, make_row(started=0, stopped=HOUR))

    assert shares_of(attempts) == [pytest.approx(SPOT_HOUR)]


def test_attempts_share_the_time_in_which_they_run_together_by_their_vcpus(tmp_path):
    """The first is alone for an hour, then has a third of the next."""
    attempts = read(
        tmp_path,
        make_row("a", 0, 2 * HOUR, vcpus=4),
        make_row("b", HOUR, 2 * HOUR, vcpus=8),
    )

    assert shares_of(attempts) == [
        pytest.approx(SPOT_HOUR * 4 / 3),
        pytest.approx(SPOT_HOUR * 2 / 3),
    ]


def test_boot_and_gaps_are_idle_and_paid(tmp_path):
    attempts = read(
        tmp_path,
        make_row("a", 60, 60 + HOUR, booted=0),
        make_row("b", 120 + HOUR, 120 + 2 * HOUR, booted=0),
    )

    spent, parts = lines_of(attempts, Kind.SPENT), lines_of(attempts, Kind.PART)

    assert spent["EC2 spot, m6i.xlarge"] == pytest.approx(SPOT_HOUR * (2 + 120 / HOUR))
    assert parts["idle: instances without an attempt"] == pytest.approx(SPOT_HOUR * 120 / HOUR)


def test_on_demand_costs_its_own_price(tmp_path):
    attempts = read(tmp_path, make_row(life_cycle="on-demand"))

    assert lines_of(attempts, Kind.SPENT)["EC2 on-demand, m6i.xlarge"] == pytest.approx(
        ON_DEMAND_HOUR
    )


def test_waste_is_grouped_by_its_cause(tmp_path):
    attempts = read(
        tmp_path,
        make_row("a", instance_id="i-1", outcome="reclaimed"),
        make_row("a", instance_id="i-2", outcome="exit 75"),
        make_row("a", instance_id="i-3"),
        make_row("b", instance_id="i-4", outcome="exit 1"),
    )

    assert lines_of(attempts, Kind.PART) == {
        "wasted: attempts that failed": pytest.approx(SPOT_HOUR),
        "wasted: attempts that failed and were retried": pytest.approx(SPOT_HOUR),
        "wasted: attempts that were reclaimed": pytest.approx(SPOT_HOUR),
    }


def test_a_genome_pays_for_all_of_its_attempts(tmp_path):
    attempts = read(
        tmp_path,
        make_row("a", instance_id="i-1", outcome="reclaimed"),
        make_row("a", instance_id="i-2"),
        make_row("b", instance_id="i-3"),
    )

    bill = make_bill(attempts, NOTHING, load_prices())

    assert bill.most_expensive(1) == [("a", pytest.approx(2 * SPOT_HOUR))]
    assert bill.median_genome == pytest.approx(1.5 * SPOT_HOUR)


def test_genomes_of_one_job_share_what_it_cost(tmp_path):
    more = "results/receipts/b.json results/receipts/c.json logs/of-no-genome.txt"
    attempts = read(tmp_path, make_row("a", more_targets=more), make_row("b", instance_id="i-2"))

    bill = make_bill(attempts, NOTHING, load_prices())

    assert bill.by_genome == {
        "a": pytest.approx(SPOT_HOUR / 3),
        "b": pytest.approx(SPOT_HOUR * 4 / 3),
        "c": pytest.approx(SPOT_HOUR / 3),
    }


def test_an_attempt_without_a_host_pays_for_its_vcpu_hours(tmp_path):
    attempts = read(tmp_path, make_row(instance_id="", instance_type="", zone="", life_cycle=""))

    spent = lines_of(attempts, Kind.SPENT)

    assert spent["EC2 on-demand, host not known"] == pytest.approx(4 * 0.05132)
    assert "EBS, disks of instances" not in spent


def test_an_attempt_without_a_host_is_paid_as_the_others_of_its_queue(tmp_path):
    attempts = read(
        tmp_path, make_row("a"), make_row("b", instance_id="", instance_type="", life_cycle="")
    )

    assert "EC2 spot, host not known" in lines_of(attempts, Kind.SPENT)


def test_what_never_started_costs_nothing(tmp_path):
    assert read(tmp_path, make_row(started=None, outcome="not started")) == []


def test_a_clock_that_goes_backwards_gives_no_money_back(tmp_path):
    attempts = read(tmp_path, make_row("a", HOUR, 0), make_row("b", 0, HOUR, booted=2 * HOUR))

    assert shares_of(attempts) == [0.0, pytest.approx(SPOT_HOUR)]


def test_a_table_of_an_earlier_version_is_read(tmp_path):
    path = write_usage(tmp_path, [make_row(started=0, stopped=HOUR)])
    short = ["\t".join(line.split("\t")[:15]) for line in path.read_text().splitlines()]
    path.write_text("\n".join(short) + "\n")

    (attempt,) = read_attempts(tmp_path)

    assert (attempt.booted, attempt.instance_vcpus, attempt.disk_gib) == (None, None, None)
    assert shares_of([attempt]) == [pytest.approx(SPOT_HOUR)]


@pytest.mark.parametrize(
    "cells",
    [
        {"vcpus": "many"},
        {"vcpus": "-4"},
        {"vcpus": "nan"},
        {"vcpus": "1e300"},
        {"instance_vcpus": "inf", "disk_gib": "-1"},
        {"instance_type": "\x1b[31m"},
        {"life_cycle": "=cmd()", "zone": "../.."},
        {"booted": "yesterday"},
        {"target": "results/receipts/../../x"},
    ],
)
def test_a_cell_that_makes_no_sense_is_as_good_as_an_empty_one(tmp_path, cells):
    attempts = read(tmp_path, make_row("good", instance_id="i-2"), replace(make_row(), **cells))

    bill = make_bill(attempts, NOTHING, load_prices())

    assert len(attempts) == 2
    assert 0 < bill.spent < 1


def test_rows_that_are_cut_off_or_not_text_do_not_hide_the_others(tmp_path):
    path = write_usage(tmp_path, [make_row("a"), make_row("b")])
    with path.open("ab") as table:
        table.write(b"\xff\xfe\x00\t\t\t\nrun\tjob\n")
        table.write(b"run\tgenome\tresults/receipts/c.js")

    assert [attempt.sample for attempt in read_attempts(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("seed", range(20))
def test_attempts_and_idle_time_are_all_that_instances_cost(tmp_path, seed):
    """The second way: price times hours of each instance, from the rows themselves."""
    rng = random.Random(seed)
    rows = []
    spans: dict[str, Any] = {}
    for number in range(60):
        host, booted = f"i-{rng.randrange(8)}", rng.randrange(0, 600)
        started = rng.randrange(600, 90_000)
        stopped = started + rng.choice((0, 1, 1800, 3600, 7200))
        rows.append(
            make_row(
                f"s{number % 40}",
                started,
                stopped,
                booted,
                instance_id=host,
                vcpus=rng.choice((1, 2, 4)),
                outcome=rng.choice(("succeeded", "reclaimed", "exit 1")),
            )
        )
        begin, end = spans.get(host, (booted, stopped))
        spans[host] = (min(begin, booted), max(end, stopped))
    attempts = read(tmp_path, *rows)

    spent, parts = lines_of(attempts, Kind.SPENT), lines_of(attempts, Kind.PART)

    paid = sum((end - begin) / HOUR * SPOT_HOUR for begin, end in spans.values())
    idle = parts["idle: instances without an attempt"]
    assert spent["EC2 spot, m6i.xlarge"] == pytest.approx(paid)
    assert sum(shares_of(attempts)) + idle == pytest.approx(paid)


def test_status_shows_what_the_bill_calls_spent(tmp_path):
    attempts = read(
        tmp_path,
        make_row("a", booted=0, disk_gib=60, outcome="reclaimed"),
        make_row("b", 60, 1800, booted=0, disk_gib=60),
        make_row("c", instance_id="", instance_type="", life_cycle=""),
        make_row("d", instance_id="i-2", life_cycle="on-demand"),
    )
    fleet = Fleet(attempts)

    spent = make_bill(attempts, NOTHING, load_prices()).spent
    assert price_fleet(fleet, load_prices()) == pytest.approx(spent)
