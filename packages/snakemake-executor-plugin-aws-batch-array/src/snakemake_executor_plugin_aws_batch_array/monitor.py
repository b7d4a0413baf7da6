"""One look at everything that runs: which children have ended since the last one."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from .client import MAX_DESCRIBED, ArrayBatchClient
from .live import LiveArray
from .status import UNPLACEABLE, Cause, Failure, get_failure, is_listing_due
from .store import RunFolder

# DescribeJobs at times leaves out jobs that exist. Only what it leaves out for so long, and in so
# many looks in a row, it has forgotten.
FORGOTTEN_AFTER_S = 3600
FORGOTTEN_LOOKS = 3
# Jobs that do not start get a reason after some minutes, one of them, and perhaps the last of ten
# thousand: not worth a search before that, nor again and again.
# https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
SEARCH_AFTER_S = 60
SEARCH_EVERY_S = 300
ENDED = ("SUCCEEDED", "FAILED")
AT_WORK = ("STARTING", "RUNNING")


@dataclass(frozen=True)
class Ended:
    """A child that has ended.

    Attributes:
        array: Where it belongs.
        index: Which child.
        failure: None if it succeeded.
        summary: Of ListJobs or DescribeJobs; with `attempts` if it failed; empty if Batch does
            not know it, and only what it has sent back tells.
        is_forgotten: Whether Batch has not known it for long.
    """

    array: LiveArray
    index: int
    failure: Failure | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    is_forgotten: bool = False

    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled while it waited, and so never started again."""
        return bool(self.summary.get("isCancelled"))


