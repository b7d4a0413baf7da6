"""The real workflow on the emulated AWS: a project's folder, and reads in the bucket.

As a program it runs the demo, in a new folder: `tests/aws/up -- python tests/aws/genomes.py DIR`.
"""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import boto3

REPOSITORY = Path(__file__).parents[2]
IMAGE = "bactofleet:latest"
PROJECT = ("config", "demo", "profiles", "workflow")
READS = "demo/reads"


def copy_project(folder: Path) -> None:
    """Copy what a user has of the repository on a machine that only submits jobs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROJECT:
        source, target = REPOSITORY / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)


def upload_reads(s3: Any, bucket: str, files: Iterable[Path]) -> None:
    """Put reads where jobs can get them."""
    for path in files:
        s3.upload_file(str(path), bucket, f"{READS}/{path.name}")


def main(folder: Path) -> None:
    """Become the Snakemake that runs the demo with its reads and results on S3."""
    bucket = os.environ["SNAKEMAKE_AWS_BATCH_ARRAY_BUCKET"]
    shutil.rmtree(folder, ignore_errors=True)
    copy_project(folder)
    upload_reads(boto3.client("s3"), bucket, (folder / READS).iterdir())
    sheet = folder / "demo" / "samples.tsv"
    sheet.write_text(sheet.read_text().replace(READS, f"s3://{bucket}/{READS}"))
    os.chdir(folder)
    snakemake = [sys.executable, "-m", "snakemake", "--profile", "profiles/aws"]
    options = ["--configfile", "demo/config.yaml", "--config", f"results=s3://{bucket}/demo"]
    variables = os.environ | {"SNAKEMAKE_AWS_BATCH_ARRAY_IMAGE": IMAGE}
    os.execve(sys.executable, [*snakemake, *options], variables)  # noqa: S606 - no shell


if __name__ == "__main__":
    main(Path(sys.argv[1]))
