"""Bactopia's own parsers read what we make, and find the keys that they find in its outputs.

The genomes are made as by a user without a checkout: the package comes from its wheels.
"""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bactopia.parsers import annotator, assembler, gather, qc
from bactopia.parsers.error import parse_errors
from support.amrfinder import write_amrfinder
from support.distributions import EXECUTOR, SCHEDULER, build, make_environment
from workflow.conftest import IMAGE, REPOSITORY, SMALL, Project, broken, plasmid

# Names as people have them.
COMPLETE, EXCLUDED = "a-complete-one", "2024-05-01"
# What the same parsers return for Bactopia's own outputs (bactopia-tests, SRR2838702).
GATHER_KEYS = {
    *("sample", "runtype", "original_runtype", "is_paired", "is_compressed", "species"),
    "genome_size",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bactofleet` of an environment that has the three wheels, and what they require."""
    folder = tmp_path_factory.mktemp("installed")
    sources = (REPOSITORY, EXECUTOR, SCHEDULER)
    wheels = [build(source, folder / "dist" / source.name)[0] for source in sources]
    return make_environment(folder / "environment", *wheels).with_name("bactofleet")


@pytest.fixture(scope="module")
def project(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A folder laid out by `init`, after `run` has made a complete and an excluded genome."""
    data = tmp_path_factory.mktemp("data")
    write_amrfinder(data / "amr")
    # One locus, of which the plasmid has nothing.
    scheme = data / "schemes/toy"
    scheme.mkdir(parents=True)
    (scheme / "toy.txt").write_text("ST\tadk\n1\t1\n")
    (scheme / "adk.tfa").write_text(f">adk_1\n{'ACGTTGCA' * 50}\n")
    config = SMALL | {
        "species_references": "refseq",
        "amrfinder": str(data / "amr"),
        "mlst_schemes": str(data / "schemes"),
    }
    folder = data / "cohort"
    subprocess.run([installed, "init", folder], check=True)
    project = Project(folder, config)
    project.write_samples([plasmid(COMPLETE), broken(EXCLUDED)])
    options = [f"{name}={json.dumps(value)}" for name, value in config.items()]
    subprocess.run([installed, "run", "--directory", folder, "--config", *options], check=True)
    return project


@pytest.fixture(scope="module")
def unpacked(project: Project) -> dict[str, Path]:
    """Unpacked results of both."""
    return {name: project.unpack(name) for name in (COMPLETE, EXCLUDED)}


def test_without_a_checkout_the_image_makes_genomes_and_the_report(project: Project) -> None:
    receipts = {name: project.receipt(name) for name in (COMPLETE, EXCLUDED)}
    assert {name: receipt["status"] for name, receipt in receipts.items()} == {
        COMPLETE: "complete",
        EXCLUDED: "excluded",
    }
    assert receipts[COMPLETE]["image"]["name"] == IMAGE
    assert COMPLETE in (project.folder / "results/report.html").read_text()


def test_gather_reads_the_meta_table(unpacked: dict[str, Path]) -> None:
    for name, folder in unpacked.items():
        meta = gather.parse(str(folder / f"main/gather/{name}-meta.tsv"), name)

        assert {key.removeprefix("gather_") for key in meta} >= GATHER_KEYS


def test_assembler_reads_the_statistics(unpacked: dict[str, Path]) -> None:
    stats = assembler.parse(str(unpacked[COMPLETE] / f"main/assembler/{COMPLETE}.tsv"), COMPLETE)

    assert int(stats["assembler_total_contig"]) > 0
    assert len([key for key in stats if key.startswith("assembler_")]) == 23


def test_annotator_reads_prokkas_summary(unpacked: dict[str, Path]) -> None:
    summary = unpacked[COMPLETE] / f"main/annotator/prokka/{COMPLETE}.txt"

    counts = annotator.parse(str(summary), COMPLETE)

    assert counts["annotator_total_CDS"] > 10  # prokka names only what there is: no RNA here


@pytest.mark.parametrize("when", ["original", "final"])
def test_qc_reads_the_read_statistics(unpacked: dict[str, Path], when: str) -> None:
    folder = unpacked[COMPLETE] / "main/qc/supplemental"

    stats = qc.parse(str(folder / f"{COMPLETE}-{when}.json"), COMPLETE)

    assert stats[f"qc_{when}_is_paired"]
    assert float(stats[f"qc_{when}_coverage"]) > 0


def test_error_finds_the_exclusion(unpacked: dict[str, Path]) -> None:
    errors = parse_errors(unpacked[EXCLUDED], EXCLUDED)

    assert [error["error_type"] for error in errors] == ["gzip"]
    assert not parse_errors(unpacked[COMPLETE], COMPLETE)


def test_versions_name_every_tool_of_every_stage(unpacked: dict[str, Path]) -> None:
    files = sorted(unpacked[COMPLETE].rglob("versions.yml"))
    found = [yaml.safe_load(path.read_text()) for path in files]

    assert [next(iter(one)) for one in found] == [
        "bactofleet:annotation",
        "bactofleet:assembly",
        "bactofleet:download",
        "bactofleet:qc",
        "bactofleet:typing",
    ]
    assert "unknown" not in str(found)


def test_bactopia_summary_takes_the_genomes(unpacked: dict[str, Path], tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("bactopia-summary")
    results = unpacked[COMPLETE].parent

    subprocess.run([program, "--bactopia-path", results, "--outdir", tmp_path], check=True)

    with (tmp_path / "bactopia-report.tsv").open(newline="") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    assert (row["sample"], row["species"]) == (COMPLETE, "Staphylococcus aureus")
    assert row["rank"] in ("gold", "silver", "bronze")
    assert float(row["qc_final_coverage"]) > 20
    assert int(row["assembler_total_contig"]) > 0
    assert int(row["annotator_total_CDS"]) > 10
    assert "mlst_st" in row
    excluded = (tmp_path / "bactopia-exclude.tsv").read_text()
    assert f"{EXCLUDED}\tqc-fail" in excluded


def test_the_assembly_and_its_annotation_agree(unpacked: dict[str, Path]) -> None:
    folder = unpacked[COMPLETE] / "main"
    stats = assembler.parse(str(folder / f"assembler/{COMPLETE}.tsv"), COMPLETE)
    text = (folder / f"annotator/prokka/{COMPLETE}.txt").read_text()
    summary = dict(line.split(": ") for line in text.splitlines())
    header = gzip.open(folder / f"assembler/{COMPLETE}.fna.gz", "rt").readline()

    assert summary["contigs"] == str(stats["assembler_total_contig"])
    assert summary["bases"] == str(stats["assembler_total_contig_length"])
    assert header.startswith(f">{COMPLETE}_00001 len=")
    assert "date=" not in header
