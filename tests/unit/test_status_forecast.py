"""How fast genomes finish and how long the rest takes, told with an interval that holds."""

import heapq
import math
import random
from itertools import pairwise

import pytest

from bactofleet.monitor.forecast import MIN_FINISHES, measure_throughput, predict_time
from bactofleet.monitor.receipts import FinishedGenome

HOUR = 3600.0


def finish(time: float, duration: float = 600.0) -> FinishedGenome:
    return FinishedGenome(time, "complete", {"assembly": duration})


def simulate(slots: int, genomes: int, rng: random.Random) -> list[FinishedGenome]:
    """Genomes of about 55 minutes, some twice as long, on so many machines."""
    free = [0.0] * slots
    ends = []
    for _ in range(genomes):
        duration = rng.lognormvariate(math.log(3000), 0.39)
        end = heapq.heappop(free) + duration
        heapq.heappush(free, end)
        ends.append(finish(end, duration))
    return sorted(ends, key=lambda done: done.time)


@pytest.mark.parametrize(("slots", "genomes"), [(2, 100), (20, 600), (100, 1500)])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_19_of_20_simulated_runs_end_within_the_interval(slots: int, genomes: int, share: float):
    rng = random.Random(f"{slots}:{share}")
    within = 0
    for _ in range(40):
        run = simulate(slots, genomes, rng)
        done = run[: round(share * genomes)]
        now = done[-1].time + 1
        pace = measure_throughput(done, 0, now)
        assert pace
        left = predict_time(*pace, [one.duration_s for one in done], genomes - len(done))
        within += left.low_s <= run[-1].time - now <= (left.high_s or math.inf)

    assert within >= 38


def test_a_steady_throughput_is_measured_exactly():
    pace, counts = (
        measure_throughput([finish(60.0 * i) for i in range(200)], 0, 200 * 60.0) or pytest.fail()
    )

    left = predict_time(pace, counts, [600.0], 1000)

    assert pace.per_hour == pytest.approx(60, rel=0.05)
    assert left.seconds == pytest.approx(1000 * 60, rel=0.05)
    assert left.high_s == pytest.approx(left.low_s, rel=0.1)


def test_the_last_genome_takes_the_rest_of_its_time_however_many_are_on_the_way():
    """300 machines have done 9,000 genomes; none of the last 10 is done before the others."""
    done = [finish(2.0 * i, 600.0) for i in range(9000)]
    pace, counts = measure_throughput(done, 0, 18_000.0) or pytest.fail()

    left = predict_time(pace, counts, [600.0], 10)

    assert 400 < left.seconds <= 600
    assert left.high_s is not None
    assert left.high_s <= 600


def test_no_upper_limit_is_given_when_genomes_come_in_bursts():
    bursts = [finish(1000.0 + i) for i in range(10)] + [finish(9000.0 + i) for i in range(10)]
    pace, counts = measure_throughput(bursts, 0, 10_000.0) or pytest.fail()

    left = predict_time(pace, counts, [600.0], 100)

    assert left.high_s is None
    assert 0 < left.low_s < left.seconds


def test_time_that_has_passed_since_the_pace_was_measured_is_taken_off():
    pace, counts = (
        measure_throughput([finish(60.0 * i) for i in range(60)], 0, HOUR) or pytest.fail()
    )

    fresh, old, stale = (
        predict_time(pace, counts, [600.0], 60, age) for age in (0, 600, 10 * HOUR)
    )

    assert fresh.seconds - old.seconds == pytest.approx(600)
    assert stale.seconds == 0


def test_more_genomes_take_longer():
    pace, counts = (
        measure_throughput([finish(97.0 * i) for i in range(60)], 0, 6000) or pytest.fail()
    )

    times = [predict_time(pace, counts, [600.0], count) for count in (1, 10, 100, 1000, 67_000)]

    for fewer, more in pairwise(times):
        assert fewer.seconds < more.seconds
        assert more.low_s <= more.seconds <= (more.high_s or math.inf)


def test_genomes_of_an_earlier_run_do_not_count():
    earlier = [finish(float(i)) for i in range(1000)]
    now = [finish(50_000.0 + 600 * i) for i in range(6)]

    pace, counts = measure_throughput([*earlier, *now], 50_000, 53_600) or pytest.fail()

    assert pace.genomes == sum(counts) == 6
    assert pace.per_hour == pytest.approx(6)


def test_genomes_that_took_no_time_at_all_need_none_to_drain():
    """All that a run has finished yet were excluded within a hundredth of a second."""
    pace, counts = (
        measure_throughput([finish(60.0 * i, 0.0) for i in range(60)], 0, HOUR) or pytest.fail()
    )

    left = predict_time(pace, counts, [0.0], 60)

    assert left.seconds == pytest.approx(HOUR)


def test_nothing_is_predicted_from_too_few_genomes():
    assert measure_throughput([finish(1.0)] * (MIN_FINISHES - 1), 0, HOUR) is None
