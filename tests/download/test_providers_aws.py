"""Accessions on the emulated AWS: jobs fetch from SRA's bucket first, and ask nobody anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.archive_data import add_run, to_sheet
from support.archive_server import Archive
from support.plasmid import FILES, SPOTS
from workflow.conftest import IMAGE, SMALL

sys.path.insert(0, str(Path(__file__).parents[1] / "aws"))

from controller import Controller
from emulator.client import EmulatedAWS
from genomes import copy_project

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
    """A run that has ended: each provider has one of the runs."""
    sheets = {}
    for name, run in RUNS.items():
        files = FILES if name == "from_ena" else []
        sheets[name] = to_sheet(
            add_run(archive, run, *files, spots=SPOTS, experiment=f"SRX{run[3:]}")
        )
    archive.files[f"/sos/{RUNS['from_sra']}"] = packed
    archive.requests.clear()
    folder = tmp_path_factory.mktemp("cohort") / "project"
    with EmulatedAWS() as aws:
        controller = Controller(aws, folder, image)
        copy_project(folder)
        put_into_bucket(aws, RUNS["from_bucket"], packed)
        write_sheet(folder / "config" / "samples.tsv", sheets)
        options = SMALL | {"threads": 2, "results": f"s3://{aws.bucket}/results"}
        words = [f"{name}={value}" for name, value in options.items()]
        assert controller.run("--config", *words, timeout_s=TIMEOUT_S) == 0, controller.log
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
    lines = ["\t".join(rows[0]), *("\t".join(row.values()) for row in rows)]
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
