"""A cohort on an emulated S3: published as the last stage does, its receipts in a project."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.stages import Genome

from bactofleet.cli.main import main
from bactofleet.genome import publish
from bactofleet.genome.stage import Stage

REPOSITORY = Path(__file__).parents[2]
BUCKET = "genomes"
PREFIX = "run/1"
RESULTS = f"s3://{BUCKET}/{PREFIX}"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An emulated S3 with one bucket, in this process."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


@dataclass(frozen=True)
class _Published:
    """A genome's receipt, and its object in the bucket."""

    receipt: bytes
    tarball: bytes
    metadata: dict[str, str]


_PUBLISHED: dict[tuple[str, str, str], _Published] = {}


@dataclass
class Cohort:
    """A project whose results are in the bucket; tests run in its folder."""

    folder: Path
    s3: Any

    @property
    def receipts(self) -> Path:
        """Folder of the receipts."""
        return self.folder / "results/receipts"

    def publish(self, sample: str, species: str = "", results: str = RESULTS) -> dict[str, Any]:
        """Publish a genome, which is made once for all tests if it goes to the bucket.

        Returns its receipt.
        """
        receipt, name = self.receipts / f"{sample}.json", f"{sample}.tar.gz"
        if made := _PUBLISHED.get((sample, species, results)):
            receipt.parent.mkdir(parents=True, exist_ok=True)
            receipt.write_bytes(made.receipt)
            self.put(name, made.tarball, Metadata=made.metadata)
            return self.receipt(sample)
        self.make(sample, species, results)
        if results == RESULTS:
            reply = self.s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}")
            _PUBLISHED[sample, species, results] = _Published(
                receipt.read_bytes(), reply["Body"].read(), reply["Metadata"]
            )
        return self.receipt(sample)

    def make(self, sample: str, species: str = "", results: str = RESULTS) -> None:
        """Make a genome of one stage and publish it."""

        def gather(stage: Stage) -> None:
            stage.publish(f"{sample}-meta.tsv").write_text(f"{sample}\n")
            stage.publish(f"{sample}.gff.gz").write_text("genes of " + sample)
            stage.record.input = {"kind": "reads", "sources": ["s3://x/a.fq"], "species": species}
            stage.record.metrics = {"qc_original_read_total": 7}
            stage.record.multiqc = {"prokka": {"text": f"organism: {sample}"}}

        genome = Genome(self.folder, sample)
        parameters = {
            "results": results,
            "receipt": str(self.receipts / f"{sample}.json"),
            "coverage": 100,
        }
        assert genome.run("download", gather) == 0
        inputs = ["download"]
        assert genome.run("publish", publish.run, inputs=inputs, parameters=parameters) == 0
        shutil.rmtree(self.folder / "scratch")

    def receipt(self, sample: str) -> dict[str, Any]:
        """Return a receipt that is here."""
        found: dict[str, Any] = json.loads((self.receipts / f"{sample}.json").read_text())
        return found

    def put(self, name: str, content: bytes, **options: Any) -> None:
        """Put an object to where results are."""
        options |= {"Bucket": BUCKET, "Key": f"{PREFIX}/{name}", "ChecksumAlgorithm": "SHA256"}
        self.s3.put_object(Body=content, **options)

    def get(self, name: str) -> bytes:
        """Return an object of the results."""
        reply = self.s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}")
        content: bytes = reply["Body"].read()
        return content

    def delete(self, name: str) -> None:
        """Delete an object of the results."""
        self.s3.delete_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}")

    def call(self, *arguments: str) -> int:
        """Run the `bactofleet` command here; return its exit status."""
        return main(list(arguments))


@pytest.fixture
def cohort(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cohort:
    """A cohort without genomes yet."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text(f"results: {RESULTS}\n")
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/schemas").symlink_to(REPOSITORY / "workflow/schemas")
    monkeypatch.chdir(tmp_path)
    return Cohort(tmp_path, s3)
