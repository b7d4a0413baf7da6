"""Retries: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html."""

import pytest
from aws.batch_helpers import describe, finished, log_of, register, run, submit, wait_for_status
from botocore.exceptions import ClientError

RECLAIMED = {"onStatusReason": "Host EC2*", "action": "RETRY"}
NOTHING_ELSE = {"onReason": "*", "action": "EXIT"}
SAYS_ATTEMPT = "echo attempt $AWS_BATCH_JOB_ATTEMPT"


def strategy(attempts, *rules):
    return {"attempts": attempts, "evaluateOnExit": list(rules)}


def test_a_failed_job_is_tried_once_when_no_strategy_is_given(shared_aws):
    job = run(shared_aws, "exit 1")

    assert job["status"] == "FAILED"
    assert len(job["attempts"]) == 1


def test_each_attempt_has_its_number_exit_code_times_and_log(shared_aws):
    exits_attempt = f"{SAYS_ATTEMPT}; exit $AWS_BATCH_JOB_ATTEMPT"

    job = run(shared_aws, exits_attempt, retryStrategy=strategy(2))

    attempts = job["attempts"]
    assert [attempt["container"]["exitCode"] for attempt in attempts] == [1, 2]
    assert [log_of(shared_aws, attempt) for attempt in attempts] == [["attempt 1"], ["attempt 2"]]
    assert all(attempt["startedAt"] <= attempt["stoppedAt"] for attempt in attempts)
    assert attempts[0]["statusReason"] == "Essential container in task exited"


def test_a_job_that_succeeds_at_last_is_not_tried_again(shared_aws):
    job = run(shared_aws, "[ $AWS_BATCH_JOB_ATTEMPT = 2 ]", retryStrategy=strategy(5))

    assert job["status"] == "SUCCEEDED"
    assert len(job["attempts"]) == 2


def test_the_first_rule_that_matches_decides(shared_aws):
    rules = [{"onExitCode": "1*", "action": "EXIT"}, {"onExitCode": "12", "action": "RETRY"}]

    job = run(shared_aws, "exit 12", retryStrategy=strategy(3, *rules))

    assert len(job["attempts"]) == 1


def test_what_no_rule_matches_is_retried(shared_aws):
    job = run(
        shared_aws, "exit 3", retryStrategy=strategy(2, {"onExitCode": "1", "action": "EXIT"})
    )

    assert len(job["attempts"]) == 2


def test_all_conditions_of_a_rule_must_match(shared_aws):
    rule = {"onExitCode": "3", "onStatusReason": "Host EC2*", "action": "EXIT"}

    job = run(shared_aws, "exit 3", retryStrategy=strategy(2, rule))

    assert len(job["attempts"]) == 2


@pytest.mark.parametrize(
    "malformed",
    [
        strategy(11),
        strategy(2, *[NOTHING_ELSE] * 6),
        strategy(2, {"onReason": "a-b", "action": "EXIT"}),
        strategy(2, {"onReason": "*a", "action": "EXIT"}),
        strategy(2, {"onExitCode": "x", "action": "EXIT"}),
    ],
)
def test_a_strategy_has_ten_attempts_and_five_rules_of_plain_prefixes(shared_aws, malformed):
    with pytest.raises(ClientError, match=r"attempts|rules|malformed"):
        register(shared_aws, retryStrategy=malformed)


def test_an_attempt_whose_host_was_reclaimed_has_no_exit_code_and_no_reason(shared_aws):
    shared_aws.reclaim(name="reclaimed", attempts=[1], after_log="attempt")
    slow_at_first = f"{SAYS_ATTEMPT}; [ $AWS_BATCH_JOB_ATTEMPT = 2 ] || sleep 60"
    definition = register(
        shared_aws, slow_at_first, retryStrategy=strategy(3, RECLAIMED, NOTHING_ELSE)
    )

    job = finished(shared_aws, submit(shared_aws, definition, jobName="reclaimed"))

    lost, last = job["attempts"]
    assert lost["statusReason"].startswith("Host EC2 (instance i-")
    assert lost["statusReason"].endswith(") terminated.")
    assert not {"exitCode", "reason"} & set(lost["container"])
    assert last["container"]["exitCode"] == 0
    assert lost["container"]["containerInstanceArn"] != last["container"]["containerInstanceArn"]


