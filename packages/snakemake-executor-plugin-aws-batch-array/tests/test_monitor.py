"""One look at what runs."""

from typing import Any

from snakemake_executor_plugin_aws_batch_array.live import LiveArray
from snakemake_executor_plugin_aws_batch_array.monitor import VISIBLE_WITHIN_S, Monitor
from snakemake_executor_plugin_aws_batch_array.status import Cause
from snakemake_executor_plugin_aws_batch_array.store import RunFolder

DWELL_S = 600


class FakeBatch:
    """An array in memory: states of its children by index, and the calls that were made."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.reason = ""
        self.calls: list[str] = []
        self.is_known = True

    def iter_described(self, job_ids: list[str]) -> Any:
        if not job_ids:
            return
        self.calls.append("describe")
        for job_id in job_ids if self.is_known else []:
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
        return {**self._summarize(index), "jobId": job_id, "container": {"exitCode": 1}}

    def _summarize(self, index: int) -> dict[str, Any]:
        state = self.states[index]
        reason = self.reason if state == "RUNNABLE" else ""
        return {"status": state, "statusReason": reason, "arrayProperties": {"index": index}}

    def iter_children(self, job_id: str, status: str) -> Any:
        self.calls.append(f"list {status}")
        yield from (self._summarize(i) for i, s in enumerate(self.states) if s == status)

    def list_children_page(self, job_id: str, status: str) -> dict[str, Any]:
        return {"jobSummaryList": list(self.iter_children(job_id, status))}

    def terminate(self, job_id: str, reason: str) -> None:
        self.calls.append("terminate")


def make_array(size: int) -> LiveArray:
    return LiveArray(
        name="run-0000",
        job_id="parent",
        folder=RunFolder("p"),
        queue="genomes",
        size=size,
        submitted=0.0,
        open=dict.fromkeys(range(size)),
    )


def look(batch: FakeBatch, array: LiveArray, now: float = 10.0) -> list[tuple[int, Cause | None]]:
    """Look, settle what has ended, and return index and cause of each."""
    monitor = Monitor(batch, DWELL_S, clock=lambda: now)
    found = [(e.index, e.failure and e.failure.cause) for e in monitor.iter_ended([array])]
    for index, _ in found:
        del array.open[index]
    return found


def test_where_nothing_moved_one_call_is_enough():
    batch, array = FakeBatch("RUNNING", "RUNNING"), make_array(2)

    assert look(batch, array) == []
    assert batch.calls == ["describe"]


def test_children_are_told_once():
    batch, array = FakeBatch("SUCCEEDED", "RUNNING", "FAILED"), make_array(3)

    assert look(batch, array) == [(0, None), (2, Cause.EXIT)]
    assert look(batch, array, now=20.0) == []


def test_at_the_end_every_child_is_told_once():
    batch, array = FakeBatch("SUCCEEDED", "FAILED", "SUCCEEDED"), make_array(3)

    assert sorted(index for index, _ in look(batch, array)) == [0, 1, 2]


def test_only_failures_are_described():
    batch, array = FakeBatch("SUCCEEDED", "SUCCEEDED", "RUNNING"), make_array(3)

    look(batch, array)

    assert batch.calls == ["describe", "list SUCCEEDED"]


def test_a_job_that_is_not_visible_yet_is_waited_for():
    batch, array = FakeBatch("RUNNING", "RUNNING"), make_array(2)
    batch.is_known = False

    assert look(batch, array, now=VISIBLE_WITHIN_S - 1) == []
    assert [index for index, _ in look(batch, array, now=VISIBLE_WITHIN_S + 1)] == [0, 1]


def test_a_job_that_was_seen_and_is_unknown_was_forgotten():
    batch, array = FakeBatch("RUNNING", "RUNNING"), make_array(2)
    look(batch, array)
    batch.is_known = False

    assert [index for index, _ in look(batch, array)] == [0, 1]


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
