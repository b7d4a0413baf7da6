"""The executor: Snakemake calls it, and it calls those who know arrays, Batch and S3."""

import asyncio
import secrets
import shlex
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.real import RealExecutor
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

from .adoption import Adopter
from .bundle import Bundle, build_bundle, get_common_arguments
from .cleanup import remove_finished_runs
from .client import ArrayBatchClient, build_config
from .collector import THREADS, Collected, Collector
from .constructs import check_jobs
from .credentials import open_session
from .groups import rebuild_stale_groups
from .ledger import Ledger, OpenArray, lock_folder
from .live import LiveArray
from .logs import LogReader
from .lost_runs import LostRuns
from .monitor import Ended, Monitor
from .paths import LEDGER, STATE_FOLDER, USAGE
from .patience import AWS_ERRORS, Patience
from .queues import get_queues
from .requirements import get_requirements
from .returns import Salvage
from .settlement import Settlement
from .status import FALLBACK_CAUSES, RETRIED_CAUSES, Cause, Failure
from .store import Store
from .submitter import Submitter
from .tables import FINAL
from .tasks import Task, build_task, get_members, has_own_retries

# The longer a run, the less a look each few seconds tells: looks are at least a fiftieth of the
# run's age apart, some 600 in five days.
POLL_SHARE_OF_AGE = 0.02
MAX_POLL_S = 1200.0
# At the start no job is at stake: who has not logged in shall know soon.
START_PATIENCE_S = 120.0


