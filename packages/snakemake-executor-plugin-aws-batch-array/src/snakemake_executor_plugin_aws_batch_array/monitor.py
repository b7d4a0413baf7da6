"""One look at everything that runs: which children have ended since the last one."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .client import ArrayBatchClient
from .live import LiveArray
from .status import UNPLACEABLE, Cause, Failure, get_failure, is_listing_due

# How long a job that was submitted may stay unknown to DescribeJobs.
VISIBLE_WITHIN_S = 30
ENDED = ("SUCCEEDED", "FAILED")
AT_WORK = ("STARTING", "RUNNING")


@dataclass(frozen=True)
class Ended:
    """A child that has ended.

    Attributes:
        array: Where it belongs.
        index: Which child.
        failure: None if it succeeded.
        summary: Of ListJobs or DescribeJobs; with `attempts` if it failed.
    """

    array: LiveArray
    index: int
    failure: Failure | None = None
    summary: dict[str, Any] = field(default_factory=dict)


class Monitor:
    """Asks Batch as little as possible: parents a hundred a call, children where counts moved."""

    def __init__(
        self,
        client: ArrayBatchClient,
        unplaceable_after_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._unplaceable_after_s = unplaceable_after_s
        self._clock = clock

    def iter_ended(self, arrays: list[LiveArray]) -> Iterator[Ended]:
        """Yield the children that have ended and are still open."""
        details = {
            detail["jobId"]: detail
            for detail in self._client.iter_described([array.job_id for array in arrays])
        }
        idle = _get_idle_queues(arrays, details)
        for array in arrays:
            detail = details.get(array.job_id)
            if detail is None:
                yield from self._iter_forgotten(array)
                continue
            array.was_seen = True
            if array.size == 1:
                yield from _iter_single(array, detail)
            else:
                yield from self._iter_listed(array, detail)
            if array.open and array.queue in idle:
                yield from self._iter_unplaceable(array, detail)

    def _iter_forgotten(self, array: LiveArray) -> Iterator[Ended]:
        """Batch forgets finished jobs after days; whether they returned something S3 knows."""
        if array.was_seen or self._clock() - array.submitted > VISIBLE_WITHIN_S:
            for index in list(array.open):
                yield Ended(array, index)

    def _iter_listed(self, array: LiveArray, detail: dict[str, Any]) -> Iterator[Ended]:
        counts = detail["arrayProperties"].get("statusSummary", {})
        is_over = detail["status"] in ENDED
        told: set[int] = set()
        for status in ENDED:
            now = self._clock()
            known = array.counts[status]
            if is_listing_due(known, counts.get(status, 0), array.size, is_over, now):
                listed = list(self._client.iter_children(array.job_id, status))
                for ended in self._iter_open(array, listed):
                    told.add(ended.index)
                    yield ended
                known.listed, known.listed_at = len(listed), now  # only what was dealt with
        if is_over:
            yield from self._iter_left_over(array, array.open.keys() - told)

    def _iter_open(self, array: LiveArray, listed: list[dict[str, Any]]) -> Iterator[Ended]:
        """Of the children listed, those that are open; failures are described."""
        failed = []
        for summary in listed:
            index = summary["arrayProperties"]["index"]
            if index not in array.open:
                continue
            if summary["status"] == "SUCCEEDED":
                yield Ended(array, index, None, summary)
            else:
                failed.append(array.get_child_id(index))
        for detail in self._client.iter_described(failed):
            index = detail["arrayProperties"]["index"]
            yield Ended(array, index, get_failure(detail), detail)

    def _iter_left_over(self, array: LiveArray, indices: set[int]) -> Iterator[Ended]:
        """The parent has ended, but the lists did not have these children."""
        ids = {array.get_child_id(index): index for index in indices}
        for detail in self._client.iter_described(list(ids)):
            index = ids.pop(detail["jobId"])
            if detail["status"] in ENDED:
                failure = get_failure(detail) if detail["status"] == "FAILED" else None
                yield Ended(array, index, failure, detail)
        for index in ids.values():
            yield Ended(array, index)

    def _iter_unplaceable(self, array: LiveArray, detail: dict[str, Any]) -> Iterator[Ended]:
        """Give up what Batch calls misplaced for long; while a queue scales up, it errs."""
        reason = self._get_obstacle(array, detail)
        if reason is None:
            array.blocked_since = None
            return
        now = self._clock()
        array.blocked_since = array.blocked_since or now
        if now - array.blocked_since < self._unplaceable_after_s:
            return
        self._client.terminate(array.job_id, reason)
        for index in list(array.open):
            yield Ended(array, index, Failure(Cause.UNPLACEABLE, reason), detail)

    def _get_obstacle(self, array: LiveArray, detail: dict[str, Any]) -> str | None:
        """The reason is on the jobs at the head of the queue.

        https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
        """
        jobs = [detail]
        if array.size > 1:
            jobs = self._client.list_children_page(array.job_id, "RUNNABLE")["jobSummaryList"]
        reasons = [str(job.get("statusReason") or "") for job in jobs]
        return next((reason for reason in reasons if reason.startswith(UNPLACEABLE)), None)


def _iter_single(array: LiveArray, detail: dict[str, Any]) -> Iterator[Ended]:
    if detail["status"] in ENDED:
        failure = get_failure(detail) if detail["status"] == "FAILED" else None
        yield Ended(array, 0, failure, detail)


def _get_idle_queues(arrays: list[LiveArray], details: dict[str, dict[str, Any]]) -> set[str]:
    """Queues in which nothing of ours starts or runs."""
    busy = {array.queue for array in arrays if _is_at_work(details.get(array.job_id, {}))}
    return {array.queue for array in arrays} - busy


def _is_at_work(detail: dict[str, Any]) -> bool:
    counts = detail.get("arrayProperties", {}).get("statusSummary", {})
    return detail.get("status") in AT_WORK or any(counts.get(status, 0) for status in AT_WORK)
