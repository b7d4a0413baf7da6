"""The scheduler: takes jobs from SUBMITTED to SUCCEEDED or FAILED, attempt by attempt.

AWS: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html,
https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html and
https://docs.aws.amazon.com/batch/latest/userguide/best-practices.html (a retried job goes to the
front of its queue)
moto 5.2.5 moves a job on when it is described, and knows neither queues nor attempts.
"""

import heapq
import itertools
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from moto.batch.models import ComputeEnvironment

from .hosts import Capacity, Host
from .jobs import FINAL, NOT_STARTED, ArrayJob, Attempt, Job, now_ms, set_status
from .retry import EXITED, Outcome

logger = logging.getLogger(__name__)
TIMED_OUT = "Job attempt duration exceeded timeout"
STOP_GRACE_S = 30  # https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
IDLE_S = 5.0
JOBS_A_TURN = 100
LOSSES = ("host", "143", "137", "fargate")
"""How a reclaimed host may show, "depending on the sequence in which the underlying AWS components
are shut down": https://docs.seqera.io/platform-cloud/tutorials/retry-strategy."""


@dataclass(eq=False)
class Task:
    """A running attempt.

    ``verdict`` says why it was ended from outside; it outranks what the container reports.
    ``loss`` is how the loss of its host shows.
    """

    job: Job
    attempt: Attempt
    capacity: Capacity
    verdict: str | None = None
    is_last: bool = False
    loss: Outcome | None = None

    @property
    def host(self) -> Host:
        """The instance that it runs on."""
        return self.attempt.host


class Runner(Protocol):
    """What runs attempts: containers, or stubs."""

    def start(self, task: Task) -> None:
        """Begin; must call ``Engine.started`` and, once, ``Engine.stopped``; must not block."""

    def stop(self, task: Task, grace_s: float) -> None:
        """End it: SIGTERM, and SIGKILL after the grace; must not block."""


