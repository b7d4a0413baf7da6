"""Accessions on the emulated AWS: jobs fetch from SRA's bucket first, and ask nobody anything."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws.controller import Controller
from aws.emulator.client import EmulatedAWS
from aws.genomes import copy_project
from support.archive_data import add_run, to_sheet
from support.archive_server import Archive, Fault
from support.plasmid import FILES, SPOTS
from workflow.conftest import IMAGE, SMALL

TEST_IMAGE = "bactofleet-test:archives"
# The files that the image gets: what to trust, and where prefetch asks.
DOCKERFILE = """
FROM {image}
COPY authority.pem settings.mkfg /usr/share/bactofleet/
ENV {variables}
"""
BUCKET = "sra-pub-run-odp"
RUNS = {"from_bucket": "SRR9100001", "from_ena": "SRR9100002", "from_sra": "SRR9100003"}
PROVIDERS = {"from_bucket": "sra-odp", "from_ena": "ena", "from_sra": "sra"}
# Far more than the plasmid has: its depth is too low, and it ends excluded, after the download.
GENOME_SIZE = "900000"
TIMEOUT_S = 600
SIGNATURE, SECRET_KEY = "planted-signature", "planted-secret-access-key"
QUERY = f"?X-Amz-Credential=me&X-Amz-Signature={SIGNATURE}"


@pytest.fixture(scope="module")
def image(archive: Archive) -> Iterator[str]:
    """Return an image whose jobs are led to the archives, as nothing else reaches a job."""
    inside = {
        "REQUESTS_CA_BUNDLE": "/usr/share/bactofleet/authority.pem",
        "NCBI_SETTINGS": "/usr/share/bactofleet/settings.mkfg",
    }
    variables = " ".join(f"{k}={v}" for k, v in (archive.environment | inside).items())
    folder = archive.authority.parent
    (folder / "Dockerfile").write_text(DOCKERFILE.format(image=IMAGE, variables=variables))
    command = ["docker", "build", "--quiet", "--network", "host", "--tag", TEST_IMAGE]
    subprocess.run([*command, str(folder)], check=True, capture_output=True)
    yield TEST_IMAGE
    subprocess.run(["docker", "rmi", TEST_IMAGE], check=True, capture_output=True)


@pytest.fixture(scope="module")
def finished(
    archive: Archive, packed: Path, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controller]:
    """A run that has ended: each provider has one of the runs, and two URLs are signed."""
    sheets: dict[str, dict[str, str]] = {}
    for name, run in RUNS.items():
        files = FILES if name == "from_ena" else []
        sheets[name] = to_sheet(
            add_run(archive, run, *files, spots=SPOTS, experiment=f"SRX{run[3:]}")
        )
    archive.files[f"/sos/{RUNS['from_sra']}"] = packed
    for mate, (_, data) in enumerate(FILES, start=1):
        archive.files[f"/signed_{mate}.fastq.gz"] = archive.files[f"/denied_{mate}.fastq.gz"] = data
    archive.faults["/denied_1.fastq.gz"] = [Fault.DENIED] * 9
    for name in ("signed", "denied"):
        urls = [f"{archive.url}/{name}_{mate}.fastq.gz{QUERY}" for mate in (1, 2)]
        sheets[name] = {"r1": urls[0], "r2": urls[1]}
    archive.requests.clear()
    folder = tmp_path_factory.mktemp("cohort") / "project"
    with EmulatedAWS() as aws:
        controller = Controller(aws, folder, image)
        controller.environment["AWS_SECRET_ACCESS_KEY"] = SECRET_KEY
        copy_project(folder)
        put_into_bucket(aws, RUNS["from_bucket"], packed)
        write_sheet(folder / "config" / "samples.tsv", sheets)
        options = SMALL | {"threads": 2, "results": f"s3://{aws.bucket}/results"}
        words = [f"{name}={value}" for name, value in options.items()]
        status = controller.run("--verbose", "--config", *words, timeout_s=TIMEOUT_S)
        assert status == 1, controller.log  # one URL is denied
        yield controller


def put_into_bucket(aws: EmulatedAWS, run: str, packed: Path) -> None:
    """Put a run where everybody may read it, as in SRA's open data."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(
        Bucket=BUCKET, Key=f"sra/{run}/{run}", Body=packed.read_bytes(), ACL="public-read"
    )


