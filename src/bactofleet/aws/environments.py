"""The compute environments behind a stack's queues: their states, limits, images and jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from bactofleet.aws.faults import explain
from bactofleet.core.errors import ConfigurationError
from snakemake_executor_plugin_aws_batch_array import api

ENABLED, DISABLED = "ENABLED", "DISABLED"
UNFINISHED = (*api.QUEUED, *api.AT_WORK)
# Outputs of the stack; controllers first, because they submit the jobs of the other queues.
QUEUES = ("ControllerQueue", "JobQueue", "FallbackQueue")
POLL_S = 15.0
# Value of `batchImageStatus` for hosts whose image is not Batch's newest:
# https://docs.aws.amazon.com/batch/latest/APIReference/API_Ec2Configuration.html
OLD_IMAGE = "UPDATE_AVAILABLE"


@dataclass(frozen=True)
class Environment:
    """A compute environment, identified by its ARN."""

    arn: str
    name: str
    state: str
    desired_vcpus: int
    """vCPUs of the instances that Batch has, or is starting."""
    has_old_image: bool
    update_policy: Mapping[str, Any]
    """How long jobs may go on when its instances are replaced, as the template says."""


def list_queues(outputs: Mapping[str, str]) -> list[str]:
    """Return the queues among a stack's outputs."""
    return [outputs[name] for name in QUEUES if name in outputs]


def find_environments(batch: Any, queues: Sequence[str]) -> list[Environment]:
    """Return the environments of these queues, each once."""
    if not queues:
        return []
    found = batch.describe_job_queues(jobQueues=list(queues))["jobQueues"]
    arns = {item["computeEnvironment"] for q in found for item in q["computeEnvironmentOrder"]}
    return describe(batch, sorted(arns))


def describe(batch: Any, arns: Sequence[str]) -> list[Environment]:
    """Describe environments; those that do not exist are left out."""
    if not arns:
        return []
    reply = batch.describe_compute_environments(computeEnvironments=list(arns))
    return [_environment(item) for item in reply["computeEnvironments"]]


def _environment(item: dict[str, Any]) -> Environment:
    resources = item.get("computeResources", {})
    return Environment(
        arn=item["computeEnvironmentArn"],
        name=item["computeEnvironmentName"],
        state=item["state"],
        desired_vcpus=int(resources.get("desiredvCpus", 0)),
        has_old_image=has_old_image(resources),
        update_policy=item.get("updatePolicy", {}),
    )


def has_old_image(resources: Mapping[str, Any]) -> bool:
    """Whether new instances of `computeResources` would get another image than Batch's newest."""
    configurations = resources.get("ec2Configuration") or []
    return any(item.get("batchImageStatus") == OLD_IMAGE for item in configurations)


def set_state(batch: Any, environments: Sequence[Environment], state: str) -> None:
    """Enable or disable environments; all are tried, even if one refuses.

    Raises `ConfigurationError` with the reasons of those that refused.
    """
    refusals = []
    for item in environments:
        try:
            batch.update_compute_environment(computeEnvironment=item.arn, state=state)
        except ClientError as error:
            refusals.append(f"{item.name} was not {state.lower()}: {explain(error).message}")
    if refusals:
        raise ConfigurationError(refusals)


def terminate_jobs(batch: Any, queues: Sequence[str], reason: str) -> int:
    """Terminate all jobs in the queues; return how many, counting an array as one."""
    seen: set[str] = set()
    for job in (job for queue in queues for job in _iter_jobs(batch, queue)):
        if job not in seen:
            seen.add(job)
            batch.terminate_job(jobId=job, reason=reason)
    return len(seen)


def _iter_jobs(batch: Any, queue: str) -> Iterator[str]:
    """Yield the unfinished jobs; a job that moves on meanwhile is found in its next status."""
    paginator = batch.get_paginator("list_jobs")
    for status in UNFINISHED:
        for page in paginator.paginate(jobQueue=queue, jobStatus=status):
            yield from (str(job["jobId"]) for job in page["jobSummaryList"])


@contextmanager
def kept_states(batch: Any, environments: Sequence[Environment]) -> Iterator[None]:
    """Give the environments the states back that they had before the block.

    An update of the stack may enable what was disabled.
    """
    before = {item.arn: item.state for item in environments}
    try:
        yield
    finally:
        now = describe(batch, list(before))
        for state in (ENABLED, DISABLED):
            set_state(batch, [i for i in now if i.state != state and before[i.arn] == state], state)


def drain(batch: Any, limits: Mapping[str, int], say: Callable[[str], None]) -> None:
    """Disable environments with more vCPUs than their new limits, and wait until they have fewer.

    Batch refuses a limit (by ARN) below the vCPUs of an environment's instances.
    """

    def find_larger() -> list[Environment]:
        found = describe(batch, list(limits))
        return [item for item in found if item.desired_vcpus > limits[item.arn]]

    larger = find_larger()
    set_state(batch, larger, DISABLED)
    for item in larger:
        say(
            f"{item.name} has instances with {item.desired_vcpus} vCPUs and may have "
            f"{limits[item.arn]}: it starts no others, and the update waits for its jobs "
            "(`bactofleet aws stop --terminate-jobs` in another terminal ends them)."
        )
    while find_larger():
        time.sleep(POLL_S)


def renew_images(
    batch: Any, environments: Sequence[Environment], say: Callable[[str], None]
) -> None:
    """Let new instances have Batch's newest image, which Batch does not do by itself.

    https://docs.aws.amazon.com/batch/latest/userguide/updating-compute-environments.html
    """
    for item in environments:
        if item.has_old_image:
            batch.update_compute_environment(
                computeEnvironment=item.arn,
                computeResources={"updateToLatestImageVersion": True},
                updatePolicy=item.update_policy,
            )
            say(f"New instances of {item.name} get the newest image of AWS Batch.")
