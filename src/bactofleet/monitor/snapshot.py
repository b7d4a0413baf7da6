"""The state of a run at one moment, from all its records."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bactofleet.core.destination import local_folder, scratch_folder
from bactofleet.core.samples import read_samples
from bactofleet.genome.stage import STAGES
from bactofleet.monitor.activity import find_running, get_start
from bactofleet.monitor.batch import ask_batch, open_client, read_submitted
from bactofleet.monitor.failures import Failures
from bactofleet.monitor.forecast import Throughput, TimeLeft, measure_throughput, predict_time
from bactofleet.monitor.receipts import FinishedGenome, Receipts
from bactofleet.monitor.tables import Attempts, AttemptTable, FailedJobs
from bactofleet.records.failure import Failure, of_unreadable
from bactofleet.records.folder import FAILED, FAILURES, USAGE
from snakemake_executor_plugin_aws_batch_array import api

# A look at 67,000 genomes takes a fraction of a second; pauses are 20 times as long as looks.
MIN_PAUSE_S = 2.0
PAUSE_LOOKS = 20


@dataclass(frozen=True)
class Genomes:
    """Number of genomes of the sample sheet in each state; each genome is in one state."""

    total: int
    complete: int
    excluded: int
    failed: int
    """Includes genomes whose receipt cannot be read."""
    running: int
    submitted: int
    """Queued on AWS Batch; unless Batch was asked, some may already be running."""
    waiting: int

    @property
    def ended(self) -> int:
        """Number of genomes that are complete, excluded or failed."""
        return self.complete + self.excluded + self.failed

    @property
    def remaining(self) -> int:
        """Number of genomes that have not ended, running or not."""
        return self.total - self.ended


@dataclass(frozen=True)
class StageTimes:
    """Wall time of a stage (s) in the latest complete genomes."""

    stage: str
    genomes: int
    median_s: float
    p95_s: float


@dataclass(frozen=True)
class Money:
    """Cost of the attempts that have ended, and expected cost at the end of the run."""

    spent_usd: float
    at_end_usd: float | None
    """None until the first genome has ended."""


@dataclass(frozen=True)
class Snapshot:
    """The state of a run; times are in seconds since the epoch."""

    time: float
    results: str
    started: float | None
    """When the active run on this machine began; None if there is none."""
    last_finished: float | None
    genomes: Genomes
    running_stages: dict[str, int]
    throughput: Throughput | None
    time_left: TimeLeft | None
    attempts: Attempts
    batch: api.JobCounts | None
    runs_left: int
    """Number of ended runs that did not remove their objects on AWS; 0 while a run is active."""
    queues: tuple[api.Waiting, ...]
    """Queues in which jobs wait, with the reason from AWS Batch."""
    stages: list[StageTimes]
    failures: list[Failure]
    last_failure: Failure | None
    """The one of `failures` that was noticed last."""
    money: Money | None
    """None if nothing was spent."""


class Observer:
    """Looks at a run's files repeatedly; each look reads only new and changed files."""

    def __init__(
        self,
        results: Path,
        scratch: Path,
        samples: Collection[str],
        client: api.Describer | None = None,
        refresh: Callable[[], None] = lambda: None,
        begun: float | None = None,
    ) -> None:
        """Observe the genomes `samples`.

        `begun` is when the run began, if it is known, in seconds since the epoch.
        """
        self._refresh = refresh
        self._begun = begun
        self.results = results
        self.scratch = scratch
        self.samples = dict.fromkeys(samples).keys()
        """Samples in the order of the sample sheet."""
        self.receipts = Receipts(results, self.samples)
        self.usage = AttemptTable(results / USAGE)
        self.running: dict[str, str] = {}
        """Current stage of each genome that runs on this machine, from the last look."""
        self.at_work: Set[str] = frozenset()
        """Genomes that run on this machine or were submitted to AWS Batch."""
        self._failed: Set[Failure] = frozenset()
        self._last_failure: Failure | None = None
        self._client = client
        self._failures = Failures(results / FAILED, self.samples)
        self._failed_jobs = FailedJobs(results / FAILURES)

    def leave_out_earlier(self) -> None:
        """Leave out what earlier runs left.

        That is receipts of genomes that are made again, failures, and what their genomes cost,
        which would be taken for the cost of the few that have ended in this run.
        """
        self.receipts.leave_out_present()
        self.usage.leave_out_present()
        self._failed_jobs.look()
        self._failed_jobs.final.clear()

    def look(self) -> Snapshot:
        """Return the current state; raises `ConfigurationError` if AWS does not answer."""
        self._refresh()
        now = time.time()
        started = self._begun or get_start(self.results)
        # Running genomes first, then results: a genome that ends in between is not missed.
        submitted = read_submitted(self.results)
        batch = ask_batch(self._client, submitted) if self._client else None
        self._failures.look()
        running = self._find_running() if started else {}
        for source in (self.receipts, self._failed_jobs, self.usage):
            source.look()
        known = self.receipts.statuses
        self.running = {name: stage for name, stage in running.items() if name not in known}
        self.at_work = self.running.keys() | (submitted.samples & self.samples) - known.keys()
        failures = self._get_failures()
        genomes = self._count(batch, len(failures))
        is_batch = bool(submitted.jobs.targets)
        pace, left = self._predict(started, now, genomes.remaining, is_batch=is_batch)
        return Snapshot(
            time=now,
            results=str(self.results),
            started=started,
            last_finished=self._last_finished(),
            genomes=genomes,
            running_stages=dict(Counter(self.running.values())),
            throughput=pace,
            time_left=left,
            attempts=self.usage.attempts,
            batch=batch,
            runs_left=0 if started else submitted.count_left(set(known)),
            queues=submitted.jobs.waiting,
            stages=measure_stages(self.receipts.recent),
            failures=failures,
            last_failure=self._find_last(failures),
            money=predict_cost(self.usage.spent_usd, genomes.ended, genomes.remaining),
        )

    def _last_finished(self) -> float | None:
        return max((finish.time for finish in self.receipts.recent), default=None)

    def _find_running(self) -> dict[str, str]:
        return find_running(self.scratch, self.samples, self._failures.by_sample)

    def _get_failures(self) -> list[Failure]:
        """Return the failures of genomes that are neither finished nor running, sorted by name."""
        statuses = self.receipts.statuses
        failures = self._failed_jobs.final | self._failures.by_sample
        failed = [
            failure
            for name, failure in failures.items()
            if name in self.samples and name not in statuses and name not in self.at_work
        ]
        failed += [
            of_unreadable(name, message) for name, message in self.receipts.unreadable.items()
        ]
        return sorted(failed, key=lambda failure: failure.sample)

    def _find_last(self, failures: list[Failure]) -> Failure | None:
        """Return a failure that was not there at the last look, or else the same as then."""
        new = [failure for failure in failures if failure not in self._failed]
        self._failed = frozenset(failures)
        if new or self._last_failure not in self._failed:
            self._last_failure = next(reversed(new or failures), None)
        return self._last_failure

    def _count(self, batch: api.JobCounts | None, failed: int) -> Genomes:
        total, running, at_work = map(len, (self.samples, self.running, self.at_work))
        made = Counter(self.receipts.statuses.values())
        submitted = at_work - running
        started = min(submitted, batch.running) if batch else 0
        return Genomes(
            total=total,
            complete=made["complete"],
            excluded=made["excluded"],
            failed=failed,
            running=running + started,
            submitted=submitted - started,
            waiting=total - made["complete"] - made["excluded"] - failed - at_work,
        )

    def _predict(
        self, started: float | None, now: float, remaining: int, *, is_batch: bool
    ) -> tuple[Throughput | None, TimeLeft | None]:
        """Return the throughput of the active run and its remaining time."""
        last = self._last_finished()
        if started is None or last is None:
            return None, None
        # The executor fetches receipts in batches, so the latest ones are not here yet.
        end = last if is_batch else now
        begin = max(started, self.receipts.recent_since)
        pace = measure_throughput(self.receipts.recent, begin, end)
        if pace is None:
            return None, None
        durations = [finish.duration_s for finish in self.receipts.recent]
        left = predict_time(*pace, durations, remaining, now - end) if remaining else None
        return pace[0], left


