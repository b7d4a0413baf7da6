"""A run outlives what AWS does now and then, and ends only on what waiting does not mend."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from aws.controller import Controller, StubGenomes, wait_until
from aws.emulator import provision
from aws.emulator.client import EmulatedAWS

from snakemake_executor_plugin_aws_batch_array import api

STUB = "aws.stub_functions:return_outputs"
# Longer than what a client of boto3 repeats by itself.
OUTAGE_S = 30.0

StartAWS = Callable[..., EmulatedAWS]


def was_submitted(controller: Controller) -> bool:
    return controller.count("batch", "SubmitJob").total() > 0


def was_seen(controller: Controller) -> bool:
    """Whether the controller has had an answer about jobs that it has submitted."""
    return controller.count("batch", "DescribeJobs").total() > 0


def run_with(
    controller: Controller,
    moment: Callable[[Controller], bool],
    happen: Callable[[], None],
    *arguments: str,
) -> int:
    """Run it, and let something happen at a moment."""
    process = controller.start(*arguments)
    try:
        wait_until(lambda: moment(controller) or process.poll() is not None)
        assert process.poll() is None, controller.log
        happen()
        return process.wait(300)
    finally:
        process.kill()
        process.wait()


def assert_done_once(controller: Controller, genomes: int = 4) -> None:
    assert len(controller.get_receipts()) == genomes
    assert controller.count("batch", "SubmitJob").total() == 1
    assert controller.get_keys() == []


def test_a_run_that_starts_in_an_outage_goes_on_when_it_is_over(
    start_aws: StartAWS, tmp_path: Path
) -> None:
    controller = StubGenomes(start_aws(stub=STUB), tmp_path)
    controller.aws.fail("*", status=503, seconds=OUTAGE_S)

    assert controller.run() == 0, controller.log

    assert_done_once(controller)


@pytest.mark.parametrize("kind", ["fail", "disconnect"])
def test_an_outage_while_jobs_run_is_waited_out_and_reported(
    start_aws: StartAWS, tmp_path: Path, kind: str
) -> None:
    controller = StubGenomes(start_aws(stub=STUB, stub_seconds=10), tmp_path)
    end = getattr(controller.aws, kind)

    assert run_with(controller, was_seen, lambda: end("*", seconds=OUTAGE_S)) == 0, controller.log

    assert_done_once(controller)
    assert "Waiting for AWS: AWS " in controller.log
    assert "AWS answers again, after" in controller.log


def test_an_outage_in_which_a_job_is_submitted_again_ends_no_other_job(
    start_aws: StartAWS, tmp_path: Path
) -> None:
    stub = "aws.stub_functions:return_outputs_of_the_fallback_queue"
    controller = StubGenomes(start_aws(stub=stub, stub_seconds=5), tmp_path)

    def end() -> None:
        controller.aws.fail("s3:PutObject", seconds=OUTAGE_S)

    assert run_with(controller, was_submitted, end) == 0, controller.log

    assert len(controller.get_receipts()) == 4
    assert controller.count("batch", "TerminateJob").total() == 0
    assert controller.count("batch", "SubmitJob").total() == 2


def refuse(aws: EmulatedAWS, operation: str) -> None:
    aws.fail(operation, status=403, code="AccessDeniedException", message="not authorized")


@pytest.mark.parametrize("operation", ["s3:PutObject", "batch:SubmitJob"])
def test_a_refused_submission_ends_the_run_and_not_its_jobs(
    start_aws: StartAWS, tmp_path: Path, operation: str
) -> None:
    stub = "aws.stub_functions:return_outputs_of_the_fallback_queue"
    aws = start_aws(stub=stub, stub_seconds=5)
    controller = StubGenomes(aws, tmp_path)

    code = run_with(controller, was_submitted, lambda: refuse(aws, operation))

    assert code == 1
    assert controller.count("batch", "TerminateJob").total() == 0
    last = "\n".join(controller.log.splitlines()[-8:])
    assert "jobs on AWS Batch go on without this controller" in last
    assert "takes them up again: snakemake --profile" in last
    aws.clear_faults()
    assert controller.run() == 0, controller.log
    assert len(controller.get_receipts()) == 4


def test_rights_that_are_taken_away_end_the_run_and_not_its_jobs(
    start_aws: StartAWS, tmp_path: Path
) -> None:
    aws = start_aws(stub=STUB, stub_seconds=5)
    controller = StubGenomes(aws, tmp_path)

    code = run_with(controller, was_seen, lambda: refuse(aws, "batch:DescribeJobs"))

    assert code == 1
    assert controller.count("batch", "TerminateJob").total() == 0
    last = "\n".join(controller.log.splitlines()[-8:])
    assert "4 jobs on AWS Batch go on without this controller" in last
    aws.clear_faults()
    assert controller.run() == 0, controller.log
    assert_done_once(controller)


def write_credentials(path: Path, access_key: str) -> None:
    """As a tool does that logs in."""
    keys = f"aws_access_key_id = {access_key}\naws_secret_access_key = none\n"
    path.write_text(f"[default]\n{keys}")


def test_a_token_that_is_renewed_outside_is_taken_without_a_restart(
    start_aws: StartAWS, tmp_path: Path
) -> None:
    aws = start_aws(stub=STUB, stub_seconds=10)
    controller = StubGenomes(aws, tmp_path)
    credentials = tmp_path / "credentials"
    write_credentials(credentials, provision.CONTROLLER_KEY)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del controller.environment[name]
    controller.environment["AWS_SHARED_CREDENTIALS_FILE"] = str(credentials)

    def expire() -> None:
        aws.expire_token()
        wait_until(lambda: "does not accept the credentials; renew them" in controller.log)
        write_credentials(credentials, provision.RENEWED_KEY)

    assert run_with(controller, was_seen, expire) == 0, controller.log

    assert_done_once(controller)


@pytest.mark.parametrize("genomes", [1, 4])
def test_an_empty_answer_submits_nothing_again(
    start_aws: StartAWS, tmp_path: Path, genomes: int
) -> None:
    controller = StubGenomes(start_aws(stub=STUB, stub_seconds=10), tmp_path, genomes)

    def forget() -> None:
        controller.aws.answer_empty("batch:DescribeJobs", times=3)

    assert run_with(controller, was_seen, forget) == 0, controller.log

    assert_done_once(controller, genomes)
    assert controller.count("batch", "TerminateJob").total() == 0


class ShortHour(StubGenomes):
    """A controller for which the hour, after which Batch has forgotten a job, has 5 seconds."""

    def wrap(self, command: list[str]) -> list[str]:
        """Start the same Snakemake in a process in which the hour was set."""
        start = (
            "import sys; from snakemake.cli import main; "
            "from snakemake_executor_plugin_aws_batch_array import monitor; "
            "monitor.FORGOTTEN_AFTER_S = 5; main(sys.argv[1:])"
        )
        assert command[1:3] == ["-m", "snakemake"]
        return [command[0], "-c", start, *command[3:]]


@pytest.mark.parametrize("genomes", [1, 4])
def test_jobs_that_batch_has_forgotten_are_ended_before_they_are_made_again(
    start_aws: StartAWS, tmp_path: Path, genomes: int
) -> None:
    aws = start_aws(stub=STUB, stub_seconds=20)
    controller = ShortHour(aws, tmp_path, genomes)

    def forget() -> None:
        aws.answer_empty("batch:DescribeJobs")
        wait_until(lambda: controller.count("batch", "TerminateJob").total() > 0)
        aws.clear_faults()

    assert run_with(controller, was_seen, forget) == 0, controller.log

    asked = [r["operation"] for r in aws.requests() if r["caller"].startswith("controller")]
    end = asked.index("TerminateJob")
    assert asked.index("SubmitJob") < end < len(asked) - asked[::-1].index("SubmitJob")
    assert controller.count("batch", "SubmitJob").total() == 2
    assert len(controller.get_receipts()) == genomes
    assert controller.get_keys() == []


def test_an_interrupt_in_an_outage_does_not_wait_for_its_end(
    start_aws: StartAWS, tmp_path: Path
) -> None:
    controller = StubGenomes(start_aws(stub=STUB, stub_seconds=60), tmp_path)

    def happen() -> bool:
        if was_seen(controller) and "Waiting for AWS" not in controller.log:
            controller.aws.fail("*")
        return "Waiting for AWS" in controller.log

    assert controller.signal_when(signal.SIGINT, happen) != 0

    assert "Traceback" not in controller.log


CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the request"


def test_jobs_that_do_not_start_are_talked_about(start_aws: StartAWS, tmp_path: Path) -> None:
    """The reason is on one of 1,500 children, past the first page of their list."""
    aws = start_aws(stub=STUB, spot_vcpus=2000)
    controller = StubGenomes(aws, tmp_path, genomes=1500)
    aws.stick(aws.queue, CAPACITY, index=1234)
    told = f"Jobs wait in {aws.queue}; AWS Batch says: {CAPACITY}"

    def is_told(controller: Controller) -> bool:
        return told in controller.log

    def happen() -> None:
        assert read_waiting(controller) == {aws.queue: CAPACITY}
        aws.clear_faults()

    assert run_with(controller, is_told, happen) == 0, controller.log

    assert controller.log.count(told) == 1
    assert read_waiting(controller) == {}
    assert_done_once(controller, 1500)


def read_waiting(controller: Controller) -> dict[str, str]:
    """What `bactofleet status` reads of the run."""
    jobs = api.read_open_jobs(controller.folder / "results")
    return {wait.queue: wait.reason for wait in jobs.waiting}
