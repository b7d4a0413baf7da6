"""CloudWatch streams of attempts.

AWS: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html (stream
``first200CharsOfJobDefinitionName/default/ecs_task_id`` of group ``/aws/batch/job``) and
https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html
moto 5.2.5 writes one stream for each job, when it has ended, whatever ``logConfiguration`` says.
"""

from moto.logs.models import LogsBackend

from .engine import Task
from .jobs import now_ms

DEFAULT_GROUP = "/aws/batch/job"
MISSING_GROUP = (
    "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: "
    "failed to create Cloudwatch log stream: ResourceNotFoundException: "
    "The specified log group does not exist."
)


class MissingLogGroupError(Exception):
    """The group of ``logConfiguration`` does not exist and may not be created."""


class LogStream:
    """Where an attempt's lines go."""

    def __init__(self, backend: LogsBackend, task: Task) -> None:
        self._backend = backend
        self._group, prefix, create = _destination(task)
        if self._group not in backend.groups and not create:
            raise MissingLogGroupError(MISSING_GROUP)
        self.name = f"{prefix}/default/{task.attempt.task_id}"
        backend.ensure_log_group(self._group)
        backend.ensure_log_stream(self._group, self.name)

    def write(self, line: str) -> None:
        """Put a line; CloudWatch takes no empty ones."""
        if line:
            event = {"timestamp": now_ms(), "message": line}
            self._backend.put_log_events(self._group, self.name, [event])


def _destination(task: Task) -> tuple[str, str, bool]:
    """Log group, stream prefix, and whether a missing group is created."""
    spec = task.job.spec
    options = (spec.container.get("logConfiguration") or {}).get("options") or {}
    group = options.get("awslogs-group", DEFAULT_GROUP)
    prefix = options.get("awslogs-stream-prefix", spec.definition_name[:200])
    create = group == DEFAULT_GROUP or options.get("awslogs-create-group") == "true"
    return group, prefix, create
