"""What genomes take is foretold from those that were made, with an interval that holds."""

import math

import numpy as np
import pytest
from support.pilots import COVERAGE, draw_genomes, draw_seconds, forget, make_lessons

from bactofleet.cost.genomes import Known, Lessons
from bactofleet.cost.model import MEASURED_SECONDS, Model
from bactofleet.cost.regression import Range, Regression, student_quantile

NOTHING = Known(np.array([]), np.array([]))
NO_LESSONS = Lessons(NOTHING, np.array([]), np.array([]), np.array([]))
AUREUS = (287e6, 2.87e6)


def alike(count: int, bases: float = AUREUS[0], size: float = AUREUS[1]) -> Known:
    return Known(np.full(count, bases), np.full(count, size))


def foretell(model: Model, known: Known) -> Range:
    return model.sum_seconds(known).whole


def width(interval: Range) -> float:
    return interval.high / interval.low


@pytest.mark.parametrize("pilot", [20, 100, 1000])
@pytest.mark.parametrize("unknown", [0.0, 0.5, 1.0], ids=["known", "half known", "unknown"])
def test_19_of_20_simulated_cohorts_take_what_their_pilot_foretold(pilot: int, unknown: float):
    rng = np.random.default_rng(7)
    within = 0
    for _ in range(100):
        known = draw_genomes(rng, pilot)
        model = Model(make_lessons(known, draw_seconds(rng, known)), COVERAGE)
        cohort = draw_genomes(rng, 2000)
        told = foretell(model, forget(cohort, bases=unknown, sizes=unknown))
        within += told.low <= draw_seconds(rng, cohort).sum() <= told.high

    assert within >= 90


def test_the_genomes_that_taught_are_foretold_to_take_together_what_they_took():
    rng = np.random.default_rng(1)
    known = draw_genomes(rng, 300)
    seconds = draw_seconds(rng, known)

    told = foretell(Model(make_lessons(known, seconds), COVERAGE), known)

    assert told.expected == pytest.approx(seconds.sum())


def test_without_receipts_a_genome_takes_what_the_measured_one_did_within_a_factor_of_three():
    told = foretell(Model(NO_LESSONS, COVERAGE), alike(100))

    assert told.expected == pytest.approx(94_900, rel=0.01)
    assert told.high / told.expected == pytest.approx(3)
    assert told.expected / told.low == pytest.approx(3)


def test_the_more_genomes_have_taught_the_narrower_is_the_interval():
    rng = np.random.default_rng(2)
    known = draw_genomes(rng, 3000)
    seconds = draw_seconds(rng, known)
    cohort = draw_genomes(rng, 10_000)
    widths = []
    for count in (0, 5, 50, 500, 3000):
        part = Known(known.bases[:count], known.sizes[:count])
        widths.append(width(foretell(Model(make_lessons(part, seconds[:count]), COVERAGE), cohort)))

    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 1.06


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_few_receipts_are_enough_to_foretell_by(count: int):
    """However many features there are."""
    model = Model(make_lessons(alike(count), np.full(count, 400.0)), COVERAGE)

    told = foretell(model, alike(100))

    assert told.expected == pytest.approx(40_000)
    assert 0 < told.low < told.expected < told.high < math.inf


def test_genomes_that_were_all_alike_teach_of_others_by_the_measured_proportions():
    """Half as fast as the benchmark, so is a genome of twice the size and depth."""
    slow = Model(make_lessons(alike(500), np.full(500, 2 * 949.0)), COVERAGE)
    larger = alike(10, bases=4 * AUREUS[0], size=2 * AUREUS[1])

    ratio = foretell(slow, larger).expected / foretell(Model(NO_LESSONS, COVERAGE), larger).expected

    assert ratio == pytest.approx(2, rel=0.01)


def test_reads_beyond_the_depth_that_is_used_cost_no_assembly():
    shallow, deep = (alike(1, bases=depth * AUREUS[1]) for depth in (100, 200))
    capped, whole = Model(NO_LESSONS, 100), Model(NO_LESSONS, 200)

    assert foretell(capped, deep).expected - foretell(capped, shallow).expected == pytest.approx(
        92, rel=0.01
    )
    assert foretell(whole, deep).expected - foretell(whole, shallow).expected == pytest.approx(
        488, rel=0.01
    )


def test_an_assembly_has_no_reads_to_pay_for():
    told = foretell(Model(NO_LESSONS, COVERAGE), alike(1, bases=0.0))

    assert told.expected == pytest.approx(459, rel=0.01)


def test_what_is_not_known_of_a_genome_is_as_in_those_that_were_made_and_less_sure():
    rng = np.random.default_rng(3)
    known = draw_genomes(rng, 400)
    model = Model(make_lessons(known, draw_seconds(rng, known)), COVERAGE)
    cohort = draw_genomes(rng, 5000)

    sure = foretell(model, cohort)
    vague = foretell(model, forget(cohort, bases=1, sizes=1))

    assert vague.expected == pytest.approx(sure.expected, rel=0.05)
    assert width(vague) - 1 > 1.2 * (width(sure) - 1)


def test_sums_are_told_for_each_length_of_the_list():
    sums = Model(NO_LESSONS, COVERAGE).sum_seconds(alike(3))

    assert sums.expected == pytest.approx([0, 949, 2 * 949, 3 * 949], rel=0.01)
    assert sums.low == pytest.approx(sums.expected / 3)
    assert sums.high == pytest.approx(sums.expected * 3)


def test_of_no_genomes_nothing_is_taken():
    assert foretell(Model(NO_LESSONS, COVERAGE), NOTHING) == Range(0.0, 0.0, 0.0)


def test_tarballs_with_reads_are_foretold_to_be_larger():
    plain, with_reads = (
        Model(NO_LESSONS, COVERAGE, keep).sum_bytes(alike(1)).whole.expected
        for keep in ((), ("reads",))
    )

    assert plain == pytest.approx(9.3e6, rel=0.01)
    assert with_reads - plain == pytest.approx(172e6, rel=0.01)


def test_bytes_are_learned_from_the_tarballs_that_there_are():
    lessons = make_lessons(alike(50), np.full(50, 100.0))
    lessons.bytes[:25] = np.nan

    told = Model(lessons, COVERAGE).sum_bytes(alike(10)).whole

    assert told.expected == pytest.approx(10 * (1e5 + 3.3 * AUREUS[1]))


def test_no_part_of_the_work_takes_less_than_nothing():
    """By chance the larger genomes were the quicker ones."""
    sizes = np.linspace(2e6, 4e6, 40)
    lessons = make_lessons(Known(100 * sizes, sizes), np.linspace(900, 100, 40))

    told = foretell(Model(lessons, COVERAGE), alike(1, bases=1e10, size=1e8))

    assert told.expected > 0


def test_genomes_that_have_nothing_that_takes_time_are_foretold_to_take_none():
    """All of it went with the reads, and these are assemblies."""
    of_reads = Regression(MEASURED_SECONDS, np.array([0, 1, 1, 0.0]), np.eye(4), 1.0, 2.0)

    told = of_reads.sum_up(np.array([[1.0, 0, 0, 3e6]] * 2)).whole

    assert told == Range(0.0, 0.0, 0.0)


@pytest.mark.parametrize(("freedom", "quantile"), [(4, 2.7764), (10, 2.2281), (100, 1.9840)])
def test_quantiles_of_students_t_are_right_to_one_percent(freedom: int, quantile: float):
    assert student_quantile(freedom) == pytest.approx(quantile, rel=0.01)
