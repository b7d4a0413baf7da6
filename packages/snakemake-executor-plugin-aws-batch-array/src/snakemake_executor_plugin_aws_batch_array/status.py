"""Turns Batch's descriptions into what happened and what comes next. Pure functions."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from . import exit_codes

# Finished children are listed only when this many are new, so that listing costs less than one call
# per 100 genomes.
FINISHED_PER_PAGE = 200
LISTED_PER_PAGE = 1000
# ... except the first ones of an array, so that a fault common to all is known early
FIRST_LISTED = 20
# ... except that an array is listed again after a time that grows with its size: four genomes are
# collected as they finish, ten thousand at least once an hour.
LISTING_SECONDS_PER_CHILD = 0.36

# https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
QUEUED = ("SUBMITTED", "PENDING", "RUNNABLE")
AT_WORK = ("STARTING", "RUNNING")
ENDED = ("SUCCEEDED", "FAILED")

# https://docs.seqera.io/platform-cloud/tutorials/retry-strategy and, of Fargate,
# https://github.com/nextflow-io/nextflow/issues/5786
HOST_LOST = ("Host EC2", "Your Spot Task was interrupted")
UNPLACEABLE = "MISCONFIGURATION:"
OUT_OF_MEMORY_REASON = "OutOfMemoryError"
# Reasons for a task that did not start which another attempt would not change. An unreachable
# registry (`i/o timeout`, `request canceled`, `toomanyrequests`) gives none of these.
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


# Another host may work: the fallback queue has other hosts.
FALLBACK_CAUSES = frozenset(
    {Cause.RECLAIMED, Cause.NOT_STARTED, Cause.TEMPORARY, Cause.ILLEGAL_INSTRUCTION}
)
RETRIED_CAUSES = FALLBACK_CAUSES | {Cause.OUT_OF_MEMORY, Cause.FORGOTTEN}


@dataclass(frozen=True)
class ChildFailure:
    """The end of a failed child.

    Attributes:
        cause: What decides whether to retry.
        detail: The words of Batch or of ECS.
        exit_code: Exit code of the last attempt, if its container ended by itself.
        reclaimed: Number of attempts that lost their host.
        log_stream: CloudWatch stream of the last attempt, if it started.
    """

    cause: Cause
    detail: str
    exit_code: int | None = None
    reclaimed: int = 0
    log_stream: str | None = None


def get_failure(detail: dict[str, Any]) -> ChildFailure:
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
    return ChildFailure(
        cause=cause,
        detail=", ".join(filter(None, [status_reason, reason])) or "Batch gives no reason",
        exit_code=exit_codes.from_container(exit_code),
        reclaimed=count_reclaimed(attempts[:-1]) + (cause is Cause.RECLAIMED),
        log_stream=container.get("logStreamName"),
    )


def _get_cause(
    detail: dict[str, Any], status_reason: str, reason: str, exit_code: int | None
) -> Cause:
    """The order matters: terminating a job ends its container just as a lost host does."""
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
    """Whether the host was lost, which may or may not leave an exit code.

    Unless memory is given as the reason, only the loss of the host kills a container.
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
    """Whether an attempt that was followed by another one lost its host."""
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
    """Whether it is worthwhile to list the finished children of an array.

    Args:
        counts: The known counts.
        finished: Number of finished children according to the parent.
        size: Size of the array.
        is_over: Whether the parent has ended, so that there would be no later listing.
        now: Time in seconds, on the clock of `counts.listed_at`.
    """
    new = finished - counts.listed
    if new <= 0:
        return False
    if not counts.listed and new >= FIRST_LISTED:
        return True
    pages = math.ceil(finished / LISTED_PER_PAGE)
    is_late = now - counts.listed_at >= LISTING_SECONDS_PER_CHILD * size
    return is_over or is_late or new >= FINISHED_PER_PAGE * pages