@pytest.mark.parametrize(
    ("shows", "status_reason", "container"),
    [
        ("143", "Essential container in task exited", {"exitCode": 143}),
        ("137", "Essential container in task exited", {"exitCode": 137}),
        ("fargate", "Your Spot Task was interrupted.", {}),
    ],
)
def test_a_reclaimed_host_may_show_in_other_ways(shared_aws, shows, status_reason, container):
    job_id = submit(shared_aws, register(shared_aws, "sleep 60"))
    wait_for_status(shared_aws, job_id, "RUNNING")

    shared_aws.reclaim(job=job_id, shows=shows)

    job = finished(shared_aws, job_id)
    (lost,) = job["attempts"]
    assert (job["statusReason"], lost["statusReason"]) == (status_reason, status_reason)
    seen = {k: v for k, v in lost["container"].items() if k in ("exitCode", "reason")}
    assert seen == container


def test_a_job_whose_host_is_reclaimed_at_every_attempt_fails(shared_aws):
    shared_aws.reclaim(name="always-reclaimed", after_s=0.2)
    definition = register(shared_aws, "sleep 60", retryStrategy=strategy(2, RECLAIMED))

    job = finished(shared_aws, submit(shared_aws, definition, jobName="always-reclaimed"))

    assert job["status"] == "FAILED"
    assert len(job["attempts"]) == 2
    assert job["statusReason"].startswith("Host EC2")


def test_the_host_of_a_running_job_can_be_reclaimed_now(shared_aws):
    job_id = submit(shared_aws, register(shared_aws, "sleep 60"))
    wait_for_status(shared_aws, job_id, "RUNNING")

    shared_aws.reclaim(job=job_id)

    assert finished(shared_aws, job_id)["statusReason"].startswith("Host EC2")


def test_a_refused_pull_is_a_task_that_failed_to_start(shared_aws):
    shared_aws.refuse_pull(name="no-image", attempts=[1])
    rule = {"onReason": "CannotPullContainerError*", "action": "RETRY"}
    definition = register(shared_aws, retryStrategy=strategy(2, rule, NOTHING_ELSE))

    job = finished(shared_aws, submit(shared_aws, definition, jobName="no-image"))

    refused, good = job["attempts"]
    assert refused["statusReason"] == "Task failed to start"
    assert refused["container"]["reason"].startswith("CannotPullContainerError:")
    assert "exitCode" not in refused["container"]
    assert good["container"]["exitCode"] == 0


def test_an_image_that_does_not_exist_cannot_be_pulled(shared_aws):
    job = run(shared_aws, "true", container={"image": "127.0.0.1:9/no-such-image:1"})

    assert job["container"]["reason"].startswith("CannotPullContainerError:")


def test_a_container_over_its_memory_is_killed_with_137_and_a_reason(shared_aws):
    eats_memory = "x=$(head -c 200M /dev/zero | tr '\\0' x); echo ${#x}"

    job = run(shared_aws, eats_memory, memory="64")

    assert job["container"]["exitCode"] == 137
    assert job["container"]["reason"].startswith("OutOfMemoryError:")


def test_a_retried_job_goes_before_those_that_wait(start_aws):
    aws = start_aws(spot_vcpus=1)
    fails_once = "[ $AWS_BATCH_JOB_ATTEMPT = 2 ]"
    first = submit(aws, register(aws, fails_once, retryStrategy=strategy(2)))
    second = submit(aws, register(aws))

    finished(aws, second)

    retried = describe(aws, first)["attempts"][1]
    assert retried["stoppedAt"] <= describe(aws, second)["attempts"][0]["startedAt"]
