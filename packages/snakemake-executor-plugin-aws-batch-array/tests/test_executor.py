"""What the executor tells Snakemake, AWS and the user; boto3's clients and Snakemake are played."""

import asyncio
import io
import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from snakemake.settings.enums import RerunTrigger
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

from snakemake_executor_plugin_aws_batch_array import client, executor
from snakemake_executor_plugin_aws_batch_array.bundle import Bundle
from snakemake_executor_plugin_aws_batch_array.executor import Executor
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger
from snakemake_executor_plugin_aws_batch_array.paths import (
    FAILURES,
    LEDGER,
    USAGE,
    get_runs_folder,
)
from snakemake_executor_plugin_aws_batch_array.requirements import Requirements
from snakemake_executor_plugin_aws_batch_array.returns import pack_outputs
from snakemake_executor_plugin_aws_batch_array.settings import DEFAULT_PREFIX, ExecutorSettings
from snakemake_executor_plugin_aws_batch_array.tasks import Task

BUNDLE = Bundle(b"the bundle", "code", "digest", {})
RUNS = get_runs_folder(DEFAULT_PREFIX)
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Operation")


# --- the edges ------------------------------------------------------------------------------------


class FakeJob:
    """A job of Snakemake; its wildcard is its number."""

    restart_times = 0
    is_local = False
    is_checkpoint = False

    def __init__(self, number: int, own_retries: int = 0) -> None:
        self.name = "assembly"
        self.attempt = 1
        self.output = [f"{number}.json"]
        self.wildcards_dict = {"sample": f"S{number}"}
        self.rule = SimpleNamespace(name="assembly", _restart_times=own_retries)

    def is_group(self) -> bool:
        return False


