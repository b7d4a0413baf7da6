"""What a job requests: vCPUs, memory and GPUs, by the rules of the queue's platform."""

from dataclasses import dataclass
from enum import StrEnum

from snakemake_executor_plugin_aws_batch.constant import VALID_RESOURCES_MAPPING
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

# A host reserves some of its memory for the kernel and the agent, so a job that requests all of it
# is never placed. 3.5 of the 4 GiB per vCPU of an m-family instance fit.
# https://docs.aws.amazon.com/batch/latest/userguide/memory-management.html
DEFAULT_MEMORY_MIB_PER_VCPU = 3584
# Snakemake itself takes some 200 MiB of the container.
MIN_MEMORY_MIB = 512


class Platform(StrEnum):
    """Where the containers of a queue run."""

    EC2 = "EC2"
    FARGATE = "FARGATE"


@dataclass(frozen=True, order=True)
class Requirements:
    """The size of all children of an array; memory in MiB."""

    vcpus: int
    memory_mib: int
    gpus: int = 0

    def to_batch(self) -> list[dict[str, str]]:
        """As `resourceRequirements` of a container.

        https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
        """
        amounts = {"VCPU": self.vcpus, "MEMORY": self.memory_mib, "GPU": self.gpus}
        return [{"type": kind, "value": str(n)} for kind, n in amounts.items() if n]


def get_requirements(job: JobExecutorInterface, platform: Platform) -> Requirements:
    """Read threads, `mem_mb` and `gpu` of a job or of a group.

    Raises:
        WorkflowError: the platform has no such size.
    """
    vcpus = max(1, int(job.resources.get("_cores", 1)))
    asked_mib = int(job.resources.get("mem_mb") or vcpus * DEFAULT_MEMORY_MIB_PER_VCPU)
    memory_mib = max(asked_mib, MIN_MEMORY_MIB)
    gpus = int(job.resources.get("gpu", 0))
    if platform is Platform.FARGATE:
        return _fit_fargate(job.name, Requirements(vcpus, memory_mib, gpus))
    return Requirements(vcpus, memory_mib, gpus)


def _fit_fargate(name: str, asked: Requirements) -> Requirements:
    """Take the smallest Fargate size that holds the request."""
    sizes = [
        Requirements(vcpus, memory)
        for memory, allowed in VALID_RESOURCES_MAPPING.items()
        for vcpus in allowed
        if vcpus >= asked.vcpus and memory >= asked.memory_mib
    ]
    if asked.gpus or not sizes:
        raise WorkflowError(
            f"job {name} asks for {asked.vcpus} vCPUs, {asked.memory_mib} MiB and {asked.gpus} "
            "GPUs; Fargate has at most 16 vCPUs, 122880 MiB and no GPU: ask for less or use a "
            "queue of EC2 instances"
        )
    return min(sizes)
