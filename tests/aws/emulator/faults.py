"""Faults on demand: what goes wrong, where, and how often."""

import fnmatch
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .batch.backend import ArrayBatchBackend
from .batch.engine import Task
from .identify import Operation


@dataclass(frozen=True)
class AttemptFault:
    """A fault of some attempts; what is None matches everything."""

    kind: str
    job: str | None = None
    name: str | None = None
    index: int | None = None
    attempts: tuple[int, ...] | None = None
    after_s: float = 0.0
    after_log: str | None = None

    def concerns(self, task: Task) -> bool:
        """Whether this attempt is meant."""
        job = task.job
        return (
            (self.job is None or self.job == job.job_id)
            and (self.name is None or fnmatch.fnmatchcase(job.spec.name, self.name))
            and (self.index is None or self.index == job.index)
            and (self.attempts is None or task.attempt.number in self.attempts)
        )


class Throttle:
    """A bucket of tokens: ``per_second`` requests are let through, in bursts of at most as many."""

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._tokens = per_second
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def admits(self) -> bool:
        """Take a token, if there is one."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


@dataclass
class Hold:
    """Keeps requests of one operation for one resource (a glob) waiting, until it is released."""

    operation: str
    resource: str = "*"
    waiting: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def concerns(self, operation: Operation) -> bool:
        """Whether this request is meant."""
        return operation.full_name == self.operation and fnmatch.fnmatchcase(
            operation.resource, self.resource
        )


class Faults:
    """The faults that are switched on."""

    def __init__(self, batch: ArrayBatchBackend) -> None:
        self._batch = batch
        self._lock = threading.Lock()
        self._holds: list[Hold] = []
        self.clear()

    def clear(self) -> None:
        """Switch every fault off."""
        self._attempts: list[AttemptFault] = []
        self._throttles: dict[str, Throttle] = {}
        self._lost: dict[str, int] = {}
        for hold in self._holds:
            hold.released.set()
        self._holds = []
        self._batch.hidden_s = 0.0

    def add(self, fault: dict[str, Any]) -> None:
        """Switch a fault on; ValueError for a kind that is not known, TypeError for a member."""
        kind, members = fault["kind"], {k: v for k, v in fault.items() if k != "kind"}
        match kind:
            case "reclaim" | "refuse_pull":
                self._add_attempt_fault(kind, members)
            case "throttle":
                self._throttles[members["operation"]] = Throttle(members["per_second"])
            case "lose_response":
                self._lost[members["operation"]] = members["times"]
            case "hold":
                self._holds.append(Hold(**members))
            case "hide_submitted":
                self._batch.hidden_s = members["seconds"]
            case "forget_after":
                self._batch.engine.forget_after(members["seconds"])
            case _:
                raise ValueError(f"no such fault: {kind!r}")

    def _add_attempt_fault(self, kind: str, members: dict[str, Any]) -> None:
        attempts = members.pop("attempts", None)
        fault = AttemptFault(kind, attempts=tuple(attempts) if attempts else None, **members)
        self._attempts.append(fault)
        if kind == "reclaim" and fault.after_log is None:
            for task in self._batch.engine.running():
                if task.attempt.started_at is not None:
                    self._reclaim(fault, task)

    # What the server and the runners ask

    def throttles(self, operation: str) -> bool:
        """Whether this request is one too many."""
        service = operation.split(":", maxsplit=1)[0]
        throttles = [self._throttles.get(key) for key in (operation, f"{service}:*")]
        return not all(throttle.admits() for throttle in throttles if throttle)

    def loses_response(self, operation: str) -> bool:
        """Whether the answer to this request is lost; counts down."""
        with self._lock:
            left = self._lost.get(operation, 0)
            self._lost[operation] = max(0, left - 1)
            return left > 0

    def holds(self, operation: Operation) -> bool:
        """Wait as long as this request is held; whether it was."""
        held = [hold for hold in self._holds if hold.concerns(operation)]
        for hold in held:
            with self._lock:
                hold.waiting += 1
            hold.released.wait()
        return bool(held)

    def count_held(self) -> int:
        """Count the requests that wait."""
        return sum(hold.waiting for hold in self._holds)

    def refuses_pull(self, task: Task) -> bool:
        """Whether this attempt's image cannot be pulled."""
        return any(self._concerning("refuse_pull", task))

    def on_start(self, task: Task) -> None:
        """An attempt has started: take its host away when its time comes."""
        for fault in self._concerning("reclaim", task):
            if fault.after_log is None:
                self._reclaim(fault, task)

    def on_line(self, task: Task, line: str) -> None:
        """An attempt has logged a line: take its host away if that is the sign."""
        for fault in self._concerning("reclaim", task):
            if fault.after_log is not None and fault.after_log in line:
                self._reclaim(fault, task)

    def _concerning(self, kind: str, task: Task) -> list[AttemptFault]:
        return [fault for fault in self._attempts if fault.kind == kind and fault.concerns(task)]

    def _reclaim(self, fault: AttemptFault, task: Task) -> None:
        engine = self._batch.engine
        if fault.concerns(task):
            engine.call_in(fault.after_s, lambda: engine.reclaim(task))