class FakeS3:
    """A bucket in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        self.objects[Key] = Body

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key]), "Metadata": {}}

    def delete_objects(self, Delete: dict[str, Any], **_: Any) -> None:  # noqa: N803
        for item in Delete["Objects"]:
            del self.objects[item["Key"]]

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=self._list)

    def _list(self, Prefix: str, **_: Any) -> list[dict[str, Any]]:  # noqa: N803
        return [{"Contents": [{"Key": key} for key in self.objects if key.startswith(Prefix)]}]


class FakeBatch:
    """One queue and its arrays: the states of their children, and why children failed."""

    def __init__(self) -> None:
        self.jobs: dict[str, list[str]] = {}
        self.names: dict[str, str] = {}
        self.queues: dict[str, str] = {}
        self.failure: dict[str, Any] = {"container": {"exitCode": 1}}
        self.waiting = ""
        self.terminated: list[str] = []
        self.cancelled: list[str] = []
        self.deregistered: list[str] = []
        self.refused: set[str] = set()
        self.calls = 0

    def __getattribute__(self, name: str) -> Any:
        if name.startswith(("describe_", "list_", "register", "deregister_", "submit")) or (
            name in ("terminate_job", "cancel_job")
        ):
            self.calls += 1
            if name in self.refused:
                return self._refuse
        return super().__getattribute__(name)

    def _refuse(self, **_: Any) -> None:
        raise DENIED

    def describe_job_queues(self, **_: Any) -> dict[str, Any]:
        order = [{"computeEnvironment": "spot"}]
        queue = {"state": "ENABLED", "status": "VALID", "computeEnvironmentOrder": order}
        return {"jobQueues": [queue]}

    def describe_compute_environments(self, **_: Any) -> dict[str, Any]:
        resources = {"type": "SPOT", "maxvCpus": 64}
        return {"computeEnvironments": [{"computeResources": resources}]}

    def register_job_definition(self, **request: Any) -> dict[str, str]:
        return {"jobDefinitionArn": f"{request['jobDefinitionName']}:1"}

    def deregister_job_definition(self, jobDefinition: str) -> None:  # noqa: N803
        self.deregistered.append(jobDefinition)

    def submit_job(self, **request: Any) -> dict[str, str]:
        job_id = f"job-{len(self.jobs)}"
        size = request.get("arrayProperties", {}).get("size", 1)
        self.jobs[job_id] = ["RUNNING"] * size
        self.names[job_id] = request["jobName"]
        self.queues[job_id] = request["jobQueue"]
        return {"jobId": job_id}

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        return {"jobs": [self._describe(job_id) for job_id in jobs]}

    def list_jobs(self, **request: Any) -> dict[str, Any]:
        if "filters" in request:
            name = request["filters"][0]["values"][0]
            return {"jobSummaryList": [{"jobId": i} for i, n in self.names.items() if n == name]}
        states = enumerate(self.jobs[request["arrayJobId"]])
        found = [index for index, state in states if state == request["jobStatus"]]
        children = [self._describe(f"{request['arrayJobId']}:{index}") for index in found]
        return {"jobSummaryList": children}

    def terminate_job(self, jobId: str, **_: Any) -> None:  # noqa: N803
        self.terminated.append(jobId)

    def cancel_job(self, jobId: str, **_: Any) -> None:  # noqa: N803
        self.cancelled.append(jobId)

    def _describe(self, job_id: str) -> dict[str, Any]:
        parent, _, index = job_id.partition(":")
        states = self.jobs[parent]
        if index:
            properties, state = {"index": int(index)}, states[int(index)]
        elif len(states) == 1:
            properties, state = {}, states[0]
        else:
            is_over = all(state in ("SUCCEEDED", "FAILED") for state in states)
            summary = {state: states.count(state) for state in states}
            return {
                "jobId": job_id,
                "status": "FAILED" if is_over else "PENDING",
                "arrayProperties": {"statusSummary": summary},
            }
        more = {"FAILED": self.failure, "RUNNABLE": {"statusReason": self.waiting}}.get(state, {})
        return {"jobId": job_id, "status": state, "arrayProperties": properties, **more}


class FakeLogs:
    """A log group without streams."""

    def get_log_events(self, **_: Any) -> dict[str, Any]:
        return {"events": []}


class Played(Executor):
    """An executor whose Snakemake is played: it writes down what it is told."""

    def __init__(self, jobs: list[FakeJob], settings: ExecutorSettings, **workflow: Any) -> None:
        self.succeeded: list[FakeJob] = []
        self.failed: list[FakeJob] = []
        self.submitted: list[str | None] = []
        self.protected: list[FakeJob] = []
        self.is_shut_down = False
        self.wait = True
        self.logger = logging.getLogger("played")
        self.dag = SimpleNamespace(
            needrun_jobs=lambda: iter(jobs), handle_protected=self.protected.append
        )
        self.executor_settings = SimpleNamespace(poll_interval=0.0)
        self.workflow = SimpleNamespace(
            executor_plugin=SimpleNamespace(common_settings=None),
            executor_settings=settings,
            output_settings=SimpleNamespace(quiet=set(), log_handler_settings={}, dryrun=False),
            remote_execution_settings=SimpleNamespace(precommand=workflow.get("precommand")),
            rerun_triggers=workflow.get("triggers", frozenset(RerunTrigger.all())),
        )
        self.__post_init__()

    def get_snakefile(self) -> str:
        return "Snakefile"

    def envvars(self) -> list[str]:
        return []

    def run_job_pre(self, job: Any) -> None:
        """Snakemake's own preparations."""

    def report_job_submission(self, job_info: SubmittedJobInfo, register_job: bool = False) -> None:
        self.submitted.append(job_info.external_jobid)

    def report_job_success(self, job_info: SubmittedJobInfo) -> None:
        self.succeeded.append(job_info.job)

    def report_job_error(self, job_info: SubmittedJobInfo, **_: Any) -> None:
        self.failed.append(job_info.job)

    def die(self) -> None:
        """End without a word, as where the machine is switched off; only the lock is free."""
        self._lock_handle.close()

    def look(self) -> None:
        """Poll once, as the waiting thread does."""

        async def poll() -> None:
            async for _ in self.check_active_jobs([]):
                raise AssertionError

        asyncio.run(poll())


