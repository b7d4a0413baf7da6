"""One look at what runs."""

from collections.abc import Sequence
from typing import Any

from snakemake_executor_plugin_aws_batch_array.live import LiveArray
from snakemake_executor_plugin_aws_batch_array.monitor import (
    FORGOTTEN_AFTER_S,
    SEARCH_EVERY_S,
    Monitor,
)
from snakemake_executor_plugin_aws_batch_array.status import Cause
from snakemake_executor_plugin_aws_batch_array.store import RunFolder

DWELL_S = 600


class FakeBatch:
    """An array in memory: states of its children by index, and the calls that were made."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.reason = ""
        self.reasonable: Sequence[int] = range(len(states))
        self.calls: list[str] = []
        self.is_known = True
        self.unknown_children: set[int] = set()
        self.returned: set[int] = set()
        self.told: list[tuple[str, str | None]] = []

    def iter_described(self, job_ids: list[str]) -> Any:
        if not job_ids:
            return
        self.calls.append("describe")
        for job_id in job_ids if self.is_known else []:
            if ":" in job_id and int(job_id.split(":")[1]) in self.unknown_children:
                continue
            yield self._describe_child(job_id) if ":" in job_id else self._describe_parent(job_id)

    def _describe_parent(self, job_id: str) -> dict[str, Any]:
        is_over = all(state in ("SUCCEEDED", "FAILED") for state in self.states)
        return {
            "jobId": job_id,
            "status": "FAILED" if is_over else "PENDING",
            "arrayProperties": {
                "statusSummary": {state: self.states.count(state) for state in self.states}
            },
        }

    def _describe_child(self, job_id: str) -> dict[str, Any]:
        index = int(job_id.split(":")[1])
        is_stuck = self.states[index] == "RUNNABLE" and index in self.reasonable
        reason = self.reason if is_stuck else ""
        detail = {"jobId": job_id, "container": {"exitCode": 1}, "statusReason": reason}
        return {**self._summarize(index), **detail}

    def _summarize(self, index: int) -> dict[str, Any]:
        return {"status": self.states[index], "arrayProperties": {"index": index}}

    def iter_children(self, job_id: str, status: str) -> Any:
        self.calls.append(f"list {status}")
        yield from (self._summarize(i) for i, s in enumerate(self.states) if s == status)

    def terminate(self, job_id: str, reason: str) -> None:
        self.calls.append("terminate")

    def list_returned(self, folder: RunFolder, array: str) -> set[int]:
        return self.returned

    def tell_waiting(self, queue: str, reason: str | None) -> None:
        self.told.append((queue, reason))


ANY_TASK: Any = None  # the monitor looks at indexes alone


def make_array(size: int) -> LiveArray:
    return LiveArray(
        name="run-0000",
        job_id="parent",
        folder=RunFolder("p"),
        queue="genomes",
        size=size,
        submitted=0.0,
        open=dict.fromkeys(range(size), ANY_TASK),
    )


def make_monitor(batch: FakeBatch, now: float) -> Monitor:
    return Monitor(
        batch,  # type: ignore[arg-type]
        batch.list_returned,
        DWELL_S,
        batch.tell_waiting,
        clock=lambda: now,
    )


def look(batch: FakeBatch, array: LiveArray, now: float = 10.0) -> list[tuple[int, Any]]:
    """Look, close what has ended, and return index and cause of each."""
    monitor = make_monitor(batch, now)
    found = [(e.index, e.failure and e.failure.cause) for e in monitor.iter_ended([array])]
    for index, _ in found:
        del array.open[index]
    return found


def test_where_nothing_moved_one_call_is_enough():
    batch, array = FakeBatch("RUNNING", "RUNNING"), make_array(2)

    assert look(batch, array) == []
    assert batch.calls == ["describe"]


def test_children_are_reported_once():
    batch, array = FakeBatch("SUCCEEDED", "RUNNING", "FAILED"), make_array(3)

    assert look(batch, array) == [(0, None), (2, Cause.EXIT)]
    assert look(batch, array, now=20.0) == []


def test_at_the_end_every_child_is_reported_once():
    batch, array = FakeBatch("SUCCEEDED", "FAILED", "SUCCEEDED"), make_array(3)

    assert sorted(index for index, _ in look(batch, array)) == [0, 1, 2]


def test_only_failures_are_described():
    batch, array = FakeBatch("SUCCEEDED", "SUCCEEDED", "RUNNING"), make_array(3)

    look(batch, array)

    assert batch.calls == ["describe", "list SUCCEEDED"]


def test_one_empty_answer_means_nothing():
    batch, array = FakeBatch("RUNNING", "RUNNING"), make_array(2)
    look(batch, array)
    batch.is_known = False

    assert look(batch, array) == []
    assert "terminate" not in batch.calls


def test_of_a_job_that_batch_does_not_describe_s3_is_looked_at_first():
    batch, array = FakeBatch("SUCCEEDED", "RUNNING"), make_array(2)
    batch.is_known = False
    batch.returned = {0}

    assert look(batch, array) == [(0, None)]
    assert list(array.open) == [1]


def test_what_is_not_described_for_an_hour_is_terminated_and_given_up():
    batch, array = FakeBatch("RUNNING", "RUNNING"), make_array(2)
    batch.is_known = False
    hour = FORGOTTEN_AFTER_S

    assert look(batch, array, now=10.0) == []
    assert look(batch, array, now=10.0 + hour - 1) == []
    assert "terminate" not in batch.calls
    (first, second) = make_monitor(batch, 10.0 + hour).iter_ended([array])
    assert (first.is_forgotten, second.is_forgotten) == (True, True)
    assert batch.calls[-1] == "terminate"


def test_an_hour_between_two_looks_is_no_repeated_absence():
    """A laptop that was closed has missed once, and once more when it is opened."""
    batch, array = FakeBatch("RUNNING", "RUNNING"), make_array(2)
    batch.is_known = False

    assert look(batch, array, now=10.0) == []
    assert look(batch, array, now=10.0 + 10 * FORGOTTEN_AFTER_S) == []


def test_the_hour_begins_anew_when_a_job_is_described_in_between():
    batch, array = FakeBatch("RUNNING", "RUNNING"), make_array(2)
    for minute in range(0, 300, 10):
        batch.is_known = minute % 50 == 0
        assert look(batch, array, now=10.0 + 60 * minute) == []


def test_a_failed_child_that_is_listed_and_not_described_is_reported_at_the_next_look():
    batch, array = FakeBatch("FAILED", "RUNNING"), make_array(2)
    batch.unknown_children = {0}
    assert look(batch, array, now=10.0) == []
    batch.unknown_children = set()

    assert look(batch, array, now=20.0) == [(0, Cause.EXIT)]


def test_at_the_end_a_child_that_is_not_described_is_waited_for():
    batch, array = FakeBatch("FAILED", "SUCCEEDED"), make_array(2)
    batch.unknown_children = {0}
    assert look(batch, array, now=10.0) == [(1, None)]
    batch.unknown_children = set()

    assert look(batch, array, now=20.0) == [(0, Cause.EXIT)]


CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the request"


def test_the_reason_for_which_nothing_starts_is_reported_when_it_comes_changes_and_goes():
    batch, array = FakeBatch(*["RUNNABLE"] * 3), make_array(3)
    monitor = make_monitor(batch, now=100.0)
    for reason in ("", CAPACITY, CAPACITY, "UNDETERMINED", ""):
        batch.reason, array.searched = reason, -SEARCH_EVERY_S
        assert list(monitor.iter_ended([array])) == []

    assert batch.told == [("genomes", CAPACITY), ("genomes", "UNDETERMINED"), ("genomes", None)]


def test_one_child_of_ten_thousand_has_the_reason():
    batch, array = FakeBatch(*["RUNNABLE"] * 10_000), make_array(10_000)
    batch.reason, batch.reasonable = CAPACITY, [9_999]
    look(batch, array, now=1000.0)

    assert batch.told == [("genomes", CAPACITY)]
    calls = len(batch.calls)
    look(batch, array, now=1010.0)
    assert batch.calls[calls:] == ["describe", "describe"]


def test_while_others_run_only_the_first_children_are_asked_for_the_reason():
    batch, array = FakeBatch(*["RUNNABLE"] * 9_999, "RUNNING"), make_array(10_000)
    batch.reason, batch.reasonable = CAPACITY, [50]
    look(batch, array, now=1000.0)
    assert batch.told == [("genomes", CAPACITY)]
    assert batch.calls == ["describe", "list RUNNABLE", "describe"]

    batch.reason, array.searched = "", -SEARCH_EVERY_S
    calls = len(batch.calls)
    look(batch, array, now=2000.0)
    assert batch.calls[calls:] == ["describe", "describe", "list RUNNABLE", "describe"]


def test_a_search_that_finds_nothing_is_not_made_at_every_look():
    batch, array = FakeBatch(*["RUNNABLE"] * 1000), make_array(1000)
    look(batch, array, now=1000.0)
    calls = len(batch.calls)

    look(batch, array, now=1010.0)

    assert batch.calls[calls:] == ["describe"]


def test_a_job_that_can_never_be_placed_is_given_up_after_a_while():
    batch, array = FakeBatch("RUNNABLE", "RUNNABLE"), make_array(2)
    batch.reason = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - none is large enough"

    assert look(batch, array, now=100.0) == []
    assert look(batch, array, now=100.0 + DWELL_S - 1) == []
    assert look(batch, array, now=100.0 + DWELL_S) == [
        (0, Cause.UNPLACEABLE),
        (1, Cause.UNPLACEABLE),
    ]
    assert batch.calls[-1] == "terminate"


def test_a_reason_that_goes_away_while_the_queue_scales_up_is_forgiven():
    batch, array = FakeBatch("RUNNABLE", "RUNNABLE"), make_array(2)
    batch.reason = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
    look(batch, array, now=100.0)
    batch.reason = ""
    look(batch, array, now=200.0)
    batch.reason = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"

    assert look(batch, array, now=100.0 + DWELL_S) == []
