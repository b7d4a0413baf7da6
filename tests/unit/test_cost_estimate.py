"""What genomes will cost is told from what those that were made have taken and been paid for."""

import heapq
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.pilots import (
    BYTES,
    PARAMETERS,
    draw_seconds,
    make_past_genomes,
    make_receipt,
    write_receipts,
)
from support.usage import make_row, write_usage

from bactofleet.cost.bill import GIB
from bactofleet.cost.estimate import ASSUMED_OVERHEAD, Estimator, measure_rate, price_vcpu_hour
from bactofleet.cost.prices import ON_DEMAND, SPOT, load_prices
from bactofleet.records.attempt import read_attempts

PRICES = load_prices()
CONFIG = PARAMETERS | {"threads": 4}
# What make_row's attempts run on, m6i.xlarge on spot, costs an hour without its disk and address.
SPOT_HOUR = 0.048 * 4 * 0.45


def make_genomes(results: Path, count: int, seconds: float = 3000.0) -> None:
    write_receipts(results, [make_receipt(f"S{i}", seconds) for i in range(count)])


def estimator(results: Path, **changes: Any) -> Estimator:
    return Estimator(CONFIG | changes, results, read_attempts(results), PRICES)


def test_a_vcpu_hour_costs_a_bit_more_than_the_instances_as_disks_and_addresses_do():
    spot, on_demand = (price_vcpu_hour(life_cycle, 4, PRICES) for life_cycle in (SPOT, ON_DEMAND))

    assert 1.02 < spot / PRICES.vcpu_hour(SPOT).usd < 1.2
    assert 1.01 < on_demand / PRICES.vcpu_hour(ON_DEMAND).usd < 1.1


def test_before_anything_was_made_price_and_losses_are_assumed(tmp_path: Path):
    estimate = estimator(tmp_path).predict(100)

    assert (estimate.genomes, estimate.finished, estimate.attempts) == (100, 0, 0)
    assert estimate.vcpu_hours.expected == pytest.approx(
        100 * 949 * 4 / 3600 * ASSUMED_OVERHEAD, rel=0.01
    )
    assert estimate.usd.expected == pytest.approx(
        estimate.vcpu_hours.expected * price_vcpu_hour(SPOT, 4, PRICES)
    )
    assert estimate.usd_on_demand.expected > 2 * estimate.usd.expected
    assert estimate.usd.high == pytest.approx(3 * estimate.usd.expected)


def test_genomes_made_elsewhere_give_seconds_but_no_overhead(tmp_path: Path):
    make_genomes(tmp_path, 50, seconds=3000.0)

    estimate = estimator(tmp_path).predict(100)

    assert (estimate.finished, estimate.attempts) == (50, 0)
    assert estimate.vcpu_hours.expected == pytest.approx(100 * 3000 * 4 / 3600 * ASSUMED_OVERHEAD)


def test_genomes_of_long_reads_are_predicted_from_their_like(tmp_path: Path):
    short = [make_receipt(f"S{i}", 1000.0) for i in range(30)]
    long = [make_receipt(f"L{i}", 5000.0) for i in range(20)]
    for receipt in long:
        receipt["input"] |= {"kind": "reads", "runtype": "ont"}
    write_receipts(tmp_path, [*short, *long])

    estimates = [
        Estimator(CONFIG, tmp_path, [], PRICES, share).predict(100) for share in (0, 0.25, 1)
    ]

    hours = 4 / 3600 * ASSUMED_OVERHEAD
    expected = [100 * seconds * hours for seconds in (1000, 2000, 5000)]
    assert [found.vcpu_hours.expected for found in estimates] == pytest.approx(expected)
    assert [found.finished for found in estimates] == [30, 50, 20]


def test_the_first_genomes_of_long_reads_are_a_guess_although_others_are_finished(tmp_path: Path):
    make_genomes(tmp_path, 50)

    estimate = Estimator(CONFIG, tmp_path, [], PRICES, 0.5).predict(10)

    assert estimate.finished == 50
    assert "50 finished genomes, and one of the other kind" in estimate.describe()


