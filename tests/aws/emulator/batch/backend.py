"""moto's Batch backend with jobs of our own.

AWS: https://docs.aws.amazon.com/batch/latest/APIReference/Welcome.html
moto 5.2.5: see ``emulator.batch``.
"""

import copy
import time
from typing import Any

from moto.batch import urls
from moto.batch.exceptions import ClientException
from moto.batch.models import BatchBackend, JobDefinition
from moto.batch.utils import make_arn_for_job
from moto.moto_api._internal import mock_random

from . import limits
from .engine import Engine
from .jobs import STATUSES, ArrayJob, Job, JobSpec, now_ms
from .retry import parse_retry_strategy


class ArrayBatchBackend(BatchBackend):
    """Submits jobs to an ``Engine`` and answers from it."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.engine = Engine()
        self.hidden_s = 0.0
        """How long new jobs are unknown to DescribeJobs and ListJobs, in seconds."""

    @property
    def _url_module(self) -> Any:
        """The paths of moto's own Batch; moto looks for them beside the backend's module."""
        return urls

    def reset(self) -> None:
        """Stop what runs and forget everything."""
        self.engine.close()
        super().reset()

    def check_job_definition(self, request: dict[str, Any]) -> None:
        """Refuse a RegisterJobDefinition that AWS would refuse and moto accepts."""
        limits.check_name(request.get("jobDefinitionName", ""), of="Job definition")
        container = request.get("containerProperties") or {}
        parse_retry_strategy(request.get("retryStrategy"))
        limits.check_environment(container.get("environment") or [])
        limits.check_timeout((request.get("timeout") or {}).get("attemptDurationSeconds"))
        if "FARGATE" in (request.get("platformCapabilities") or []):
            limits.check_fargate_size(*_size(container))

    def submit(self, request: dict[str, Any]) -> Job:
        """Take a SubmitJob request; returns the job, or the parent of its array."""
        limits.check_name(request.get("jobName", ""), of="Job")
        if request.get("dependsOn"):
            raise ClientException("dependsOn is not emulated")
        spec = self._spec(request)
        size = (request.get("arrayProperties") or {}).get("size")
        job = self._new_job(spec) if size is None else self._new_array(spec, size)
        self.engine.submit(job)
        return job

    def _spec(self, request: dict[str, Any]) -> JobSpec:
        definition = self._active_definition(request["jobDefinition"])
        queue = self.get_job_queue(request["jobQueue"])
        if queue is None or queue.state == "DISABLED":
            raise ClientException(f"Job queue {request['jobQueue']} does not exist or is disabled")
        limits.check_share(queue.schedule_policy, request.get("shareIdentifier"))
        timeout = request.get("timeout") or definition.timeout or {}
        timeout_s = timeout.get("attemptDurationSeconds")
        limits.check_timeout(timeout_s)
        container = _merge(definition.container_properties, request.get("containerOverrides") or {})
        vcpus, memory_mib = _size(container)
        platforms = tuple(definition.platform_capabilities or ["EC2"])
        if "FARGATE" in platforms:
            limits.check_fargate_size(vcpus, memory_mib)
        return JobSpec(
            name=request["jobName"],
            definition_arn=definition.arn,
            definition_name=definition.name,
            queue=queue,
            container=container,
            vcpus=vcpus,
            memory_mib=memory_mib,
            retry=parse_retry_strategy(request.get("retryStrategy") or definition.retry_strategy),
            timeout_s=timeout_s,
            parameters={**definition.parameters, **(request.get("parameters") or {})},
            tags=request.get("tags") or {},
            platforms=platforms,
        )

    def _active_definition(self, identifier: str) -> JobDefinition:
        definition = self.get_job_definition(identifier)
        if definition is None or definition.status != "ACTIVE":
            raise ClientException(f"Job definition {identifier} does not exist or is not active")
        if definition.container_properties is None:
            raise ClientException("Only jobs with containerProperties are emulated")
        return definition

    def _new_job(self, spec: JobSpec) -> Job:
        job_id = str(mock_random.uuid4())
        return Job(job_id, self._arn(job_id), spec, now_ms(), time.time() + self.hidden_s)

    def _new_array(self, spec: JobSpec, size: int) -> ArrayJob:
        limits.check_array_size(size)
        job_id = str(mock_random.uuid4())
        created_at, visible_at = now_ms(), time.time() + self.hidden_s
        parent = ArrayJob(job_id, self._arn(job_id), spec, created_at, visible_at)
        for index in range(size):
            child_id = f"{job_id}:{index}"
            arn = self._arn(child_id)
            parent.children.append(Job(child_id, arn, spec, created_at, visible_at, parent, index))
        parent.counts["SUBMITTED"] = size
        return parent

    def _arn(self, job_id: str) -> str:
        return make_arn_for_job(self.account_id, job_id, self.region_name)

    def details(self, job_ids: list[str]) -> list[dict[str, Any]]:
        """JobDetails of the jobs that are known; the others are left out, as AWS does."""
        limits.check_described(job_ids)
        with self.engine.lock:
            found = [self.engine.find(job_id) for job_id in job_ids]
            return [job.detail() for job in found if job is not None]

    def page(self, request: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
        """One page of ListJobs, and the token of the next."""
        selectors = ("jobQueue", "arrayJobId", "multiNodeJobId")
        limits.check_one_selector({name: request.get(name) for name in selectors})
        status = request.get("jobStatus") or "RUNNING"
        if status not in STATUSES:
            raise ClientException(f"Job status is not one of {' | '.join(STATUSES)}")
        size = limits.page_size(request.get("maxResults"), bool(request.get("filters")))
        start = int(request.get("nextToken") or 0)
        with self.engine.lock:
            jobs, fits = self._candidates(request), _filter(request, status)
            page: list[dict[str, Any]] = []
            for position in range(start, len(jobs)):
                if len(page) == size:
                    return page, str(position)
                if fits(jobs[position]):
                    page.append(jobs[position].summary())
            return page, None

    def _candidates(self, request: dict[str, Any]) -> list[Job]:
        if request.get("arrayJobId"):
            parent = self.engine.find(request["arrayJobId"])
            return parent.children if isinstance(parent, ArrayJob) else []
        if request.get("multiNodeJobId"):
            return []
        queue = self.get_job_queue(request["jobQueue"])
        if queue is None:
            raise ClientException(f"Job queue {request['jobQueue']} does not exist")
        return [
            job
            for job in self.engine.jobs.values()
            if job.parent is None and job.spec.queue is queue and job.visible_at <= time.time()
        ]

    def cancel(self, job_id: str, reason: str) -> None:
        """CancelJob; a job that is not known is no error."""
        if job := self.engine.find(job_id):
            self.engine.cancel(job, _given(reason))

    def terminate(self, job_id: str, reason: str) -> None:
        """TerminateJob; a job that is not known is no error."""
        if job := self.engine.find(job_id):
            self.engine.terminate(job, _given(reason))


def _given(reason: str) -> str:
    if not reason:
        raise ClientException("reason is required")
    return reason


def _merge(properties: dict[str, Any] | None, overrides: dict[str, Any]) -> dict[str, Any]:
    """Container properties with SubmitJob's overrides: lists of names are merged by name."""
    limits.check_environment(overrides.get("environment") or [])
    merged = copy.deepcopy(properties or {})
    for member, key in (("environment", "name"), ("resourceRequirements", "type")):
        items = [*merged.get(member, []), *(overrides.get(member) or [])]
        merged[member] = list({item[key]: item for item in items}.values())
    rest = {key: value for key, value in overrides.items() if key not in merged or key == "command"}
    return merged | rest


def _size(container: dict[str, Any]) -> tuple[float, int]:
    """vCPUs and memory in MiB that a container asks for."""
    asked = {item["type"]: item["value"] for item in container.get("resourceRequirements") or []}
    vcpus = asked.get("VCPU", container.get("vcpus"))
    memory = asked.get("MEMORY", container.get("memory"))
    if vcpus is None or memory is None:
        raise ClientException("Container properties should specify both vCPUs and memory")
    return float(vcpus), int(memory)


def _filter(request: dict[str, Any], status: str) -> Any:
    """What a ListJobs request selects; a filter outranks the status, but not for children."""
    filters = request.get("filters") or []
    if not filters or request.get("arrayJobId"):
        return lambda job: job.status == status
    if len(filters) != 1 or filters[0]["name"] != "JOB_NAME":
        raise ClientException("Only one filter, JOB_NAME, is emulated")
    patterns = [value.lower() for value in filters[0]["values"]]
    return lambda job: any(_name_matches(job.spec.name.lower(), pattern) for pattern in patterns)


def _name_matches(name: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern
