"""Runs attempts without containers: a function does what the child would do.

For benchmarks of what surrounds the containers, at sizes that no test machine could run.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from moto.s3.models import S3Backend

from .engine import Engine, Task
from .environment import batch_variables
from .retry import EXITED, Outcome

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StubChild:
    """What a stub function gets to see, and the bucket that it may read and write."""

    job_id: str
    attempt: int
    index: int | None
    command: list[str]
    environment: dict[str, str]
    s3: S3Backend

    def get_object(self, bucket: str, key: str) -> bytes:
        """The content of an object; KeyError if there is none."""
        found = self.s3.get_object(bucket, key)
        if found is None:
            raise KeyError(f"s3://{bucket}/{key}")
        content: bytes = found.value
        return content

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object, uncounted: the request log holds what came over the network."""
        self.s3.put_object(bucket, key, body)


StubFunction = Callable[[StubChild], int]


class StubRunner:
    """Runs the function on the engine's thread, after the time that a child takes."""

    def __init__(
        self, engine: Engine, s3: S3Backend, function: StubFunction, seconds: float
    ) -> None:
        self._engine = engine
        self._s3 = s3
        self._function = function
        self._seconds = seconds

    def start(self, task: Task) -> None:
        """Start it at once, and finish it when its time has come."""
        self._engine.call_in(0, lambda: self._engine.started(task))
        self._engine.call_in(self._seconds, lambda: self._finish(task))

    def stop(self, task: Task, grace_s: float) -> None:
        """End it now."""
        self._engine.call_in(0, lambda: self._engine.stopped(task, Outcome(EXITED, 137)))

    def join(self) -> None:
        """Nothing goes on in the background."""

    def _finish(self, task: Task) -> None:
        if task.verdict is not None:
            return
        try:
            exit_code = self._function(self._child(task))
        except Exception:  # a stub that raises is a child that crashes
            logger.exception("The stub of %s failed", task.job.job_id)
            exit_code = 1
        self._engine.stopped(task, Outcome(EXITED, exit_code))

    def _child(self, task: Task) -> StubChild:
        job = task.job
        declared = {v["name"]: v["value"] for v in job.spec.container.get("environment", [])}
        return StubChild(
            job_id=job.job_id,
            attempt=task.attempt.number,
            index=job.index,
            command=job.spec.container.get("command", []),
            environment=declared | batch_variables(task),
            s3=self._s3,
        )
