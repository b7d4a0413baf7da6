"""The typing stage: what Mash is asked, what is published, and what the record says."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.stages import Genome, leave_contigs
from support.tools import InstallTool

from bactofleet.genome import typing
from bactofleet.genome.stage import Stage

Identify = Callable[..., Genome]
DISTANCES = "COLI\tS1.fna\t0.2\t0\t10/1000\nAUREUS\tS1.fna\t0.01\t0\t800/1000\n"
SCREEN = "0.97\t500/1000\t5\t0\tCOLI\t\n0.99\t900/1000\t95\t0\tAUREUS\t\n"


@pytest.fixture
def type_genome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: InstallTool) -> Identify:
    """Return a function that types an assembly with its reads, if it has any."""
    (tmp_path / "refs.tsv").write_text(
        "genome\tspecies\tlength\n"
        "AUREUS\tStaphylococcus aureus\t2800000\nCOLI\tEscherichia coli\t4600000\n"
    )
    (tmp_path / "refs.msh").touch()

    def run(
        *,
        distances: str = DISTANCES,
        reads: bool = True,
        species: str = "Staphylococcus aureus",
        expect: int = 0,
        **parameters: str,
    ) -> Genome:
        for name, text in (("DIST", distances), ("SCREEN", SCREEN)):
            (tmp_path / name).write_text(text)
            monkeypatch.setenv(f"FAKE_MASH_{name}", str(tmp_path / name))

        def leave_reads(stage: Stage) -> None:
            if reads:
                (stage.folder / "reads" / "S1_R1.fastq.gz").touch()

        contigs = leave_contigs(
            ">S1_00001\nACGT\n", species, assembler_total_contig_length=2_800_000
        )
        genome = Genome(tmp_path)
        assert genome.run("qc", leave_reads) == 0
        assert genome.run("assembly", contigs) == 0
        status = genome.run(
            "typing",
            typing.run,
            inputs=["assembly", "qc"],
            parameters={
                "species_references": str(tmp_path / "refs.msh"),
                "resistance": False,
                "mlst_schemes": "",
                "amrfinder": "",
            }
            | parameters,
        )
        assert status == expect
        return genome

    return run


def test_assembly_and_reads_are_compared_with_known_genomes(type_genome: Identify) -> None:
    found = type_genome().record("typing").found

    assert found is not None
    assert (found["verdict"], found["species"]) == ("mixed", "Staphylococcus aureus")
    assert (found["second"], found["second_share"]) == ("Escherichia coli", 0.05)


def test_a_sketch_may_be_named_from_the_working_directory(
    type_genome: Identify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    genome = type_genome(species_references="refs.msh")

    assert ["mash", "dist", str(tmp_path / "refs.msh"), "S1.fna"] in genome.commands("typing")


def test_a_genome_without_reads_is_identified_by_its_assembly(type_genome: Identify) -> None:
    genome = type_genome(reads=False, species="Escherichia coli")

    found = genome.record("typing").found
    assert found is not None
    assert (found["verdict"], found["second"]) == ("other", None)
    assert [words[1] for words in genome.commands("typing")] == ["sketch", "sketch", "dist"]


def test_sketches_are_bactopias_and_hold_no_path_of_this_machine(type_genome: Identify) -> None:
    genome = type_genome()

    for k in ("21", "31"):
        sketch = genome.published("typing", f"main/sketcher/S1-k{k}.msh").read_text()
        assert sketch == f"-k {k} -s 10000 -o S1-k{k}.msh S1.fna"


def test_what_the_reads_contain_is_published_most_of_it_first(type_genome: Identify) -> None:
    name = "main/sketcher/S1-mash-refseq88-k21.txt"
    header, *rows = type_genome().published("typing", name).read_text().splitlines()

    assert header.split("\t")[:3] == ["identity", "shared-hashes", "median-multiplicity"]
    assert [row.split("\t")[4] for row in rows] == ["AUREUS", "COLI"]


def test_nothing_is_done_if_the_species_is_not_to_be_found(type_genome: Identify) -> None:
    genome = type_genome(species_references="")

    assert genome.record("typing").found is None
    assert genome.commands("typing") == []


def test_references_that_are_missing_are_named(type_genome: Identify) -> None:
    genome = type_genome(species_references="/nowhere/refs.msh", expect=1)

    assert "/nowhere/refs.msh and /nowhere/refs.tsv not found" in genome.failure()["message"]


def test_references_that_do_not_belong_to_the_sketch_are_a_failure(type_genome: Identify) -> None:
    genome = type_genome(distances="NOBODY\tS1.fna\t0.2\t0\t1/1000\n", expect=1)

    assert "has no genome of it" in genome.failure()["message"]
