"""Calls to Batch: as few as possible, slower than its quotas, and no job submitted twice."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError
from snakemake_executor_plugin_aws_batch.batch_client import BatchClient

# "50 TPS" for SubmitJob, and no more for other calls; below it, to leave room for other users.
# https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
CALLS_PER_SECOND = 40
# https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html
MAX_DESCRIBED = 100
# https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html (with a status)
MAX_LISTED = 1000
MAX_BACKOFF_S = 30.0
# A job becomes visible some time after it was submitted.
LOOKUP_DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0)

_THROTTLED = {"TooManyRequestsException", "ThrottlingException", "Throttling", "SlowDown"}


def is_throttled(error: ClientError) -> bool:
    """Whether AWS asked to come again later."""
    return error.response["Error"]["Code"] in _THROTTLED


def _is_ambiguous(error: Exception) -> bool:
    """Whether a job may exist although the answer to SubmitJob did not come."""
    if isinstance(error, ClientError):
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"]) >= 500
    return isinstance(error, HTTPClientError)


def _is_final(error: Exception) -> bool:
    """Whether the same request would be refused again."""
    return isinstance(error, ClientError) and not is_throttled(error) and not _is_ambiguous(error)


def _get_backoff_s(attempt: int) -> float:
    """Twice as long every time, with jitter, so that controllers do not come in step."""
    return random.uniform(0.5, 1.0) * min(MAX_BACKOFF_S, 2.0 ** min(attempt, 10))  # noqa: S311


class RateLimiter:
    """Lets calls pass at equal distances."""

    def __init__(self, per_second: float) -> None:
        self._distance_s = 1 / per_second
        self._next = 0.0

    def wait(self) -> None:
        """Sleep until the next call may go."""
        now = time.monotonic()
        time.sleep(max(0.0, self._next - now))
        self._next = max(now, self._next) + self._distance_s


class ArrayBatchClient(BatchClient):  # type: ignore[misc]
    """The client of snakemake-executor-plugin-aws-batch, for arrays."""

    def __init__(self, session: Any, sleep: Callable[[float], None] = time.sleep) -> None:
        # Adaptive: the client slows down when it is throttled, with jitter.
        # https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
        self.client = session.client(
            "batch", config=Config(retries={"mode": "adaptive", "total_max_attempts": 10})
        )
        # SubmitJob has no client token: what boto3 repeats after a lost answer runs twice.
        self._submitter = session.client("batch", config=Config(retries={"total_max_attempts": 1}))
        self._limiter = RateLimiter(CALLS_PER_SECOND)
        self._sleep = sleep

    def submit_once(self, **request: Any) -> str:
        """Submit a job whose name is unique, and return its id.

        Waits as long as Batch is throttled. After an answer that was lost it looks for the name,
        and submits again only what is not there.
        """
        for attempt in count():
            self._limiter.wait()
            try:
                return str(self._submitter.submit_job(**request)["jobId"])
            except (ClientError, HTTPClientError, EndpointConnectionError) as error:
                if _is_final(error):
                    raise
                if _is_ambiguous(error) and (
                    found := self.find_job(request["jobQueue"], request["jobName"])
                ):
                    return found
            self._sleep(_get_backoff_s(attempt))
        raise AssertionError  # count() has no end; for the type checker

    def find_job(self, queue: str, name: str) -> str | None:
        """Return the id of the job with this unique name, in whatever state it is."""
        for delay in LOOKUP_DELAYS_S:
            self._limiter.wait()
            filters = [{"name": "JOB_NAME", "values": [name]}]
            reply = self.client.list_jobs(jobQueue=queue, filters=filters)
            if reply["jobSummaryList"]:
                return str(reply["jobSummaryList"][0]["jobId"])
            self._sleep(delay)
        return None

    def iter_named(self, queue: str, prefix: str) -> Iterator[dict[str, Any]]:
        """Summaries of the jobs in a queue whose names begin so, in whatever state they are.

        https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html (filters)
        """
        request: dict[str, Any] = {
            "jobQueue": queue,
            "filters": [{"name": "JOB_NAME", "values": [f"{prefix}*"]}],
        }
        while True:
            self._limiter.wait()
            page = self.client.list_jobs(**request)
            yield from page["jobSummaryList"]
            if not page.get("nextToken"):
                return
            request["nextToken"] = page["nextToken"]

    def iter_described(self, job_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Describe jobs, a hundred a call; ids that Batch does not know are left out."""
        for start in range(0, len(job_ids), MAX_DESCRIBED):
            self._limiter.wait()
            chunk = list(job_ids[start : start + MAX_DESCRIBED])
            yield from self.client.describe_jobs(jobs=chunk)["jobs"]

    def iter_children(self, array_job_id: str, status: str) -> Iterator[dict[str, Any]]:
        """Summaries of the children of an array that are in one state."""
        page: dict[str, Any] = {}
        while not page or page.get("nextToken"):
            page = self.list_children_page(array_job_id, status, page.get("nextToken"))
            yield from page["jobSummaryList"]

    def list_children_page(
        self, array_job_id: str, status: str, token: str | None = None
    ) -> dict[str, Any]:
        """One page of ListJobs."""
        extra = {"nextToken": token} if token else {}
        self._limiter.wait()
        page: dict[str, Any] = self.client.list_jobs(
            arrayJobId=array_job_id, jobStatus=status, maxResults=MAX_LISTED, **extra
        )
        return page

    def terminate(self, job_id: str, reason: str) -> None:
        """End a job, or all children of an array that have not ended."""
        self._limiter.wait()
        self.client.terminate_job(jobId=job_id, reason=reason)

    def describe_queue(self, queue: str) -> dict[str, Any] | None:
        """Return a queue, or None if there is none of that name or ARN."""
        queues = self.client.describe_job_queues(jobQueues=[queue])["jobQueues"]
        return queues[0] if queues else None

    def describe_environments(self, names: list[str]) -> list[dict[str, Any]]:
        """Return compute environments by name or ARN."""
        reply = self.client.describe_compute_environments(computeEnvironments=names)
        environments: list[dict[str, Any]] = reply["computeEnvironments"]
        return environments
