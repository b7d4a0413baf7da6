"""The requests that define a run's containers and submit its arrays."""

from typing import Any

from . import environment, exit_codes
from .arrays import Array
from .requirements import DEFAULT_MEMORY_MIB_PER_VCPU, Platform, Requirements
from .settings import ExecutorSettings
from .versions import format_versions

# Every image has it, and every user may write to a volume that Docker makes there.
SCRATCH_PATH = "/tmp"  # noqa: S108
COMMAND = ["python3", "-m", "snakemake_executor_plugin_aws_batch_array.worker"]

# The first matching rule decides, and at most five are allowed. Failures that match no rule are
# retried: `Host EC2 ... terminated`, `Your Spot Task was interrupted`, `Task failed to start`. If
# an image was not pulled, the start of the message does not say whether that will ever work; the
# controller reads the rest. The last rule ends jobs that exited by themselves. Batch never retries
# jobs that were terminated or timed out.
# https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
EVALUATE_ON_EXIT = [
    {"onExitCode": str(exit_codes.TEMPORARY), "action": "RETRY"},
    {"onExitCode": exit_codes.OF_KILLED, "action": "RETRY"},
    {"onExitCode": str(exit_codes.TERMINATED), "action": "RETRY"},
    {"onReason": "CannotPullContainerError*", "action": "EXIT"},
    {"onStatusReason": "Essential container*", "action": "EXIT"},
]


def build_definition(
    name: str,
    settings: ExecutorSettings,
    platform: Platform,
    run_prefix: str,
    bundle_sha256: str,
) -> dict[str, Any]:
    """Request of RegisterJobDefinition; each array overrides the sizes.

    Jobs may be able to write to the bucket, but not to the definition, so that a child trusts only
    the bundle whose SHA-256 the definition names.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html
    """
    request: dict[str, Any] = {
        "jobDefinitionName": name,
        "type": "container",
        "platformCapabilities": [platform.value],
        "containerProperties": _build_container(
            name, settings, platform, run_prefix, bundle_sha256
        ),
        "retryStrategy": {"attempts": settings.attempts, "evaluateOnExit": EVALUATE_ON_EXIT},
        "propagateTags": True,
    }
    if settings.task_timeout is not None:
        request["timeout"] = {"attemptDurationSeconds": settings.task_timeout}
    if settings.tags:
        request["tags"] = settings.tags
    return request


def _build_container(
    name: str,
    settings: ExecutorSettings,
    platform: Platform,
    run_prefix: str,
    bundle_sha256: str,
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
                environment.BUNDLE_SHA256: bundle_sha256,
                environment.SCRATCH: SCRATCH_PATH,
                environment.VERSIONS: format_versions(settings.matched_packages),
            }
        ),
        "readonlyRootFilesystem": True,
        "volumes": [_build_scratch(settings)],
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": SCRATCH_PATH}],
        "linuxParameters": {"initProcessEnabled": True},
        # The log group is that of Batch; the prefix keeps the streams of a run together.
        # https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-stream-prefix": name}},
    }
    if settings.execution_role:
        container["executionRoleArn"] = settings.execution_role
    if settings.shared_memory:
        container["linuxParameters"]["sharedMemorySize"] = settings.shared_memory
    if platform is Platform.FARGATE:
        # Without a public address or an endpoint in the subnet, the image cannot be pulled.
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
    """Request of SubmitJob; a single task is a plain job: arrays have at least two children.

    Only queues with a scheduling policy take a share identifier; others refuse it.

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