class Monitor:
    """Asks Batch as little as possible: parents a hundred a call, children where counts moved."""

    def __init__(
        self,
        client: ArrayBatchClient,
        list_returned: Callable[[RunFolder, str], set[int]],
        unplaceable_after_s: float,
        tell_waiting: Callable[[str, str | None], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make one for a run.

        Args:
            client: Of Batch.
            list_returned: Tells which children of an array have sent something back.
            unplaceable_after_s: How long jobs may be called impossible to place.
            tell_waiting: Called with a queue and the reason for which jobs in it wait, when the
                reason changes; with None when it is gone.
            clock: Seconds since the epoch.
        """
        self._client = client
        self._list_returned = list_returned
        self._unplaceable_after_s = unplaceable_after_s
        self._tell_waiting = tell_waiting
        self._clock = clock
        self._told: dict[str, str] = {}

    def iter_ended(self, arrays: list[LiveArray]) -> Iterator[Ended]:
        """Yield the children that have ended and are still open."""
        details = {
            detail["jobId"]: detail
            for detail in self._client.iter_described([array.job_id for array in arrays])
        }
        idle = _get_idle_queues(arrays, details)
        reasons: dict[str, str] = {}
        for array in arrays:
            detail = details.get(array.job_id)
            if detail is None:
                yield from self._iter_missing(array, [array.job_id], list(array.open))
                continue
            if array.size == 1:
                array.missing_since = None
                yield from _iter_single(array, detail)
            else:
                yield from self._iter_listed(array, detail)
            # The reason is on a job at the head of the queue: the first one found is that.
            if array.open and array.queue not in reasons:
                is_idle = array.queue in idle
                if reason := self._get_reason(array, detail, is_idle):
                    reasons[array.queue] = reason
                if is_idle:
                    yield from self._iter_unplaceable(array, detail, reason)
        self._tell_reasons({array.queue for array in arrays}, reasons)

    def _iter_missing(
        self, array: LiveArray, job_ids: list[str], indices: list[int]
    ) -> Iterator[Ended]:
        """Children that DescribeJobs leaves out; whether they returned something S3 knows.

        What Batch has forgotten is terminated, in case that it runs all the same.
        """
        now = self._clock()
        if array.missing_since is None:
            array.missing_since, array.missed = now, 0
        array.missed += 1
        is_forgotten = (
            now - array.missing_since >= FORGOTTEN_AFTER_S and array.missed >= FORGOTTEN_LOOKS
        )
        if is_forgotten:
            for job_id in job_ids:
                self._client.terminate(job_id, "Batch does not describe it any more")
        returned = self._list_returned(array.folder, array.name)
        for index in indices:
            if is_forgotten or index in returned:
                yield Ended(array, index, is_forgotten=is_forgotten)

    def _iter_listed(self, array: LiveArray, detail: dict[str, Any]) -> Iterator[Ended]:
        counts = detail["arrayProperties"].get("statusSummary", {})
        is_over = detail["status"] in ENDED
        array.succeeded = counts.get("SUCCEEDED", 0)
        told: set[int] = set()
        for status in ENDED:
            now = self._clock()
            known = array.counts[status]
            if is_listing_due(known, counts.get(status, 0), array.size, is_over, now):
                listed = list(self._client.iter_children(array.job_id, status))
                untold = {child["arrayProperties"]["index"] for child in listed} & set(array.open)
                for ended in self._iter_open(array, listed):
                    told.add(ended.index)
                    yield ended
                # Only what was dealt with.
                known.listed, known.listed_at = len(listed) - len(untold - told), now
        if is_over:
            yield from self._iter_left_over(array, array.open.keys() - told)
        else:
            array.missing_since = None

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
        if ids:
            yield from self._iter_missing(array, list(ids), list(ids.values()))
        else:
            array.missing_since = None

    def _iter_unplaceable(
        self, array: LiveArray, detail: dict[str, Any], reason: str | None
    ) -> Iterator[Ended]:
        """Give up what Batch calls misplaced for long; while a queue scales up, it errs."""
        if reason is None or not reason.startswith(UNPLACEABLE):
            array.blocked_since = None
            return
        now = self._clock()
        array.blocked_since = array.blocked_since or now
        if now - array.blocked_since < self._unplaceable_after_s:
            return
        self._client.terminate(array.job_id, reason)
        for index in list(array.open):
            yield Ended(array, index, Failure(Cause.UNPLACEABLE, reason), detail)

    def _get_reason(self, array: LiveArray, detail: dict[str, Any], is_idle: bool) -> str | None:
        """Return why children of an array do not start, if Batch says so of one of them.

        While others of the queue run only the first children are looked at.
        """
        if array.size == 1:
            return _get_runnable_reason(detail)
        if not _count(detail, ("RUNNABLE",)):
            return None
        if array.stuck_child:
            for child in self._client.iter_described([array.stuck_child]):
                if reason := _get_runnable_reason(child):
                    return reason
        now = self._clock()
        if now - array.submitted < SEARCH_AFTER_S or now - array.searched < SEARCH_EVERY_S:
            return None
        array.searched, array.stuck_child = now, None
        listed = self._client.iter_children(array.job_id, "RUNNABLE")
        # ListJobs leaves the reason out, so that children are described, until one has it.
        waiting = (array.get_child_id(child["arrayProperties"]["index"]) for child in listed)
        ids = islice(waiting, None if is_idle else MAX_DESCRIBED)
        while chunk := list(islice(ids, MAX_DESCRIBED)):
            for child in self._client.iter_described(chunk):
                if reason := _get_runnable_reason(child):
                    array.stuck_child = child["jobId"]
                    return reason
        return None

    def _tell_reasons(self, queues: set[str], reasons: dict[str, str]) -> None:
        """Tell what has changed since the last look."""
        for queue in queues | self._told.keys():
            if (reason := reasons.get(queue)) != self._told.get(queue):
                self._tell_waiting(queue, reason)
        self._told = reasons


def _iter_single(array: LiveArray, detail: dict[str, Any]) -> Iterator[Ended]:
    if detail["status"] in ENDED:
        failure = get_failure(detail) if detail["status"] == "FAILED" else None
        yield Ended(array, 0, failure, detail)


def _get_runnable_reason(detail: dict[str, Any]) -> str | None:
    is_runnable = detail["status"] == "RUNNABLE"
    return str(detail.get("statusReason") or "") or None if is_runnable else None


def _get_idle_queues(arrays: list[LiveArray], details: dict[str, dict[str, Any]]) -> set[str]:
    """Queues in which nothing of ours starts or runs."""
    busy = {array.queue for array in arrays if _is_at_work(details.get(array.job_id, {}))}
    return {array.queue for array in arrays} - busy


def _is_at_work(detail: dict[str, Any]) -> bool:
    return detail.get("status") in AT_WORK or _count(detail, AT_WORK) > 0


def _count(detail: dict[str, Any], statuses: tuple[str, ...]) -> int:
    """How many children of an array are in some states."""
    counts = detail.get("arrayProperties", {}).get("statusSummary", {})
    return sum(counts.get(status, 0) for status in statuses)
