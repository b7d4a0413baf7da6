"""Short ways to submit a job to the emulated Batch and to wait for it."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws.emulator.client import EmulatedAWS

IMAGE = "debian:trixie-slim"
DEADLINE_S = 60


class Gate:
    """Keeps jobs waiting until a test opens it: a file on a volume that all hosts share."""

    wait = "until [ -e /gate/open ]; do sleep 0.1; done"
    """What a job's shell does."""

    def __init__(self, folder: Path) -> None:
        """Take an empty folder."""
        self._folder = folder
        shared = {"fileSystemId": "fs-gate", "rootDirectory": str(folder)}
        self.container = {
            "volumes": [{"name": "gate", "efsVolumeConfiguration": shared}],
            "mountPoints": [{"sourceVolume": "gate", "containerPath": "/gate"}],
        }

    def open(self) -> None:
        """Let the jobs go on."""
        (self._folder / "open").touch()


def register(aws: EmulatedAWS, command: str = "true", **members: Any) -> str:
    """Register a job definition that runs a shell command; returns its ARN.

    ``vcpus``, ``memory`` and members of containerProperties are taken out of ``members``.
    """
    container = members.pop("container", {})
    sizes = {"VCPU": members.pop("vcpus", "1"), "MEMORY": members.pop("memory", "256")}
    reply = aws.client("batch").register_job_definition(
        jobDefinitionName=members.pop("name", f"definition-{uuid.uuid4()}"),
        type="container",
        containerProperties={
            "image": IMAGE,
            "command": ["bash", "-c", command],
            "resourceRequirements": [{"type": t, "value": v} for t, v in sizes.items()],
            **container,
        },
        **members,
    )
    return reply["jobDefinitionArn"]


def submit(aws: EmulatedAWS, definition: str, size: int | None = None, **members: Any) -> str:
    """Submit a plain job, or an array; returns its id."""
    if size is not None:
        members["arrayProperties"] = {"size": size}
    members = {"jobName": "job", "jobQueue": aws.queue, **members}
    return aws.client("batch").submit_job(jobDefinition=definition, **members)["jobId"]


def run(aws: EmulatedAWS, command: str, **members: Any) -> dict[str, Any]:
    """Run a shell command as a plain job and return its description when it has ended."""
    return finished(aws, submit(aws, register(aws, command, **members)))


def describe(aws: EmulatedAWS, job_id: str) -> dict[str, Any]:
    """The JobDetail of a job."""
    return aws.client("batch").describe_jobs(jobs=[job_id])["jobs"][0]


def finished(aws: EmulatedAWS, job_id: str) -> dict[str, Any]:
    """Wait for a job's end; returns its JobDetail."""
    return wait_for(lambda: describe(aws, job_id), lambda job: "stoppedAt" in job)


def wait_for_status(aws: EmulatedAWS, job_id: str, status: str) -> dict[str, Any]:
    """Wait until a job has this status; returns its JobDetail."""
    return wait_for(lambda: describe(aws, job_id), lambda job: job["status"] == status)


def wait_for(look: Callable[[], Any], is_enough: Callable[[Any], bool]) -> Any:
    """Look again and again; AssertionError after a minute."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_enough(seen := look()):
        assert time.monotonic() < deadline, f"waited in vain; the last seen: {seen}"
        time.sleep(0.1)
    return seen


def log_of(aws: EmulatedAWS, attempt: dict[str, Any], group: str = "/aws/batch/job") -> list[str]:
    """The lines that an attempt, or a job's last one, has written to CloudWatch."""
    events = aws.client("logs").get_log_events(
        logGroupName=group, logStreamName=attempt["container"]["logStreamName"], startFromHead=True
    )
    return [event["message"] for event in events["events"]]
