"""When the first jobs of a fleet tell that all the others would fail too."""

from types import SimpleNamespace

import pytest

from snakemake_executor_plugin_aws_batch_array.circuit_breaker import FIRST, CircuitBreaker
from snakemake_executor_plugin_aws_batch_array.live import LiveArray
from snakemake_executor_plugin_aws_batch_array.monitor import EndedChild
from snakemake_executor_plugin_aws_batch_array.requirements import Requirements
from snakemake_executor_plugin_aws_batch_array.status import Cause
from snakemake_executor_plugin_aws_batch_array.store import RunFolder
from snakemake_executor_plugin_aws_batch_array.tasks import Task


def make_task(sample: str, rule: str = "assembly") -> Task:
    job = SimpleNamespace(
        is_group=lambda: False,
        rule=SimpleNamespace(name=rule),
        wildcards_dict={"sample": sample},
    )
    return Task(job, f"{rule}-{sample}", [], [], [f"{sample}.json"], "queue", Requirements(1, 1))


class Fleet:
    """Jobs that are under way, and their circuit breaker."""

    def __init__(self, samples: int, rule: str = "assembly") -> None:
        self.breaker = CircuitBreaker()
        self.tasks = [make_task(f"s{n}", rule) for n in range(samples)]
        open_tasks = dict(enumerate(self.tasks))
        self.array = LiveArray("a", "id", RunFolder("r"), "queue", samples, 0.0, open_tasks)
        for task in self.tasks:
            self.breaker.record_begin(task)

    def fail(
        self,
        indices: range,
        reason: str = "no rights for {}",
        cause: Cause = Cause.MISCONFIGURED,
        is_final: bool = True,
    ) -> bool:
        """Let children fail with a reason that names the sample; return what the last one told."""
        told = [
            self.breaker.record_failure(
                EndedChild(self.array, i), cause, reason.format(f"s{i}"), is_final=is_final
            )
            for i in indices
        ]
        assert not any(told[:-1])
        return told[-1]


def test_the_twentieth_failure_of_the_same_kind_is_enough() -> None:
    assert Fleet(1000).fail(range(FIRST))


def test_nineteen_are_not() -> None:
    assert not Fleet(1000).fail(range(FIRST - 1))


def test_all_of_a_small_run_are_enough_but_one_job_tells_nothing_of_others() -> None:
    assert Fleet(4).fail(range(4))
    assert not Fleet(1).fail(range(1))


def test_what_is_tried_again_is_a_sign_in_a_fleet_but_not_in_a_small_run() -> None:
    assert Fleet(1000).fail(range(FIRST), cause=Cause.TEMPORARY, is_final=False)
    assert not Fleet(4).fail(range(4), cause=Cause.TEMPORARY, is_final=False)


def test_jobs_that_fail_each_in_its_own_way_are_no_sign() -> None:
    fleet = Fleet(1000)

    assert not any(fleet.fail(range(i, i + 1), reason=f"way {i}") for i in range(100))


def test_where_one_has_succeeded_nothing_is_held_back() -> None:
    fleet = Fleet(1000)
    fleet.breaker.record_success(fleet.tasks[100])

    assert not fleet.fail(range(50))


def test_a_success_counts_that_batch_knows_and_nobody_has_collected() -> None:
    fleet = Fleet(1000)
    fleet.array.succeeded = 1

    assert not fleet.fail(range(50))


def test_the_success_of_another_rule_says_nothing() -> None:
    fleet = Fleet(1000)
    fleet.breaker.record_success(make_task("reference", rule="index"))

    assert fleet.fail(range(FIRST))


@pytest.mark.parametrize(
    "cause", [Cause.RECLAIMED, Cause.OUT_OF_MEMORY, Cause.ILLEGAL_INSTRUCTION, Cause.TERMINATED]
)
def test_what_another_host_or_more_memory_may_mend_is_no_sign(cause: Cause) -> None:
    assert not Fleet(1000).fail(range(50), cause=cause)


def test_the_same_job_counts_once() -> None:
    fleet = Fleet(1000)

    assert not any(fleet.fail(range(1)) for _ in range(30))
