"""Real genomes outlive their controller's folder, and tarballs that were tampered with are found.

One run from killed controller to tarballs that are deleted, so that tests are in the order of it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from aws.controller import wait_until
from aws.emulator.client import EmulatedAWS
from aws.genome_controller import TIMEOUT_S, Genomes

DESTINATION = "results/cohort"
SAMPLES = {
    "first": ("plasmid_R1", "plasmid_R2"),
    "second": ("plasmid_R1",),
    "third": ("plasmid_R2",),
    "fourth": ("plasmid_R1", "plasmid_R2"),
}


class Project(Genomes):
    """A project whose configuration names where results are, as the commands read it there."""

    def __init__(self, aws: EmulatedAWS, folder: Path) -> None:
        super().__init__(aws, folder, SAMPLES, DESTINATION)
        config = folder / "config" / "config.yaml"
        address = f"results: s3://{aws.bucket}/{DESTINATION}\n"
        config.write_text(config.read_text().replace("results: results\n", address))

    def call(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Call `bactofleet` in the project's folder as the controller."""
        return subprocess.run(
            [Path(sys.executable).with_name("bactofleet"), *arguments],
            cwd=self.folder,
            env=os.environ | self.aws.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )

    def list_tarballs(self) -> list[str]:
        """Names of the objects where results are."""
        keys = [key for key in self.get_keys() if key.startswith(f"{DESTINATION}/")]
        return [key.removeprefix(f"{DESTINATION}/") for key in keys]

    def get(self, name: str) -> bytes:
        """An object where results are."""
        key = f"{DESTINATION}/{name}"
        reply = self.get_owner("s3").get_object(Bucket=self.aws.bucket, Key=key)
        content: bytes = reply["Body"].read()
        return content


def is_in_the_middle(project: Project) -> bool:
    """Whether one genome is finished, two are at work, and one is not begun."""
    return len(project.list_tarballs()) == 1 and len(project.aws.containers()) == 3


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAWS]:
    """An emulated AWS with as many vCPUs as two genomes take."""
    with EmulatedAWS(spot_vcpus=4) as aws:
        yield aws


@pytest.fixture(scope="module")
def lost(aws: EmulatedAWS, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The tarballs that there were when a controller was killed and its folder removed."""
    project = Project(aws, tmp_path_factory.mktemp("lost") / "project")
    aws.hold("s3:PutObject", f"*/{DESTINATION}/*.tar.gz", after=1)
    with project.started(*project.arguments) as controller:
        wait_until(lambda: is_in_the_middle(project) or controller.poll() is not None, TIMEOUT_S)
        assert controller.poll() is None, project.log
    tarballs = project.list_tarballs()
    aws.clear_faults()
    shutil.rmtree(project.folder)
    return tarballs


@pytest.fixture(scope="module")
def project(aws: EmulatedAWS, lost: list[str], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A new folder, in which receipts were pulled and the run went on to its end."""
    project = Project(aws, tmp_path_factory.mktemp("new") / "project")
    pulled = project.call("receipts", "pull")
    assert pulled.returncode == 0, pulled.stderr
    assert len(project.get_receipts()) >= len(lost) >= 1
    assert project.run_genomes() == 0, project.log
    return project


def test_every_genome_is_complete(project: Project) -> None:
    statuses = {sample: receipt["status"] for sample, receipt in project.get_receipts().items()}

    assert statuses == dict.fromkeys(SAMPLES, "complete")


def test_no_genome_was_made_or_submitted_twice(project: Project) -> None:
    put = Counter(
        request["resource"]
        for request in project.get_requests("job/")
        if request["operation"] == "PutObject"
        and request["status"] == HTTPStatus.OK
        and f"/{DESTINATION}/" in request["resource"]
    )

    assert put == {f"{project.aws.bucket}/{DESTINATION}/{sample}.tar.gz": 1 for sample in SAMPLES}
    assert project.count("batch", "SubmitJob") == {"SubmitJob": 1}
    assert len(project.aws.containers()) == len(SAMPLES)
    assert "jobs of a run that the bucket has and this folder not" in project.log


def test_the_lost_run_has_left_nothing_in_the_bucket(project: Project) -> None:
    assert [key for key in project.get_keys() if key.startswith("snakemake/")] == []


def test_the_crate_names_reads_and_tarballs_with_their_checksums(project: Project) -> None:
    crate = json.loads((project.folder / "results" / "ro-crate-metadata.json").read_text())

    entities = {entity["@id"]: entity for entity in crate["@graph"]}
    reads = entities[f"s3://{project.aws.bucket}/demo/reads/plasmid_R1.fastq.gz"]
    given = (project.folder / "demo/reads/plasmid_R1.fastq.gz").read_bytes()
    assert reads["sha256"] == hashlib.sha256(given).hexdigest()
    for sample in SAMPLES:
        tarball = entities[f"s3://{project.aws.bucket}/{DESTINATION}/{sample}.tar.gz"]
        content = project.get(f"{sample}.tar.gz")
        assert tarball["sha256"] == hashlib.sha256(content).hexdigest()
        assert entities[f"#genome/{sample}"]["result"] == {"@id": tarball["@id"]}


def test_tarballs_are_as_the_receipts_say_also_those_that_were_pulled(project: Project) -> None:
    checked = project.call("verify", "--checksums")

    assert (checked.returncode, checked.stdout.splitlines()) == (
        0,
        ["problem\ttarball\texpected\tfound"],
    )


@pytest.fixture(scope="module")
def tampered(project: Project) -> Project:
    """The bucket after one tarball was deleted, one cut off, and something foreign put there."""
    s3, bucket = project.get_owner("s3"), project.aws.bucket
    half = project.get("second.tar.gz")[:1000]
    s3.delete_object(Bucket=bucket, Key=f"{DESTINATION}/first.tar.gz")
    s3.put_object(Bucket=bucket, Key=f"{DESTINATION}/second.tar.gz", Body=half)
    s3.put_object(Bucket=bucket, Key=f"{DESTINATION}/foreign.tar.gz", Body=b"who knows")
    return project


def test_verify_names_what_is_deleted_truncated_and_foreign_by_one_listing(
    tampered: Project,
) -> None:
    receipts = tampered.get_receipts()
    sizes = {sample: receipt["tarball"]["bytes"] for sample, receipt in receipts.items()}
    before = len(tampered.aws.requests())

    checked = tampered.call("verify", "--json")

    address = f"s3://{tampered.aws.bucket}/{DESTINATION}"
    problems = [json.loads(line) for line in checked.stdout.splitlines()]
    assert checked.returncode == 1
    assert [tuple(problem.values()) for problem in problems] == [
        ("missing", f"{address}/first.tar.gz", f"{sizes['first']} bytes", ""),
        ("changed", f"{address}/second.tar.gz", f"{sizes['second']} bytes", "1000 bytes"),
        ("unexpected", f"{address}/foreign.tar.gz", "", "9 bytes"),
    ]
    asked = [request["operation"] for request in tampered.aws.requests()[before:]]
    assert asked == ["ListObjects"]


def test_fetch_brings_what_is_whole_and_refuses_what_is_truncated(tampered: Project) -> None:
    fetched = tampered.call("fetch", "second", "third")

    assert fetched.returncode == 1
    assert "second.tar.gz has 1,000 bytes, its receipt says" in fetched.stderr
    there = [path.name for path in (tampered.folder / "fetched").glob("*.tar.gz")]
    assert there == ["third.tar.gz"]