class Executor(RemoteExecutor):  # type: ignore[misc]
    """Runs jobs as children of AWS Batch array jobs."""

    # RemoteExecutor starts its waiting thread before it calls __post_init__.
    _is_ready = False

    def __post_init__(self) -> None:
        """Look at all that a run needs before it submits.

        With nothing to do only what an earlier run has left is removed; without that, AWS is asked
        nothing.
        """
        self._settings = self.workflow.executor_settings
        self._folder = Path(self._settings.report_dir)
        state = self._folder / STATE_FOLDER
        has_jobs = len(self.dag) > 0
        if not has_jobs and not _has_runs(self._folder / LEDGER):
            return
        state.mkdir(parents=True, exist_ok=True)
        self._lock_handle = lock_folder(state)
        try:
            self._connect()
            with self._patience.limited(START_PATIENCE_S):
                if has_jobs:
                    self._prepare(state)
                else:
                    self.logger.info("Looking for what an earlier run has left on AWS.")
                    self._clean_up()
        except AWS_ERRORS as error:
            raise WorkflowError(f"AWS refuses what the executor needs: {error}") from error
        self._is_ready = has_jobs

    def _connect(self) -> None:
        self._session, credentials = open_session(self._settings.region)
        self._patience = Patience(self.logger, credentials.renew, "Jobs that were submitted go on.")
        self._config = build_config(max_pool_connections=THREADS)
        self._client = ArrayBatchClient(self._session, self._patience)
        s3 = self._session.client("s3", config=self._config)
        self._store = Store(s3, self._settings.bucket, self._patience)
        self._ledger = Ledger(self._folder / LEDGER)
        self._adopter = Adopter(self._client, self._ledger, self.logger)

    def _prepare(self, state: Path) -> None:
        if self.workflow.remote_execution_settings.precommand:
            raise WorkflowError(
                "--precommand is not run by the executor aws-batch-array, as no shell starts the "
                "jobs; put what it does into the image"
            )
        check_jobs(self.dag.needrun_jobs(), self.workflow)
        settings = self._settings
        rebuild_stale_groups(self.dag)
        self._started = time.monotonic()
        self._run = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        self._live: dict[str, LiveArray] = {}
        self._live_lock = threading.Lock()
        self._on_fallback: set[str] = set()
        self._salvaged: dict[JobExecutorInterface, Salvage] = {}
        self._bundle: Bundle | None = None
        self._reclaimed = 0
        self._last_words = ""
        self._ledger.forget_waiting()
        self._lost_runs = LostRuns(self._client, self._store, self._ledger, settings, self.logger)
        self._queues = get_queues(self._client, settings)
        self._submitter = Submitter(
            self._run, settings, self._queues.platform, self._client, self._store, self._ledger
        )
        self._monitor = Monitor(
            self._client,
            self._store.list_returned,
            settings.unplaceable_after,
            self._tell_waiting,
        )
        self._collector = Collector(self._store, state)
        logs = LogReader(self._session.client("logs", config=self._config), self._patience)
        self._settlement = Settlement(self._run, settings.region, self._folder, self._client, logs)

    # Submission, in the main thread.

    def run_job(self, job: JobExecutorInterface) -> None:
        """Submit one job."""
        self.run_jobs([job])

    def run_jobs(self, jobs: list[JobExecutorInterface]) -> None:
        """Submit jobs as arrays; what an earlier controller submitted is taken over."""
        if self._bundle is None:
            arguments = get_common_arguments(
                self.workflow, self.get_snakefile(), self.common_settings
            )
            self._bundle = build_bundle(self.workflow, arguments, self.envvars())
        tasks = [self._build_task(job, self._bundle) for job in jobs]
        for job in jobs:
            self.run_job_pre(job)
        try:
            adopted = self._adopt([t for t in tasks if t.job.attempt == 1], self._bundle)
            rest = [task for task in tasks if task.key not in adopted]
            for array in self._submitter.iter_arrays(rest):
                self._follow(self._submitter.submit(array, self._bundle))
                self.logger.info(
                    f"Submitted {len(array.tasks)} jobs to {array.queue} as {array.name}."
                )
        except AWS_ERRORS as error:
            self._last_words = self._get_last_words()
            text = f"AWS refuses the submission: {error}\n{self._last_words}"
            raise WorkflowError(text) from error

    def _build_task(self, job: Any, bundle: Bundle) -> Task:
        requirements = get_requirements(job, self._queues.platform)
        task = build_task(job, self.dag, bundle.code_digest, self._settings.job_queue, requirements)
        if self._settings.fallback_queue and task.key in self._on_fallback:
            task.queue = self._settings.fallback_queue
        self._queues.check(job.name, task.queue, requirements)
        return task

    def _adopt(self, tasks: list[Task], bundle: Bundle) -> set[str]:
        """Take over children of earlier runs; return the keys of their tasks."""
        adopted = self._take_over(self._adopter.iter_adopted(tasks))
        if adopted:
            self.logger.info(f"Took over {len(adopted)} jobs that an earlier run submitted.")
        rest = [task for task in tasks if task.key not in adopted]
        lost = self._take_over(self._lost_runs.iter_adopted(rest, bundle))
        if lost:
            self.logger.info(
                f"Took over {len(lost)} jobs of a run that the bucket has and this folder not."
            )
        return adopted | lost

    def _take_over(self, arrays: Iterator[LiveArray]) -> set[str]:
        keys: set[str] = set()
        for array in arrays:
            self._follow(array)
            keys.update(task.key for task in array.open.values())
        return keys

    def _follow(self, array: LiveArray) -> None:
        tasks = list(array.open.items())
        with self._live_lock:
            if array.name in self._live:
                self._live[array.name].open.update(array.open)
            else:
                self._live[array.name] = array
        for index, task in tasks:
            job_id = array.get_child_id(index)
            self.report_job_submission(SubmittedJobInfo(task.job, external_jobid=job_id))

    def report_job_submission(self, job_info: SubmittedJobInfo, register_job: bool = False) -> None:
        """Report without the list of active jobs and without markers of incomplete files.

        The arrays know what is open, in time that does not grow with the number of jobs, and
        outputs appear whole or not at all.
        """
        RealExecutor.report_job_submission(self, job_info, register_job=register_job)

    # Status, in the waiting thread.

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncGenerator[SubmittedJobInfo, None]:
        """Settle the children that have ended since the last look."""
        if self._is_ready:
            self._look()
        for job in active_jobs:
            yield job

    def _look(self) -> None:
        with self._live_lock:
            self._live = {name: array for name, array in self._live.items() if array.open}
            arrays = list(self._live.values())
        try:
            for portion in self._collector.iter_portions(self._monitor.iter_ended(arrays)):
                self._settle(portion)
        except AWS_ERRORS as error:
            if self._patience.is_given_up:  # the run ends while AWS does not answer
                return
            self._last_words = self._get_last_words()
            raise WorkflowError(f"AWS refuses to tell the status of jobs: {error}") from error

    def _get_last_words(self) -> str:
        """What a user does when the run ends and its jobs do not."""
        arrays = self._ledger.get_open_arrays()
        count = sum(len(array.children) for array in arrays if array.job_id)
        command = shlex.join(["snakemake", *sys.argv[1:]])
        return (
            f"{count} jobs on AWS Batch go on without this controller. When that is mended, the "
            f"same command in this folder takes them up again: {command}"
        )

    def _tell_waiting(self, queue: str, reason: str | None) -> None:
        """Say why jobs in a queue wait, here and to who asks for the state of the run."""
        self._ledger.record_waiting(queue, reason)
        if reason is None:
            self.logger.info(f"AWS Batch gives no reason any more why jobs in {queue} wait.")
        else:
            self.logger.warning(f"Jobs wait in {queue}; AWS Batch says: {reason}")

    def _settle(self, portion: list[Collected]) -> None:
        self._reclaimed += self._settlement.record_usage(portion)
        for ended, _, salvage in portion:
            if ended.failure is not None:
                self._report_failure(ended, ended.failure, salvage)
        for name, indices in _get_positions(portion):
            self._ledger.close_children(name, indices)
        for ended, _, _ in portion:
            task = ended.array.open.pop(ended.index)
            info = SubmittedJobInfo(task.job, ended.array.get_child_id(ended.index))
            if ended.failure is None:
                for member in get_members(task.job):
                    self.dag.handle_protected(member)
                self.report_job_success(info)
            else:
                self.report_job_error(info)

    def _report_failure(self, ended: Ended, failure: Failure, salvage: Salvage | None) -> None:
        """Decide what happens next, and say it with all that is known."""
        task = ended.array.open[ended.index]
        if salvage:
            self._salvaged[task.job] = salvage
        self._reclaimed += failure.reclaimed
        if failure.cause in FALLBACK_CAUSES:
            self._on_fallback.add(task.key)
        following = self._get_following(task, failure.cause)
        if following == FINAL:
            # What would fail again is tried once: Snakemake retries while attempts are left.
            task.job.attempt = max(task.job.attempt, task.job.restart_times + 1)
        made = salvage.outputs if salvage else []
        self.logger.error(self._settlement.report_failure(ended, failure, made, following))

    def handle_job_error(self, job: JobExecutorInterface) -> None:
        """Bring back what a group has made that failed; Snakemake has just removed its outputs."""
        if salvage := self._salvaged.pop(job, None):
            salvage.restore()

    def _get_following(self, task: Task, cause: Cause) -> str:
        is_retried = cause in RETRIED_CAUSES or (cause is Cause.EXIT and has_own_retries(task.job))
        if not is_retried or task.job.attempt > task.job.restart_times:
            return FINAL
        if cause is Cause.OUT_OF_MEMORY:
            return "retried with the memory of the next attempt"
        queue = self._settings.fallback_queue if task.key in self._on_fallback else None
        return f"retried on {queue or self._settings.job_queue}"

    async def sleep(self) -> None:
        """Wait for the next look, but no longer than the workflow runs."""
        age = time.monotonic() - self._started if self._is_ready else 0.0
        pause = max(self.executor_settings.poll_interval, min(POLL_SHARE_OF_AGE * age, MAX_POLL_S))
        until = time.monotonic() + pause
        while self.wait and time.monotonic() < until:
            await asyncio.sleep(min(0.5, pause))

    # The end.

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        """Terminate what is open, unless it shall go on without a controller."""
        if self._last_words:  # AWS has refused a call, which is no fault of the jobs
            return
        # Who interrupts a run does not want to wait for the end of an outage.
        self._patience.give_up()
        if self._settings.detach:
            self.logger.info("The jobs go on; the next run of this workflow takes them over.")
            return
        for array in self._ledger.get_open_arrays():
            if array.name not in self._live and array.job_id is not None:
                continue  # of an earlier run, and not asked for by this one
            try:
                self._terminate(array)
            except AWS_ERRORS as error:
                self.logger.warning(f"{array.name} in {array.queue} goes on: {error}")

    def _terminate(self, array: OpenArray) -> None:
        job_id = array.job_id or self._client.find_job(array.queue, array.name)
        if job_id is not None:
            self._client.terminate(job_id, "Snakemake was interrupted")
        self._ledger.record_cancelled(array.name)

    def shutdown(self) -> None:
        """End the waiting thread, and remove what finished runs have left in S3 and Batch."""
        self._patience.give_up()
        super().shutdown()
        self._clean_up()
        if self._reclaimed:
            self.logger.info(
                f"{self._reclaimed} attempts lost their host; {self._folder / USAGE} has them."
            )
        if self._last_words:
            self.logger.error(self._last_words)

    def _clean_up(self) -> None:
        self._adopter.close()
        remove_finished_runs(self._ledger, self._store, self._client, self.logger)


def _has_runs(path: Path) -> bool:
    """Whether a ledger has runs of which something may be left on AWS; makes none."""
    return path.exists() and bool(Ledger(path).get_runs())


def _get_positions(portion: list[Collected]) -> Iterator[tuple[str, list[int]]]:
    positions: dict[str, list[int]] = {}
    for ended, _, _ in portion:
        positions.setdefault(ended.array.name, []).append(ended.index)
    yield from positions.items()