def test_what_attempts_took_and_cost_beyond_the_stages_is_learned(tmp_path: Path):
    """One of ten genomes was made at its second attempt; each hour has 50 minutes of stages."""
    make_genomes(tmp_path, 10, seconds=3000.0)
    rows = [make_row(f"S{i}", 0, 3600, instance_id=f"i-{i}") for i in range(10)]
    lost = make_row("S0", 1800, 3600, instance_id="i-lost", outcome="reclaimed")
    write_usage(tmp_path, [*rows, lost])

    estimate = estimator(tmp_path).predict(100)

    assert estimate.attempts == 11
    assert estimate.vcpu_hours.expected == pytest.approx(100 * 4 * 10.5 / 10)
    assert estimate.usd.expected == pytest.approx(100 * 1.05 * SPOT_HOUR, rel=0.15)
    assert estimate.usd.expected > 100 * 1.05 * SPOT_HOUR


def test_attempts_before_the_first_past_genome_do_not_count(tmp_path: Path):
    """They made genomes that were made again since."""
    make_genomes(tmp_path, 1, seconds=3600.0)
    write_usage(tmp_path, [make_row("S0", -90_000, -50_000), make_row("S0", 0, 3600)])
    past = make_past_genomes(np.array([3600.0]))
    now = replace(past, finished=np.array([read_attempts(tmp_path)[1].stopped]))

    rate = measure_rate(now, read_attempts(tmp_path), 4, PRICES)

    assert (rate.attempts, rate.overhead) == (1, pytest.approx(1))


def test_genomes_that_shared_a_job_are_paid_once(tmp_path: Path):
    """The table names the first genome of each job."""
    make_genomes(tmp_path, 4, seconds=900.0)
    write_usage(tmp_path, [make_row("S0", 0, 3600)])

    assert estimator(tmp_path).predict(4).vcpu_hours.expected == pytest.approx(4)


def test_genomes_of_other_numbers_of_threads_are_paid_as_they_were(tmp_path: Path):
    make_genomes(tmp_path, 4, seconds=3600.0)
    rows = [make_row(f"S{i}", 0, 3600, vcpus=2, instance_id=f"i-{i}") for i in range(4)]
    write_usage(tmp_path, rows)

    estimate = estimator(tmp_path, threads=4).predict(10)

    assert estimate.vcpu_hours.expected == pytest.approx(20)


def test_results_are_predicted_with_the_cost_of_storage_and_download(tmp_path: Path):
    make_genomes(tmp_path, 20)

    estimate = estimator(tmp_path).predict(1000)

    size = 1000 * BYTES
    assert estimate.bytes.expected == pytest.approx(size)
    assert estimate.usd_month.expected == pytest.approx(size / GIB * 0.023)
    assert estimate.usd_download.expected == pytest.approx(size / GIB * 0.09)


def test_unreadable_receipts_are_like_none_for_the_forecast(tmp_path: Path):
    make_genomes(tmp_path, 3)
    for path in (tmp_path / "receipts").iterdir():
        path.write_text("{")
    (tmp_path / "usage.tsv").write_text("started\tstopped\nnoon\tnight\n")

    assert estimator(tmp_path).predict(5).finished == 0


def schedule(seconds: Any, at_once: int) -> float:
    """Hours until the last genome is done."""
    ends = [0.0] * at_once
    for one in seconds:
        heapq.heapreplace(ends, ends[0] + one)
    return float(max(ends)) / 3600


@pytest.mark.parametrize("vcpus", [4, 100, 40_000])
def test_simulated_runs_take_a_time_within_the_bounds(tmp_path: Path, vcpus: int):
    rng = np.random.default_rng(5)
    pilot = draw_seconds(rng, 100)
    write_receipts(tmp_path, [make_receipt(f"S{i}", one) for i, one in enumerate(pilot)])
    within = 0
    for _ in range(20):
        low, high = estimator(tmp_path).predict(500, vcpus).hours
        hours = schedule(draw_seconds(rng, 500) * ASSUMED_OVERHEAD, vcpus // 4)
        within += low <= hours <= high

    assert within >= 18


def test_a_forecast_is_one_line_that_says_what_it_rests_on(tmp_path: Path):
    untaught = estimator(tmp_path).predict(100).describe()
    make_genomes(tmp_path, 20)
    taught = estimator(tmp_path).predict(100).describe()
    write_usage(tmp_path, [make_row("S0")])
    paid = estimator(tmp_path).predict(100).describe()

    assert re.fullmatch(
        r"forecast: \$[\d.]+ \(95 %: \$[\d.]+ to \$[\d.]+\), 116 vCPU hours, "
        r"9 min 4 s to 2 h 13 min on 256 vCPUs; "
        r"based on one genome measured elsewhere; your first genomes will improve it",
        untaught,
    )
    assert taught.endswith("based on 20 finished genomes; price and losses on AWS are assumed")
    assert paid.endswith("based on 20 finished genomes and their cost on AWS")
