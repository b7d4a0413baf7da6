"""The first genome of a user of a cluster that has Charliecloud and no tools (docs/slurm.md)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from slurm.conftest import OPTIONS, PROJECT, SLURM_OPTIONS, Cluster, Ended, start_cluster

READS = "/source/demo/reads"
FILES = f"{PROJECT}/image"
# Charliecloud makes namespaces of the user, which Docker's filter of system calls forbids.
NAMESPACES = "--security-opt=seccomp=unconfined"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster whose user has the files of the image and a folder with the reads of a genome."""
    with start_cluster("charliecloud", NAMESPACES, f"--env=BACTOFLEET_IMAGE={FILES}") as cluster:
        cluster.run("mkdir", "image", "reads")
        cluster.run("cp", f"{READS}/plasmid_R1.fastq.gz", f"{READS}/plasmid_R2.fastq.gz", "reads")
        unpack_image(cluster)
        yield cluster


def unpack_image(cluster: Cluster) -> None:
    """Unpack the archive of the image as the user of the cluster."""
    made = subprocess.check_output(["docker", "create", "bactofleet:latest"], text=True).strip()
    try:
        with subprocess.Popen(["docker", "export", made], stdout=subprocess.PIPE) as export:
            # Only root could make devices.
            unpack = cluster.command("tar", "-x", "--exclude", "dev/*", "--directory", "image")
            subprocess.run(unpack, stdin=export.stdout, check=True)
        assert export.returncode == 0
    finally:
        subprocess.run(["docker", "rm", made], check=True, capture_output=True)


@pytest.fixture(scope="module")
def ended(cluster: Cluster) -> Ended:
    """Lay out a cohort from the folder of reads, and make its genome."""
    made = cluster.run("bactofleet", "init", ".", "--reads", "reads")
    assert made.status == 0, made.output
    limits = ["--configfile", "/source/demo/config.yaml"]
    return cluster.run("bactofleet", "run", "--profile", "slurm", *limits, *SLURM_OPTIONS, *OPTIONS)


def test_the_cluster_has_no_tools(cluster: Cluster) -> None:
    assert cluster.run("sh", "-c", "command -v skesa prokka fastp").status != 0


def test_a_genome_is_made_in_the_image_inside_of_a_job(cluster: Cluster, ended: Ended) -> None:
    assert ended.status == 0, ended.output[-3000:]
    (job,) = cluster.jobs().values()
    receipt = cluster.receipt("plasmid")
    assert job["JobState"] == "COMPLETED"
    assert receipt["status"] == "complete"
    assert receipt["image"] == {"name": FILES}
    assert "skesa" in receipt["versions"]


def test_the_report_is_made_where_snakemake_runs(cluster: Cluster, ended: Ended) -> None:
    assert "plasmid" in cluster.read("results/cohort.tsv")
    assert "plasmid" in cluster.read("results/report.html")
