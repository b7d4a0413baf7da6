"""Instances of compute environments: where an attempt fits, and how much is free.

AWS: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html,
https://docs.aws.amazon.com/batch/latest/userguide/memory-management.html and
https://docs.aws.amazon.com/batch/latest/userguide/fargate.html
moto 5.2.5 starts every job at once, whatever the compute environment holds.

Each attempt gets an instance of its own, of one of the smallest types that fit it, each in turn;
Batch may pack several jobs on a larger one.
"""

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.batch.models import ComputeEnvironment
from moto.ec2.models.instance_types import INSTANCE_TYPES

DEFAULT_FAMILIES = {
    "optimal": ("m6i", "c6i", "r6i", "c7i"),
    "default_x86_64": ("m6i", "c6i", "r6i", "c7i"),
    "default_arm64": ("m6g", "c6g", "r6g", "c7g"),
}
AGENT_MIB = 32
PLATFORM_SHARE = 0.03
"""The kernel's part of an instance's memory; AWS gives no formula, this is a cautious estimate."""

TOO_LARGE_FOR_ENVIRONMENT = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue "
    "cannot meet the CPU requirement of the job."
)
TOO_LARGE_FOR_INSTANCES = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) "
    "is higher than that can be met by the CE(s) attached to the job queue."
)


@dataclass(frozen=True)
class InstanceType:
    """What an instance type offers to jobs, after the system's share."""

    vcpus: int
    memory_mib: int
    name: str


@dataclass(frozen=True)
class Host:
    """The instance under one attempt; on Fargate there is one, but it cannot be asked."""

    instance_id: str
    instance_type: str
    zone: str
    life_cycle: str
    environment: str
    container_instance_arn: str | None
    launched: datetime


@dataclass
class Capacity:
    """The vCPUs of one compute environment and who uses them."""

    environment: ComputeEnvironment
    used: float = 0.0
    zones: "itertools.cycle[str]" = field(default_factory=lambda: itertools.cycle("abcdf"))
    launches: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def resources(self) -> dict[str, Any]:
        """The ``computeResources`` as they were created."""
        return self.environment.compute_resources

    @property
    def is_fargate(self) -> bool:
        """Whether there are no instances to choose."""
        return "FARGATE" in self.resources["type"]

    def has_room(self, vcpus: float) -> bool:
        """Whether a job of this size may start now."""
        return self.used + vcpus <= int(self.resources["maxvCpus"])

    def obstacle(self, vcpus: float, memory_mib: int) -> str | None:
        """Why a job of this size can never run here, in Batch's words."""
        if vcpus > int(self.resources["maxvCpus"]):
            return TOO_LARGE_FOR_ENVIRONMENT
        if not self.is_fargate and not self._smallest_fits(vcpus, memory_mib):
            return TOO_LARGE_FOR_INSTANCES
        return None

    def _smallest_fits(self, vcpus: float, memory_mib: int) -> list[InstanceType]:
        """The types with the fewest vCPUs that fit, the smallest memory first."""
        fits = [
            instance
            for instance in instance_types(tuple(self.resources["instanceTypes"]))
            if instance.vcpus >= vcpus and instance.memory_mib >= memory_mib
        ]
        return [instance for instance in fits if instance.vcpus == fits[0].vcpus]

    def launch(self, vcpus: float, memory_mib: int) -> Host:
        """Take the vCPUs and name the instance; ``obstacle`` and ``has_room`` were asked before."""
        self.used += vcpus
        fits = [] if self.is_fargate else self._smallest_fits(vcpus, memory_mib)
        instance = fits[next(self.launches) % len(fits)] if fits else None
        region, account = self.environment.arn.split(":")[3:5]
        cluster = f"arn:aws:ecs:{region}:{account}:container-instance/{self.environment.ecs_name}"
        return Host(
            instance_id=f"i-{secrets.token_hex(9)[:17]}",
            instance_type=instance.name if instance else "fargate",
            zone=region + next(self.zones),
            life_cycle="spot" if "SPOT" in self.resources["type"] else "on-demand",
            environment=self.environment.name,
            container_instance_arn=None
            if self.is_fargate
            else f"{cluster}/{secrets.token_hex(16)}",
            launched=datetime.now(UTC),
        )

    def release(self, vcpus: float) -> None:
        """Give back what an attempt has used."""
        self.used -= vcpus


_TYPES: dict[tuple[str, ...], list[InstanceType]] = {}


def instance_types(allowed: tuple[str, ...]) -> list[InstanceType]:
    """The instance types that a compute environment may use, smallest first.

    ``allowed`` are types (``m6i.xlarge``), families (``m6i``) or ``optimal``.
    """
    if allowed not in _TYPES:
        families = {f for name in allowed for f in DEFAULT_FAMILIES.get(name, (name,))}
        _TYPES[allowed] = sorted(
            (
                _offer(name, facts)
                for name, facts in INSTANCE_TYPES.items()
                if (name in families or name.split(".")[0] in families) and "metal" not in name
            ),
            key=lambda instance: (instance.vcpus, instance.memory_mib),
        )
    return _TYPES[allowed]


def _offer(name: str, facts: dict[str, Any]) -> InstanceType:
    installed = facts["MemoryInfo"]["SizeInMiB"]
    memory_mib = int(installed * (1 - PLATFORM_SHARE)) - AGENT_MIB
    return InstanceType(facts["VCpuInfo"]["DefaultVCpus"], memory_mib, name)
