"""Controllers that are killed, interrupted or started twice lose nothing and do nothing twice."""

import os
import re
import signal
from pathlib import Path

import pytest
from aws.controller import WAIT_S, Controller, PretendGenomes, wait_until
from aws.emulator.client import EmulatedAWS


def was_submitted(controller: Controller) -> bool:
    return controller.count("batch", "SubmitJob").total() > 0


def is_running(controller: Controller) -> bool:
    return len(controller.aws.containers()) >= 2


def has_looked_for_its_job(controller: Controller) -> bool:
    return controller.count("batch", "ListJobs").total() > 0


def had_no_genome_to_make(controller: Controller) -> bool:
    """Whether the last start ran nothing but the local target, which is forced in these tests."""
    last = max(
        controller.folder.glob(".snakemake/log/*.log"), key=lambda path: path.stat().st_mtime
    )
    return re.search(r"^all +1\ntotal +1$", last.read_text(), re.MULTILINE) is not None


def assert_done_once(controller: Controller) -> None:
    """Every genome is there, and none was submitted, started or published twice."""
    receipts = controller.get_receipts()
    assert len(receipts) == 4
    assert controller.count("batch", "SubmitJob").total() == 1
    assert len(controller.aws.containers()) == 4
    assert_nothing_left(controller)


def assert_nothing_left(controller: Controller) -> None:
    """In the account there are the results, and nothing of a run."""
    receipts = controller.get_receipts()
    assert controller.get_keys() == sorted(f"results/{sample}.tar.gz" for sample in receipts)
    assert list_definitions(controller) == []


def list_definitions(controller: Controller) -> list[str]:
    batch = controller.get_owner("batch")
    reply = batch.describe_job_definitions(status="ACTIVE")
    return [definition["jobDefinitionArn"] for definition in reply["jobDefinitions"]]


def kill_at(controller: Controller, operation: str, resource: str = "*") -> None:
    """Kill it at the moment when it asks for this, which is not done then."""
    controller.aws.hold(operation, resource)
    controller.kill_when(lambda: controller.aws.count_held() > 0)
    controller.aws.clear_faults()


@pytest.mark.parametrize("moment", [was_submitted, is_running])
def test_a_killed_controller_is_succeeded_by_the_next(
    aws: EmulatedAWS, tmp_path: Path, moment
) -> None:
    controller = PretendGenomes(aws, tmp_path)
    controller.kill_midway(lambda: moment(controller))

    assert controller.run() == 0, controller.log

    assert_done_once(controller)


