"""The workflows that are compared: one rule, and that of this repository."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aws.emulator import provision
from aws.emulator.client import EmulatedAWS
from cohort import RESULTS, write_project
from executors import PEER_PREFIX


@dataclass(frozen=True)
class Workload:
    """A workflow with one job, or one group of jobs, for each genome.

    Attributes:
        stubs: What a job would do, by the name of the executor.
        lay_out: Writes the workflow for so many genomes into a folder.
        get_arguments: Returns Snakemake's arguments for so many genomes.
    """

    stubs: dict[str, str]
    lay_out: Callable[[EmulatedAWS, Path, int], None]
    get_arguments: Callable[[int], list[str]]


def _lay_out_one_rule(_aws: EmulatedAWS, folder: Path, _genomes: int) -> None:
    folder.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("one_rule.smk"), folder / "Snakefile")


def _get_one_rule_arguments(genomes: int) -> list[str]:
    # A rule `all` with 67,000 inputs takes Snakemake many minutes by itself.
    return ["--config", f"genomes={genomes}", "--until", "genome"]


def _lay_out_project(aws: EmulatedAWS, folder: Path, genomes: int) -> None:
    write_project(folder, genomes)
    # With a default storage provider, a local rule reads the sheet from there.
    sheet = "config/samples.tsv"
    s3 = provision.client("s3", aws.endpoint_url)
    s3.upload_file(str(folder / sheet), aws.bucket, f"{PEER_PREFIX}/{sheet}")


def _get_project_arguments(_genomes: int) -> list[str]:
    return [
        *("--config", f"results={RESULTS}"),
        *("--rerun-triggers", "mtime", "--latency-wait", "0"),
        *("--keep-going", "--nolock", "--drop-metadata"),
    ]


WORKLOADS = {
    "one-rule": Workload(
        {"aws-batch-array": "stubs:return_outputs", "aws-batch": "stubs:store_output"},
        _lay_out_one_rule,
        _get_one_rule_arguments,
    ),
    "genomes": Workload(
        {"aws-batch-array": "stubs:return_receipts", "aws-batch": "stubs:store_receipt"},
        _lay_out_project,
        _get_project_arguments,
    ),
}
