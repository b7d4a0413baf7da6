"""The checks of AWS, in the order in which mistakes usually occur."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from math import floor
from typing import Protocol

from bactofleet.aws.push import PLATFORMS
from bactofleet.core.destination import is_s3
from bactofleet.doctor.account import Caller, Environment, InstanceType, Queue
from bactofleet.doctor.findings import ERROR, Check, Finding, guarded
from bactofleet.doctor.work import Work
from bactofleet.launch.controller_job import VCPUS, get_memory_mib
from bactofleet.launch.shards import MAX_GENOMES
from snakemake_executor_plugin_aws_batch_array import api

DEPLOY = "`bactofleet aws deploy`"
PUSH = "`bactofleet aws push`"
# Settings that the executor needs, by the command that sets them.
REQUIRED = {DEPLOY: ("region", "bucket", "job-queue", "job-role"), PUSH: ("image",)}
SRA_REGION = "us-east-1"  # of s3://sra-pub-run-odp: https://registry.opendata.aws/ncbi-sra/
# AWS accepts requests whose time differs by up to five minutes, S3 by up to fifteen:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html
MAX_SKEW_S, NOTED_SKEW_S = 300, 60
# vCPUs of standard instances that may run at a time, by default 5 in new accounts:
# https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
QUOTAS = {True: ("spot", "L-34B43A08"), False: ("on-demand", "L-1216C47A")}
# The host keeps the rest for itself (docs/executor.md): 14,336 of 16,384 MiB are for jobs.
JOBS_SHARE = 0.875
MIN_CONTROLLER_VCPUS = 16  # the template's default
SYSTEM_GIB = 12  # disk space for the operating system and the image
TASKS = "ecs-tasks.amazonaws.com"
ECR_IMAGE = re.compile(
    r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)"
    r"(:|@)(?P<tag>[\w.:-]+)"
)


class Facts(Protocol):
    """The facts about an account that the checks need; see `bactofleet.doctor.account.Account`."""

    def identity(self) -> Caller: ...  # noqa: D102
    def bucket_region(self, bucket: str) -> str | None: ...  # noqa: D102
    def can_write(self, bucket: str) -> bool: ...  # noqa: D102
    def queue(self, name: str) -> Queue | None: ...  # noqa: D102
    def dead_ends(self, subnets: list[str]) -> list[str]: ...  # noqa: D102
    def quota(self, code: str) -> float | None: ...  # noqa: D102
    def image_architectures(self, repository: str, tag: str) -> frozenset[str] | None: ...  # noqa: D102
    def trusted_services(self, role_arn: str) -> frozenset[str]: ...  # noqa: D102


def examine(facts: Facts, settings: dict[str, str], work: Work) -> Iterator[Finding]:
    """Yield the findings; stop after errors in credentials, clock or settings."""
    first = [*guarded(Check("credentials"), partial(_credentials, facts))]
    first += _settings(settings)
    yield from first
    if any(finding.level == ERROR for finding in first):
        return
    yield from guarded(Check("region"), partial(_region, facts, settings, work))
    yield from guarded(Check("bucket"), partial(_bucket, facts, settings))
    yield from _results(settings, work)
    yield from _queues(facts, settings, work)
    if name := settings.get("controller-queue"):
        yield from guarded(Check(f"queue {name}"), partial(_controllers, facts, name, work))
    yield from guarded(Check("roles"), partial(_roles, facts, settings))


def _credentials(facts: Facts, check: Check) -> Iterator[Finding]:
    who = facts.identity()
    yield check.ok(f"account {who.account} as {who.arn}")
    skew, clock = abs(who.skew_s), Check("clock")
    message = f"this machine's clock differs from AWS by {skew:.0f} s"
    remedy = "`timedatectl set-ntp true`"
    if skew > MAX_SKEW_S:
        yield clock.error(message, remedy)
    elif skew > NOTED_SKEW_S:
        yield clock.warning(message, remedy)
    else:
        yield clock.ok(message)


def _settings(settings: dict[str, str]) -> Iterator[Finding]:
    check = Check("settings")
    for remedy, names in REQUIRED.items():
        if missing := [name for name in names if not settings.get(name)]:
            yield check.error(f"not set: {', '.join(missing)}", remedy)


def _region(facts: Facts, settings: dict[str, str], work: Work, check: Check) -> Iterator[Finding]:
    region, bucket = settings["region"], settings["bucket"]
    found = facts.bucket_region(bucket)
    if found is None:
        yield check.error(f"there is no bucket {bucket}", DEPLOY)
    elif found != region:
        yield check.error(
            f"bucket {bucket} is in {found}, the settings say {region}",
            f"`bactofleet aws deploy --region {found}`, or unset the variables that name {region}",
        )
    else:
        yield check.ok(f"bucket and queues are in {region}")
    for name in sorted(work.buckets - {bucket}):
        yield from _reads_region(check, name, facts.bucket_region(name), region)
    if work.has_accessions and region != SRA_REGION:
        yield check.warning(
            f"reads of accessions come from {SRA_REGION}: "
            f"AWS charges for each gigabyte to {region}",
            f"`bactofleet aws deploy --region {SRA_REGION}`",
        )


def _reads_region(check: Check, bucket: str, found: str | None, region: str) -> Iterator[Finding]:
    if found is None:
        yield check.error(f"there is no bucket {bucket}, which the sheet names", "edit the sheet")
    elif found != region:
        yield check.warning(
            f"reads are in {bucket} in {found}: AWS charges for each gigabyte to {region}",
            f"`bactofleet aws deploy --region {found}`",
        )


def _bucket(facts: Facts, settings: dict[str, str], check: Check) -> Iterator[Finding]:
    bucket = settings["bucket"]
    if facts.can_write(bucket):
        yield check.ok(f"runs may write to s3://{bucket}")
    else:
        yield check.error(
            f"no permission to write to s3://{bucket}/{api.get_runs_folder()}",
            "use the stack's ControllerRole (docs/aws.md), or ask for s3:PutObject",
        )


def _results(settings: dict[str, str], work: Work) -> Iterator[Finding]:
    """Check that the template allows jobs to write tarballs to the results folder."""
    check, allowed = Check("results"), f"s3://{settings['bucket']}/results"
    remedy = f"set `results: {allowed}` in config/config.yaml"
    if not is_s3(work.results):
        yield check.error(f"{work.results!r} is a folder, which is lost with the instances", remedy)
    elif not f"{work.results}/".startswith(f"{allowed}/"):
        yield check.warning(f"the stack's jobs may write below {allowed} only", remedy)
    else:
        yield check.ok(f"tarballs go to {work.results}")


def _queues(facts: Facts, settings: dict[str, str], work: Work) -> Iterator[Finding]:
    """Check each queue, and the image, disks and quotas of its instances."""
    seen: list[Queue] = []
    for name in [settings[key] for key in ("job-queue", "fallback-queue") if settings.get(key)]:
        yield from guarded(Check(f"queue {name}"), partial(_queue, facts, name, work, seen))
    if seen:
        environments = [item for queue in seen for item in queue.environments]
        types = {kind for item in environments for kind in item.types}
        examine = partial(_image, facts, settings["image"], types)
        yield from guarded(Check("image"), examine)
        yield from _disks(environments, work)
        yield from guarded(Check("network"), partial(_network, facts, environments))
        yield from _hosts(environments)
    for is_spot in sorted({item.is_spot for queue in seen for item in queue.environments}):
        wanted = sum(i.max_vcpus for q in seen for i in q.environments if i.is_spot == is_spot)
        examine = partial(_quota, facts, work, is_spot, wanted)
        yield from guarded(Check("quota"), examine)


def _queue(
    facts: Facts, name: str, work: Work, seen: list[Queue], check: Check
) -> Iterator[Finding]:
    queue = facts.queue(name)
    if queue is None:
        yield check.error("there is no such queue in this account and region", DEPLOY)
        return
    seen.append(queue)
    bad = [*_stopped(check, queue), *_too_small(check, queue, work)]
    size = f"{work.threads} vCPUs and {work.memory_mb:,} MB"
    yield from bad or [check.ok(f"accepts jobs, and has instances with {size}")]


def _controllers(facts: Facts, name: str, work: Work, check: Check) -> Iterator[Finding]:
    """Check the queue of `bactofleet launch`; without it, runs of this machine still work."""
    queue = facts.queue(name)
    if queue is None:
        yield check.error("there is no such queue in this account and region", DEPLOY)
        return
    of_one = min(work.genomes, MAX_GENOMES)
    controller = replace(work, threads=VCPUS, memory_mb=get_memory_mib(of_one, work.genomes))
    bad = [*_stopped(check, queue)]
    if not any(_fits(item, controller) for item in queue.environments):
        bad.append(
            check.error(
                f"no instance has the {VCPUS} vCPUs and {controller.memory_mb:,} MB of a "
                "controller",
                f"`bactofleet aws deploy -p MaxControllerVcpus={MIN_CONTROLLER_VCPUS}`, and larger "
                "InstanceTypes",
            )
        )
    yield from bad or [check.ok("accepts the controllers of `bactofleet launch`")]


def _stopped(check: Check, queue: Queue) -> Iterator[Finding]:
    if (queue.state, queue.status) != ("ENABLED", "VALID"):
        yield check.error(
            f"accepts no jobs: it is {queue.state} and {queue.status}",
            f"`aws batch update-job-queue --job-queue {queue.name} --state ENABLED`",
        )
    for item in queue.environments:
        if (item.state, item.status) != ("ENABLED", "VALID"):
            yield check.error(
                f"its environment {item.name} is {item.state} and {item.status}. {item.reason}",
                "`bactofleet aws start`",
            )


def _too_small(check: Check, queue: Queue, work: Work) -> Iterator[Finding]:
    """Yield an error if a genome does not fit into any environment."""
    if any(_fits(item, work) for item in queue.environments):
        return
    largest = max((k.memory_mib for e in queue.environments for k in e.types), default=0)
    most = max((e.max_vcpus for e in queue.environments), default=0)
    yield check.error(
        f"a genome needs {work.threads} vCPUs and {work.memory_mb:,} MB; at most {most} vCPUs may "
        f"run, and the largest instance has {largest:,} MiB, {JOBS_SHARE:.1%} of it for jobs",
        f"`bactofleet aws deploy -p MaxSpotVcpus={max(256, work.threads)} "
        f"-p MaxOnDemandVcpus={max(64, work.threads)}`, or smaller threads and memory_mb",
    )


def _fits(environment: Environment, work: Work) -> bool:
    return environment.max_vcpus >= work.threads and any(
        kind.vcpus >= work.threads and kind.memory_mib * JOBS_SHARE >= work.memory_mb
        for kind in environment.types
    )


def _quota(facts: Facts, work: Work, is_spot: bool, wanted: int, check: Check) -> Iterator[Finding]:
    name, code = QUOTAS[is_spot]
    quota = facts.quota(code)
    if quota is None:
        remedy = "`aws service-quotas list-service-quotas --service-code ec2`"
        yield check.warning(f"this region does not report the quota of {name} vCPUs", remedy)
        return
    needed = min(wanted, work.genomes * work.threads) or work.threads
    message = (
        f"{quota:.0f} {name} vCPUs at a time, enough for {floor(quota / work.threads)} genomes"
    )
    remedy = (
        "`aws service-quotas request-service-quota-increase --service-code ec2 "
        f"--quota-code {code} --desired-value {needed}`"
    )
    if quota < work.threads:
        yield check.error(message, remedy)
    elif quota < needed:
        yield check.warning(f"{message}; this run could use {needed} vCPUs", remedy)
    else:
        yield check.ok(message)


def _image(facts: Facts, image: str, types: set[InstanceType], check: Check) -> Iterator[Finding]:
    named = ECR_IMAGE.fullmatch(image)
    if named is None:
        yield check.warning(f"{image} is not in ECR and was not checked", PUSH)
        return
    architectures = facts.image_architectures(named["repository"], named["tag"])
    if architectures is None:
        yield check.error(f"{image} is not in its repository", PUSH)
        return
    needed = {PLATFORMS[a] for kind in types for a in kind.architectures if a in PLATFORMS}
    has = " and ".join(sorted(architectures))
    if needed <= architectures:
        yield check.ok(f"{image} exists, for {has}")
    else:
        yield check.error(
            f"{image} is built for {has}, but the instances are {' and '.join(sorted(needed))}",
            "`bactofleet aws push --multi-arch`, or `bactofleet aws deploy -p Architecture=...`",
        )


def _disks(environments: list[Environment], work: Work) -> Iterator[Finding]:
    check = Check("disk")
    for size in sorted({item.disk_gib for item in environments if item.disk_gib}):
        kinds = [k for item in environments if item.disk_gib == size for k in item.types]
        at_a_time = max((kind.vcpus // work.threads for kind in kinds), default=1)
        needed = SYSTEM_GIB + at_a_time * work.scratch_gib
        message = (
            f"instances have {size} GiB; {at_a_time} genomes at a time need up to {needed:.0f} GiB"
        )
        if size < needed:
            remedy = f"`bactofleet aws deploy -p RootVolumeGiB={needed:.0f}`"
            yield check.warning(message, remedy)
        else:
            yield check.ok(message)


def _network(facts: Facts, environments: list[Environment], check: Check) -> Iterator[Finding]:
    subnets = sorted({name for item in environments for name in item.subnets})
    dead_ends = facts.dead_ends(subnets) if subnets else []
    remedy = "`bactofleet aws deploy -p SubnetIds=...`, or give them a way out (docs/aws.md)"
    yield from (check.error(line, remedy) for line in dead_ends)
    if not dead_ends:
        yield check.ok(f"{len(subnets)} subnets lead to the internet")


def _hosts(environments: list[Environment]) -> Iterator[Finding]:
    """Warn of hosts without the newest fixes of the operating system and of the ECS agent."""
    check = Check("hosts")
    old = sorted({item.name for item in environments if item.has_old_image})
    for name in old:
        yield check.warning(f"instances of {name} do not get the newest image of AWS Batch", DEPLOY)
    if not old:
        yield check.ok("instances get the newest image of AWS Batch")


def _roles(facts: Facts, settings: dict[str, str], check: Check) -> Iterator[Finding]:
    for name in [name for name in ("job-role", "execution-role") if settings.get(name)]:
        if TASKS in facts.trusted_services(settings[name]):
            yield check.ok(f"containers may assume the {name}")
        else:
            yield check.error(f"{settings[name]} does not trust {TASKS}", DEPLOY)
