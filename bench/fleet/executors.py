"""The two executors that are compared: their command lines."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import snakemake_executor_plugin_aws_batch
from aws.emulator.client import EmulatedAWS

REPOSITORY = Path(__file__).parents[2]

IMAGE = "stub"
PEER_PREFIX = "peer"
POLL_S = 5
UNLIMITED = 1_000_000
"""More jobs than there are, so that neither executor is held back by Snakemake."""


@dataclass(frozen=True)
class Contestant:
    """An executor plugin as its documentation says that it is used."""

    name: str
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


def patch_peer(folder: Path) -> dict[str, str]:
    """Copy aws-batch with the patch by which it takes groups of six rules; return where it is."""
    installed = Path(snakemake_executor_plugin_aws_batch.__file__).parent
    shutil.copytree(installed, folder / installed.name)
    patch = REPOSITORY / "docs/upstream/aws-batch-job-names.patch"
    # It is not part of the repository around it, if there is one.
    alone = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    subprocess.run(["git", "apply", str(patch)], cwd=folder, env=alone, check=True)
    return {"PYTHONPATH": str(folder)}


ARRAY = Contestant("aws-batch-array", _array_arguments)
PEER = Contestant("aws-batch", _peer_arguments)


SCHEDULING = [
    *("--jobs", str(UNLIMITED)),
    *("--scheduler", "first-fit"),
    *("--max-jobs-per-timespan", f"{UNLIMITED}/1s"),
    *("--quiet", "rules"),
    "--nocolor",
]
"""Allow that everything is submitted at once."""
