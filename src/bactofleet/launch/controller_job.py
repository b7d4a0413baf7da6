"""The job of AWS Batch in which the controller of a shard works."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from bactofleet.aws.faults import error_code
from bactofleet.launch.place import Place
from bactofleet.launch.project import ARCHIVE
from bactofleet.launch.record import Record, TakenError, read_record, write_record
from bactofleet.run.beginning import TOKEN
from snakemake_executor_plugin_aws_batch_array import api

VCPUS = 2
# Planning takes some 0.1 MiB a genome; the report and the copies come after it.
BASE_MIB, GENOME_MIB = 2048, 0.15
# The report of all shards takes some 15 KiB a genome, after Snakemake has ended.
REPORTED_MIB = 0.03
# A controller is started again after everything but its own end: 0, or 1 with a reason in its log.
# https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
ATTEMPTS = 10
EVALUATE_ON_EXIT = [{"onExitCode": "1", "action": "EXIT"}]
COMMAND = ["python3", "-m", "bactofleet.launch.controller"]
SCRATCH = "/tmp"  # noqa: S108 - a volume of the container
BUCKET, RUN, SHARD = "BACTOFLEET_BUCKET", "BACTOFLEET_RUN", "BACTOFLEET_SHARD"
# ListJobs and DescribeJobs may not know a new job for some time.
GRACE_S = 300.0
LOOKUP_PAUSES_S = (1.0, 2.0, 0.0)


@dataclass(frozen=True)
class Controller:
    """A controller that is at work, or waits for an instance."""

    job_id: str
    """Empty while another launch submits it."""
    status: str
    started: float | None
    """Seconds since the epoch."""


def get_job_name(place: Place, token: str) -> str:
    """Return the name of a controller's job."""
    return f"controller-{place.name}-{token}-{place.shard.rpartition('-')[2]}"


def find_controller(
    batch: Any, place: Place, record: Record | None, queue: str
) -> Controller | None:
    """Return the controller of the last launch; None if it has ended or never began."""
    if record is None:
        return None
    job_id = record.job_id or _find_job(batch, queue, get_job_name(place, record.token))
    job = _describe(batch, job_id) if job_id else None
    if job is None:
        is_new = time.time() - record.written < GRACE_S
        return Controller(job_id, "SUBMITTED", None) if is_new else None
    started = job["startedAt"] / 1000 if job.get("startedAt") else None
    return None if job["status"] in api.ENDED else Controller(job_id, job["status"], started)


def find_controllers(
    batch: Any, records: Mapping[Place, Record | None], queue: str
) -> dict[Place, Controller]:
    """Return the controllers that are at work or wait, by their shards."""
    found = {p: find_controller(batch, p, record, queue) for p, record in records.items()}
    return {place: controller for place, controller in found.items() if controller}


def start_controller(
    session: Any,
    place: Place,
    project: bytes,
    memory_mib: int,
    settings: dict[str, str],
) -> str:
    """Submit the controller of a shard and return the id of its job.

    Raises `TakenError` if it has a controller, or another launch is faster.
    """
    s3 = session.client("s3")
    batch = open_batch(session)
    record, version = read_record(s3, place)
    if find_controller(batch, place, record, settings["controller-queue"]):
        raise TakenError
    record = Record()
    version = write_record(s3, place, record, version)
    s3.put_object(Bucket=place.bucket, Key=place.key(ARCHIVE), Body=project)
    job_id = _submit(batch, place, record.token, memory_mib, settings)
    write_record(s3, place, replace(record, job_id=job_id), version)
    return job_id


def open_batch(session: Any) -> Any:
    """Return a client that repeats nothing.

    SubmitJob has no client token: repeated after a lost answer, it would start two controllers.
    """
    return session.client("batch", config=Config(retries={"total_max_attempts": 1}))


def get_memory_mib(genomes: int, of_all: int) -> int:
    """Return the memory of a controller that makes some of all genomes and may report all."""
    return round(BASE_MIB + max(GENOME_MIB * genomes, REPORTED_MIB * of_all))


def remove_definition(batch: Any, place: Place, token: str) -> None:
    """Deregister the definition of a controller that needs no further attempt.

    Its name is unique, so that it has one revision. It is no error if it is gone already.
    """
    try:
        batch.deregister_job_definition(jobDefinition=f"{get_job_name(place, token)}:1")
    except ClientError as error:
        if error_code(error) != "ClientException":
            raise


def _submit(batch: Any, place: Place, token: str, memory_mib: int, settings: dict[str, str]) -> str:
    name = get_job_name(place, token)
    definition = batch.register_job_definition(
        jobDefinitionName=name,
        type="container",
        platformCapabilities=["EC2"],
        containerProperties=_build_container(place, token, memory_mib, settings),
        retryStrategy={"attempts": ATTEMPTS, "evaluateOnExit": EVALUATE_ON_EXIT},
    )["jobDefinitionArn"]
    reply = batch.submit_job(
        jobName=name, jobQueue=settings["controller-queue"], jobDefinition=definition
    )
    return str(reply["jobId"])


def _build_container(
    place: Place, token: str, memory_mib: int, settings: dict[str, str]
) -> dict[str, Any]:
    """Return the container: as that of a genome, and without any secret.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
    """
    variables = {
        "AWS_DEFAULT_REGION": settings["region"],
        BUCKET: place.bucket,
        RUN: place.name,
        SHARD: place.shard,
        TOKEN: token,
    }
    return {
        "image": settings["image"],
        "command": COMMAND,
        "jobRoleArn": settings["controller-role"],
        "executionRoleArn": settings["execution-role"],
        "resourceRequirements": [
            {"type": "VCPU", "value": str(VCPUS)},
            {"type": "MEMORY", "value": str(memory_mib)},
        ],
        "environment": [{"name": name, "value": value} for name, value in variables.items()],
        "readonlyRootFilesystem": True,
        "privileged": False,
        "volumes": [{"name": "scratch", "host": {}}],
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": SCRATCH}],
        "linuxParameters": {"initProcessEnabled": True},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-stream-prefix": get_job_name(place, token)},
        },
    }


def _describe(batch: Any, job_id: str) -> dict[str, Any] | None:
    """Describe a job; one empty answer does not mean that there is no such job."""
    for pause_s in LOOKUP_PAUSES_S:
        if found := batch.describe_jobs(jobs=[job_id])["jobs"]:
            return dict(found[0])
        time.sleep(pause_s)
    return None


def _find_job(batch: Any, queue: str, name: str) -> str:
    """Return the id of the job with this unique name; "" if Batch does not list it."""
    filters = [{"name": "JOB_NAME", "values": [name]}]
    found = batch.list_jobs(jobQueue=queue, filters=filters)["jobSummaryList"]
    return str(found[0]["jobId"]) if found else ""
