"""Placement, time-outs, cancelling and terminating of the emulated Batch.

https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
"""

import time
from types import SimpleNamespace

import pytest
from aws.batch_helpers import (
    describe,
    finished,
    register,
    submit,
    wait_for,
    wait_for_status,
)
from aws.emulator.batch.engine import Engine
from aws.emulator.batch.jobs import Job, JobSpec, now_ms
from aws.emulator.batch.retry import RetryStrategy
from aws.emulator.batch.stubs import StubRunner
from botocore.exceptions import ClientError

STOPS_AT_ONCE = {"linuxParameters": {"initProcessEnabled": True}}
"""With an init as its first process, a container obeys SIGTERM."""


def test_a_job_waits_in_runnable_while_the_vcpus_are_taken(start_aws, gate):
    aws = start_aws(spot_vcpus=4)
    first = submit(aws, register(aws, gate.wait, vcpus="4", container=gate.container))
    second = submit(aws, register(aws, vcpus="1"))
    wait_for_status(aws, first, "RUNNING")

    waiting = describe(aws, second)
    gate.open()

    assert waiting["status"] == "RUNNABLE"
    assert finished(aws, second)["startedAt"] >= finished(aws, first)["stoppedAt"]


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ({"vcpus": "17"}, "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"),
        ({"vcpus": "1", "memory": "2000000"}, "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"),
    ],
)
def test_a_job_that_fits_nowhere_stays_runnable_and_says_why(start_aws, sizes, reason):
    aws = start_aws()

    job_id = submit(aws, register(aws, **sizes))

    job = wait_for(lambda: describe(aws, job_id), lambda job: "statusReason" in job)
    assert job["status"] == "RUNNABLE"
    assert job["statusReason"].startswith(reason)


def test_a_queue_without_capacity_starts_nothing_and_one_child_says_why(start_aws):
    aws = start_aws(stub="aws.stub_functions:succeed")
    reason = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the request"
    aws.stick(aws.queue, reason, index=2)
    job_id = submit(aws, register(aws), size=3)

    wait_for(lambda: describe(aws, f"{job_id}:2"), lambda job: "statusReason" in job)

    assert describe(aws, f"{job_id}:2")["statusReason"] == reason
    assert "statusReason" not in describe(aws, f"{job_id}:0")
    aws.clear_faults()
    assert finished(aws, job_id)["status"] == "SUCCEEDED"


def test_all_of_an_instances_memory_does_not_fit_that_instance(shared_aws):
    all_of_an_m6i_xlarge = register(shared_aws, vcpus="4", memory=str(16 * 1024))
    job_id = submit(shared_aws, all_of_an_m6i_xlarge)
    finished(shared_aws, job_id)

    started = [record for record in shared_aws.containers() if record["job"] == job_id]

    assert started[0]["instance_type"] == "r6i.xlarge"


def test_cancelling_an_array_fails_what_waits_and_leaves_what_runs(start_aws, gate):
    aws = start_aws(spot_vcpus=1)
    job_id = submit(aws, register(aws, gate.wait, container=gate.container), size=2)
    wait_for_status(aws, f"{job_id}:0", "RUNNING")

    aws.client("batch").cancel_job(jobId=job_id, reason="not needed")

    gate.open()
    finished(aws, job_id)
    running, waiting = (describe(aws, f"{job_id}:{index}") for index in (0, 1))
    assert running["status"] == "SUCCEEDED"
    assert (waiting["status"], waiting["statusReason"]) == ("FAILED", "not needed")
    assert waiting["isCancelled"]
    assert waiting["attempts"] == []


def test_terminating_an_array_stops_what_runs_and_retries_nothing(start_aws):
    aws = start_aws(spot_vcpus=1)
    definition = register(aws, "sleep 60", container=STOPS_AT_ONCE, retryStrategy={"attempts": 3})
    job_id = submit(aws, definition, size=2)
    wait_for_status(aws, f"{job_id}:0", "RUNNING")

    aws.client("batch").terminate_job(jobId=job_id, reason="stopped by hand")

    assert finished(aws, job_id)["status"] == "FAILED"
    children = [describe(aws, f"{job_id}:{index}") for index in (0, 1)]
    assert [child["statusReason"] for child in children] == ["stopped by hand"] * 2
    assert [len(child["attempts"]) for child in children] == [1, 0]
    assert children[0]["isTerminated"]


def test_terminating_a_child_leaves_the_others(shared_aws, gate):
    definition = register(shared_aws, gate.wait, container=STOPS_AT_ONCE | gate.container)
    job_id = submit(shared_aws, definition, size=2)
    wait_for_status(shared_aws, f"{job_id}:0", "RUNNING")

    shared_aws.client("batch").terminate_job(jobId=f"{job_id}:0", reason="one too many")
    finished(shared_aws, f"{job_id}:0")
    gate.open()

    parent = finished(shared_aws, job_id)
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 1
    assert describe(shared_aws, f"{job_id}:0")["statusReason"] == "one too many"


def test_terminate_jobs_takes_50_ids_at_most(shared_aws):
    too_many = [str(number) for number in range(51)]

    with pytest.raises(ClientError, match="more than 50"):
        shared_aws.client("batch").terminate_jobs(jobs=too_many, reason="x")


def test_a_timeout_is_a_minute_at_least(shared_aws):
    with pytest.raises(ClientError, match="at least 60"):
        register(shared_aws, timeout={"attemptDurationSeconds": 59})


def test_an_attempt_over_its_time_is_stopped_and_not_retried():
    engine = Engine()
    engine.runner = StubRunner(engine, s3=None, function=lambda child: 0, seconds=60)
    job = make_job(timeout_s=1, retry=RetryStrategy(attempts=3))

    engine.submit(job)

    wait_for(lambda: job.status, lambda status: status == "FAILED")
    engine.close()
    assert job.status_reason == "Job attempt duration exceeded timeout"
    assert len(job.attempts) == 1
    assert time.time() * 1000 - job.attempts[0].started_at >= 1000


def make_job(**members):
    """A job on a compute environment of its own."""
    environment = SimpleNamespace(
        arn="arn:aws:batch:us-east-1:1:compute-environment/spot",
        name="spot",
        ecs_name="cluster",
        compute_resources={"type": "SPOT", "maxvCpus": 4, "instanceTypes": ["m6i"]},
    )
    spec = JobSpec(
        name="job",
        definition_arn="",
        definition_name="definition",
        queue=SimpleNamespace(arn="queue", name="genomes", environments=[environment]),
        container={},
        vcpus=1,
        memory_mib=256,
        parameters={},
        tags={},
        platforms=("EC2",),
        **members,
    )
    return Job("id", "arn:aws:batch:us-east-1:1:job/id", spec, now_ms())
