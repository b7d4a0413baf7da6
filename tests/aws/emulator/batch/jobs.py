"""Jobs, array jobs and their attempts, as DescribeJobs and ListJobs show them.

AWS: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html and
https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html
moto 5.2.5 gives children no index in ListJobs, leaves exit codes and reasons out of attempts, and
knows no failed array.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from moto.batch.models import JobQueue

from .hosts import Host
from .retry import Outcome, RetryStrategy

STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
FINAL = frozenset({"SUCCEEDED", "FAILED"})
NOT_STARTED = frozenset({"SUBMITTED", "PENDING", "RUNNABLE"})
# ListJobs leaves out the definition, and often the rest, whatever its documentation says:
# https://github.com/aws/aws-sdk/issues/588, https://github.com/boto/boto3/issues/3315
NOT_LISTED = frozenset(
    {"jobDefinition", "startedAt", "statusReason", "isCancelled", "isTerminated"}
)


def now_ms() -> int:
    """The time as Batch tells it: milliseconds since 1970."""
    return int(time.time() * 1000)


@dataclass(frozen=True)
class JobSpec:
    """What SubmitJob and the job definition say; one object for all children of an array."""

    name: str
    definition_arn: str
    definition_name: str
    queue: JobQueue
    container: dict[str, Any]
    vcpus: float
    memory_mib: int
    retry: RetryStrategy
    timeout_s: int | None
    parameters: dict[str, str]
    tags: dict[str, str]
    platforms: tuple[str, ...]


@dataclass(slots=True)
class Attempt:
    """One try of a job on one host."""

    number: int
    host: Host
    task_id: str
    task_arn: str
    log_stream: str | None = None
    image_id: str | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    outcome: Outcome | None = None

    def describe(self) -> dict[str, Any]:
        """The attempt as an AttemptDetail."""
        outcome = self.outcome
        container: dict[str, Any] = {
            "containerInstanceArn": self.host.container_instance_arn,
            "taskArn": self.task_arn,
            "logStreamName": self.log_stream,
            "exitCode": outcome and outcome.exit_code,
            "reason": outcome and outcome.reason,
            "networkInterfaces": [],
        }
        detail = {
            "container": without_none(container),
            "startedAt": self.started_at,
            "stoppedAt": self.stopped_at,
            "statusReason": outcome and outcome.status_reason,
        }
        return without_none(detail)


@dataclass(slots=True, eq=False)
class Job:
    """A plain job, or (with ``parent`` and ``index``) a child of an array."""

    job_id: str
    arn: str
    spec: JobSpec
    created_at: int
    visible_at: float = 0.0
    parent: "ArrayJob | None" = None
    index: int | None = None
    status: str = "SUBMITTED"
    status_reason: str | None = None
    stopped_at: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    is_cancelled: bool = False
    is_terminated: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the job will not change any more."""
        return self.status in FINAL

    @property
    def last_attempt(self) -> Attempt | None:
        """The attempt that runs, or the one that ran last."""
        return self.attempts[-1] if self.attempts else None

    def summary(self) -> dict[str, Any]:
        """The job as a JobSummary of ListJobs, without what accounts see left out there."""
        attempt = self.last_attempt
        outcome = attempt.outcome if attempt else None
        result = {k: v for k, v in self._heading().items() if k not in NOT_LISTED}
        if outcome:
            result["container"] = without_none(
                {"exitCode": outcome.exit_code, "reason": outcome.reason}
            )
        return without_none(result)

    def detail(self) -> dict[str, Any]:
        """The job as a JobDetail of DescribeJobs."""
        timeout_s = self.spec.timeout_s
        result = self._heading() | {
            "jobQueue": self.spec.queue.arn,
            "parameters": self.spec.parameters,
            "tags": self.spec.tags,
            "platformCapabilities": list(self.spec.platforms),
            "retryStrategy": self.spec.retry.describe(),
            "timeout": {"attemptDurationSeconds": timeout_s} if timeout_s else None,
            "dependsOn": [],
            "container": self._container(),
            "attempts": [attempt.describe() for attempt in self.attempts if attempt.outcome],
        }
        return without_none(result)

    def _heading(self) -> dict[str, Any]:
        attempt = self.last_attempt
        return {
            "jobArn": self.arn,
            "jobId": self.job_id,
            "jobName": self.spec.name,
            "jobDefinition": self.spec.definition_arn,
            "createdAt": self.created_at,
            "status": self.status,
            "statusReason": self.status_reason,
            "startedAt": attempt.started_at if attempt and self.status != "RUNNABLE" else None,
            "stoppedAt": self.stopped_at,
            "isCancelled": self.is_cancelled,
            "isTerminated": self.is_terminated,
            "arrayProperties": self._array_properties(),
        }

    def _array_properties(self) -> dict[str, Any] | None:
        return None if self.index is None else {"index": self.index}

    def _container(self) -> dict[str, Any]:
        attempt = self.last_attempt
        return self.spec.container | (attempt.describe()["container"] if attempt else {})


@dataclass(slots=True, eq=False)
class ArrayJob(Job):
    """The parent of an array: it runs nothing and counts its children."""

    children: list[Job] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def _array_properties(self) -> dict[str, Any]:
        return {
            "size": len(self.children),
            "statusSummary": {status: self.counts[status] for status in STATUSES},
            "statusSummaryLastUpdatedAt": now_ms(),
        }

    def follow_children(self) -> None:
        """Take the status that the children's statuses imply.

        A parent is PENDING from the first RUNNABLE child until all children have ended, and FAILED
        if any child failed.
        """
        ended = self.counts["SUCCEEDED"] + self.counts["FAILED"]
        if ended == len(self.children):
            self.status = "FAILED" if self.counts["FAILED"] else "SUCCEEDED"
            self.status_reason = "Array Child Job failed" if self.counts["FAILED"] else None
            self.stopped_at = now_ms()
        elif self.counts["SUBMITTED"] < len(self.children):
            self.status = "PENDING"


def set_status(job: Job, status: str) -> None:
    """Change a job's status and its parent's counts with it."""
    parent = job.parent
    if parent is not None:
        parent.counts[job.status] -= 1
        parent.counts[status] += 1
    job.status = status
    if parent is not None:
        parent.follow_children()


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what AWS leaves out: members without a value."""
    return {key: value for key, value in values.items() if value is not None}
