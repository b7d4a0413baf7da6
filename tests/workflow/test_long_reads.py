"""Short, long and hybrid genomes in one sheet: long reads give closed replicons."""

from __future__ import annotations

import csv
import random

import pytest
from support.long_reads import reverse, write_long_reads, write_pairs
from workflow.conftest import Project, Result, make_project, plasmid

from bactofleet.genome.fasta import read_fasta

CHROMOSOME = "".join(random.Random(5).choices("ACGT", k=60_000))
LONG = ("nanopore", "hybrid")
K = 31


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Result]:
    """The project after its run."""
    data = tmp_path_factory.mktemp("reads")
    project = make_project(tmp_path_factory.mktemp("project") / "p")
    deep = write_long_reads(data / "deep.fastq.gz", [CHROMOSOME], 55)
    project.write_samples(
        [
            plasmid("short"),
            {"sample": "nanopore", "ont": deep},
            {"sample": "hybrid", "ont": deep, **write_pairs(data, CHROMOSOME, 50)},
            {"sample": "wrong_column", "r1": deep},
        ]
    )
    return project, project.run()


def contigs(project: Project, sample: str) -> list[tuple[str, str]]:
    path = project.unpack(sample) / f"main/assembler/{sample}.fna.gz"
    return [(contig.name, contig.sequence) for contig in read_fasta(path)]


def share_found(sequence: str) -> float:
    """Return the share of the chromosome's k-mers that a circular contig has."""
    around = sequence + sequence[: K - 1]
    kmers = {strand[i : i + K] for strand in (around, reverse(around)) for i in range(len(around))}
    wanted = [CHROMOSOME[i : i + K] for i in range(len(CHROMOSOME) - K + 1)]
    return sum(kmer in kmers for kmer in wanted) / len(wanted)


def test_a_sheet_may_have_short_long_and_hybrid_rows(finished: tuple[Project, Result]) -> None:
    project, result = finished

    assert result.status == 0, result.output[-3000:]
    assert {project.receipt(name)["status"] for name in ("short", *LONG)} == {"complete"}


@pytest.mark.parametrize("sample", LONG)
def test_long_reads_end_in_one_circular_contig(
    finished: tuple[Project, Result], sample: str
) -> None:
    project, _ = finished

    [(name, sequence)] = contigs(project, sample)

    assert name.endswith("circular=true")
    assert abs(len(sequence) - len(CHROMOSOME)) < 200
    assert project.receipt(sample)["metrics"]["assembler_circular_contig"] == 1


# Of Nanopore reads the simulated errors at homopolymers remain, each of which costs K k-mers.
@pytest.mark.parametrize(("sample", "share"), [("nanopore", 0.97), ("hybrid", 0.999)])
def test_the_contig_has_the_bases_of_the_chromosome(
    finished: tuple[Project, Result], sample: str, share: float
) -> None:
    project, _ = finished

    [(_, sequence)] = contigs(project, sample)

    assert share_found(sequence) >= share


def test_long_reads_in_the_wrong_column_are_excluded_with_the_right_one(
    finished: tuple[Project, Result],
) -> None:
    project, _ = finished

    reason = project.receipt("wrong_column")["reason"]

    assert reason["type"] == "long-reads"
    assert "column ont or hifi" in reason["message"]


def test_the_cohorts_table_tells_them_apart(finished: tuple[Project, Result]) -> None:
    project, _ = finished
    with (project.folder / "results/cohort.tsv").open(newline="") as file:
        rows = {row["sample"]: row for row in csv.DictReader(file, delimiter="\t")}

    assert [rows[name]["runtype"] for name in LONG] == ["ont", "short_polish"]
    assert [rows[name]["layout"] for name in LONG] == ["long", "paired"]
    assert rows["nanopore"]["rank"] == "gold"
    assert rows["short"]["assembler_circular_contig"] == ""
    assert float(rows["hybrid"]["qc_long_final_coverage"]) > 20
    assert float(rows["hybrid"]["qc_final_coverage"]) > 45
