"""Real genomes on the emulated AWS: the workflow, its image, reads and results on S3."""

import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from aws.emulator.client import EmulatedAWS
from aws.genome_controller import TIMEOUT_S, Genomes, get_options, write_sheet
from aws.genomes import IMAGE, READS, copy_project, upload_reads
from support.long_reads import write_long_reads, write_pairs
from support.tarballs import pack

from bactofleet.core.destination import scratch_folder
from bactofleet.cost.prices import load_prices

DESTINATION = "results/cohort"
# Sample: the reads of demo/reads that it is made of.
COMPLETE = {
    "ecoli": ("ecoli_R1", "ecoli_R2"),
    "reclaimed": ("ecoli_R1", "ecoli_R2"),
    "plasmid": ("plasmid_R1", "plasmid_R2"),
    "single": ("plasmid_R1",),
}
EXCLUDED = {"truncated": ("truncated_R1", "plasmid_R2")}


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAWS]:
    """An emulated AWS with as many vCPUs as two genomes take."""
    with EmulatedAWS(spot_vcpus=4) as aws:
        yield aws


@pytest.fixture(scope="module")
def finished(aws: EmulatedAWS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Genomes]:
    """A run that has ended; one genome lost its host while it was assembled."""
    folder = tmp_path_factory.mktemp("cohort") / "project"
    controller = Genomes(aws, folder, COMPLETE | EXCLUDED, DESTINATION)
    aws.reclaim(
        after_log=f"output: {scratch_of(controller)}/reclaimed/assembly", after_s=2, attempts=[1]
    )
    assert controller.run_genomes() == 0, controller.log
    yield controller
    aws.clear_faults()


def scratch_of(controller: Genomes) -> Path:
    return scratch_folder("scratch", f"s3://{controller.aws.bucket}/{DESTINATION}")


def get_tarball(finished: Genomes, sample: str) -> bytes:
    key = f"{DESTINATION}/{sample}.tar.gz"
    reply = finished.get_owner("s3").get_object(Bucket=finished.aws.bucket, Key=key)
    content: bytes = reply["Body"].read()
    return content


def get_usage(finished: Genomes, sample: str) -> list[dict[str, str]]:
    """Rows of the attempts of a genome, in their order."""
    target = f"results/receipts/{sample}.json"
    rows = [row for row in finished.get_table("usage.tsv") if row["target"] == target]
    return sorted(rows, key=lambda row: row["started"])


def test_every_genome_is_complete_but_for_the_broken_one_which_is_excluded(
    finished: Genomes,
) -> None:
    endings = {sample: receipt["status"] for sample, receipt in finished.get_receipts().items()}

    assert endings == dict.fromkeys(COMPLETE, "complete") | dict.fromkeys(EXCLUDED, "excluded")


def test_the_bucket_holds_the_reads_and_one_tarball_a_genome_and_nothing_else(
    finished: Genomes,
) -> None:
    keys = [key for key in finished.get_keys() if not key.startswith(READS)]

    assert keys == sorted(f"{DESTINATION}/{sample}.tar.gz" for sample in COMPLETE | EXCLUDED)


