"""The executor: Snakemake calls it, and it calls the modules for arrays, Batch and S3."""

import asyncio
import secrets
import shlex
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from snakemake.settings.enums import RerunTrigger
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.real import RealExecutor
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

from .adoption import Adopter
from .brevity import hides_jobs
from .bundle import Bundle, build_bundle, get_common_arguments
from .circuit_breaker import CircuitBreaker
from .cleanup import remove_finished_runs
from .client import ArrayBatchClient, build_config
from .collector import THREADS, Collected, Collector
from .constructs import check_jobs
from .credentials import open_session
from .groups import postprocess_at_once, rebuild_groups
from .ledger import Ledger, OpenArray, lock_folder
from .live import LiveArray
from .logs import LogReader
from .lost_runs import LostRuns
from .monitor import EndedChild, Monitor
from .paths import LEDGER, STATE_FOLDER, USAGE
from .queues import get_queues
from .requirements import get_requirements
from .retrying import AWS_ERRORS, DISK_ERRORS, Retrier
from .returns import LeftFiles
from .run_tables import RunTables
from .status import FALLBACK_CAUSES, RETRIED_CAUSES, Cause, ChildFailure
from .store import Store
from .submitter import Submitter
from .tables import COLLECTED_LATER, FINAL
from .tasks import Task, build_task, get_members, has_own_retries
from .text import clean, clean_lines

# The longer a run takes, the less a poll every few seconds tells: polls are at least a fiftieth of
# the run's age apart, some 600 in five days.
POLL_SHARE_OF_AGE = 0.02
MAX_POLL_S = 1200.0
# At the start no job is at stake, and a user who has not logged in should know soon.
START_PATIENCE_S = 120.0


