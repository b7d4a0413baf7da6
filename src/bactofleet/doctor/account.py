"""All requests of the doctor to AWS; they change nothing."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from bactofleet.aws.environments import has_old_image
from bactofleet.aws.faults import DENIED, error_code
from bactofleet.aws.network import find_dead_ends
from snakemake_executor_plugin_aws_batch_array import api

# Families behind the names by which Batch chooses types itself:
# https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html
FAMILIES = {
    "optimal": ("m6i", "c6i", "r6i", "c7i"),
    "default_x86_64": ("m6i", "c6i", "r6i", "c7i"),
    "default_arm64": ("m6g", "c6g", "r6g", "c7g"),
}
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html
MAX_FILTER_VALUES = 200
# An upload with a condition that no object meets: S3 checks the permission first.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
PROBE_KEY = f"{api.get_runs_folder()}doctor"
NO_ETAG = "00000000000000000000000000000000"
LIST_TYPES = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
MANIFEST_TYPES = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)


@dataclass(frozen=True)
class Caller:
    """The caller's identity, and how much this machine's clock is ahead of that of AWS (s)."""

    account: str
    arn: str
    skew_s: float


@dataclass(frozen=True)
class InstanceType:
    """An instance type with its CPUs and memory."""

    name: str
    vcpus: int
    memory_mib: int
    architectures: frozenset[str]


@dataclass(frozen=True)
class Environment:
    """A compute environment of a queue."""

    name: str
    state: str
    status: str
    reason: str
    is_spot: bool
    max_vcpus: int
    types: tuple[InstanceType, ...]
    disk_gib: int | None
    """Size of the root volume, if a launch template sets it."""
    has_old_image: bool = False
    """Whether Batch has a newer image for instances."""
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Queue:
    """A job queue with its compute environments."""

    name: str
    state: str
    status: str
    environments: tuple[Environment, ...]


class Account:
    """An account in one region, through a boto3 session."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._client = cache(session.client)
        self._types = cache(self._describe_types)

    def identity(self) -> Caller:
        """Return the identity that the credentials belong to."""
        reply = self._client("sts").get_caller_identity()
        date = reply["ResponseMetadata"]["HTTPHeaders"].get("date")
        skew = datetime.now(UTC) - parsedate_to_datetime(date) if date else None
        seconds = skew.total_seconds() if skew else 0.0
        return Caller(reply["Account"], reply["Arn"], seconds)

    def bucket_region(self, bucket: str) -> str | None:
        """Return the region of a bucket of any account; None if there is no such bucket."""
        try:
            reply = self._client("s3").head_bucket(Bucket=bucket)
        except ClientError as error:
            reply = error.response
        headers: dict[str, str] = reply["ResponseMetadata"]["HTTPHeaders"]
        return headers.get("x-amz-bucket-region")

    def can_write(self, bucket: str) -> bool:
        """Check the permission to upload to the folder of runs, without an upload."""
        try:
            self._client("s3").put_object(Bucket=bucket, Key=PROBE_KEY, Body=b"", IfMatch=NO_ETAG)
        except ClientError as error:
            if error_code(error) in DENIED:
                return False
            if error_code(error) not in ("NoSuchKey", "PreconditionFailed"):
                raise
        return True

    def queue(self, name: str) -> Queue | None:
        """Return a queue by name or ARN; None if there is no such queue."""
        batch = self._client("batch")
        queues = batch.describe_job_queues(jobQueues=[name])["jobQueues"]
        if not queues:
            return None
        order = [item["computeEnvironment"] for item in queues[0]["computeEnvironmentOrder"]]
        found = batch.describe_compute_environments(computeEnvironments=order)
        environments = tuple(self._environment(item) for item in found["computeEnvironments"])
        status = queues[0].get("status", "VALID")
        return Queue(queues[0]["jobQueueName"], queues[0]["state"], status, environments)

    def _environment(self, item: dict[str, Any]) -> Environment:
        resources = item.get("computeResources", {})
        return Environment(
            name=item["computeEnvironmentName"],
            state=item["state"],
            status=item.get("status", "VALID"),
            reason=item.get("statusReason") or "",
            is_spot="SPOT" in resources.get("type", ""),
            max_vcpus=int(resources.get("maxvCpus", 0)),
            types=self._types(tuple(resources.get("instanceTypes", ()))),
            disk_gib=self._disk_gib(resources.get("launchTemplate")),
            has_old_image=has_old_image(resources),
            subnets=tuple(resources.get("subnets", ())),
        )

    def dead_ends(self, subnets: list[str]) -> list[str]:
        """Return why instances in these subnets would reach nothing, a line for each."""
        return find_dead_ends(self._client("ec2"), subnets)

    def _describe_types(self, names: tuple[str, ...]) -> tuple[InstanceType, ...]:
        """Describe types (`c7i.xlarge`), families (`c7i`) and the names in `FAMILIES`."""
        families = [family for name in names for family in FAMILIES.get(name, (name,))]
        values = [name if "." in name else f"{name}.*" for name in families]
        pages = self._client("ec2").get_paginator("describe_instance_types")
        return tuple(
            _instance_type(item)
            for start in range(0, len(values), MAX_FILTER_VALUES)
            for page in pages.paginate(
                Filters=[
                    {"Name": "instance-type", "Values": values[start : start + MAX_FILTER_VALUES]}
                ]
            )
            for item in page["InstanceTypes"]
        )

    def _disk_gib(self, template: dict[str, str] | None) -> int | None:
        if not template:
            return None
        names = {"launchTemplateId": "LaunchTemplateId", "launchTemplateName": "LaunchTemplateName"}
        which = {names[key]: template[key] for key in names if template.get(key)}
        versions = self._client("ec2").describe_launch_template_versions(
            Versions=[template.get("version") or "$Default"], **which
        )
        data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        disks = [item.get("Ebs", {}) for item in data.get("BlockDeviceMappings", [])]
        sizes = [int(disk["VolumeSize"]) for disk in disks if "VolumeSize" in disk]
        return max(sizes, default=None)

    def quota(self, code: str) -> float | None:
        """Return the value of an EC2 quota; None if the region does not report it."""
        quotas = self._client("service-quotas")
        try:
            reply = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)
        except quotas.exceptions.NoSuchResourceException:
            return None
        return float(reply["Quota"]["Value"])

    def image_architectures(self, repository: str, tag: str) -> frozenset[str] | None:
        """Return the architectures of an image in ECR, such as `amd64`; None without the image."""
        which = {"imageDigest": tag} if tag.startswith("sha256:") else {"imageTag": tag}
        reply = self._client("ecr").batch_get_image(
            repositoryName=repository,
            imageIds=[which],
            acceptedMediaTypes=[*LIST_TYPES, *MANIFEST_TYPES],
        )
        if not reply["images"]:
            return None
        manifest = json.loads(reply["images"][0]["imageManifest"])
        if "manifests" in manifest:
            return _known(item.get("platform", {}) for item in manifest["manifests"])
        return _known([self._read_layer(repository, manifest["config"]["digest"])])

    def _read_layer(self, repository: str, digest: str) -> dict[str, Any]:
        """Fetch the configuration of an image, which names its architecture."""
        reply = self._client("ecr").get_download_url_for_layer(
            repositoryName=repository, layerDigest=digest
        )
        # An HTTPS URL that ECR has just signed.
        with urllib.request.urlopen(reply["downloadUrl"]) as answer:  # noqa: S310
            configuration: dict[str, Any] = json.load(answer)
            return configuration

    def trusted_services(self, role_arn: str) -> frozenset[str]:
        """Return the services that may assume a role."""
        role = self._client("iam").get_role(RoleName=role_arn.rsplit("/", 1)[1])["Role"]
        principals = [s.get("Principal", {}) for s in role["AssumeRolePolicyDocument"]["Statement"]]
        services = [p.get("Service", []) for p in principals if isinstance(p, dict)]
        return frozenset(
            name for some in services for name in ([some] if isinstance(some, str) else some)
        )


def _instance_type(item: dict[str, Any]) -> InstanceType:
    return InstanceType(
        item["InstanceType"],
        int(item["VCpuInfo"]["DefaultVCpus"]),
        int(item["MemoryInfo"]["SizeInMiB"]),
        frozenset(item["ProcessorInfo"]["SupportedArchitectures"]),
    )


def _known(platforms: Iterable[dict[str, Any]]) -> frozenset[str]:
    """Return the architectures, without the `unknown` of attestations, which buildx adds."""
    return frozenset(p["architecture"] for p in platforms if p.get("architecture") != "unknown")
