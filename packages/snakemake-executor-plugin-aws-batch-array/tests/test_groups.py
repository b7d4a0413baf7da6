"""Groups of Snakemake with input functions that ask for `groupid`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).parents[3] / "tests" / "aws" / "workflow"
# Plans the workflow as a controller does, and prints the rules of every group that is ready.
PLAN = """
import sys
from snakemake_executor_plugin_aws_batch_array import executor

def stop(self):
    executor.rebuild_stale_groups(self.dag)
    for group in self.dag.ready_jobs:
        print("GROUP", *sorted(job.rule.name for job in group.jobs), flush=True)
    import os; os._exit(0)

executor.Executor.__post_init__ = stop
from snakemake.cli import main
main(sys.argv[1:])
"""
SETTINGS = {
    "REGION": "us-east-1",
    "BUCKET": "genomes-bucket",
    "JOB_QUEUE": "genomes",
    "JOB_ROLE": "arn:aws:iam::123456789012:role/genomes-job",
    "IMAGE": "worker",
}


# The order of Snakemake's sets, and with it the outcome, depends on the seed of hashes.
@pytest.mark.parametrize("seed", ["0", "1"])
def test_every_group_is_ready_and_has_each_of_its_jobs_once(seed: str, tmp_path: Path) -> None:
    shutil.copytree(WORKFLOW, tmp_path, dirs_exist_ok=True)
    settings = {f"SNAKEMAKE_AWS_BATCH_ARRAY_{name}": value for name, value in SETTINGS.items()}

    planned = subprocess.run(
        [sys.executable, "-c", PLAN, "--executor", "aws-batch-array", "--jobs", "9", "--nolock"],
        cwd=tmp_path,
        env={**os.environ, **settings, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )

    groups = [line for line in planned.stdout.splitlines() if line.startswith("GROUP")]
    assert groups == ["GROUP assembly probe publish reads"] * 4, planned.stderr
