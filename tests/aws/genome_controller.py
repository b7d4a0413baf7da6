"""Runs the real workflow as a user does, with reads and results on the emulated S3."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws.controller import Controller
from aws.emulator.client import EmulatedAWS
from aws.genomes import IMAGE, READS, copy_project, upload_reads

# As the demo's (demo/config.yaml); with more threads than two a laptop's results would differ
# from these in the command lines of the logs.
OPTIONS = {
    "min_reads": 1000,
    "min_basepairs": 100000,
    "min_coverage": 5,
    "min_genome_size": 10000,
    "threads": 2,
}
TIMEOUT_S = 900


class Genomes(Controller):
    """A controller of the real workflow."""

    def __init__(
        self, aws: EmulatedAWS, folder: Path, samples: Mapping[str, tuple[str, ...]], results: str
    ) -> None:
        super().__init__(aws, folder, IMAGE)
        del self.settings["match_versions"]  # as in the profile
        copy_project(folder)
        upload_reads(self.get_owner("s3"), aws.bucket, (folder / READS).iterdir())
        write_sheet(folder, samples, f"s3://{aws.bucket}/{READS}")
        self.arguments = ["--config", *get_options(f"s3://{aws.bucket}/{results}")]

    def run_genomes(self, *arguments: str) -> int:
        """Run Snakemake to its end and return the exit code."""
        return self.run(*arguments, *self.arguments, timeout_s=TIMEOUT_S)

    def get_requests(self, caller: str) -> list[dict[str, Any]]:
        """What the controller, or the jobs, asked of S3 and were given, but for the reads."""
        reads = f"{self.aws.bucket}/{READS}"
        return [
            request
            for request in self.aws.requests()
            if request["service"] == "s3"
            and request["caller"].startswith(caller)
            and not request["resource"].startswith(reads)
        ]


def write_sheet(folder: Path, samples: Mapping[str, tuple[str, ...]], reads: str) -> None:
    """Write config/samples.tsv."""
    lines = ["sample\tr1\tr2"]
    for sample, files in samples.items():
        paths = [f"{reads}/{name}.fastq.gz" for name in files] + [""]
        lines.append("\t".join([sample, *paths[:2]]))
    (folder / "config" / "samples.tsv").write_text("\n".join(lines) + "\n")


def get_options(results: str) -> list[str]:
    """Words for `--config`."""
    return [f"{name}={value}" for name, value in {**OPTIONS, "results": results}.items()]