def test_a_controller_killed_while_it_collects_is_succeeded(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    controller = PretendGenomes(aws, tmp_path)
    controller.kill_midway(lambda: len(controller.get_receipts()) == 3)

    assert controller.run() == 0, controller.log

    assert_done_once(controller)


@pytest.mark.parametrize(
    ("operation", "resource"),
    [("batch:RegisterJobDefinition", "*"), ("s3:PutObject", "*.manifest")],
)
def test_a_controller_killed_before_it_submits_is_succeeded(
    aws: EmulatedAWS, tmp_path: Path, operation: str, resource: str
) -> None:
    controller = PretendGenomes(aws, tmp_path)
    kill_at(controller, operation, resource)

    assert controller.run() == 0, controller.log

    assert_done_once(controller)


@pytest.mark.parametrize("operation", ["s3:DeleteObjects", "batch:DeregisterJobDefinition"])
def test_a_run_that_is_collected_and_not_cleaned_up_is_cleaned_up_by_the_next_start(
    aws: EmulatedAWS, tmp_path: Path, operation: str
) -> None:
    """Although that one has no genome to make."""
    controller = PretendGenomes(aws, tmp_path)
    kill_at(controller, operation)
    assert len(controller.get_receipts()) == 4
    assert len(list_definitions(controller)) == 1

    assert controller.run() == 0, controller.log

    assert had_no_genome_to_make(controller)
    assert_done_once(controller)
    before = len(aws.requests())
    assert controller.run() == 0, controller.log
    assert len(aws.requests()) == before


def test_a_run_whose_last_receipt_came_and_was_not_written_down_is_cleaned_up(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    """A pipe instead of usage.tsv stops the controller between the receipt and the ledger."""
    controller = PretendGenomes(aws, tmp_path, ["alpha"])
    (controller.folder / "results").mkdir()
    pipe = controller.folder / "results" / "usage.tsv"
    os.mkfifo(pipe)
    controller.kill_when(lambda: bool(controller.get_receipts()))
    pipe.unlink()

    assert controller.run() == 0, controller.log

    assert had_no_genome_to_make(controller)
    assert controller.count("batch", "SubmitJob").total() == 1
    assert_nothing_left(controller)


def test_a_controller_killed_before_it_knows_the_job_id_is_succeeded(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    """The answer to SubmitJob is lost, and the job is not yet visible when the controller dies."""
    controller = PretendGenomes(aws, tmp_path)
    aws.lose_response("batch:SubmitJob")
    aws.hide_submitted()
    controller.kill_when(lambda: has_looked_for_its_job(controller))
    aws.clear_faults()

    assert controller.run() == 0, controller.log

    assert_done_once(controller)


def test_a_lost_answer_does_not_submit_twice(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path)
    aws.lose_response("batch:SubmitJob")
    aws.hide_submitted()
    with controller.started() as process:
        wait_until(lambda: has_looked_for_its_job(controller))
        aws.clear_faults()

        assert process.wait(WAIT_S) == 0, controller.log

    assert_done_once(controller)


def test_jobs_that_batch_has_forgotten_are_settled_from_s3(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    controller = PretendGenomes(aws, tmp_path)
    controller.kill_midway(lambda: is_running(controller))
    wait_until(lambda: len([k for k in controller.get_keys() if k.endswith(".tar.gz")]) == 9)
    aws.forget_after(seconds=0)

    assert controller.run() == 0, controller.log

    assert_done_once(controller)


def test_a_second_controller_is_refused(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path)
    controller.hold_last()
    with controller.started() as first:
        wait_until(lambda: was_submitted(controller))

        assert controller.run() == 1

        assert "another Snakemake submits to AWS Batch" in controller.log
        aws.clear_faults()
        assert first.wait(WAIT_S) == 0
    assert_done_once(controller)


def test_an_interrupt_cancels_the_jobs(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path)

    code = controller.signal_midway(signal.SIGINT, lambda: is_running(controller))

    assert code != 0
    wait_until(lambda: is_over(controller))
    assert controller.run() == 0, controller.log
    assert len(controller.get_receipts()) == 4


def is_over(controller: Controller) -> bool:
    """Whether no child is left that could start or run."""
    batch = controller.get_owner("batch")
    states = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
    return not any(
        batch.list_jobs(jobQueue=controller.aws.queue, jobStatus=state)["jobSummaryList"]
        for state in states
    )


def test_an_interrupted_run_that_detaches_leaves_its_jobs(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path)

    controller.signal_midway(
        signal.SIGINT, lambda: is_running(controller), "--aws-batch-array-detach"
    )

    assert controller.count("batch", "TerminateJob").total() == 0
    assert controller.run() == 0, controller.log
    assert_done_once(controller)


def test_work_that_runs_is_thrown_away_only_if_that_is_asked_for(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    """What the old parameters give is not what is asked for now, but it has cost money."""
    controller = PretendGenomes(aws, tmp_path, ["alpha", "beta"])
    controller.set_behaviours({"alpha": "wait:60", "beta": "wait:60"})
    controller.kill_when(lambda: is_running(controller))
    controller.set_behaviours({})

    assert controller.run() == 1

    assert "2 jobs of an earlier run are at work on files that this run makes" in controller.log
    assert "vCPU hours" in controller.log
    assert controller.count("batch", "TerminateJob").total() == 0
    assert controller.run("--aws-batch-array-discard-running") == 0, controller.log
    assert "2 jobs of an earlier run are terminated" in controller.log
    assert len(controller.get_receipts()) == 2


def test_what_had_succeeded_is_collected_before_anything_is_superseded(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    controller = PretendGenomes(aws, tmp_path, ["alpha", "beta", "late"])
    controller.set_behaviours({"late": "wait:60"})
    controller.settings["poll_interval"] = 60  # nothing is collected by the one that is killed
    controller.kill_when(lambda: sum("/runs/" in key for key in controller.get_keys()) == 4)
    controller.settings["poll_interval"] = 1
    controller.set_behaviours({})

    assert controller.run("--aws-batch-array-discard-running") == 0, controller.log

    assert "2 jobs had succeeded before" in controller.log
    assert "1 jobs of an earlier run are terminated" in controller.log
    assert len(controller.get_receipts()) == 3
    assert len(aws.containers()) == 4


def test_a_note_a_token_and_the_order_of_a_set_supersede_nothing(
    aws: EmulatedAWS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = PretendGenomes(aws, tmp_path)
    snakefile = controller.folder / "Snakefile"
    snakefile.write_text('envvars:\n    "TOKEN",\n\n\n' + snakefile.read_text())
    triggers = ["--rerun-triggers", "mtime", "params", "input", "code"]
    monkeypatch.setenv("TOKEN", "old")
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    controller.kill_when(lambda: is_running(controller), *triggers)
    (controller.folder / "workflow" / "README.md").write_text("A note.")
    monkeypatch.setenv("TOKEN", "new")
    monkeypatch.setenv("PYTHONHASHSEED", "2")

    assert controller.run(*triggers) == 0, controller.log

    assert_done_once(controller)
