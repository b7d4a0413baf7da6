"""The two executors that are compared: their command lines and their stubs."""

from collections.abc import Callable
from dataclasses import dataclass

from aws.emulator.client import EmulatedAWS

IMAGE = "stub"
PEER_PREFIX = "peer"
POLL_S = 5
UNLIMITED = 1_000_000
"""More jobs than there are, so that neither executor is held back by Snakemake."""


@dataclass(frozen=True)
class Contestant:
    """An executor plugin as its documentation says that it is used."""

    name: str
    stub: str
    arguments: Callable[[EmulatedAWS], list[str]]


def _array_arguments(aws: EmulatedAWS) -> list[str]:
    return [
        *("--executor", "aws-batch-array"),
        *("--aws-batch-array-region", aws.region),
        *("--aws-batch-array-job-queue", aws.queue),
        *("--aws-batch-array-job-role", aws.job_role_arn),
        *("--aws-batch-array-bucket", aws.bucket),
        *("--aws-batch-array-image", IMAGE),
        *("--aws-batch-array-poll-interval", str(POLL_S)),
    ]


def _peer_arguments(aws: EmulatedAWS) -> list[str]:
    return [
        *("--executor", "aws-batch"),
        *("--aws-batch-region", aws.region),
        *("--aws-batch-job-queue", aws.queue),
        *("--aws-batch-job-role", aws.job_role_arn),
        *("--container-image", IMAGE),
        *("--default-storage-provider", "s3"),
        *("--default-storage-prefix", f"s3://{aws.bucket}/{PEER_PREFIX}"),
        *("--max-status-checks-per-second", str(UNLIMITED)),
    ]


ARRAY = Contestant("aws-batch-array", "stubs:return_outputs", _array_arguments)
PEER = Contestant("aws-batch", "stubs:store_output", _peer_arguments)


def scheduling_arguments(genomes: int) -> list[str]:
    """Allow that everything is submitted at once."""
    return [
        *("--jobs", str(UNLIMITED)),
        *("--scheduler", "first-fit"),
        *("--max-jobs-per-timespan", f"{UNLIMITED}/1s"),
        *("--config", f"genomes={genomes}"),
        # A rule `all` with 67,000 inputs takes Snakemake many minutes by itself.
        *("--until", "genome"),
        *("--quiet", "rules"),
        "--nocolor",
    ]
