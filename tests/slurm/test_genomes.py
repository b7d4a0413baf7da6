"""Genomes on a real Slurm: good and bad ones, and trouble that only a cluster has."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from slurm.conftest import DISK, SCRATCH, TIMEOUT_S, Cluster, Ended, wait_for

READS = {"r1": "demo/reads/plasmid_R1.fastq.gz", "r2": "demo/reads/plasmid_R2.fastq.gz"}
CUT_OFF = READS | {"r1": "demo/reads/truncated_R1.fastq.gz"}
# What happens to each is in the SKESA of this folder.
COMPLETE = ["good", "hungry", "killed", "requeued"]
GENOMES = dict.fromkeys([*COMPLETE, "crashing"], READS) | {"broken": CUT_OFF}


@dataclass
class Finished:
    """A run of all of them, during which the node of `requeued` failed."""

    ended: Ended
    jobs: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def finished(cluster: Cluster) -> Finished:
    """Run them; take the job of `requeued` from its node in mid-assembly."""
    cluster.write_samples(GENOMES)
    process = cluster.start_workflow()
    wait_for(lambda: cluster.read("results/logs/requeued/seen") or process.poll() is not None)
    requeued = cluster.run(
        "scontrol", "requeue", cluster.read("results/logs/requeued/seen").strip()
    )
    output, _ = process.communicate(timeout=TIMEOUT_S)
    assert requeued.status == 0, output[-3000:]
    return Finished(Ended(process.returncode, output), cluster.jobs())


def test_four_genomes_complete_and_their_receipts_arrive(
    cluster: Cluster, finished: Finished
) -> None:
    assert [cluster.receipt(name)["status"] for name in COMPLETE] == ["complete"] * 4


def test_a_genome_that_cannot_become_one_is_excluded(cluster: Cluster, finished: Finished) -> None:
    receipt = cluster.receipt("broken")

    assert (receipt["status"], receipt["reason"]["type"]) == ("excluded", "gzip")


def test_each_genome_is_one_job_of_an_ordinary_user(cluster: Cluster, finished: Finished) -> None:
    attempts = [job["UserId"] for job in finished.jobs.values()]

    # Three attempts of `crashing`, two of `hungry` and `killed`, one of each other.
    assert attempts == ["bactofleet(1000)"] * 10


def test_a_genome_survives_the_loss_of_its_node(cluster: Cluster, finished: Finished) -> None:
    job = finished.jobs[cluster.read("results/logs/requeued/seen").strip()]

    assert (job["Restarts"], job["JobState"]) == ("1", "COMPLETED")


@pytest.mark.parametrize("sample", ["hungry", "killed"])
def test_a_genome_that_lacked_memory_gets_twice_as_much(
    cluster: Cluster, finished: Finished, sample: str
) -> None:
    first = finished.jobs[cluster.read(f"results/logs/{sample}/seen").strip()]
    again = [job for job in finished.jobs.values() if job["MinMemoryNode"] == "8000M"]

    assert (first["JobState"], first["MinMemoryNode"]) == ("FAILED", "4000M")
    assert "COMPLETED" in {job["JobState"] for job in again}
    assert "--memory 7" in cluster.read(f"results/logs/{sample}/assembly.log")  # less 1 GB


def test_slurm_itself_ends_what_takes_more_than_its_memory(
    cluster: Cluster, finished: Finished
) -> None:
    job = finished.jobs[cluster.read("results/logs/hungry/seen").strip()]

    assert "exceeded memory limit" in cluster.read(job["StdOut"])


def test_a_failing_genome_stops_no_other_and_is_named_last(finished: Finished) -> None:
    last = finished.ended.output[finished.ended.output.index("bactofleet: FAILED") :]

    assert finished.ended.status != 0
    assert "FAILED crashing at assembly: skesa ended with exit status 3" in last
    assert "1 genome failed" in last


def test_a_tool_that_fails_by_itself_is_not_run_by_the_attempts_that_follow(
    cluster: Cluster, finished: Finished
) -> None:
    assert cluster.read("results/logs/crashing/seen").splitlines() == ["once"]


def test_intermediates_are_on_the_node_only_and_gone_from_it(
    cluster: Cluster, finished: Finished
) -> None:
    found = cluster.run("find", "/shared", DISK, "-name", "stage.json").output.splitlines()

    log = cluster.read("results/logs/good/assembly.log")
    assert re.search(rf" {SCRATCH}/bactofleet-[0-9a-f]+/good/assembly/", log)
    assert [line for line in found if line.endswith("stage.json")] == []


def test_the_next_start_submits_what_failed_and_nothing_else(
    cluster: Cluster, finished: Finished
) -> None:
    cluster.run("touch", "/shared/mended")

    ended = cluster.run_workflow()

    assert ended.status == 0
    assert "6 genomes: 5 finished, 1 to do" in ended.output
    assert cluster.receipt("crashing")["status"] == "complete"
    assert len(cluster.jobs()) == len(finished.jobs) + 1


def test_a_start_with_nothing_to_do_submits_nothing(cluster: Cluster, finished: Finished) -> None:
    before = cluster.jobs().keys()

    ended = cluster.run_workflow()

    assert ended.status == 0
    assert cluster.jobs().keys() == before
