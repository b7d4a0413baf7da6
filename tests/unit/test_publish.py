"""Publishing: one tarball in Bactopia's layout, and a receipt that never names half of one."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from support.stages import Genome

from bactofleet import __version__
from bactofleet.core import versions
from bactofleet.core.errors import Excluded
from bactofleet.core.files import sha256_of
from bactofleet.genome import publish
from bactofleet.genome.stage import Stage

STAGES = ["download", "qc"]


def gather(stage: Stage) -> None:
    stage.use("pigz")
    stage.publish("S1-meta.tsv").write_text("meta")
    stage.record.input = {"kind": "reads", "sources": ["x.fq"]}
    stage.record.metrics = {"qc_original_read_total": 7}


def clean(stage: Stage) -> None:
    (stage.folder / "reads").mkdir(exist_ok=True)
    (stage.folder / "reads/S1_SE.fastq.gz").write_text("only later stages need these")
    stage.publish("logs/S1-fastp.log").write_text("log")


def exclude(stage: Stage) -> None:
    raise Excluded("low-read-count", "12 reads")


@pytest.fixture
def genome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Genome:
    """Return a genome with its download and qc done."""
    image = tmp_path / "versions.json"
    image.write_text('{"pigz": "2.8"}')
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", image)
    genome = Genome(tmp_path)
    genome.run("download", gather)
    genome.run("qc", clean, inputs=["download"])
    return genome


def run(genome: Genome) -> int:
    parameters = {
        "results": str(genome.root / "results"),
        "receipt": str(genome.root / "results/receipts/S1.json"),
        "coverage": 100,
    }
    return genome.run("publish", publish.run, inputs=STAGES, parameters=parameters)


def receipt_of(genome: Genome) -> dict[str, Any]:
    receipt: dict[str, Any] = json.loads((genome.root / "results/receipts/S1.json").read_text())
    return receipt


def test_the_tarball_holds_what_stages_publish_versions_and_its_receipt_and_nothing_else(
    genome: Genome,
) -> None:
    assert run(genome) == 0

    with tarfile.open(genome.root / "results/S1.tar.gz") as tar:
        assert tar.getnames() == [
            "S1/bactofleet.json",
            "S1/main/gather/S1-meta.tsv",
            "S1/main/gather/logs/versions.yml",
            "S1/main/qc/logs/S1-fastp.log",
        ]


def test_the_receipt_tells_status_metrics_versions_usage_and_the_tarball(genome: Genome) -> None:
    run(genome)

    receipt, tarball = receipt_of(genome), genome.root / "results/S1.tar.gz"
    assert (receipt["status"], receipt["reason"]) == ("complete", None)
    assert receipt["input"] == {"kind": "reads", "sources": ["x.fq"]}
    assert receipt["metrics"] == {"qc_original_read_total": 7}
    assert receipt["versions"] == {"bactofleet": __version__, "pigz": "2.8"}
    assert receipt["parameters"] == {"coverage": 100}
    assert set(receipt["stages"]) == {"download", "qc", "publish"}
    assert receipt["tarball"] == {
        "path": str(tarball),
        "bytes": tarball.stat().st_size,
        "sha256": sha256_of(tarball),
    }


def test_the_same_results_make_the_same_tarball(genome: Genome) -> None:
    run(genome)
    first = receipt_of(genome)["tarball"]["sha256"]
    genome.run("download", gather)
    genome.run("qc", clean, inputs=["download"])

    run(genome)

    assert receipt_of(genome)["tarball"]["sha256"] == first


def test_where_and_when_a_genome_was_made_do_not_change_its_tarball(
    genome: Genome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def from_elsewhere(stage: Stage) -> None:
        gather(stage)
        stage.record.input["sources"] = ["s3://bucket/x.fq"]

    run(genome)
    first = receipt_of(genome)
    genome.run("download", from_elsewhere)
    monkeypatch.setattr("bactofleet.genome.publish.platform.node", lambda: "another-host")
    monkeypatch.setenv("BACTOFLEET_IMAGE_ID", "sha256:cd")

    run(genome)

    second = receipt_of(genome)
    assert all(second[key] != first[key] for key in ("input", "host", "image"))
    assert second["tarball"]["sha256"] == first["tarball"]["sha256"]


def test_the_receipt_names_the_image_as_the_engine_knows_it(
    genome: Genome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACTOFLEET_IMAGE", "bactofleet:latest")
    monkeypatch.setenv("BACTOFLEET_IMAGE_ID", "sha256:ab")

    run(genome)

    assert receipt_of(genome)["image"] == {"name": "bactofleet:latest", "id": "sha256:ab"}


def test_an_excluded_genome_has_a_receipt_with_the_reason_and_its_error_file(
    genome: Genome,
) -> None:
    genome.run("qc", exclude, inputs=["download"])

    assert run(genome) == 0

    receipt = receipt_of(genome)
    assert (receipt["status"], receipt["reason"]["type"]) == ("excluded", "low-read-count")
    with tarfile.open(receipt["tarball"]["path"]) as tar:
        assert "S1/main/qc/S1-low-read-count-error.txt" in tar.getnames()
        assert "S1/main/gather/S1-meta.tsv" in tar.getnames()


def test_without_a_delivered_tarball_there_is_no_receipt(
    genome: Genome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bactofleet.core.destination.os.fsync", fail)

    assert run(genome) == 75
    assert not (genome.root / "results/receipts/S1.json").exists()
    assert not (genome.root / "results/S1.tar.gz").exists()


def test_a_link_among_the_results_is_refused(genome: Genome) -> None:
    genome.published("qc", "main/qc/link").symlink_to("logs/S1-fastp.log")

    assert run(genome) == 1
    assert "is not a regular file" in genome.failure()["message"]


def test_nothing_is_delivered_whose_receipt_nobody_could_read(genome: Genome) -> None:
    record = genome.folder("download") / "stage.json"
    record.write_text(record.read_text().replace('"qc_original_read_total": 7', '"depth": "deep"'))

    assert run(genome) == 1

    assert not (genome.root / "results").exists()
    assert "metrics" in genome.failure()["message"]