class Aws:
    """An account, and a project's folder from which it is used."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.s3, self.batch = FakeS3(), FakeBatch()
        self.jobs: list[FakeJob] = []
        clients = {"s3": self.s3, "batch": self.batch, "logs": FakeLogs()}
        session = SimpleNamespace(client=lambda name, **_: clients[name])
        credentials = SimpleNamespace(renew=lambda: None)
        monkeypatch.chdir(folder)
        monkeypatch.setattr(client.RateLimiter, "wait", lambda _: None)
        monkeypatch.setattr(executor, "open_session", lambda _: (session, credentials))
        for name in ("check_jobs", "rebuild_groups", "get_common_arguments"):
            monkeypatch.setattr(executor, name, lambda *_: None)
        monkeypatch.setattr(executor, "build_bundle", lambda *_: BUNDLE)
        monkeypatch.setattr(executor, "get_requirements", lambda *_: Requirements(4, 14336))
        monkeypatch.setattr(executor, "build_task", self._build_task)
        monkeypatch.setattr(RemoteExecutor, "shutdown", self._note_end)

    def start(self, *jobs: FakeJob, options: dict[str, Any] | None = None, **run: Any) -> Played:
        """Start a run with these jobs to do."""
        self.jobs = list(jobs)
        settings = ExecutorSettings(
            **{
                "region": "us-east-1",
                "job_queue": "spot",
                "job_role": "arn:aws:iam::123456789012:role/genomes-job",
                "bucket": "genomes-bucket",
                "image": "worker",
                "report_dir": str(self.folder / "records"),
                **(options or {}),
            }
        )
        return Played(self.jobs, settings, **run)

    def submit(self, count: int = 3, **options: Any) -> Played:
        """Start a run, and submit all its jobs."""
        played = self.start(*map(FakeJob, range(count)), **options)
        played.run_jobs(self.jobs)
        return played

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / "records" / LEDGER)

    def return_output(self, index: int, attempt: int = 1) -> None:
        """Let a child of the first array send its output back, and succeed."""
        job_id = "job-0"
        output = self.folder / f"{index}.json"
        output.write_text("made")
        pack_outputs(self.folder / "packed", [output.name], {"attempt": attempt})
        output.unlink()
        name = self.batch.names[job_id]
        run = name.rpartition("-")[0]
        content = (self.folder / "packed").read_bytes()
        self.s3.objects[f"{RUNS}{run}/{name}/{index}.tar.gz"] = content
        self.batch.jobs[job_id][index] = "SUCCEEDED"

    def fail(self, *indices: int, job_id: str = "job-0", **failure: Any) -> None:
        """Let children of an array fail in a way, or as those before."""
        self.batch.failure = failure or self.batch.failure
        for index in indices:
            self.batch.jobs[job_id][index] = "FAILED"

    def _build_task(self, job: FakeJob, *rest: Any) -> Task:
        return Task(job, job.output[0], [], [], job.output, "spot", Requirements(4, 14336))

    @staticmethod
    def _note_end(played: Played) -> None:
        played.is_shut_down = True


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Aws:
    caplog.set_level(logging.INFO, logger="played")
    return Aws(tmp_path, monkeypatch)


# --- the start ------------------------------------------------------------------------------------


def test_a_run_of_local_jobs_alone_neither_calls_aws_nor_writes_anything(aws: Aws) -> None:
    job = FakeJob(0)
    job.is_local = True

    played = aws.start(job)
    played.look()
    played.cancel_jobs([])
    played.shutdown()

    assert aws.batch.calls == 0
    assert list(aws.folder.iterdir()) == []
    assert played.is_shut_down


def test_a_local_checkpoint_may_ask_for_jobs_on_aws_later(aws: Aws) -> None:
    job = FakeJob(0)
    job.is_local = job.is_checkpoint = True

    aws.start(job)

    assert aws.batch.calls > 0


def test_a_command_that_no_shell_would_run_is_refused(aws: Aws) -> None:
    with pytest.raises(WorkflowError, match="put what it does into the image"):
        aws.start(FakeJob(0), precommand="module load")


def test_what_aws_refuses_at_the_start_ends_the_run_with_its_words(aws: Aws) -> None:
    aws.batch.refused.add("describe_job_queues")

    with pytest.raises(WorkflowError, match=r"AWS refuses what the executor needs: .*AccessDenied"):
        aws.start(FakeJob(0))


def test_a_folder_that_cannot_be_made_is_reported_with_its_option(aws: Aws) -> None:
    (aws.folder / "records").write_text("a file")

    with pytest.raises(WorkflowError, match="folder of --aws-batch-array-report-dir cannot be"):
        aws.start(FakeJob(0))


def test_with_nothing_left_to_do_only_what_earlier_runs_left_is_removed(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    played = aws.submit(1)
    aws.return_output(0)
    played.look()
    played.die()
    aws.s3.objects["data/kept"] = b""

    aws.start()

    assert list(aws.s3.objects) == ["data/kept"]
    assert len(aws.batch.deregistered) == 1
    assert aws.ledger.get_runs() == set()
    assert "Looking for what an earlier run has left on AWS." in caplog.messages


# --- submission -----------------------------------------------------------------------------------


def test_jobs_of_one_size_are_one_array_and_each_is_reported_with_its_id(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    played = aws.submit(3)

    assert aws.batch.jobs == {"job-0": ["RUNNING"] * 3}
    assert played.submitted == ["job-0:0", "job-0:1", "job-0:2"]
    assert f"Submitted 3 jobs to spot as {aws.batch.names['job-0']}." in caplog.messages


def test_one_job_is_a_plain_job(aws: Aws) -> None:
    played = aws.start(FakeJob(0))
    played.run_job(aws.jobs[0])

    assert played.submitted == ["job-0"]


def test_a_refused_submission_ends_the_run_and_says_how_its_jobs_are_found_again(aws: Aws) -> None:
    played = aws.submit(2)
    aws.batch.refused.add("submit_job")

    with pytest.raises(WorkflowError, match=r"AWS refuses the submission: (?s:.*)\n2 jobs on AWS"):
        played.run_job(FakeJob(9))

    played.cancel_jobs([])
    assert aws.batch.terminated == []


def refuse_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise WorkflowError("'a;b' cannot be a wildcard's value")

    monkeypatch.setattr(executor, "build_task", refuse)


def test_a_job_that_can_never_be_submitted_ends_a_run_that_has_cost_nothing_yet(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_tasks(monkeypatch)

    with pytest.raises(WorkflowError, match="'a;b' cannot be"):
        aws.submit(1)


def test_a_job_that_can_never_be_submitted_fails_alone_while_others_run(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    played = aws.submit(2)
    refuse_tasks(monkeypatch)
    job = FakeJob(9)

    played.run_jobs([job])

    assert played.failed == [job]
    assert job.attempt > job.restart_times
    assert "'a;b' cannot be a wildcard's value" in caplog.messages


# --- the jobs of earlier runs ---------------------------------------------------------------------


def test_jobs_of_a_controller_that_died_are_taken_over_and_not_submitted_again(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    aws.submit(3).die()

    played = aws.submit(3)

    assert len(aws.batch.jobs) == 1
    assert played.submitted == ["job-0:0", "job-0:1", "job-0:2"]
    assert "Took over 3 jobs that an earlier run submitted." in caplog.messages


def change_sources(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    build = aws._build_task

    def build_other(job: FakeJob, *rest: Any) -> Task:
        task = build(job, *rest)
        task.key = f"other {task.key}"
        return task

    monkeypatch.setattr(executor, "build_task", build_other)


def test_running_jobs_of_other_sources_are_not_thrown_away_without_being_asked(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.submit(3).die()
    change_sources(aws, monkeypatch)

    with pytest.raises(WorkflowError, match=r"3 jobs of an earlier run .*-discard-running"):
        aws.submit(3)

    assert aws.batch.terminated == []


def test_running_jobs_of_other_sources_end_when_that_was_asked_for(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.submit(3).die()
    change_sources(aws, monkeypatch)

    aws.submit(3, options={"discard_running": True})

    assert aws.batch.terminated == ["job-0"]
    assert list(aws.batch.jobs) == ["job-0", "job-1"]


def test_what_had_been_made_of_other_sources_is_kept_as_finished_files_are(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    aws.submit(2).die()
    for index in range(2):
        aws.return_output(index)
    change_sources(aws, monkeypatch)

    played = aws.submit(2, triggers=frozenset({RerunTrigger.MTIME}))
    played.look()

    assert played.succeeded == aws.jobs
    assert len(aws.batch.jobs) == 1
    assert "2 jobs had succeeded before the workflow, its configuration" in caplog.text


# --- how children end -----------------------------------------------------------------------------


def test_what_children_return_is_put_into_place_before_their_jobs_are_done(aws: Aws) -> None:
    played = aws.submit(3)
    for index in range(3):
        aws.return_output(index)

    played.look()

    assert [(aws.folder / job.output[0]).read_text() for job in aws.jobs] == ["made"] * 3
    assert played.succeeded == played.protected == aws.jobs
    assert aws.ledger.get_open_arrays() == []
    assert len((aws.folder / "records" / USAGE).read_text().splitlines()) == 1 + 3


def test_a_child_that_ended_is_not_reported_twice(aws: Aws) -> None:
    played = aws.submit(1)
    aws.return_output(0)

    played.look()
    played.look()

    assert played.succeeded == aws.jobs


def test_a_failure_that_would_come_again_leaves_no_attempts(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FakeJob, "restart_times", 3)
    played = aws.submit(1)
    aws.fail(0, container={"exitCode": 1})

    played.look()

    [job] = played.failed
    assert job.attempt == 4
    assert "0.json failed (final): failed; exit code 1" in caplog.text
    assert "0.json" in (aws.folder / "records" / FAILURES).read_text()


@pytest.mark.parametrize(
    ("failure", "following"),
    [
        ({"statusReason": "Host EC2 (instance i-1) terminated."}, "retried on on-demand"),
        ({"container": {"exitCode": 75}}, "retried on on-demand"),
        (
            {"container": {"exitCode": 137, "reason": "OutOfMemoryError: killed"}},
            "retried with the memory of the next attempt",
        ),
    ],
)
def test_what_another_host_or_more_memory_can_mend_is_retried(
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failure: dict[str, Any],
    following: str,
) -> None:
    monkeypatch.setattr(FakeJob, "restart_times", 2)
    played = aws.submit(1, options={"fallback_queue": "on-demand"})
    aws.fail(0, **failure)

    played.look()

    [job] = played.failed
    assert job.attempt == 1
    assert f"({following})" in caplog.text
    job.attempt = 2
    played.run_jobs([job])
    assert aws.batch.queues["job-1"] == ("on-demand" if "on-demand" in following else "spot")


def test_a_rule_with_retries_of_its_own_is_retried_whatever_its_error(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FakeJob, "restart_times", 1)
    played = aws.start(FakeJob(0, own_retries=1))
    played.run_jobs(aws.jobs)
    aws.fail(0, container={"exitCode": 1})

    played.look()

    assert played.failed[0].attempt == 1
    assert "(retried on spot)" in caplog.text


def fail_in_part(aws: Aws) -> Played:
    """Let a job of two files fail, of which its child has sent the first."""
    job = FakeJob(0)
    job.output = ["0.json", "1.json"]
    played = aws.start(job)
    played.run_jobs([job])
    aws.return_output(0)
    aws.fail(0, container={"exitCode": 1})
    played.look()
    return played


def test_what_a_failed_job_sent_is_put_back_after_snakemake_has_removed_its_outputs(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    played = fail_in_part(aws)

    assert "1.json failed (final)" in caplog.text
    assert not (aws.folder / "0.json").exists()
    played.handle_job_error(aws.jobs[0])
    assert (aws.folder / "0.json").read_text() == "made"
    played.handle_job_error(FakeJob(9))  # one that left nothing


def test_what_cannot_be_put_back_is_reported(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    played = fail_in_part(aws)
    (aws.folder / "0.json").mkdir()

    played.handle_job_error(aws.jobs[0])

    assert "What assembly has made cannot be put in its place" in caplog.text


# --- the circuit breaker --------------------------------------------------------------------------


def test_when_all_fail_alike_no_more_are_started_and_those_that_wait_are_cancelled(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    played = aws.submit(21)
    aws.fail(*range(20))

    played.look()

    assert aws.batch.cancelled == ["job-0"]
    assert "The first jobs have all failed in the same way" in caplog.text
    played.run_jobs([FakeJob(90), FakeJob(91)])
    assert len(aws.batch.jobs) == 1

    aws.batch.failure = {"isCancelled": True}
    aws.fail(20)
    with pytest.raises(WorkflowError, match="3 jobs were held back"):
        played.look()
    assert len(played.failed) == 20
    assert aws.ledger.get_open_arrays() == []


def test_jobs_that_cannot_be_cancelled_are_reported_with_the_command_that_ends_them(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    aws.batch.refused.add("cancel_job")
    played = aws.submit(21)
    aws.fail(*range(20))

    played.look()

    assert "aws batch terminate-job --job-id job-0 --reason failing" in caplog.text


# --- when AWS or the disk refuses -----------------------------------------------------------------


def test_jobs_go_on_when_aws_refuses_to_tell_how_they_are(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    played = aws.submit(2)
    aws.batch.refused.add("describe_jobs")

    with pytest.raises(WorkflowError, match="AWS refuses to tell the status of jobs"):
        played.look()

    played.cancel_jobs([])
    played.shutdown()
    assert aws.batch.terminated == []
    assert "2 jobs on AWS Batch go on without this controller" in caplog.messages[-1]


def test_what_comes_to_an_end_while_the_run_ends_is_no_error(aws: Aws) -> None:
    played = aws.submit(2)
    aws.batch.refused.add("describe_jobs")
    played.cancel_jobs([])

    played.look()


def test_what_cannot_be_written_down_is_not_reported_as_done(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = aws.submit(1)
    aws.return_output(0)

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(played._tables, "record_usage", refuse)

    with pytest.raises(WorkflowError, match=r"Nothing records the status of jobs: .*Permission"):
        played.look()
    assert played.succeeded == []
    assert len(aws.ledger.get_open_arrays()) == 1


def test_why_jobs_wait_is_reported_and_recorded_for_status(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    played = aws.submit(1)

    aws.batch.jobs["job-0"] = ["RUNNABLE"]
    aws.batch.waiting = "MISCONFIGURATION: no\x1b[31m instances"

    played.look()
    assert "Jobs wait in spot; AWS Batch says: MISCONFIGURATION: no" in caplog.text
    assert "\x1b" not in caplog.text
    aws.batch.jobs["job-0"] = ["RUNNING"]
    played.look()
    assert "gives no reason any more why jobs in spot wait" in caplog.messages[-1]


# --- the end --------------------------------------------------------------------------------------


def test_ctrl_c_terminates_the_jobs_of_this_run(aws: Aws) -> None:
    played = aws.submit(2)

    played.cancel_jobs([])

    assert aws.batch.terminated == ["job-0"]
    assert [array.cancelled for array in aws.ledger.get_open_arrays()] == [True]


def test_ctrl_c_leaves_jobs_of_an_earlier_run_that_this_one_did_not_ask_for(aws: Aws) -> None:
    aws.submit(2).die()
    played = aws.start(FakeJob(9))
    played.run_jobs(aws.jobs)

    played.cancel_jobs([])

    assert aws.batch.terminated == ["job-1"]


def test_with_detach_the_jobs_go_on(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    played = aws.submit(2, options={"detach": True})

    played.cancel_jobs([])

    assert aws.batch.terminated == []
    assert "The jobs go on; the next run of this workflow takes them over." in caplog.messages


def test_an_array_that_cannot_be_terminated_is_reported_and_the_others_end(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    played = aws.submit(2)
    aws.batch.refused.add("terminate_job")

    played.cancel_jobs([])

    assert f"{aws.batch.names['job-0']} in spot goes on: " in caplog.text


def test_at_the_end_nothing_of_a_finished_run_stays_on_aws(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    played = aws.submit(1)
    aws.return_output(0)
    played.look()

    played.shutdown()

    assert played.is_shut_down
    assert aws.s3.objects == {}
    assert len(aws.batch.deregistered) == 1
    assert "lost their host" not in caplog.text


def test_at_the_end_the_lost_hosts_are_counted(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FakeJob, "restart_times", 1)
    played = aws.submit(1)
    aws.fail(0, statusReason="Host EC2 (instance i-1) terminated.")
    played.look()

    played.shutdown()

    assert "1 attempts lost their host" in caplog.text


def test_a_disk_that_is_full_at_the_end_leaves_cleaning_up_to_the_next_start(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    played = aws.submit(1)

    def refuse() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(played._adopter, "close", refuse)

    played.shutdown()

    assert "The next start cleans up, as the disk cannot be used" in caplog.text


# --- polls ----------------------------------------------------------------------------------------


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Callable[[Played, float], float]:
    """Return a function that says how long a run of some age (s) waits for its next poll."""

    def sleep(played: Played, age: float) -> float:
        clock = SimpleNamespace(now=0.0)

        async def pass_time(seconds: float) -> None:
            clock.now += seconds

        played._started = -age
        monkeypatch.setattr(executor.time, "monotonic", lambda: clock.now)
        monkeypatch.setattr(executor.asyncio, "sleep", pass_time)
        asyncio.run(played.sleep())
        return float(clock.now)

    return sleep


@pytest.mark.parametrize(
    ("age", "expected"), [(60.0, 10.0), (5_000.0, 100.0), (5 * 86_400.0, 1_200.0)]
)
def test_the_older_a_run_the_rarer_its_polls(
    aws: Aws, slept: Callable[[Played, float], float], age: float, expected: float
) -> None:
    played = aws.submit(1)
    played.executor_settings.poll_interval = 10.0

    assert slept(played, age) == pytest.approx(expected, abs=0.5)


def test_nobody_waits_for_the_next_poll_of_a_workflow_that_has_ended(
    aws: Aws, slept: Callable[[Played, float], float]
) -> None:
    played = aws.submit(1)
    played.wait = False

    assert slept(played, 5_000.0) == 0.0


def test_a_second_controller_in_the_same_folder_is_refused(aws: Aws) -> None:
    first = aws.submit(1)

    with pytest.raises(WorkflowError, match="another Snakemake submits to AWS Batch from"):
        aws.start(FakeJob(1))

    first.die()
    aws.start(FakeJob(1))
