"""The timeline of a run: what was at work when, and what is not told yet."""

import random

import pytest

from bactofleet.monitor.page.timeline import MAX_BINS, Timeline, measure_timeline, to_spans
from bactofleet.monitor.receipts import FinishedGenome
from bactofleet.monitor.tables import Span

NOW = 1_795_000_000.0
DAY = 86400


def measure(*spans: tuple[float, float, float], is_under_way: bool = False) -> Timeline:
    """Return the timeline of spans in seconds before now."""
    found = measure_timeline(
        [Span(NOW - begin, NOW - end, vcpus) for begin, end, vcpus in spans],
        NOW,
        is_under_way=is_under_way,
    )
    assert found
    return found


def test_the_work_of_all_bins_is_the_work_of_all_genomes():
    rng = random.Random(1)
    spans = [(end + rng.uniform(10, 7200), end, rng.choice([1, 4])) for end in range(0, 80_000, 40)]

    found = measure(*spans)

    assert sum(found.at_work) * found.step_s == pytest.approx(
        sum(begin - end for begin, end, _ in spans), rel=1e-3
    )
    assert sum(found.vcpus) * found.step_s == pytest.approx(
        sum(vcpus * (begin - end) for begin, end, vcpus in spans), rel=1e-3
    )


def test_a_bin_has_the_mean_and_not_the_number_at_a_moment():
    """A genome of a second every ten seconds is a tenth of one at work."""
    found = measure(*((begin, begin - 1, 4) for begin in range(36_000, 0, -10)))

    assert found.step_s > 10
    assert found.at_work[5] == pytest.approx(0.1, abs=0.01)
    assert found.vcpus[5] == pytest.approx(0.4, abs=0.04)


@pytest.mark.parametrize("length", [1, 100, 3600, DAY, 29 * DAY])
def test_there_are_few_bins_however_long_the_work_was(length: int):
    found = measure((length, 0, 1))

    assert 1 <= len(found.at_work) <= MAX_BINS + 1


def test_work_before_a_pause_of_days_is_left_out_and_counted():
    found = measure((20 * DAY, 19 * DAY, 1), (3600, 0, 1))

    assert found.earlier == 1
    assert found.begin > NOW - 2 * DAY


def test_a_pause_in_which_one_genome_is_at_work_is_none():
    found = measure((20 * DAY, 3000, 1), (19 * DAY, 18 * DAY, 1), (3600, 0, 1))

    assert found.earlier == 0


@pytest.mark.parametrize(
    "span", [(40 * DAY, 0, 1), (0, -2 * DAY, 1), (10, 20, 1), (float("nan"), 0, 1)]
)
def test_times_that_no_genome_had_make_nothing(span: tuple[float, float, float]):
    found = measure(span, (3600, 0, 2))

    assert max(found.at_work) == pytest.approx(1)


def test_nothing_done_has_no_timeline():
    assert measure_timeline([], NOW, is_under_way=True) is None


def test_of_a_run_under_way_the_end_is_called_unsure():
    spans = [(7200 - start, 3600 - start, 1) for start in range(0, 3600, 60)]

    assert measure(*spans, is_under_way=True).sure_until == pytest.approx(NOW - 60 - 3600, abs=60)
    ended = measure(*spans)
    assert ended.sure_until >= NOW - 60


def test_a_receipt_tells_when_its_genome_was_at_work_and_on_how_many_processors():
    finish = FinishedGenome(NOW, "complete", {"download": 100.0, "assembly": 300.0}, cpu_s=800.0)
    without_stages = FinishedGenome(NOW, "complete", {})

    assert to_spans([finish, without_stages]) == [Span(NOW - 400, NOW, 2.0)]
