"""Settings of the executor aws-batch-array."""

from typing import Any

import pytest
from snakemake_interface_common.exceptions import WorkflowError

from snakemake_executor_plugin_aws_batch_array.settings import (
    ExecutorSettings,
    format_tags,
    parse_tags,
)

ROLE = "arn:aws:iam::123456789012:role/genomes-job"
VALID: dict[str, Any] = {
    "region": "us-east-1",
    "job_queue": "genomes",
    "job_role": ROLE,
    "bucket": "genomes-bucket",
    "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/bactofleet:0.1.0",
}


def test_valid_settings_are_taken_and_there_is_no_timeout_by_default():
    settings = ExecutorSettings(**VALID)

    assert settings.task_timeout is None
    assert settings.attempts == 3


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("bucket", "s3://genomes-bucket", "a bucket's name, without s3://"),
        ("bucket", "a..b", "bucket is 'a..b'"),
        ("prefix", "../other", "prefix is '../other'"),
        ("prefix", "a//b", "letters, digits, . _ - and /"),
        ("job_queue", "genomes; rm -rf /", "a queue's name or ARN"),
        ("fallback_queue", "genomes", "fallback-queue is the job-queue"),
        ("share_identifier", "lab 7", "share-identifier is 'lab 7'; give letters and digits"),
        ("image", "image with spaces", "as `docker pull` takes it"),
        ("job_role", "admin", "arn:aws:iam::<account>:role/<name>"),
        ("execution_role", "$(id)", "arn:aws:iam::<account>:role/<name>"),
        ("scratch_volume", "scratch", "an absolute path"),
        ("scratch_volume", "/mnt/../etc", "an absolute path"),
        ("match_versions", "snakemake, nowhere", "not installed here: nowhere"),
        ("attempts", 0, "give 1 to 10"),
        ("attempts", 11, "give 1 to 10"),
        ("task_timeout", 59, "give at least 60"),
        ("shared_memory", 0, "give at least 1"),
        ("poll_interval", 0, "give at least 1"),
        ("tags", {f"key{i}": "" for i in range(51)}, "give 0 to 50"),
    ],
)
def test_a_value_that_cannot_work_is_refused_with_what_is_allowed(name, value, message):
    with pytest.raises(WorkflowError) as refused:
        ExecutorSettings(**{**VALID, name: value})

    assert message in str(refused.value)


def test_all_problems_are_reported_at_once():
    with pytest.raises(WorkflowError) as refused:
        ExecutorSettings(**{**VALID, "bucket": "B", "attempts": 99, "image": " "})

    assert all(word in str(refused.value) for word in ("bucket", "attempts", "image"))


def test_tags_are_read_as_they_are_written():
    tags = {"project": "genomes", "owner": "a=b"}

    assert parse_tags(format_tags(tags)) == tags


@pytest.mark.parametrize("text", ["novalue", "=value", "a=1,,b=2"])
def test_tags_without_key_or_value_are_refused(text):
    with pytest.raises(WorkflowError, match="KEY=VALUE"):
        parse_tags(text)
