"""`bactofleet aws destroy`: remove the stack, unless it holds results or runs jobs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from typing import Any

from bactofleet.aws.ask import confirm
from bactofleet.aws.environments import UNFINISHED, list_queues
from bactofleet.aws.faults import translated
from bactofleet.aws.leftovers import iter_remaining, remove_images
from bactofleet.aws.session import open_session
from bactofleet.aws.settings import remove_settings
from bactofleet.aws.stack import Stack
from bactofleet.core.errors import ConfigurationError
from snakemake_executor_plugin_aws_batch_array import api

# Temporary files of the executor; everything else in the bucket is a user's data.
RUNS = api.get_runs_folder()
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MAX_DELETED = 1000


def destroy(args: argparse.Namespace) -> None:
    """Carry out the command."""
    with translated():
        session = open_session(args.region)
        stack = Stack(session.client("cloudformation"), args.stack)
        # A stack whose creation failed has no outputs and no resources.
        outputs = stack.outputs()
        s3, bucket = session.client("s3"), outputs.get("Bucket")
        _check_idle(session.client("batch"), list_queues(outputs))
        if bucket:
            _check_no_data(s3, bucket)
        question = f"Delete stack {stack.name} in {session.region_name}, its bucket and its images?"
        if not confirm(question, yes=args.yes):
            raise ConfigurationError(["Nothing was deleted."])
        if bucket:
            _clear_runs(s3, bucket)
        stack.delete(print)
        ec2, logs = session.client("ec2"), session.client("logs")
        remove_images(ec2, stack.name, (), print)
        for line in iter_remaining(ec2, logs, stack.name):
            print(f"Remains: {line}")
    if bucket:
        remove_settings(bucket)


def _check_idle(batch: Any, queues: list[str]) -> None:
    for queue in queues:
        for status in UNFINISHED:
            if batch.list_jobs(jobQueue=queue, jobStatus=status, maxResults=1)["jobSummaryList"]:
                raise ConfigurationError(
                    [
                        f"queue {queue} has jobs that are {status}; stop their Snakemake with "
                        "Ctrl-C or `bactofleet stop`, or end all of them: "
                        "`bactofleet aws stop --terminate-jobs`"
                    ]
                )


def _check_no_data(s3: Any, bucket: str) -> None:
    if key := next((key for key in _iter_keys(s3, bucket) if not key.startswith(RUNS)), None):
        raise ConfigurationError(
            [
                f"bucket {bucket} holds data, for example {key}; nothing was deleted.",
                f"Fetch what you need:  aws s3 sync s3://{bucket} FOLDER",
                f"then empty it:        aws s3 rm --recursive s3://{bucket}",
            ]
        )


def _clear_runs(s3: Any, bucket: str) -> None:
    """Remove the files of runs, so that the bucket is empty and can be deleted."""
    keys = _iter_keys(s3, bucket, RUNS)
    while chunk := [{"Key": key} for key in islice(keys, MAX_DELETED)]:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": chunk, "Quiet": True})


def _iter_keys(s3: Any, bucket: str, prefix: str = "") -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return (item["Key"] for page in pages for item in page.get("Contents", []))