class Executor(RemoteExecutor):  # type: ignore[misc]
    """Runs jobs as children of AWS Batch array jobs."""

    # RemoteExecutor starts its waiting thread before it calls __post_init__.
    _is_ready = False
    _is_brief = False

    def __post_init__(self) -> None:
        """Check everything that a run needs before it submits jobs.

        If there is nothing to do on AWS, only the leftovers of earlier runs are removed; without
        leftovers, no call is made to AWS.
        """
        self._settings = self.workflow.executor_settings
        self._folder = Path(self._settings.report_dir)
        state = self._folder / STATE_FOLDER
        has_jobs = any(map(_may_need_aws, self.dag.needrun_jobs()))
        if not has_jobs and not _has_runs(self._folder / LEDGER):
            return
        self._lock_handle = _open_folder(state)
        try:
            self._connect()
            with self._retrier.limited(START_PATIENCE_S):
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
        self._retrier = Retrier(self.logger, credentials.renew, "Jobs that were submitted go on.")
        self._config = build_config(max_pool_connections=THREADS)
        self._client = ArrayBatchClient(self._session, self._retrier)
        s3 = self._session.client("s3", config=self._config)
        self._store = Store(s3, self._settings.bucket, self._retrier)
        self._ledger = Ledger(self._folder / LEDGER, self._retrier.ask)
        self._adopter = Adopter(self._client, self._ledger, self.logger)

    def _prepare(self, state: Path) -> None:
        if self.workflow.remote_execution_settings.precommand:
            raise WorkflowError(
                "--precommand is not run by the executor aws-batch-array, as no shell starts the "
                "jobs; put what it does into the image"
            )
        check_jobs(self.dag.needrun_jobs(), self.workflow)
        settings = self._settings
        # A line for each look at AWS instead of lines for each job.
        self._is_brief = hides_jobs(self.workflow.output_settings)
        rebuild_groups(self.dag)
        self._started = time.monotonic()
        self._run = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        self._live: dict[str, LiveArray] = {}
        self._live_lock = threading.Lock()
        self._on_fallback: set[str] = set()
        self._left_files: dict[JobExecutorInterface, LeftFiles] = {}
        self._bundle: Bundle | None = None
        self._reclaimed = 0
        self._last_words = ""
        self._ledger.forget_waiting()
        self._breaker = CircuitBreaker()
        self._held_back = 0
        self._lost_runs = LostRuns(self._client, self._store, self._ledger, settings, self.logger)
        self._queues = get_queues(self._client, settings)
        self._submitter = Submitter(
            self._run, settings, self._queues, self._client, self._store, self._ledger
        )
        self._monitor = Monitor(
            self._client,
            self._store.list_returned,
            settings.unplaceable_after,
            self._report_waiting,
        )
        self._collector = Collector(self._store, state)
        logs = LogReader(self._session.client("logs", config=self._config), self._retrier)
        self._tables = RunTables(
            self._run, settings.region, self._folder, self._client, logs, self._retrier
        )

    # Submission, in the main thread.

    def run_job(self, job: JobExecutorInterface) -> None:
        """Submit one job."""
        self.run_jobs([job])

    def run_jobs(self, jobs: list[JobExecutorInterface]) -> None:
        """Submit jobs as arrays; take over what an earlier controller submitted."""
        if self._bundle is None:
            arguments = get_common_arguments(
                self.workflow, self.get_snakefile(), self.common_settings
            )
            self._bundle = build_bundle(self.workflow, arguments, self.envvars())
            if withheld := self._bundle.withheld:
                self.logger.warning(
                    f"Not sent to the jobs, as they may hold secrets: {', '.join(withheld)}."
                )
            if self._is_brief:
                self.workflow.scheduler.print_progress = False
        if self._breaker.has_tripped():
            self._held_back += len(jobs)
            return
        for group in (job for job in jobs if job.is_group()):
            postprocess_at_once(group)
        tasks = [task for job in jobs if (task := self._build_task(job, self._bundle))]
        for task in tasks:
            self.run_job_pre(task.job)
            self._breaker.record_begin(task)
        try:
            adopted = self._adopt([t for t in tasks if t.job.attempt == 1], self._bundle)
            rest = [task for task in tasks if task.key not in adopted]
            for array in self._submitter.iter_arrays(rest):
                if self._breaker.has_tripped():
                    self._held_back += len(array.tasks)
                    continue
                submitted = self._submitter.submit(array, self._bundle)
                self._follow(submitted)
                self.logger.info(
                    f"Submitted {len(array.tasks)} jobs to {array.queue} as {array.name}."
                )
                if self._breaker.has_tripped():  # while this array was submitted
                    self._cancel_waiting(submitted)
        except AWS_ERRORS as error:
            self._last_words = self._get_last_words()
            text = f"AWS refuses the submission: {error}\n{self._last_words}"
            raise WorkflowError(text) from error

    def printjob(self, job: JobExecutorInterface) -> None:
        """Describe a job in the log, unless nobody sees that: it takes longer than to submit it."""
        if not self._is_brief:
            super().printjob(job)

    def _build_task(self, job: Any, bundle: Bundle) -> Task | None:
        """Describe a job; None if it can never be submitted and others are already running.

        Raises:
            WorkflowError: it can never be submitted, and nothing of this run is under way yet.
        """
        try:
            requirements = get_requirements(job, self._queues.platform)
            task = build_task(job, self.dag, bundle, self._settings.job_queue, requirements)
            if self._settings.fallback_queue and task.key in self._on_fallback:
                task.queue = self._settings.fallback_queue
            self._queues.check(job.name, task.queue, requirements)
        except (WorkflowError, OSError) as error:
            self._refuse([job], str(error))
            return None
        return task

    def _refuse(self, jobs: list[Any], reason: str) -> None:
        """Let jobs fail, or the whole run if nothing is running yet, as that costs nothing."""
        if not self._live:
            raise WorkflowError(reason)
        self.logger.error(reason)
        for job in jobs:
            job.attempt = max(job.attempt, job.restart_times + 1)
            self.report_job_error(SubmittedJobInfo(job))

    def _adopt(self, tasks: list[Task], bundle: Bundle) -> set[str]:
        """Take over children of earlier runs; return the keys of their tasks."""
        adopted = self._take_over(self._adopter.iter_adopted(tasks))
        if adopted:
            self.logger.info(f"Took over {len(adopted)} jobs that an earlier run submitted.")
        rest = [task for task in tasks if task.key not in adopted]
        finished: set[str] = set()
        if not {RerunTrigger.CODE, RerunTrigger.PARAMS} & set(self.workflow.rerun_triggers):
            finished = self._take_over(self._adopter.iter_finished(rest, self._store))
        if finished:
            self.logger.warning(
                f"{len(finished)} jobs had succeeded before the workflow, its configuration or "
                "their parameters changed; their files are kept, as finished files are. To make "
                "them anew, delete them and start again."
            )
        rest = [task for task in rest if task.key not in finished]
        refused = self._supersede(rest)
        rest = [task for task in rest if task.key not in refused]
        lost = self._take_over(self._lost_runs.iter_adopted(rest, bundle))
        if lost:
            self.logger.info(
                f"Took over {len(lost)} jobs of a run that the bucket has and this folder not."
            )
        return adopted | finished | refused | lost

    def _supersede(self, tasks: list[Task]) -> set[str]:
        """Terminate jobs that make these files from other sources, if that is allowed.

        Returns:
            Keys of the tasks that are left out because other jobs are making their files.

        Raises:
            WorkflowError: it is not allowed, and nothing of this run is under way yet.
        """
        superseded = self._adopter.find_superseded(tasks)
        if not superseded.tasks or self._settings.discard_running:
            self._adopter.supersede(superseded)
            return set()
        text = (
            f"{len(superseded.tasks)} jobs of an earlier run are at work on files that this run "
            "makes from other sources, another configuration or other parameters. To end them "
            f"throws {superseded.vcpu_hours:.1f} vCPU hours away; if that is what you want, add "
            "--aws-batch-array-discard-running. To keep them, undo the change and start again."
        )
        self._refuse([task.job for task in superseded.tasks], text)
        return {task.key for task in superseded.tasks}

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

        The arrays know which jobs are open, in time that does not grow with the number of jobs, and
        outputs appear complete or not at all.
        """
        RealExecutor.report_job_submission(self, job_info, register_job=register_job)

    # Status, in the waiting thread.

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncGenerator[SubmittedJobInfo, None]:
        """Process the children that have ended since the last poll."""
        if self._is_ready:
            self._look()
        for job in active_jobs:
            yield job

    def _look(self) -> None:
        with self._live_lock:
            self._live = {name: array for name, array in self._live.items() if array.open}
            arrays = list(self._live.values())
        before = sum(len(array.open) for array in arrays)
        try:
            for portion in self._collector.iter_portions(self._monitor.iter_ended(arrays)):
                self._record_ended(portion)
        except (*AWS_ERRORS, *DISK_ERRORS) as error:
            if self._retrier.is_given_up:  # the run ends while there is something to wait for
                return
            self._last_words = self._get_last_words()
            who = "AWS refuses to tell" if isinstance(error, AWS_ERRORS) else "Nothing records"
            raise WorkflowError(f"{who} the status of jobs: {error}") from error
        after = sum(len(array.open) for array in arrays)
        if self._is_brief and after < before:
            self.logger.info(f"{before - after} jobs have ended, {after} are open.")
        self._end_if_held_back()

    def _get_last_words(self) -> str:
        """What the user can do if the run ends but its jobs do not."""
        arrays = self._ledger.get_open_arrays()
        count = sum(len(array.children) for array in arrays if array.job_id)
        command = shlex.join(["snakemake", *sys.argv[1:]])
        return (
            f"{count} jobs on AWS Batch go on without this controller. When that is mended, the "
            f"same command in this folder takes them up again: {command}"
        )

    def _report_waiting(self, queue: str, reason: str | None) -> None:
        """Report why jobs in a queue wait, in the log and in the recorded state of the run."""
        self._ledger.record_waiting(queue, reason)
        if reason is None:
            self.logger.info(f"AWS Batch gives no reason any more why jobs in {queue} wait.")
        else:
            self.logger.warning(f"Jobs wait in {queue}; AWS Batch says: {clean(reason)}")

    def _record_ended(self, portion: list[Collected]) -> None:
        portion = self._leave_held_back(portion)
        self._reclaimed += self._tables.record_usage(portion)
        for ended, _, _ in portion:
            if ended.failure is None:
                self._breaker.record_success(ended.array.open[ended.index])
        for ended, _, left in portion:
            if ended.failure is not None:
                self._report_failure(ended, ended.failure, left)
        for name, indices in _get_positions([c for c in portion if not _is_kept(c.ended)]):
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

    def _report_failure(
        self, ended: EndedChild, failure: ChildFailure, left: LeftFiles | None
    ) -> None:
        """Decide what happens next, and report it with all known details."""
        task = ended.array.open[ended.index]
        if left:
            self._left_files[task.job] = left
        self._reclaimed += failure.reclaimed
        if failure.cause in FALLBACK_CAUSES:
            self._on_fallback.add(task.key)
        following = self._get_following(task, failure.cause)
        if following in (FINAL, COLLECTED_LATER):
            # A job that would fail again is tried once: Snakemake retries while attempts are left.
            task.job.attempt = max(task.job.attempt, task.job.restart_times + 1)
        made = left.outputs if left else []
        report = self._tables.report_failure(ended, failure, made, following)
        self.logger.error(clean_lines(report.text))
        reason, is_final = report.rows[0].reason, following in (FINAL, COLLECTED_LATER)
        if not is_final and failure.cause not in FALLBACK_CAUSES:
            return  # a rule's own retries, or more memory: the next attempt is another one
        if self._breaker.record_failure(ended, failure.cause, reason, is_final=is_final):
            self._hold_back(reason)

    # What is held back.

    def _hold_back(self, reason: str) -> None:
        """Start no more jobs, because they would fail like all before them."""
        self.logger.error(
            "The first jobs have all failed in the same way and none has succeeded, so that no "
            f"more are started and those that run are waited for. The reason: {clean(reason)}"
        )
        with self._live_lock:
            arrays = list(self._live.values())
        for array in arrays:
            self._cancel_waiting(array)

    def _cancel_waiting(self, array: LiveArray) -> None:
        try:
            self._client.cancel_waiting(array.job_id, "held back: the first jobs have failed")
        except AWS_ERRORS as error:
            self.logger.warning(
                f"The waiting jobs of {array.name} cannot be cancelled: {error}. To end all of "
                f"them: aws batch terminate-job --job-id {array.job_id} --reason failing"
            )

    def _leave_held_back(self, portion: list[Collected]) -> list[Collected]:
        """Close the children that were cancelled before they started; return the others."""
        if not self._breaker.has_tripped():
            return portion
        held_back = [c for c in portion if c.ended.is_cancelled]
        for name, indices in _get_positions(held_back):
            self._ledger.close_children(name, indices)
        for ended, _, left in held_back:
            del ended.array.open[ended.index]
            if left:
                left.remove()
        self._held_back += len(held_back)
        return [c for c in portion if not c.ended.is_cancelled]

    def _end_if_held_back(self) -> None:
        with self._live_lock:
            is_over = not any(array.open for array in self._live.values())
        if self._held_back and is_over:
            raise WorkflowError(
                f"{self._held_back} jobs were held back, as the first of their kind all failed in "
                "the same way (see above). Remove the cause and start again: what has succeeded "
                "stays, and the rest is submitted."
            )

    def handle_job_error(self, job: JobExecutorInterface) -> None:
        """Restore what a failed group has made; Snakemake has just removed its outputs."""
        if left := self._left_files.pop(job, None):
            try:
                self._retrier.ask(left.restore)
            except OSError as error:
                self.logger.error(f"What {job.name} has made cannot be put in its place: {error}")

    def _get_following(self, task: Task, cause: Cause) -> str:
        if cause is Cause.NOT_STORED:
            return COLLECTED_LATER
        is_retried = cause in RETRIED_CAUSES or (cause is Cause.EXIT and has_own_retries(task.job))
        if not is_retried or task.job.attempt > task.job.restart_times:
            return FINAL
        if cause is Cause.OUT_OF_MEMORY:
            return "retried with the memory of the next attempt"
        queue = self._settings.fallback_queue if task.key in self._on_fallback else None
        return f"retried on {queue or self._settings.job_queue}"

    async def sleep(self) -> None:
        """Wait for the next poll, but no longer than the workflow runs."""
        age = time.monotonic() - self._started if self._is_ready else 0.0
        pause = max(self.executor_settings.poll_interval, min(POLL_SHARE_OF_AGE * age, MAX_POLL_S))
        until = time.monotonic() + pause
        while self.wait and time.monotonic() < until:
            await asyncio.sleep(min(0.5, pause))

    # The end.

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        """Terminate open jobs, unless they should continue without a controller."""
        # Nothing runs on AWS, or AWS has refused a call, which is not the jobs' fault.
        if not self._is_ready or self._last_words:
            return
        # A user who interrupts a run does not want to wait for the end of an outage.
        self._retrier.give_up()
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
            except DISK_ERRORS as error:
                self.logger.warning(f"{array.name} has ended, but that is not recorded: {error}")

    def _terminate(self, array: OpenArray) -> None:
        job_id = array.job_id or self._client.find_job(array.queue, array.name)
        if job_id is not None:
            self._client.terminate(job_id, "Snakemake was interrupted")
        self._ledger.record_cancelled(array.name)

    def shutdown(self) -> None:
        """End the waiting thread, and remove what finished runs have left in S3 and Batch."""
        if not self._is_ready:
            super().shutdown()
            return
        self._retrier.give_up()
        super().shutdown()
        try:
            self._clean_up()
        except DISK_ERRORS as error:
            self.logger.warning(f"The next start cleans up, as the disk cannot be used: {error}")
        if self._reclaimed:
            self.logger.info(
                f"{self._reclaimed} attempts lost their host; {self._folder / USAGE} has them."
            )
        if self._last_words:
            self.logger.error(self._last_words)

    def _clean_up(self) -> None:
        self._adopter.close()
        if self._settings.keep_finished:
            return
        remove_finished_runs(self._ledger, self._store, self._client, self.logger)


def _may_need_aws(job: Any) -> bool:
    """Whether a job runs on AWS, or may ask for jobs that do."""
    return not job.is_local or job.is_checkpoint


def _has_runs(path: Path) -> bool:
    """Whether a ledger has runs that may have left something on AWS; does not create one."""
    return path.exists() and bool(Ledger(path).get_runs())


def _open_folder(folder: Path) -> IO[str]:
    """Make the folder of the executor's records and lock it.

    Raises:
        WorkflowError: it cannot be made here, or another controller holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return lock_folder(folder)
    except OSError as error:
        raise WorkflowError(
            f"the folder of --aws-batch-array-report-dir cannot be used: {error}"
        ) from error


def _is_kept(ended: EndedChild) -> bool:
    """Whether what a child returned stays in the bucket until it can be stored here."""
    return ended.failure is not None and ended.failure.cause is Cause.NOT_STORED


def _get_positions(portion: list[Collected]) -> Iterator[tuple[str, list[int]]]:
    positions: dict[str, list[int]] = {}
    for ended, _, _ in portion:
        positions.setdefault(ended.array.name, []).append(ended.index)
    yield from positions.items()
