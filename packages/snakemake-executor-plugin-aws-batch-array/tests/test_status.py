"""What the words of Batch mean."""

from typing import Any

import pytest

from snakemake_executor_plugin_aws_batch_array.exit_codes import to_container
from snakemake_executor_plugin_aws_batch_array.status import (
    FALLBACK_CAUSES,
    RETRIED_CAUSES,
    Cause,
    Counts,
    get_failure,
    is_listing_due,
)

EXITED = "Essential container in task exited"
RECLAIMED = "Host EC2 (instance i-0737c70432d64f82a) terminated."


def make_attempt(status_reason: str, exit_code: int | None = None, reason: str | None = None):
    container: dict[str, Any] = {"logStreamName": "run/default/1"}
    if exit_code is not None:
        container["exitCode"] = exit_code
    if reason is not None:
        container["reason"] = reason
    return {"statusReason": status_reason, "container": container}


def make_detail(*attempts, **more):
    last = attempts[-1]
    return {
        "status": "FAILED",
        "attempts": list(attempts),
        "statusReason": last["statusReason"],
        "container": last["container"],
        **more,
    }


@pytest.mark.parametrize(
    ("detail", "cause"),
    [
        (make_detail(make_attempt(RECLAIMED)), Cause.RECLAIMED),
        (
            make_detail(make_attempt("Task failed to start", None, "CannotPullContainerError: x")),
            Cause.NOT_STARTED,
        ),
        (make_detail(make_attempt(EXITED, 75)), Cause.TEMPORARY),
        (make_detail(make_attempt(EXITED, 132)), Cause.ILLEGAL_INSTRUCTION),
        (make_detail(make_attempt(EXITED, 143)), Cause.RECLAIMED),
        (make_detail(make_attempt(EXITED, 137)), Cause.RECLAIMED),
        (make_detail(make_attempt("Your Spot Task was interrupted.")), Cause.RECLAIMED),
        (make_detail(make_attempt("Your Spot Task was interrupted.", 1)), Cause.RECLAIMED),
        (
            make_detail(make_attempt(EXITED, 137, "OutOfMemoryError: Container killed")),
            Cause.OUT_OF_MEMORY,
        ),
        (make_detail(make_attempt(EXITED, to_container(137))), Cause.OUT_OF_MEMORY),
        (make_detail(make_attempt(EXITED, to_container(143))), Cause.EXIT),
        (make_detail(make_attempt(EXITED, 139)), Cause.EXIT),
        (
            make_detail(
                make_attempt(EXITED, 1, "OutOfMemoryError: Container killed due to memory")
            ),
            Cause.OUT_OF_MEMORY,
        ),
        (make_detail(make_attempt(EXITED, 1)), Cause.EXIT),
        (make_detail(make_attempt(EXITED, 143), isTerminated=True), Cause.TERMINATED),
        (make_detail(make_attempt(EXITED, 137), isCancelled=True), Cause.TERMINATED),
        (make_detail(make_attempt(RECLAIMED), isTerminated=True), Cause.TERMINATED),
        (
            make_detail(make_attempt("Job attempt duration exceeded timeout", 143)),
            Cause.TIMED_OUT,
        ),
        (
            make_detail(make_attempt("Job attempt duration exceeded timeout", 137)),
            Cause.TIMED_OUT,
        ),
        (
            {"status": "FAILED", "statusReason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"},
            Cause.UNPLACEABLE,
        ),
    ],
)
def test_a_failure_has_a_cause(detail, cause):
    assert get_failure(detail).cause is cause


def test_every_reclaimed_attempt_is_counted():
    failure = get_failure(
        make_detail(make_attempt(RECLAIMED), make_attempt(EXITED, 75), make_attempt(RECLAIMED))
    )

    assert failure.reclaimed == 2
    assert failure.exit_code is None
    assert failure.log_stream == "run/default/1"


def test_hosts_that_left_an_exit_code_are_counted_and_the_end_of_a_job_that_was_ended_is_not():
    lost = [make_attempt(EXITED, 143), make_attempt(EXITED, 137)]

    assert get_failure(make_detail(*lost, make_attempt(EXITED, 1))).reclaimed == 2
    ended = make_detail(*lost, make_attempt(EXITED, 143), isTerminated=True)
    assert get_failure(ended).reclaimed == 2