def write_sheet(path: Path, sheets: dict[str, dict[str, str]]) -> None:
    """Write a sheet as a search does."""
    rows = [{"sample": name, "genome_size": GENOME_SIZE, **row} for name, row in sheets.items()]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = ["\t".join(columns), *("\t".join(row.get(c, "") for c in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(("name", "provider"), PROVIDERS.items())
def test_each_job_gets_its_run_from_the_first_provider_that_has_it(
    finished: Controller, name: str, provider: str
) -> None:
    receipt = finished.get_receipts()[name]

    (run,) = receipt["input"]["runs"]
    assert (run["run"], run["provider"]) == (RUNS[name], provider)
    assert receipt["input"]["spots"] == {"claimed": SPOTS, "arrived": SPOTS}
    assert receipt["reason"]["type"] == "low-sequence-coverage"


def test_no_job_asks_an_archive_what_the_sheet_says(finished: Controller, archive: Archive) -> None:
    assert finished.get_receipts()
    assert archive.asked("/ena/portal") == archive.asked("/entrez") == []


def test_the_bucket_is_asked_once_for_what_it_lacks_without_credentials(
    finished: Controller,
) -> None:
    asked: list[dict[str, Any]] = [
        request
        for request in finished.aws.requests()
        if request["resource"] == f"{BUCKET}/sra/{RUNS['from_ena']}/{RUNS['from_ena']}"
    ]

    told = [(request["operation"], request["status"], request["caller"]) for request in asked]
    assert told == [("HeadObject", 404, "anonymous")]


def iter_left(finished: Controller) -> Iterator[tuple[str, bytes]]:
    """Yield all that a run leaves: on the controller, in the bucket, in Batch and in the logs."""
    for path in finished.folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(finished.folder)), path.read_bytes()
    s3 = finished.get_owner("s3")
    for key in finished.get_keys():
        content = s3.get_object(Bucket=finished.aws.bucket, Key=key)["Body"].read()
        yield f"bucket:{key}", content
        if key.endswith(".tar.gz"):
            with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                for member in filter(tarfile.TarInfo.isfile, tar):
                    yield f"{key}:{member.name}", tar.extractfile(member).read()  # type: ignore[union-attr]
    batch, logs = finished.get_owner("batch"), finished.get_owner("logs")
    definitions = batch.describe_job_definitions()["jobDefinitions"]
    ids = {container["job"] for container in finished.aws.containers()}
    jobs = batch.describe_jobs(jobs=sorted(ids))["jobs"]
    yield "batch", json.dumps([definitions, jobs]).encode()
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/batch/job"):
        yield "log", "\n".join(event["message"] for event in page["events"]).encode()


def test_a_secret_is_in_nothing_that_a_run_leaves_in_the_bucket_and_the_logs(
    finished: Controller, archive: Archive
) -> None:
    left = list(iter_left(finished))

    # All is there that is looked through, and the secrets were used.
    assert {"batch", "log", "bucket:results/signed.tar.gz"} <= {name for name, _ in left}
    assert all(archive.asked(f"/{name}_1.fastq.gz{QUERY}") for name in ("signed", "denied"))
    assert finished.get_receipts()["signed"]["reason"]["type"] == "low-sequence-coverage"
    assert "FAILED denied at genome" in finished.log
    assert any(b"denied_1.fastq.gz" in content for name, content in left if name == "log")
    assert {name for name, content in left if SIGNATURE.encode() in content} == {
        "config/samples.tsv"
    }
    assert [name for name, content in left if SECRET_KEY.encode() in content] == []
