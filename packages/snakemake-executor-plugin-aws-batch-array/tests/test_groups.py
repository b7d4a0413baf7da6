"""Groups of Snakemake: with input functions that ask for `groupid`, and of several genomes."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

WORKFLOW = Path(__file__).parent / "pretend_genomes"
# Plans the workflow as a controller does, and prints of every group that is ready its rules, its
# id, and the ids in the names of what is local to it.
PLAN = """
import json, os, sys
from snakemake_executor_plugin_aws_batch_array import executor

def stop(self):
    executor.rebuild_groups(self.dag)
    for group in self.dag.ready_jobs:
        rules = sorted(job.rule.name for job in group.jobs)
        local = [job.wildcards.node for job in group.jobs if job.rule.name == "probe"]
        genomes = sorted(job.wildcards.sample for job in group.jobs if job.rule.name == "reads")
        told = {"rules": rules, "id": group.jobid, "local": local, "genomes": genomes}
        print(json.dumps(told), flush=True)
    os._exit(0)

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
on_two_seeds = pytest.mark.parametrize("seed", ["0", "1"])


@on_two_seeds
def test_every_group_is_ready_and_has_each_of_its_jobs_once(seed: str, tmp_path: Path) -> None:
    groups = plan(tmp_path, seed)

    assert [group["rules"] for group in groups] == [["assembly", "probe", "publish", "reads"]] * 4


@on_two_seeds
def test_a_group_has_as_many_genomes_as_were_asked_for(seed: str, tmp_path: Path) -> None:
    groups = plan(tmp_path, seed, genomes=7, together=3)

    assert sorted(group["rules"].count("publish") for group in groups) == [1, 3, 3]


@on_two_seeds
def test_genomes_of_a_group_share_what_is_local_to_the_id_that_the_child_gets(
    seed: str, tmp_path: Path
) -> None:
    groups = plan(tmp_path, seed, genomes=16, together=4)

    assert len(groups) == 4
    assert [group["local"] for group in groups] == [[group["id"]] for group in groups]


def test_a_restart_joins_the_same_genomes(tmp_path: Path) -> None:
    """Also if whole groups have ended in the meantime."""
    first, again, later = (
        plan(tmp_path / str(start), seed=str(start), together=3, made=made, is_local=False)
        for start, made in enumerate([range(11), range(11), range(3, 11)])
    )

    assert joined_genomes(first) == joined_genomes(again)
    assert joined_genomes(later) < joined_genomes(first)
    assert sorted(map(len, joined_genomes(later))) == [2, 3, 3]


def joined_genomes(groups: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    return {tuple(group["genomes"]) for group in groups}


def plan(
    folder: Path,
    seed: str,
    genomes: int = 4,
    together: int = 1,
    made: Iterable[int] | None = None,
    *,
    is_local: bool = True,
) -> list[dict[str, Any]]:
    """Plan a workflow of pretend genomes; return what there is to know of its groups.

    The genomes have the numbers `made`, all by default; if `is_local`, their groups have inputs
    with the group's id.
    """
    shutil.copytree(WORKFLOW, folder, dirs_exist_ok=True)
    samples = "".join(f"genome{number:02}\n" for number in (made or range(genomes)))
    (folder / "config" / "samples.tsv").write_text(samples)
    if not is_local:
        snakefile = folder / "Snakefile"
        snakefile.write_text(re.sub(r" +probe=lambda.*\n", "", snakefile.read_text()))
    settings = {f"SNAKEMAKE_AWS_BATCH_ARRAY_{name}": value for name, value in SETTINGS.items()}
    options = ["--executor", "aws-batch-array", "--jobs", "9", "--nolock"]
    if together > 1:
        options += ["--group-components", f"genome={together}"]
    planned = subprocess.run(
        [sys.executable, "-c", PLAN, *options],
        cwd=folder,
        env={**os.environ, **settings, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    groups = [json.loads(line) for line in planned.stdout.splitlines() if line.startswith("{")]
    assert groups, planned.stderr
    return groups
