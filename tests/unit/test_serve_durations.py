"""The histogram of how long genomes took."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactofleet.monitor.page.durations import MAX_BINS, bin_durations


def test_of_no_genomes_there_is_none():
    assert bin_durations([]) is None


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=300))
def test_every_genome_is_in_one_bin(minutes: list[float]):
    found = bin_durations(minutes)

    assert found
    assert sum(found.counts) + found.longer == len(minutes)
    assert len(found.counts) <= MAX_BINS + 1


@pytest.mark.parametrize("count", [1, 3, 2_000, 67_000])
def test_bins_are_of_round_width_and_as_many_as_the_genomes_fill(count: int):
    rng = random.Random(count)

    found = bin_durations([rng.lognormvariate(4, 0.4) for _ in range(count)])

    assert found
    assert f"{found.width_min:e}"[0] in "125"
    assert found.begin_min == pytest.approx(
        round(found.begin_min / found.width_min) * found.width_min
    )
    assert len(found.counts) <= MAX_BINS + 1


def test_genomes_far_off_share_a_bar_and_leave_the_others_their_room():
    minutes = [20 + index / 10 for index in range(200)] + [900.0]

    found = bin_durations(minutes)

    assert found
    assert found.longer == 1
    assert found.longest_min == 900
    assert found.begin_min + len(found.counts) * found.width_min < 50


def test_the_percentiles_are_those_of_the_genomes():
    found = bin_durations([float(minute) for minute in range(101)])

    assert found
    assert (found.low_min, found.median_min, found.high_min) == (5, 50, 95)
