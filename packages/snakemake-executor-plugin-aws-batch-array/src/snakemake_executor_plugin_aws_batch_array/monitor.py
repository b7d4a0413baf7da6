"""One poll of everything that runs: which children have ended since the last one."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from .client import MAX_DESCRIBED, ArrayBatchClient
from .live import LiveArray
from .status import AT_WORK, ENDED, UNPLACEABLE, Cause, ChildFailure, get_failure, is_listing_due
from .store import RunFolder

# DescribeJobs sometimes leaves out existing jobs. Batch has forgotten only those that are missing
# for this long and in this many polls in a row.
FORGOTTEN_AFTER_S = 3600
FORGOTTEN_LOOKS = 3
# If jobs do not start, Batch gives one of them a reason after some minutes, perhaps the last of ten
# thousand. A search is not worthwhile before that, nor too often.
# https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
SEARCH_AFTER_S = 60
SEARCH_EVERY_S = 300


@dataclass(frozen=True)
class EndedChild:
    """A child that has ended.

    Attributes:
        array: The array that it belongs to.
        index: Its index in the array.
        failure: None if it succeeded.
        summary: Its entry from ListJobs or DescribeJobs; with `attempts` if it failed; empty if
            Batch does not know it, so that only the returned object tells how it ended.
        is_forgotten: Whether Batch has not known it for a long time.
    """

    array: LiveArray
    index: int
    failure: ChildFailure | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    is_forgotten: bool = False

    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled while it waited, and so never started again."""
        return bool(self.summary.get("isCancelled"))


