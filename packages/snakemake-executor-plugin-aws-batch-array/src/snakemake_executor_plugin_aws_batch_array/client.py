"""Calls to Batch: as few as possible, below its quotas, and without submitting a job twice."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from botocore import exceptions as aws
from botocore.config import Config
from botocore.exceptions import ClientError
from snakemake_executor_plugin_aws_batch.batch_client import BatchClient

from .retrying import AWS_ERRORS, Retrier, get_http_status

# The quota is "50 TPS" for SubmitJob and at most that for other calls; we stay below it to leave
# room for other users. https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
CALLS_PER_SECOND = 40
# https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html
MAX_DESCRIBED = 100
# https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html (with a status)
MAX_LISTED = 1000
# Retries that a client makes by itself; longer outages are waited out and reported.
QUICK_ATTEMPTS = 3
CONNECT_TIMEOUT_S = 10
# A job becomes visible some time after its submission.
LOOKUP_DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0)

# The connection was not made, so nothing was requested.
_NOT_SENT = (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError)


def build_config(**options: Any) -> Config:
    """The options of every client.

    Adaptive: the client slows down when it is throttled, with jitter.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """
    retries = {"mode": "adaptive", "total_max_attempts": QUICK_ATTEMPTS}
    return Config(**{"retries": retries, "connect_timeout": CONNECT_TIMEOUT_S, **options})


def _is_ambiguous(error: Exception) -> bool:
    """Whether a job may exist although the answer to SubmitJob was lost."""
    if isinstance(error, ClientError):
        return get_http_status(error) >= 500
    return not isinstance(error, _NOT_SENT)


class RateLimiter:
    """Lets calls pass at equal intervals."""

    def __init__(self, per_second: float) -> None:
        self._distance_s = 1 / per_second
        self._next = 0.0

    def wait(self) -> None:
        """Sleep until the next call is allowed."""
        now = time.monotonic()
        time.sleep(max(0.0, self._next - now))
        self._next = max(now, self._next) + self._distance_s


class ArrayBatchClient(BatchClient):  # type: ignore[misc]
    """The client of snakemake-executor-plugin-aws-batch, for arrays.

    Its methods raise errors that waiting does not solve; without a retrier, every error.
    """

    def __init__(
        self,
        session: Any,
        retrier: Retrier | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = session.client("batch", config=build_config())
        # SubmitJob has no client token: if boto3 repeated it after a lost answer, the job would run
        # twice.
        once = {"total_max_attempts": 1}
        self._submitter = session.client("batch", config=build_config(retries=once))
        self._retrier = retrier or Retrier.none()
        self._limiter = RateLimiter(CALLS_PER_SECOND)
        self._sleep = sleep

    def submit_once(self, **request: Any) -> str:
        """Submit a job whose name is unique, and return its id.

        After a lost answer, looks for the name and submits again only if it does not exist.
        """
        for attempt in count():
            self._limiter.wait()
            try:
                job_id = str(self._submitter.submit_job(**request)["jobId"])
            except AWS_ERRORS as error:
                self._retrier.wait(error, attempt)
                found = _is_ambiguous(error) and self.find_job(
                    request["jobQueue"], request["jobName"]
                )
                if not found:
                    continue
                job_id = str(found)
            if attempt:
                self._retrier.report_end()
            return job_id
        raise AssertionError  # count() is endless; for the type checker

    def find_job(self, queue: str, name: str) -> str | None:
        """Return the id of the job with this unique name, in any state."""
        for delay in LOOKUP_DELAYS_S:
            filters = [{"name": "JOB_NAME", "values": [name]}]
            reply = self._ask("list_jobs", jobQueue=queue, filters=filters)
            if reply["jobSummaryList"]:
                return str(reply["jobSummaryList"][0]["jobId"])
            self._sleep(delay)
        return None

    def iter_named(self, queue: str, prefix: str) -> Iterator[dict[str, Any]]:
        """Summaries of the jobs in a queue whose names have this prefix, in any state.

        https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html (filters)
        """
        request: dict[str, Any] = {
            "jobQueue": queue,
            "filters": [{"name": "JOB_NAME", "values": [f"{prefix}*"]}],
        }
        while True:
            page = self._ask("list_jobs", **request)
            yield from page["jobSummaryList"]
            if not page.get("nextToken"):
                return
            request["nextToken"] = page["nextToken"]

    def iter_described(self, job_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Describe jobs, a hundred per call; ids that Batch does not know are left out."""
        for start in range(0, len(job_ids), MAX_DESCRIBED):
            chunk = list(job_ids[start : start + MAX_DESCRIBED])
            yield from self._ask("describe_jobs", jobs=chunk)["jobs"]

    def describe_existing(self, job_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Describe jobs that exist, by their ids.

        DescribeJobs leaves out some existing jobs, mostly new ones, so it is asked for them again;
        jobs that it still does not know are left out.
        """
        found: dict[str, dict[str, Any]] = {}
        for delay in (0.0, *LOOKUP_DELAYS_S):
            missing = [job_id for job_id in job_ids if job_id not in found]
            if not missing:
                break
            self._sleep(delay)
            found |= {detail["jobId"]: detail for detail in self.iter_described(missing)}
        return found

    def describe_named(self, queue: str, prefix: str) -> dict[str, dict[str, Any]]:
        """Describe the jobs in a queue whose names have this prefix, by their ids.

        In some accounts ListJobs has returned nothing but the ids.
        """
        return self.describe_existing([job["jobId"] for job in self.iter_named(queue, prefix)])

    def iter_children(self, array_job_id: str, status: str) -> Iterator[dict[str, Any]]:
        """Summaries of the children of an array in one state."""
        page: dict[str, Any] = {}
        while not page or page.get("nextToken"):
            page = self.list_children_page(array_job_id, status, page.get("nextToken"))
            yield from page["jobSummaryList"]

    def list_children_page(
        self, array_job_id: str, status: str, token: str | None = None
    ) -> dict[str, Any]:
        """One page of ListJobs."""
        extra = {"nextToken": token} if token else {}
        return self._ask(
            "list_jobs",
            arrayJobId=array_job_id,
            jobStatus=status,
            maxResults=MAX_LISTED,
            **extra,
        )

    def terminate(self, job_id: str, reason: str) -> None:
        """Terminate a job, or all children of an array that have not ended."""
        self._ask("terminate_job", jobId=job_id, reason=reason)

    def register_job_definition(self, **request: Any) -> dict[str, Any]:
        """Register a job definition."""
        return self._ask("register_job_definition", **request)

    def deregister_job_definition(self, **request: Any) -> None:
        """Deregister a job definition."""
        self._ask("deregister_job_definition", **request)

    def cancel_waiting(self, job_id: str, reason: str) -> None:
        """Cancel the children of an array that have not started; running ones continue.

        https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJob.html
        """
        self._ask("cancel_job", jobId=job_id, reason=reason)

    def describe_queue(self, queue: str) -> dict[str, Any] | None:
        """Return a queue, or None if there is none with that name or ARN."""
        queues = self._ask("describe_job_queues", jobQueues=[queue])["jobQueues"]
        return queues[0] if queues else None

    def describe_environments(self, names: list[str]) -> list[dict[str, Any]]:
        """Return compute environments by name or ARN."""
        reply = self._ask("describe_compute_environments", computeEnvironments=names)
        environments: list[dict[str, Any]] = reply["computeEnvironments"]
        return environments

    def _ask(self, operation: str, **request: Any) -> dict[str, Any]:
        """Call an operation that is safe to repeat."""

        def call() -> dict[str, Any]:
            self._limiter.wait()
            reply: dict[str, Any] = getattr(self.client, operation)(**request)
            return reply

        return self._retrier.ask(call)
