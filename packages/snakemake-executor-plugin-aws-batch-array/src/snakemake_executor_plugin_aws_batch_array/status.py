"""From the words of Batch to what happened and what comes next. Pure functions."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from . import exit_codes

# Batch hands out no more than a page of finished children for every so many of them, so that
# listing costs less than one call per 100 genomes.
FINISHED_PER_PAGE = 200
LISTED_PER_PAGE = 1000
# ... except the first of an array, so that what is wrong with all of them is known early
FIRST_LISTED = 20
# ... except that an array is listed again after a time that grows with its size: four genomes
# are collected as they finish, ten thousand once an hour at least.
LISTING_SECONDS_PER_CHILD = 0.36

# https://docs.seqera.io/platform-cloud/tutorials/retry-strategy and, of Fargate,
# https://github.com/nextflow-io/nextflow/issues/5786
HOST_LOST = ("Host EC2", "Your Spot Task was interrupted")
UNPLACEABLE = "MISCONFIGURATION:"
OUT_OF_MEMORY_REASON = "OutOfMemoryError"
# Of a task that did not start: what no other attempt would change. A registry that was not reached
# (`i/o timeout`, `request canceled`, `toomanyrequests`) says none of this.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
_NO_IMAGE = re.compile(
    r"access denied|denied:|accessdenied|not authorized|unauthorized|no basic auth credentials"
    r"|manifest unknown|not found|does not exist|name unknown|invalid reference format"
    r"|no matching manifest|matching platform|no match for platform|exec format error",
    re.IGNORECASE,
)
TIMED_OUT = "attempt duration exceeded timeout"


class Cause(StrEnum):
    """Why a child failed."""

    RECLAIMED = "host reclaimed"
    NOT_STARTED = "not started"
    TEMPORARY = "temporary failure"
    ILLEGAL_INSTRUCTION = "illegal instruction"
    OUT_OF_MEMORY = "out of memory"
    TIMED_OUT = "timed out"
    DISK_FULL = "disk full"
    MISCONFIGURED = "misconfigured"
    NO_IMAGE = "image cannot be used"
    TERMINATED = "terminated"
    UNPLACEABLE = "cannot be placed"
    FORGOTTEN = "forgotten by Batch"
    NOTHING_RETURNED = "nothing returned"
    NOT_STORED = "not stored"
    EXIT = "failed"


# Another host may do: the fallback queue has them.
FALLBACK_CAUSES = frozenset(
    {Cause.RECLAIMED, Cause.NOT_STARTED, Cause.TEMPORARY, Cause.ILLEGAL_INSTRUCTION}
)
RETRIED_CAUSES = FALLBACK_CAUSES | {Cause.OUT_OF_MEMORY, Cause.FORGOTTEN}


@dataclass(frozen=True)
class Failure:
    """The end of a failed child.

    Attributes:
        cause: What decides on a retry.
        detail: The words of Batch or of ECS.
        exit_code: Of the last attempt, if its container ended by itself.
        reclaimed: How many attempts lost their host.
        log_stream: CloudWatch stream of the last attempt, if it started.
    """

    cause: Cause
    detail: str
    exit_code: int | None = None
    reclaimed: int = 0
    log_stream: str | None = None


def get_failure(detail: dict[str, Any]) -> Failure:
    """Read a failed job as DescribeJobs describes it.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html
    """
    attempts = detail.get("attempts", [])
    last = attempts[-1] if attempts else detail
    container = {**detail.get("container", {}), **last.get("container", {})}
    status_reason = detail.get("statusReason") or last.get("statusReason") or ""
    reason = container.get("reason") or ""
    exit_code = last.get("container", {}).get("exitCode")
    cause = _get_cause(detail, status_reason, reason, exit_code)
    return Failure(
        cause=cause,
        detail=", ".join(filter(None, [status_reason, reason])) or "Batch gives no reason",
        exit_code=exit_codes.from_container(exit_code),
        reclaimed=count_reclaimed(attempts[:-1]) + (cause is Cause.RECLAIMED),
        log_stream=container.get("logStreamName"),
    )


def _get_cause(
    detail: dict[str, Any], status_reason: str, reason: str, exit_code: int | None
) -> Cause:
    """The order matters: what ended a job on purpose ends its container as a lost host does."""
    if TIMED_OUT in status_reason:
        return Cause.TIMED_OUT
    if detail.get("isTerminated") or detail.get("isCancelled"):
        return Cause.TERMINATED
    if _is_host_lost(status_reason, reason, exit_code):
        return Cause.RECLAIMED
    if status_reason.startswith(UNPLACEABLE):
        return Cause.UNPLACEABLE
    if reason.startswith(OUT_OF_MEMORY_REASON):
        return Cause.OUT_OF_MEMORY
    cause = _EXIT_CAUSES.get(exit_codes.from_container(exit_code), Cause.EXIT)
    is_refused = cause is Cause.NOT_STARTED and _NO_IMAGE.search(reason)
    return Cause.NO_IMAGE if is_refused else cause


def _is_host_lost(status_reason: str, reason: str, exit_code: int | None) -> bool:
    """Whether the host went away, which leaves an exit code or not.

    Without memory's own reason nobody but the host's end kills a container.
    """
    is_killed = exit_code in exit_codes.OF_LOST_HOSTS
    return status_reason.startswith(HOST_LOST) or (
        is_killed and not reason.startswith(OUT_OF_MEMORY_REASON)
    )


_EXIT_CAUSES: dict[int | None, Cause] = {
    None: Cause.NOT_STARTED,
    exit_codes.TEMPORARY: Cause.TEMPORARY,
    exit_codes.MISCONFIGURED: Cause.MISCONFIGURED,
    exit_codes.ILLEGAL_INSTRUCTION: Cause.ILLEGAL_INSTRUCTION,
    exit_codes.OUT_OF_MEMORY: Cause.OUT_OF_MEMORY,
}


def is_reclaimed(attempt: dict[str, Any]) -> bool:
    """Whether an attempt that was followed by another lost its host."""
    container = attempt.get("container", {})
    return _is_host_lost(
        attempt.get("statusReason") or "", container.get("reason") or "", container.get("exitCode")
    )


def count_reclaimed(attempts: list[dict[str, Any]]) -> int:
    """How many attempts that were followed by others lost their host."""
    return sum(map(is_reclaimed, attempts))


@dataclass
class Counts:
    """Finished children of an array, and when they were last listed (seconds)."""

    listed: int
    listed_at: float


def is_listing_due(counts: Counts, finished: int, size: int, is_over: bool, now: float) -> bool:
    """Whether it is worth while to list the finished children of an array.

    Args:
        counts: What is known.
        finished: Number that the parent now gives.
        size: Of the array.
        is_over: Whether the parent has ended, so that no later listing would come.
        now: Seconds, on the clock of `counts.listed_at`.
    """
    new = finished - counts.listed
    if new <= 0:
        return False
    if not counts.listed and new >= FIRST_LISTED:
        return True
    pages = math.ceil(finished / LISTED_PER_PAGE)
    is_late = now - counts.listed_at >= LISTING_SECONDS_PER_CHILD * size
    return is_over or is_late or new >= FINISHED_PER_PAGE * pages