class Monitor:
    """Queries Batch as little as possible: 100 parents per call, children if counts changed."""

    def __init__(
        self,
        client: ArrayBatchClient,
        list_returned: Callable[[RunFolder, str], set[int]],
        unplaceable_after_s: float,
        report_waiting: Callable[[str, str | None], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make one for a run.

        Args:
            client: The client of Batch.
            list_returned: Lists the children of an array that have sent something back.
            unplaceable_after_s: How long jobs may be called impossible to place.
            report_waiting: Called with a queue and the reason for which jobs in it wait, when the
                reason changes; with None when it is gone.
            clock: Seconds since the epoch.
        """
        self._client = client
        self._list_returned = list_returned
        self._unplaceable_after_s = unplaceable_after_s
        self._report_waiting = report_waiting
        self._clock = clock
        self._told: dict[str, str] = {}

    def iter_ended(self, arrays: list[LiveArray]) -> Iterator[EndedChild]:
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
            # The reason is given for a job at the head of the queue: the first one found.
            if array.open and array.queue not in reasons:
                is_idle = array.queue in idle
                if reason := self._get_reason(array, detail, is_idle):
                    reasons[array.queue] = reason
                if is_idle:
                    yield from self._iter_unplaceable(array, detail, reason)
        self._report_reasons({array.queue for array in arrays}, reasons)

    def _iter_missing(
        self, array: LiveArray, job_ids: list[str], indices: list[int]
    ) -> Iterator[EndedChild]:
        """Children that DescribeJobs leaves out; S3 tells whether they returned something.

        Jobs that Batch has forgotten are terminated, in case they still run.
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
                yield EndedChild(array, index, is_forgotten=is_forgotten)

    def _iter_listed(self, array: LiveArray, detail: dict[str, Any]) -> Iterator[EndedChild]:
        counts = detail["arrayProperties"].get("statusSummary", {})
        is_over = detail["status"] in ENDED
        array.succeeded = counts.get("SUCCEEDED", 0)
        reported: set[int] = set()
        for status in ENDED:
            now = self._clock()
            known = array.counts[status]
            if is_listing_due(known, counts.get(status, 0), array.size, is_over, now):
                listed = list(self._client.iter_children(array.job_id, status))
                open_listed = {child["arrayProperties"]["index"] for child in listed} & set(
                    array.open
                )
                for ended in self._iter_open(array, listed):
                    reported.add(ended.index)
                    yield ended
                # Only those that were processed.
                known.listed, known.listed_at = len(listed) - len(open_listed - reported), now
        if is_over:
            yield from self._iter_left_over(array, array.open.keys() - reported)
        else:
            array.missing_since = None

    def _iter_open(self, array: LiveArray, listed: list[dict[str, Any]]) -> Iterator[EndedChild]:
        """The open ones among the listed children, with descriptions of failures."""
        failed = []
        for summary in listed:
            index = summary["arrayProperties"]["index"]
            if index not in array.open:
                continue
            if summary["status"] == "SUCCEEDED":
                yield EndedChild(array, index, None, summary)
            else:
                failed.append(array.get_child_id(index))
        for detail in self._client.iter_described(failed):
            index = detail["arrayProperties"]["index"]
            yield EndedChild(array, index, get_failure(detail), detail)

    def _iter_left_over(self, array: LiveArray, indices: set[int]) -> Iterator[EndedChild]:
        """The parent has ended, but the lists did not have these children."""
        ids = {array.get_child_id(index): index for index in indices}
        for detail in self._client.iter_described(list(ids)):
            index = ids.pop(detail["jobId"])
            if detail["status"] in ENDED:
                failure = get_failure(detail) if detail["status"] == "FAILED" else None
                yield EndedChild(array, index, failure, detail)
        if ids:
            yield from self._iter_missing(array, list(ids), list(ids.values()))
        else:
            array.missing_since = None

    def _iter_unplaceable(
        self, array: LiveArray, detail: dict[str, Any], reason: str | None
    ) -> Iterator[EndedChild]:
        """Give up jobs that Batch has long called unplaceable; it errs while a queue scales up."""
        if reason is None or not reason.startswith(UNPLACEABLE):
            array.blocked_since = None
            return
        now = self._clock()
        array.blocked_since = array.blocked_since or now
        if now - array.blocked_since < self._unplaceable_after_s:
            return
        self._client.terminate(array.job_id, reason)
        for index in list(array.open):
            yield EndedChild(array, index, ChildFailure(Cause.UNPLACEABLE, reason), detail)

    def _get_reason(self, array: LiveArray, detail: dict[str, Any], is_idle: bool) -> str | None:
        """Return why children of an array do not start, if Batch gives the reason for one of them.

        While other jobs of the queue run, only the first children are checked.
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
        # ListJobs leaves out the reason, so children are described until one has it.
        waiting = (array.get_child_id(child["arrayProperties"]["index"]) for child in listed)
        ids = islice(waiting, None if is_idle else MAX_DESCRIBED)
        while chunk := list(islice(ids, MAX_DESCRIBED)):
            for child in self._client.iter_described(chunk):
                if reason := _get_runnable_reason(child):
                    array.stuck_child = child["jobId"]
                    return reason
        return None

    def _report_reasons(self, queues: set[str], reasons: dict[str, str]) -> None:
        """Report the reasons that have changed since the last poll."""
        for queue in queues | self._told.keys():
            if (reason := reasons.get(queue)) != self._told.get(queue):
                self._report_waiting(queue, reason)
        self._told = reasons


def _iter_single(array: LiveArray, detail: dict[str, Any]) -> Iterator[EndedChild]:
    if detail["status"] in ENDED:
        failure = get_failure(detail) if detail["status"] == "FAILED" else None
        yield EndedChild(array, 0, failure, detail)


def _get_runnable_reason(detail: dict[str, Any]) -> str | None:
    is_runnable = detail["status"] == "RUNNABLE"
    return str(detail.get("statusReason") or "") or None if is_runnable else None


def _get_idle_queues(arrays: list[LiveArray], details: dict[str, dict[str, Any]]) -> set[str]:
    """Queues in which none of our jobs start or run."""
    busy = {array.queue for array in arrays if _is_at_work(details.get(array.job_id, {}))}
    return {array.queue for array in arrays} - busy


def _is_at_work(detail: dict[str, Any]) -> bool:
    return detail.get("status") in AT_WORK or _count(detail, AT_WORK) > 0


def _count(detail: dict[str, Any], statuses: tuple[str, ...]) -> int:
    """How many children of an array are in some states."""
    counts = detail.get("arrayProperties", {}).get("statusSummary", {})
    return sum(counts.get(status, 0) for status in statuses)