def test_receipts_say_where_the_tarballs_are_and_what_they_sum_to(finished: Genomes) -> None:
    for sample, receipt in finished.get_receipts().items():
        content = get_tarball(finished, sample)

        assert receipt["tarball"] == {
            "path": f"s3://{finished.aws.bucket}/{DESTINATION}/{sample}.tar.gz",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def test_table_and_report_are_on_the_controller(finished: Genomes) -> None:
    statuses = {row["sample"]: row["status"] for row in finished.get_table("cohort.tsv")}
    page = (finished.folder / "results" / "report.html").read_text()

    assert statuses == dict.fromkeys(COMPLETE, "complete") | dict.fromkeys(EXCLUDED, "excluded")
    assert "truncated_R1.fastq.gz is not whole" in page


def test_nothing_but_receipts_and_reports_travelled_to_the_controller(finished: Genomes) -> None:
    folders = {path.name for path in (finished.folder / "results").iterdir() if path.is_dir()}

    assert not (finished.folder / "scratch").exists()
    assert not list(finished.folder.rglob("*.tar.gz"))
    assert "receipts" in folders


def test_a_genome_costs_at_most_five_s3_requests_besides_its_reads(finished: Genomes) -> None:
    """A second attempt reads bundle and line again.

    Once a run: both buckets are looked at, bundle and manifest are put, and both are removed.
    MultiQC, which only small cohorts get, is made of the heads of the tarballs.
    """
    genomes = len(COMPLETE | EXCLUDED)
    of_jobs = Counter(request["operation"] for request in finished.get_requests("job/"))
    of_controller = finished.get_requests("controller")

    assert of_jobs == {"GetObject": 2 * (genomes + 1), "PutObject": 2 * genomes}
    for_multiqc = [r for r in of_controller if DESTINATION in r["resource"]]
    assert Counter(r["operation"] for r in for_multiqc) == {"GetObject": genomes}
    assert len(of_controller) - len(for_multiqc) <= genomes + 6
    assert {request["status"] for request in of_controller} <= {200, 204, 206}


def test_all_genomes_are_one_submission_of_one_definition(finished: Genomes) -> None:
    calls = finished.count("batch")

    assert calls["RegisterJobDefinition"] == calls["SubmitJob"] == 1


def test_no_container_has_privileges_or_a_root_that_it_may_write(finished: Genomes) -> None:
    containers = finished.aws.containers()

    assert {container["image"] for container in containers} == {IMAGE}
    assert not any(container["privileged"] for container in containers)
    assert all(container["read_only"] for container in containers)
    assert all(container["user"] not in ("", "root", "0") for container in containers)


def test_a_genome_reclaimed_in_mid_assembly_is_complete_after_a_second_attempt(
    finished: Genomes,
) -> None:
    outcomes = [row["outcome"] for row in get_usage(finished, "reclaimed")]
    scratch = scratch_of(finished)
    begun = {
        stage: finished.count_in_logs(f"output: {scratch}/reclaimed/{stage}/stage.json ")
        for stage in ("qc", "assembly", "annotation")
    }

    assert outcomes == ["reclaimed", "succeeded"]
    assert begun == {"qc": 2, "assembly": 2, "annotation": 1}
    assert finished.get_receipts()["reclaimed"]["status"] == "complete"


def test_only_the_reclaimed_genome_was_attempted_twice(finished: Genomes) -> None:
    attempts = {sample: len(get_usage(finished, sample)) for sample in COMPLETE | EXCLUDED}

    assert attempts == dict.fromkeys(COMPLETE | EXCLUDED, 1) | {"reclaimed": 2}


def test_the_bill_has_the_reclaimed_attempt_as_waste_and_all_tarballs(
    finished: Genomes,
) -> None:
    command = [str(Path(sys.executable).with_name("bactofleet")), "cost", "--offline", "--json"]
    bill = json.loads(subprocess.check_output(command, cwd=finished.folder))

    usd = {line["charge"]: line["usd"] for line in bill["lines"]}
    size = sum(receipt["tarball"]["bytes"] for receipt in finished.get_receipts().values())
    assert (bill["attempts"], bill["genomes"]) == (6, 5)
    assert 0 < usd["wasted: attempts that were reclaimed"] < bill["spent_usd"] / 2
    assert usd["data transfer out of AWS"] == pytest.approx(size / 2**30 * 0.09)


def test_an_attempt_logs_about_as_much_as_the_bill_assumes(finished: Genomes) -> None:
    """CloudWatch counts 26 bytes more of every line.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
    """
    pages = finished.get_owner("logs").get_paginator("filter_log_events")
    events = [
        event["message"]
        for page in pages.paginate(logGroupName="/aws/batch/job")
        for event in page["events"]
    ]
    size = sum(len(message.encode()) + 26 for message in events)
    assumed = load_prices().assumption("log_kb").usd * 1024 * len(finished.get_table("usage.tsv"))

    assert 0.8 < size / assumed < 1.25


def test_a_second_start_has_nothing_to_do_and_asks_nothing_of_aws(finished: Genomes) -> None:
    before = len(finished.aws.requests())

    assert finished.run_genomes() == 0, finished.log

    assert len(finished.aws.requests()) == before
    assert "5 genomes: 5 finished, 0 to do" in finished.log


def test_a_dry_run_shows_the_plan_and_asks_nothing_of_aws(
    finished: Genomes, tmp_path: Path
) -> None:
    controller = Genomes(finished.aws, tmp_path / "project", COMPLETE, "results/planned")
    before = len(finished.aws.requests())

    assert controller.run_genomes("--dry-run") == 0, controller.log

    assert len(finished.aws.requests()) == before
    assert "4 genomes: 0 finished, 4 to do" in controller.log


def test_tarballs_equal_those_of_a_laptop_byte_for_byte(finished: Genomes, tmp_path: Path) -> None:
    copy_project(tmp_path / "laptop")
    write_sheet(tmp_path / "laptop", COMPLETE | EXCLUDED, f"s3://{finished.aws.bucket}/{READS}")
    in_container = [sys.executable, "-m", "bactofleet.run.container", "--image", IMAGE, "--"]
    snakemake = ["snakemake", "--profile", "profiles/local", "--config", *get_options("results")]

    subprocess.run(
        [*in_container, *snakemake],
        cwd=tmp_path / "laptop",
        env=os.environ | finished.aws.environment,
        check=True,
        timeout=TIMEOUT_S,
    )

    for sample in COMPLETE | EXCLUDED:
        local = (tmp_path / "laptop" / "results" / f"{sample}.tar.gz").read_bytes()
        assert get_checksums(get_tarball(finished, sample)) == get_checksums(local)
        assert get_tarball(finished, sample) == local, sample
        path = tmp_path / "laptop" / "results" / "receipts" / f"{sample}.json"
        assert_same_origin(finished.get_receipts()[sample], json.loads(path.read_text()))


def assert_same_origin(receipt: dict[str, Any], of_laptop: dict[str, Any]) -> None:
    """Both name the image as Docker does, and the same reads; each file has its checksum."""
    image = docker.from_env().images.get(IMAGE)
    assert receipt["image"] == of_laptop["image"] == {"name": IMAGE, "id": image.id}
    assert receipt["input"] == of_laptop["input"]
    assert all(len(file["sha256"]) == 64 for file in receipt["input"]["files"])


def get_checksums(tarball: bytes) -> dict[str, str]:
    """SHA-256 of every member, so that a difference has a name."""
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        return {
            member.name: hashlib.sha256(archive.extractfile(member).read()).hexdigest()  # type: ignore[union-attr]
            for member in archive
        }


def test_two_genomes_share_a_job_when_asked_to(finished: Genomes, tmp_path: Path) -> None:
    samples = {"single": COMPLETE["single"], **EXCLUDED}
    controller = Genomes(finished.aws, tmp_path / "project", samples, "results/shared")
    before = len(finished.aws.containers())

    assert controller.run_genomes("--group-components", "genome=2") == 0, controller.log

    assert len(finished.aws.containers()) == before + 1
    assert {receipt["status"] for receipt in controller.get_receipts().values()} == {
        "complete",
        "excluded",
    }


def test_schemes_on_s3_type_the_genomes_of_a_job_that_fetches_them_once(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    bucket, key = aws.bucket, "references/schemes.tar.gz"
    schemes = pack_scheme()
    samples = dict.fromkeys(("one", "two"), COMPLETE["plasmid"])
    controller = Genomes(aws, tmp_path / "project", samples, "results/typed")
    controller.get_owner("s3").put_object(Bucket=bucket, Key=key, Body=schemes)
    address = f"s3://{bucket}/{key}#sha256={hashlib.sha256(schemes).hexdigest()}"
    controller.arguments.append(f"mlst_schemes={address}")

    assert controller.run_genomes("--group-components", "genome=2") == 0, controller.log

    typed = [receipt["mlst"]["status"] for receipt in controller.get_receipts().values()]
    assert typed == ["NONE"] * 2
    of_scheme = [r for r in controller.get_requests("job/") if r["resource"].endswith(key)]
    assert [r["operation"] for r in of_scheme] == ["HeadObject", "GetObject"]


def test_short_long_and_hybrid_genomes_are_one_submission(aws: EmulatedAWS, tmp_path: Path) -> None:
    replicon = "".join(random.Random(3).choices("ACGT", k=30_000))
    long = write_long_reads(tmp_path / "long.fastq.gz", [replicon], 55)
    pairs = write_pairs(tmp_path, replicon, 50)
    controller = Genomes(aws, tmp_path / "project", {}, "results/kinds")
    files = [long, *pairs.values()]
    upload_reads(controller.get_owner("s3"), aws.bucket, files)
    ont, r1, r2 = (f"s3://{aws.bucket}/{READS}/{file.name}" for file in files)
    rows = [("sample", "r1", "r2", "ont"), ("short", r1, r2, ""), ("long", "", "", ont)]
    rows += [("hybrid", r1, r2, ont), ("wrong_column", "", "", r1)]
    sheet = controller.folder / "config" / "samples.tsv"
    sheet.write_text("".join("\t".join(row) + "\n" for row in rows))
    controller.arguments += ["resistance=false", "species_references="]
    before = controller.count("batch")["SubmitJob"]

    assert controller.run_genomes() == 0, controller.log

    assert controller.count("batch")["SubmitJob"] == before + 1
    receipts = controller.get_receipts()
    assert {name: receipt["input"]["runtype"] for name, receipt in receipts.items()} == {
        **{"short": "paired-end", "long": "ont", "hybrid": "short_polish", "wrong_column": "ont"}
    }
    assert receipts.pop("wrong_column")["reason"]["type"] == "short-reads"
    assert {receipt["status"] for receipt in receipts.values()} == {"complete"}
    circular = {
        row["sample"]: row["assembler_circular_contig"]
        for row in controller.get_table("cohort.tsv")
    }
    assert circular == {"short": "", "long": "1", "hybrid": "1", "wrong_column": ""}


def pack_scheme() -> bytes:
    """Pack an MLST scheme of one locus, which no genome here has."""
    table, alleles = "ST\tadk\n1\t1\n", f">adk_1\n{'ACGTTGCA' * 50}\n"
    return pack({"toy/toy.txt": table.encode(), "toy/adk.tfa": alleles.encode()})


def test_a_genome_that_fails_is_named_last_and_stands_in_the_table(
    finished: Genomes, tmp_path: Path
) -> None:
    samples = {"lost": ("no_such_R1", "no_such_R2")}
    controller = Genomes(finished.aws, tmp_path / "project", samples, "results/lost")

    assert controller.run_genomes() == 1

    (row,) = controller.get_table("cohort.tsv")
    assert (row["sample"], row["status"]) == ("lost", "failed")
    assert "no_such_R1.fastq.gz" in row["reason_message"]
    assert "FAILED lost at genome" in controller.log
