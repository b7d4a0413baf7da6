"""Families of instances are left out only if many genomes cost twice as much on them."""

import pytest

from bactofleet.cost.families import MIN_GENOMES, find_expensive
from bactofleet.cost.prices import Prices, load_prices
from bactofleet.records.attempt import RECLAIMED, SUCCEEDED, Attempt


@pytest.fixture(scope="module")
def prices() -> Prices:
    return load_prices()


def attempts(
    instance_type: str, hours: float, count: int = MIN_GENOMES, outcome: str = SUCCEEDED
) -> list[Attempt]:
    """Attempts of so many hours with 4 vCPUs on instances of this type."""
    return [
        Attempt(
            f"g{i}", outcome, "genomes", instance_type, f"i-{i}", "", "spot", 4, 0, hours * 3600
        )
        for i in range(count)
    ]


def test_nothing_is_left_out_before_anything_was_measured(prices: Prices) -> None:
    assert find_expensive([], prices) == {}


def test_the_price_counts_and_not_only_the_time(prices: Prices) -> None:
    """Twice as long on half the price is not twice as expensive."""
    measured = [*attempts("c6g.4xlarge", 1.8), *attempts("m6i.4xlarge", 1)]

    assert find_expensive(measured, prices) == {}


def test_a_family_that_costs_twice_as_much_is_named_with_the_reason(prices: Prices) -> None:
    measured = [
        *attempts("m6i.xlarge", 1),
        *attempts("m6a.xlarge", 1.3),
        *attempts("c6i.xlarge", 4),
    ]

    assert find_expensive(measured, prices) == {
        "c6i": "its genomes cost 3.1 times as much as those of m6i"
    }


def test_few_genomes_and_attempts_that_were_lost_say_nothing(prices: Prices) -> None:
    measured = [
        *attempts("m6i.xlarge", 1),
        *attempts("c6i.xlarge", 9, count=MIN_GENOMES - 1),
        *attempts("c7i.xlarge", 9, outcome=RECLAIMED),
        *attempts("", 9),
    ]

    assert find_expensive(measured, prices) == {}