def open_observer(
    config: Mapping[str, Any], *, live: bool, refresh: Callable[[], None] = lambda: None
) -> Observer:
    """Return an observer of the configuration's run; if `live`, it also asks AWS Batch.

    `refresh` is called before each look, to bring the files of a run elsewhere up to date.

    Raises `ConfigurationError` if the sample sheet cannot be read, or AWS cannot be reached.
    """
    samples = read_samples(Path(str(config["samples"])))
    results = local_folder(str(config["results"]))
    client = open_client() if live else None
    scratch = scratch_folder(str(config["scratch"]), str(config["results"]))
    return Observer(results, scratch, samples, client, refresh)


def predict_cost(spent_usd: float, ended: int, remaining: int) -> Money | None:
    """Return the cost so far and the expected cost at the end; None if nothing was spent.

    The `remaining` genomes are assumed to cost as much each as those that `ended`, with waste.
    """
    if not spent_usd:
        return None
    return Money(spent_usd, spent_usd * (ended + remaining) / ended if ended else None)


def get_pause(look_s: float) -> float:
    """Return the pause (s) after a look that took `look_s` seconds."""
    return max(MIN_PAUSE_S, PAUSE_LOOKS * look_s)


def measure_stages(finishes: Iterable[FinishedGenome]) -> list[StageTimes]:
    """Return the wall times of complete genomes by stage, in the order of the stages."""
    complete = [finish.seconds for finish in finishes if finish.status == "complete"]
    times = {stage: [s[stage] for s in complete if stage in s] for stage in STAGES}
    return [
        StageTimes(stage, len(seconds), *map(float, np.percentile(seconds, (50, 95))))
        for stage, seconds in times.items()
        if seconds
    ]