class Engine:
    """Every job of one account and region; all changes happen under one lock."""

    def __init__(self) -> None:
        self.lock = threading.Condition(threading.RLock())
        self.runner: Runner | None = None
        self.watch: Callable[[Task], None] = lambda task: None
        self.retention_s: float | None = None
        self.jobs: dict[str, Job] = {}
        self._arrived: deque[Job] = deque()
        self._queues: dict[str, deque[Job]] = {}
        self._capacities: dict[str, Capacity] = {}
        self._tasks: dict[Job, Task] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._running = True
        self._stuck: dict[str, tuple[str, int]] = {}
        self._thread = threading.Thread(target=self._loop, name="batch-engine", daemon=True)
        self._thread.start()

    # What the API asks for

    def submit(self, job: Job) -> None:
        """Accept a job, with all children if it is an array."""
        with self.lock:
            self.jobs[job.job_id] = job
            runnable = job.children if isinstance(job, ArrayJob) else [job]
            self.jobs.update((child.job_id, child) for child in runnable)
            self._arrived.extend(runnable)
            self.lock.notify_all()

    def find(self, job_id: str) -> Job | None:
        """A job that is known and visible."""
        with self.lock:
            job = self.jobs.get(job_id)
            return job if job is not None and job.visible_at <= time.time() else None

    def reveal(self) -> None:
        """Make all jobs visible."""
        with self.lock:
            for job in self.jobs.values():
                job.visible_at = 0.0

    def cancel(self, job: Job, reason: str) -> None:
        """Fail what has not started; what has started goes on."""
        with self.lock:
            for member in self._members(job):
                if member.status in NOT_STARTED:
                    member.is_cancelled = True
                    self._end(member, "FAILED", reason)

    def terminate(self, job: Job, reason: str) -> None:
        """Stop what has started and cancel the rest."""
        with self.lock:
            self.cancel(job, reason)
            for member in self._members(job):
                member.is_terminated = not member.is_final
                if task := self._tasks.get(member):
                    self._end_early(task, reason, STOP_GRACE_S)
            job.is_terminated = True

    def reclaim(self, task: Task, shows: str = "host") -> None:
        """Take the host away, as EC2 does with a spot instance; ``shows`` is one of LOSSES."""
        with self.lock:
            if self._tasks.get(task.job) is task and task.verdict is None:
                task.loss = _lose(task.host, shows)
                self._stop(task, task.loss.status_reason, STOP_GRACE_S if shows == "143" else 0)

    def stick(self, queue: str, reason: str, index: int) -> None:
        """Start nothing from a queue; child ``index`` of an array carries the reason."""
        with self.lock:
            self._stuck[queue] = (reason, index)
            self.lock.notify_all()

    def unstick(self) -> None:
        """Start jobs again."""
        with self.lock:
            self._stuck.clear()
            for waiting in self._queues.values():
                for job in waiting:
                    job.status_reason = None
            self.lock.notify_all()

    def running(self) -> list[Task]:
        """The attempts that run now."""
        with self.lock:
            return list(self._tasks.values())

    def forget_after(self, seconds: float) -> None:
        """Forget finished jobs that long after their end, and those that have ended from now."""
        with self.lock:
            self.retention_s = seconds
            for job in list(self.jobs.values()):
                if job.is_final and job.parent is None:
                    self.call_in(seconds, lambda job=job: self._forget(job))  # type: ignore[misc]

    def call_in(self, delay_s: float, action: Callable[[], None]) -> None:
        """Call ``action`` on the engine's thread, without the lock, after a delay."""
        with self.lock:
            heapq.heappush(self._timers, (time.time() + delay_s, next(self._order), action))
            self.lock.notify_all()

    def close(self) -> None:
        """Stop placing jobs, and end what runs."""
        with self.lock:
            self._running = False
            self.lock.notify_all()
            for task in self.running():
                self._end_early(task, "The emulator was stopped", 0)

    # What runners report

    def started(self, task: Task) -> None:
        """The container runs."""
        with self.lock:
            task.attempt.started_at = now_ms()
            set_status(task.job, "RUNNING")
        timeout_s = task.job.spec.timeout_s
        if timeout_s:
            self.call_in(timeout_s, lambda: self._time_out(task))
        self.watch(task)

    def stopped(self, task: Task, outcome: Outcome) -> None:
        """The attempt is over; decide what the job does next."""
        with self.lock:
            if self._tasks.pop(task.job, None) is None:
                return
            task.capacity.release(task.job.spec.vcpus)
            task.attempt.outcome = outcome = _judge(task, outcome)
            task.attempt.stopped_at = now_ms()
            self._record_ended(task, outcome)
            self.lock.notify_all()

    # How jobs move

    def _record_ended(self, task: Task, outcome: Outcome) -> None:
        job = task.job
        if outcome.succeeded and task.verdict is None:
            self._end(job, "SUCCEEDED", outcome.status_reason)
        elif not task.is_last and job.spec.retry.retries(outcome, len(job.attempts)):
            job.status_reason = None
            set_status(job, "RUNNABLE")
            self._queue(job).appendleft(job)
        else:
            self._end(job, "FAILED", outcome.status_reason)

    def _end(self, job: Job, status: str, reason: str) -> None:
        job.status_reason = reason
        job.stopped_at = now_ms()
        set_status(job, status)
        whole = job.parent or job
        if whole.is_final and self.retention_s is not None:
            self.call_in(self.retention_s, lambda: self._forget(whole))

    def _forget(self, job: Job) -> None:
        with self.lock:
            for member in [job, *self._members(job)]:
                self.jobs.pop(member.job_id, None)

    def _end_early(self, task: Task, reason: str, grace_s: float) -> None:
        """Stop an attempt whose job is not tried again."""
        if task.verdict is None:
            task.is_last = True
            self._stop(task, reason, grace_s)

    def _stop(self, task: Task, verdict: str, grace_s: float) -> None:
        task.verdict = verdict
        assert self.runner is not None
        self.runner.stop(task, grace_s)

    def _time_out(self, task: Task) -> None:
        with self.lock:
            if self._tasks.get(task.job) is task:
                self._end_early(task, TIMED_OUT, STOP_GRACE_S)

    def _members(self, job: Job) -> list[Job]:
        return job.children if isinstance(job, ArrayJob) else [job]

    def _queue(self, job: Job) -> deque[Job]:
        return self._queues.setdefault(job.spec.queue.arn, deque())

    # The thread that places jobs and keeps the time

    def _loop(self) -> None:
        while self._running:
            for action in self._due():
                try:
                    action()
                except Exception:  # a fault or stub that fails must not stop the clock
                    logger.exception("An action of the emulated Batch failed")
            with self.lock:
                placed = self._admit() + self._place()
                if not placed and self._running:
                    self.lock.wait(self._pause())

    def _due(self) -> Iterable[Callable[[], None]]:
        now = time.time()
        with self.lock:
            due = []
            while self._timers and self._timers[0][0] <= now:
                due.append(heapq.heappop(self._timers)[2])
            return due

    def _pause(self) -> float:
        if not self._timers:
            return IDLE_S
        return max(0.0, min(IDLE_S, self._timers[0][0] - time.time()))

    def _admit(self) -> int:
        """Move what was submitted to RUNNABLE, a few at a time so that calls are answered."""
        admitted = min(JOBS_A_TURN, len(self._arrived))
        for _ in range(admitted):
            job = self._arrived.popleft()
            if not job.is_final:
                set_status(job, "RUNNABLE")
                self._queue(job).append(job)
        return admitted

    def _place(self) -> int:
        return sum(self._place_from(waiting) for waiting in self._queues.values())

    def _place_from(self, waiting: deque[Job]) -> int:
        """Start jobs in order; one that does not fit holds up those behind it."""
        placed = 0
        if waiting and (stuck := self._stuck.get(waiting[0].spec.queue.name)):
            reason, index = stuck
            for job in waiting:
                job.status_reason = reason if job.index in (None, index) else None
            return 0
        while waiting and placed < JOBS_A_TURN:
            if waiting[0].status not in FINAL and not self._place_one(waiting[0]):
                break
            waiting.popleft()
            placed += 1
        return placed

    def _place_one(self, job: Job) -> bool:
        spec = job.spec
        capacities = [self._capacity(environment) for environment in spec.queue.environments]
        obstacles = [capacity.obstacle(spec.vcpus, spec.memory_mib) for capacity in capacities]
        for capacity, obstacle in zip(capacities, obstacles, strict=True):
            if obstacle is None and capacity.has_room(spec.vcpus):
                self._launch(job, capacity)
                return True
        if all(obstacles):
            job.status_reason = obstacles[0]
        return False

    def _capacity(self, environment: ComputeEnvironment) -> Capacity:
        return self._capacities.setdefault(environment.arn, Capacity(environment))

    def _launch(self, job: Job, capacity: Capacity) -> None:
        host = capacity.launch(job.spec.vcpus, job.spec.memory_mib)
        task_id = secrets.token_hex(16)
        prefix, region, account = job.arn.split(":")[1], *job.arn.split(":")[3:5]
        cluster = capacity.environment.ecs_name
        task_arn = f"arn:{prefix}:ecs:{region}:{account}:task/{cluster}/{task_id}"
        attempt = Attempt(len(job.attempts) + 1, host, task_id, task_arn)
        job.attempts.append(attempt)
        job.status_reason = None
        set_status(job, "STARTING")
        self._tasks[job] = task = Task(job, attempt, capacity)
        assert self.runner is not None
        self.runner.start(task)


def _lose(host: Host, shows: str) -> Outcome:
    """The words of a lost host; those of Fargate: https://github.com/nextflow-io/nextflow/issues/5786."""
    return {
        "host": Outcome(f"Host EC2 (instance {host.instance_id}) terminated."),
        "143": Outcome(EXITED, 143),
        "137": Outcome(EXITED, 137),
        "fargate": Outcome("Your Spot Task was interrupted."),
    }[shows]


def _judge(task: Task, outcome: Outcome) -> Outcome:
    """The outcome of an attempt that may have been ended from outside."""
    if task.verdict is None:
        return outcome
    if task.loss is not None:
        return task.loss
    return Outcome(task.verdict, outcome.exit_code, outcome.reason)