def test_the_exit_code_is_what_the_rules_ended_with():
    assert get_failure(make_detail(make_attempt(EXITED, to_container(137)))).exit_code == 137


def test_an_error_of_a_tool_is_not_retried_and_a_lost_host_is_on_the_fallback_queue():
    assert Cause.EXIT not in RETRIED_CAUSES
    assert Cause.TIMED_OUT not in RETRIED_CAUSES
    assert Cause.RECLAIMED in FALLBACK_CAUSES
    assert Cause.OUT_OF_MEMORY in RETRIED_CAUSES - FALLBACK_CAUSES


def count_pages(size: int, seconds_per_child: float, poll_s: float) -> int:
    """Pages of ListJobs that an array costs when its children finish one after another."""
    counts, pages, now, finished = Counts(0, 0.0), 0, 0.0, 0
    while counts.listed < size:
        now += poll_s
        finished = min(size, int(now / seconds_per_child))
        if is_listing_due(counts, finished, size, finished == size, now):
            pages += -(-finished // 1000)
            counts = Counts(finished, now)
    return pages


@pytest.mark.parametrize("seconds_per_child", [0.01, 1.0, 5.0])
def test_listing_costs_at_most_a_page_for_a_hundred_children(seconds_per_child):
    assert count_pages(10_000, seconds_per_child, poll_s=10) <= 100


def test_four_genomes_are_listed_at_the_next_look():
    assert is_listing_due(Counts(0, 0.0), finished=1, size=4, is_over=False, now=10.0)


def test_what_was_listed_is_not_listed_again():
    assert not is_listing_due(Counts(4, 0.0), finished=4, size=10, is_over=True, now=1e6)


PULL = "CannotPullContainerError: "
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bactofleet:1"


@pytest.mark.parametrize(
    "reason",
    [
        PULL + f"Error response from daemon: pull access denied for {IMAGE}, repository does not "
        "exist or may require 'docker login': denied: requested access to the resource is denied",
        PULL + f"Error response from daemon: manifest for {IMAGE} not found: manifest unknown: "
        "Requested image not found",
        PULL + f"pull image manifest has been retried 1 time(s): failed to resolve ref {IMAGE}: "
        f"{IMAGE}: not found",
        PULL + "Error response from daemon: no matching manifest for linux/arm64/v8 in the "
        "manifest list entries: no match for platform in manifest: not found",
        PULL + "The image manifest does not contain descriptor matching platform 'linux/amd64'",
        PULL + f"Error response from daemon: Head {IMAGE}: no basic auth credentials",
        PULL + "User: arn:aws:sts::123456789012:assumed-role/r/i is not authorized to perform: "
        "ecr:BatchGetImage",
        "ResourceInitializationError: unable to pull secrets or registry auth: "
        "AccessDeniedException: ecr:GetAuthorizationToken",
        'CannotStartContainerError: exec /usr/bin/python3: exec format error: "unknown"',
    ],
)
def test_an_image_that_can_never_be_used_is_final(reason):
    failure = get_failure(make_detail(make_attempt("Task failed to start", None, reason)))

    assert failure.cause is Cause.NO_IMAGE
    assert failure.cause not in RETRIED_CAUSES


@pytest.mark.parametrize(
    "reason",
    [
        PULL + f"Error response from daemon: Get https://{IMAGE}: net/http: request canceled while "
        "waiting for connection (Client.Timeout exceeded while awaiting headers)",
        PULL + f"pull image manifest has been retried 5 time(s): failed to resolve ref {IMAGE}: "
        "failed to do request: dial tcp 52.94.0.1:443: i/o timeout",
        PULL + "Error response from daemon: toomanyrequests: Rate exceeded",
        PULL + "failed to copy: httpReadSeeker: failed open: unexpected EOF",
        PULL + "failed to extract layer: write /usr: no space left on device",
        "DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s",
        "CannotInspectContainerError: Could not transition to inspecting; timed out",
    ],
)
def test_a_pull_that_did_not_come_through_is_tried_again(reason):
    failure = get_failure(make_detail(make_attempt("Task failed to start", None, reason)))

    assert failure.cause is Cause.NOT_STARTED
    assert failure.cause in RETRIED_CAUSES
