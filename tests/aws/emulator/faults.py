"""Faults on demand: what goes wrong, where, and how often."""

import fnmatch
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .batch.backend import ArrayBatchBackend
from .batch.engine import LOSSES, Task
from .identify import Operation
from .provision import OWNER_KEY


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
    shows: str = "host"
    says: str = "pull access denied"

    def concerns(self, task: Task) -> bool:
        """Whether this attempt is meant."""
        job = task.job
        return (
            (self.job is None or self.job == job.job_id)
            and (self.name is None or fnmatch.fnmatchcase(job.spec.name, self.name))
            and (self.index is None or self.index == job.index)
            and (self.attempts is None or task.attempt.number in self.attempts)
        )


@dataclass
class RequestFault:
    """An answer that some requests get instead of theirs.

    ``status`` 0 cuts the connection, 200 is the answer without a result.  It ends after ``times``
    requests or ``seconds``; of a ``share`` of the requests chance decides, the same for the same
    ``seed``.  ``access_key`` is whose requests, all but the owner's if it is None.
    """

    operation: str
    status: int
    code: str = ""
    message: str = ""
    times: int | None = None
    seconds: float | None = None
    share: float = 1.0
    seed: int = 0
    access_key: str | None = None
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._lock = threading.Lock()

    def hits(self, operation: Operation) -> bool:
        """Whether this request is one of those; counts down."""
        if not self._concerns(operation):
            return False
        with self._lock:
            if self.times == 0 or self._chance.random() >= self.share:
                return False
            if self.times is not None:
                self.times -= 1
            return True

    def _concerns(self, operation: Operation) -> bool:
        is_over = self.seconds is not None and time.monotonic() - self.began > self.seconds
        key = operation.access_key
        is_meant = key == self.access_key if self.access_key else key != OWNER_KEY
        return not is_over and is_meant and fnmatch.fnmatch(operation.full_name, self.operation)


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
    """Keeps requests of one operation for one resource (a glob) waiting, until it is released.

    The first ``after`` of them pass.
    """

    operation: str
    resource: str = "*"
    after: int = 0
    waiting: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def catches(self, operation: Operation) -> bool:
        """Whether this request has to wait; counts those that pass and those that wait."""
        is_meant = operation.full_name == self.operation and fnmatch.fnmatchcase(
            operation.resource, self.resource
        )
        if is_meant and self.after:
            self.after -= 1
            return False
        self.waiting += is_meant
        return is_meant


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
        self._requests: list[RequestFault] = []
        self._batch.hidden_s = 0.0
        self._batch.engine.reveal()
        self._batch.engine.unstick()

    def add(self, fault: dict[str, Any]) -> None:
        """Switch a fault on; ValueError for a kind that is not known, TypeError for a member."""
        kind, members = fault["kind"], {k: v for k, v in fault.items() if k != "kind"}
        match kind:
            case "reclaim" | "refuse_pull":
                self._add_attempt_fault(kind, members)
            case "answer":
                self._requests.append(RequestFault(**members))
            case "stick":
                self._batch.engine.stick(**members)
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
        if members.get("shows", "host") not in LOSSES:
            raise ValueError(f"a lost host shows as one of {LOSSES}")
        fault = AttemptFault(kind, attempts=tuple(attempts) if attempts else None, **members)
        self._attempts.append(fault)
        if kind == "reclaim" and fault.after_log is None:
            for task in self._batch.engine.running():
                if task.attempt.started_at is not None:
                    self._reclaim(fault, task)

    # What the server and the runners ask

    def answers(self, operation: Operation) -> RequestFault | None:
        """What this request gets instead of its answer."""
        return next((fault for fault in self._requests if fault.hits(operation)), None)

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
        with self._lock:
            held = [hold for hold in self._holds if hold.catches(operation)]
        for hold in held:
            hold.released.wait()
        return bool(held)

    def count_held(self) -> int:
        """Count the requests that wait."""
        return sum(hold.waiting for hold in self._holds)

    def refuses_pull(self, task: Task) -> str | None:
        """Why this attempt's image cannot be pulled."""
        return next((fault.says for fault in self._concerning("refuse_pull", task)), None)

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
            engine.call_in(fault.after_s, lambda: engine.reclaim(task, fault.shows))
