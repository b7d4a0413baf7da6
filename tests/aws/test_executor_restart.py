"""Controllers that are killed, interrupted or started twice lose nothing and do nothing twice."""

import signal
from pathlib import Path

import pytest
from controller import Controller, PretendGenomes, wait_until
from emulator.client import EmulatedAWS


def was_submitted(controller: Controller) -> bool:
    return controller.count("batch", "SubmitJob").total() > 0


def is_running(controller: Controller) -> bool:
    return len(controller.aws.containers()) >= 2


def is_collecting(controller: Controller) -> bool:
    return any((controller.folder / "results" / "receipts").glob("*.json"))


def assert_done_once(controller: Controller) -> None:
    """Every genome is there, and none was submitted, started or published twice."""
    receipts = controller.get_receipts()
    assert len(receipts) == 4
    assert controller.count("batch", "SubmitJob").total() == 1
    assert len(controller.aws.containers()) == 4
    assert controller.get_keys() == sorted(f"results/{sample}.tar.gz" for sample in receipts)


@pytest.mark.parametrize("moment", [was_submitted, is_running, is_collecting])
def test_a_killed_controller_is_succeeded_by_the_next(
    aws: EmulatedAWS, tmp_path: Path, moment
) -> None:
    controller = PretendGenomes(aws, tmp_path)
    controller.kill_when(lambda: moment(controller))

    assert controller.run() == 0, controller.log

    assert_done_once(controller)


def test_a_controller_killed_before_it_knows_the_job_id_is_succeeded(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    """The answer to SubmitJob is lost, and the job is not yet visible when the controller dies."""
    controller = PretendGenomes(aws, tmp_path)
    aws.lose_response("batch:SubmitJob")
    aws.hide_submitted(seconds=3)
    controller.kill_when(lambda: controller.count("batch", "ListJobs").total() > 0)

    assert controller.run() == 0, controller.log

    assert_done_once(controller)


def test_a_lost_answer_does_not_submit_twice(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path)
    aws.lose_response("batch:SubmitJob")
    aws.hide_submitted(seconds=2)

    assert controller.run() == 0, controller.log

    assert_done_once(controller)


def test_jobs_that_batch_has_forgotten_are_settled_from_s3(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    controller = PretendGenomes(aws, tmp_path)
    controller.kill_when(lambda: is_running(controller))
    wait_until(lambda: len([k for k in controller.get_keys() if k.endswith(".tar.gz")]) == 9)
    aws.forget_after(seconds=0)

    assert controller.run() == 0, controller.log

    assert_done_once(controller)


def test_a_second_controller_is_refused(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path)
    first = controller.start()
    try:
        wait_until(lambda: was_submitted(controller))

        assert controller.run() == 1

        assert "another Snakemake submits to AWS Batch" in controller.log
        assert first.wait(60) == 0
    finally:
        first.kill()
        first.wait()
    assert_done_once(controller)


def test_an_interrupt_cancels_the_jobs(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path)

    code = controller.signal_when(signal.SIGINT, lambda: is_running(controller))

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

    controller.signal_when(
        signal.SIGINT, lambda: is_running(controller), "--aws-batch-array-detach"
    )

    assert controller.count("batch", "TerminateJob").total() == 0
    assert controller.run() == 0, controller.log
    assert_done_once(controller)


def test_other_sources_supersede_what_still_runs(aws: EmulatedAWS, tmp_path: Path) -> None:
    """The results of the old sources are not what is asked for now."""
    controller = PretendGenomes(aws, tmp_path)
    controller.kill_when(lambda: was_submitted(controller))
    script = controller.folder / "workflow" / "scripts" / "publish.py"
    script.write_text(script.read_text() + "# another version\n")

    assert controller.run() == 0, controller.log

    assert "4 running jobs of an earlier run are terminated" in controller.log
    assert controller.count("batch", "SubmitJob").total() == 2
