"""The queues of the account, checked before anything is submitted."""

from dataclasses import dataclass
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError

from .client import ArrayBatchClient
from .requirements import Platform, Requirements
from .settings import ExecutorSettings


@dataclass(frozen=True)
class Queues:
    """The queues of a run.

    Attributes:
        platform: The platform of all of them.
        max_vcpus: The vCPUs of the largest job that each can hold.
        shared: Those with a scheduling policy, whose jobs need a share identifier.
    """

    platform: Platform
    max_vcpus: dict[str, int]
    shared: frozenset[str] = frozenset()

    def check(self, job_name: str, queue: str, requirements: Requirements) -> None:
        """Refuse a job that its queue could never place.

        Raises:
            WorkflowError: it requests more vCPUs than the queue's environments have in all.
        """
        if requirements.vcpus > self.max_vcpus[queue]:
            raise WorkflowError(
                f"job {job_name} asks for {requirements.vcpus} vCPUs, but the compute "
                f"environments of queue {queue!r} have at most {self.max_vcpus[queue]} (maxvCpus); "
                "ask for fewer threads or raise maxvCpus"
            )


def get_queues(client: ArrayBatchClient, settings: ExecutorSettings) -> Queues:
    """Describe the queues of the settings.

    Raises:
        WorkflowError: a queue does not exist or takes no jobs, the queues differ in platform, or
            a setting does not fit the platform.
    """
    names = [name for name in (settings.job_queue, settings.fallback_queue) if name]
    queues = {name: _describe(client, name) for name in names}
    environments = {name: _get_environments(client, queue) for name, queue in queues.items()}
    platforms = {name: _get_platform(found) for name, found in environments.items()}
    if len(set(platforms.values())) > 1:
        kinds = ", ".join(f"{name!r} is {platform}" for name, platform in platforms.items())
        raise WorkflowError(f"job queue and fallback queue must be of one platform: {kinds}")
    platform = platforms[names[0]]
    _check_settings(settings, platform)
    max_vcpus = {name: _get_max_vcpus(found) for name, found in environments.items()}
    return Queues(platform, max_vcpus, _get_shared(queues, settings.share_identifier))


def _get_shared(queues: dict[str, dict[str, Any]], share: str | None) -> frozenset[str]:
    """Find the queues with a policy; a job without a share identifier would be refused there.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html (shareIdentifier)
    """
    shared = frozenset(name for name, queue in queues.items() if queue.get("schedulingPolicyArn"))
    if shared and not share:
        names = ", ".join(map(repr, sorted(shared)))
        raise WorkflowError(
            f"a scheduling policy shares the queue {names}; give one of its identifiers with "
            "--aws-batch-array-share-identifier"
        )
    return shared


def _describe(client: ArrayBatchClient, name: str) -> dict[str, Any]:
    queue = client.describe_queue(name)
    if queue is None:
        raise WorkflowError(f"there is no job queue {name!r} in this account and region")
    if queue["state"] != "ENABLED" or queue.get("status", "VALID") != "VALID":
        raise WorkflowError(
            f"job queue {name!r} takes no jobs: it is {queue['state']} and {queue.get('status')}"
        )
    return queue


def _get_environments(client: ArrayBatchClient, queue: dict[str, Any]) -> list[dict[str, Any]]:
    order = queue["computeEnvironmentOrder"]
    return client.describe_environments([entry["computeEnvironment"] for entry in order])


def _get_platform(environments: list[dict[str, Any]]) -> Platform:
    """The environments of a queue are either all Fargate or all EC2.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html
    """
    kinds = {str(env.get("computeResources", {}).get("type")) for env in environments}
    is_fargate = any(kind.startswith("FARGATE") for kind in kinds)
    return Platform.FARGATE if is_fargate else Platform.EC2


def _get_max_vcpus(environments: list[dict[str, Any]]) -> int:
    return max(int(env.get("computeResources", {}).get("maxvCpus", 0)) for env in environments)


def _check_settings(settings: ExecutorSettings, platform: Platform) -> None:
    if platform is not Platform.FARGATE:
        return
    if settings.shared_memory or settings.scratch_volume:
        raise WorkflowError(
            "shared-memory and scratch-volume are for EC2, but the job queue is Fargate; "
            "leave them out or use a queue of EC2 instances"
        )
    if not settings.execution_role:
        raise WorkflowError("the job queue is Fargate; give --aws-batch-array-execution-role")
