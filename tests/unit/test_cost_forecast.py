"""What genomes take is foretold from those that were made, with an interval that holds."""

from dataclasses import astuple

import numpy as np
import pytest
from support.pilots import draw_seconds

from bactofleet.cost.forecast import MIN_GENOMES, Forecast, Range

GUESS = 949.0


def width(told: Range) -> float:
    return told.high / told.low


@pytest.mark.parametrize("pilot", [20, 100, 1000])
@pytest.mark.parametrize("noise", [0.2, 0.4, 0.7])
def test_19_of_20_simulated_cohorts_are_within_the_interval_of_their_pilot(
    pilot: int, noise: float
):
    rng = np.random.default_rng(7)
    within = 0
    for _ in range(200):
        told = Forecast(draw_seconds(rng, pilot, noise), GUESS).sum_up(2000)
        within += told.low <= draw_seconds(rng, 2000, noise).sum() <= told.high

    assert 180 <= within <= 197


@pytest.mark.parametrize("count", [1, 5, 50])
def test_a_few_genomes_are_less_sure_than_many_and_their_interval_holds_too(count: int):
    rng = np.random.default_rng(8)
    forecast = Forecast(draw_seconds(rng, 1000), GUESS)
    told = forecast.sum_up(count)
    within = sum(told.low <= draw_seconds(rng, count).sum() <= told.high for _ in range(1000))

    assert 900 <= within <= 980
    assert told.high / told.expected > forecast.sum_up(10 * count).high / (10 * told.expected)


def test_as_many_genomes_again_are_predicted_to_take_the_same_time():
    seconds = draw_seconds(np.random.default_rng(1), 300)

    assert Forecast(seconds, GUESS).sum_up(300).expected == pytest.approx(seconds.sum())


def test_the_same_genomes_give_the_same_forecast():
    seconds = draw_seconds(np.random.default_rng(1), 300)

    assert Forecast(seconds, GUESS).sum_up(10) == Forecast(seconds, GUESS).sum_up(10)


def test_before_any_genome_was_made_the_guess_may_be_a_factor_of_three_off():
    told = Forecast(np.array([]), GUESS).sum_up(100)

    assert astuple(told) == pytest.approx((94_900, 94_900 / 3, 94_900 * 3))


@pytest.mark.parametrize("count", [1, 2, MIN_GENOMES - 1])
def test_so_may_the_first_genomes_be(count: int):
    told = Forecast(np.full(count, 400.0), GUESS).sum_up(100)

    assert astuple(told) == pytest.approx((40_000, 40_000 / 3, 120_000))


def test_the_interval_is_narrower_with_more_past_genomes():
    seconds = draw_seconds(np.random.default_rng(2), 3000)
    widths = [width(Forecast(seconds[:n], GUESS).sum_up(10_000)) for n in (0, 10, 50, 500, 3000)]

    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 1.06


def test_more_genomes_take_longer():
    """Else a limit would pay for some number, but not for a smaller one."""
    forecast = Forecast(draw_seconds(np.random.default_rng(3), 30, noise=1.5), GUESS)
    told = [forecast.sum_up(count) for count in range(1000)]

    assert [one.high for one in told] == sorted(one.high for one in told)
    assert [one.low for one in told] == sorted(one.low for one in told)
    assert min(one.low for one in told) == 0


def test_no_genomes_take_nothing():
    for seconds in (np.array([]), np.full(20, 400.0)):
        assert Forecast(seconds, GUESS).sum_up(0) == Range(0, 0, 0)
