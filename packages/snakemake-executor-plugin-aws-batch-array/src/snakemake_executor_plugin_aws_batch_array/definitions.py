"""The requests by which a run's containers are defined and its arrays are submitted."""

from typing import Any

from . import environment, exit_codes
from .arrays import Array
from .requirements import DEFAULT_MEMORY_MIB_PER_VCPU, Platform, Requirements
from .settings import ExecutorSettings
from .versions import format_versions

# Every image has it, and a volume that Docker makes there may be written by every user.
SCRATCH_PATH = "/tmp"  # noqa: S108
COMMAND = ["python3", "-m", "snakemake_executor_plugin_aws_batch_array.worker"]

# The first rule that matches decides, and at most five are allowed. What no rule matches is tried
# again: `Host EC2 ... terminated`, `Your Spot Task was interrupted`, `Task failed to start`. Of an
# image that was not pulled the first words do not say whether it ever will be; the controller
# reads the others. The last rule ends what exited by itself. What we terminated or what took too
# long Batch never tries again.
# https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
EVALUATE_ON_EXIT = [
    {"onExitCode": str(exit_codes.TEMPORARY), "action": "RETRY"},
    {"onExitCode": exit_codes.OF_KILLED, "action": "RETRY"},
    {"onExitCode": str(exit_codes.TERMINATED), "action": "RETRY"},
    {"onReason": "CannotPullContainerError*", "action": "EXIT"},
    {"onStatusReason": "Essential container*", "action": "EXIT"},
]


def build_definition(
    name: str, settings: ExecutorSettings, platform: Platform, run_prefix: str
) -> dict[str, Any]:
    """Request of RegisterJobDefinition; sizes are overridden by each array.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html
    """
    request: dict[str, Any] = {
        "jobDefinitionName": name,
        "type": "container",
        "platformCapabilities": [platform.value],
        "containerProperties": _build_container(name, settings, platform, run_prefix),
        "retryStrategy": {"attempts": settings.attempts, "evaluateOnExit": EVALUATE_ON_EXIT},
        "propagateTags": True,
    }
    if settings.task_timeout is not None:
        request["timeout"] = {"attemptDurationSeconds": settings.task_timeout}
    if settings.tags:
        request["tags"] = settings.tags
    return request


def _build_container(
    name: str, settings: ExecutorSettings, platform: Platform, run_prefix: str
) -> dict[str, Any]:
    container: dict[str, Any] = {
        "image": settings.image,
        "command": COMMAND,
        "jobRoleArn": settings.job_role,
        "resourceRequirements": Requirements(1, DEFAULT_MEMORY_MIB_PER_VCPU + 512).to_batch(),
        "environment": _to_environment(
            {
                "AWS_DEFAULT_REGION": str(settings.region),
                environment.BUCKET: str(settings.bucket),
                environment.RUN_PREFIX: run_prefix,
                environment.SCRATCH: SCRATCH_PATH,
                environment.VERSIONS: format_versions(),
            }
        ),
        "readonlyRootFilesystem": True,
        "volumes": [_build_scratch(settings)],
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": SCRATCH_PATH}],
        "linuxParameters": {"initProcessEnabled": True},
        # The group is Batch's own; the prefix keeps the streams of a run together.
        # https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-stream-prefix": name}},
    }
    if settings.execution_role:
        container["executionRoleArn"] = settings.execution_role
    if settings.shared_memory:
        container["linuxParameters"]["sharedMemorySize"] = settings.shared_memory
    if platform is Platform.FARGATE:
        # Without a public address or an endpoint in the subnet no image is pulled.
        container["networkConfiguration"] = {"assignPublicIp": "ENABLED"}
    else:
        container["privileged"] = False
    return container


def _build_scratch(settings: ExecutorSettings) -> dict[str, Any]:
    """A folder of the host, or a volume that Docker makes for the container.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_Host.html
    """
    host = {"sourcePath": settings.scratch_volume} if settings.scratch_volume else {}
    return {"name": "scratch", "host": host}


def build_submission(
    array: Array,
    definition: str,
    line_bytes: int,
    settings: ExecutorSettings,
    share: str | None = None,
) -> dict[str, Any]:
    """Request of SubmitJob; one task is a plain job, as an array has two children at least.

    A share identifier is for queues with a scheduling policy; others refuse it.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
    """
    request: dict[str, Any] = {
        "jobName": array.name,
        "jobQueue": array.queue,
        "jobDefinition": definition,
        "containerOverrides": {
            "resourceRequirements": array.requirements.to_batch(),
            "environment": _to_environment(
                {environment.ARRAY: array.name, environment.LINE_BYTES: str(line_bytes)}
            ),
        },
    }
    if len(array.tasks) > 1:
        request["arrayProperties"] = {"size": len(array.tasks)}
    if share:
        request["shareIdentifier"] = share
    if settings.tags:
        request["tags"] = settings.tags
    return request


def _to_environment(variables: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variables.items()]
