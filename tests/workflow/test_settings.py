"""Settings: assemblers, options, what is kept, what is done again, and mistakes in them."""

from __future__ import annotations

import gzip
import json
import random
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from bactopia.parsers import annotator
from bactopia.parsers import mlst as bactopia_mlst
from workflow.conftest import DEMO, IMAGE, SHARED, Project, broken, make_project, plasmid

from bactofleet.core.tool_options import TOOLS
from bactofleet.core.versions import resistance_databases

ECOLI = SHARED / "ecoli-SRR2627019-1Mb-10x"


@pytest.mark.parametrize("assembler", ["spades", "megahit"])
def test_the_other_assemblers_make_a_complete_genome(project: Project, assembler: str) -> None:
    project.config |= {"assembler": assembler}
    project.write_samples([plasmid(), {"sample": "single", "r1": DEMO / "plasmid_R1.fastq.gz"}])

    result = project.run()

    assert result.status == 0, result.output[-3000:]
    for name in ("plasmid", "single"):
        receipt = project.receipt(name)
        assert receipt["metrics"]["assembler_total_contig_length"] == pytest.approx(27041, rel=0.1)
        assert assembler in receipt["versions"]
        header = gzip.open(project.unpack(name) / f"main/assembler/{name}.fna.gz").readline()
        assert f"sw=bactofleet-{assembler}/".encode() in header
        assert b" cov=" in header


def test_every_option_at_once(project: Project, tmp_path: Path) -> None:
    proteins = tmp_path / "proteins.faa"
    proteins.write_text(">trusted\nMKKLLPTAAAGLLLLAAQPAMA\n")
    project.config |= {
        "phix": True,
        "error_correction": True,
        "keep": ["reads", "bam"],
        "coverage": 30,
        "proteins": str(proteins),
    }
    project.write_samples([plasmid()])

    result = project.run()
    unpacked = project.unpack("plasmid") / "main"
    metrics = project.receipt("plasmid")["metrics"]

    assert result.status == 0, result.output[-3000:]
    assert metrics["qc_final_coverage"] == pytest.approx(30, rel=0.05)
    assert metrics["qc_original_coverage"] > 50
    assert gzip.open(unpacked / "qc/plasmid_R1.fastq.gz").read(1) == b"@"
    assert (unpacked / "assembler/supplemental/plasmid.bam").stat().st_size > 10_000
    assert {"bbduk", "lighter", "seqtk"} <= set(project.receipt("plasmid")["versions"])


def test_reads_are_simulated_from_an_assembly_when_asked_for(
    project: Project, tmp_path: Path
) -> None:
    assembly = tmp_path / "a.fna"
    reads = gzip.decompress((DEMO / "plasmid_R1.fastq.gz").read_bytes()).decode().split("\n")
    assembly.write_text(">contig\n" + "".join(reads[1:800:4]) + "\n")
    project.config |= {"simulate_reads": True}
    project.write_samples([{"sample": "x", "assembly": assembly}])

    result = project.run()

    assert result.status == 0, result.output[-3000:]
    assert project.receipt("x")["metrics"]["qc_original_read_total"] > 1000
    assert (project.unpack("x") / "main/gather/reads-simulated-from-assembly.txt").exists()


def test_two_runs_give_the_same_tarball_to_the_byte(tmp_path: Path) -> None:
    digests = []
    for folder in ("first", "second/elsewhere"):
        project = make_project(tmp_path / folder)
        project.write_samples([plasmid(), broken()])
        assert project.run().status == 0
        digests.append(
            [project.receipt(name)["tarball"]["sha256"] for name in ("plasmid", "broken")]
        )

    assert digests[0] == digests[1]


def test_a_tarball_holds_real_files_below_the_samples_name_and_no_reads(project: Project) -> None:
    project.write_samples([plasmid()])
    assert project.run().status == 0

    with tarfile.open(project.tarball("plasmid")) as tar:
        members = tar.getmembers()

    assert all(member.isfile() and member.name.startswith("plasmid/") for member in members)
    assert not [member.name for member in members if "fastq.gz" in member.name]


def test_changed_settings_keep_finished_genomes_until_redo_says_otherwise(
    project: Project,
) -> None:
    project.write_samples([broken("a"), broken("b")])
    assert project.run().status == 0
    first = project.receipt("a")["finished"]

    project.config |= {"coverage": 50}
    kept = project.run()
    project.config |= {"redo": "changed"}
    plan = project.run("--dry-run")
    redone = project.run()
    again = project.run()
    project.config |= {"redo": ["b"]}
    named = project.run()

    assert "2 genomes: 2 finished, 0 to do" in kept.output
    assert "2 finished genomes were made with different settings" in kept.output
    assert "coverage was 100, is 50" in kept.output
    assert "2 finished genomes will be made AGAIN" in plan.output
    assert redone.status == 0
    assert project.receipt("a")["parameters"]["coverage"] == 50
    assert project.receipt("a")["finished"] >= first
    assert "2 finished, 0 to do" in again.output
    assert "1 finished genome will be made AGAIN: b" in named.output


def test_a_dry_run_shows_the_plan_and_makes_nothing(project: Project) -> None:
    project.write_samples([plasmid(), {"accession": "SRR2838702"}])

    result = project.run("--dry-run")

    assert result.status == 0
    assert "2 genomes: 0 finished, 2 to do" in result.output
    assert "made from: 1 accession, 1 pair of FASTQ files" in result.output
    assert "Job stats" not in result.output
    assert not (project.folder / "results").exists() or not any(
        path.is_file() for path in (project.folder / "results").rglob("*")
    )


def test_mistakes_in_configuration_and_sheet_are_named_before_anything_runs(
    project: Project,
) -> None:
    project.write_samples(
        [
            {"sample": "../evil", "r1": "/nowhere.fastq.gz", "accession": ""},
            {"sample": "a$(touch pwned)", "r1": DEMO / "plasmid_R1.fastq.gz"},
            {"sample": "two kinds", "r1": DEMO / "plasmid_R1.fastq.gz", "accession": "SRR1"},
        ]
    )

    sheet = project.run()
    project.config |= {"coverag": 10}
    config = project.run()

    assert sheet.status != 0
    for words in ("line 2, column sample: '../evil'", "there is no file '/nowhere.fastq.gz'"):
        assert words in sheet.output
    for words in ("line 3, column sample", "line 4, column accession: 'SRR1'", "two kinds"):
        assert words in sheet.output
    assert "unknown option 'coverag'" in config.output
    assert not (project.folder / "pwned").exists()


def test_species_resistance_and_type_are_found_whatever_the_sheet_says(
    project: Project, tmp_path: Path
) -> None:
    project.config |= {
        "species_references": "refseq",
        "resistance": True,
        "mlst_schemes": str(write_scheme(tmp_path / "schemes")),
    }
    reads: dict[str, object] = {f"r{mate}": DEMO / f"ecoli_R{mate}.fastq.gz" for mate in (1, 2)}
    project.write_samples(
        [
            reads | {"sample": "named", "species": "Salmonella enterica"},
            {
                "sample": "resistant",
                "species": "Staphylococcus aureus",
                "assembly": write_resistant_genome(tmp_path / "resistant.fna"),
            },
        ]
    )

    result = project.run()

    assert result.status == 0, result.output
    found = project.receipt("named")["found"]
    assert (found["verdict"], found["species"]) == ("other", "Escherichia coli")
    header, *lines = (project.folder / "results/cohort.tsv").read_text().splitlines()
    row, carrier = (
        dict(zip(header.split("\t"), cells.split("\t"), strict=True)) for cells in lines
    )
    assert (row["found_verdict"], row["rank"]) == ("other", "exclude")
    assert row["resistance_organism"] == "escherichia_coli"
    assert "Escherichia coli has" in row["rank_reason"]
    sketches = project.unpack("named") / "main/sketcher"
    assert sorted(path.name for path in sketches.glob("named*")) == [
        "named-k21.msh",
        "named-k31.msh",
        "named-mash-refseq88-k21.txt",
        "named-sourmash-gtdb-rs207-k31.txt",  # says that it was not run; Bactopia expects it
    ]
    assert (carrier["resistance_genes"], carrier["plasmid_replicons"]) == ("mecA", "rep7c")
    assert carrier["resistance_mutations"] == "gyrA (S84L)"
    assert "ciprofloxacin" in carrier["resistance_drugs"].split("; ")
    tools = project.unpack("resistant") / "tools"
    assert "gyrA (S84L)" in (tools / "staramr/resistant-pointfinder.tsv").read_text()
    assert (carrier["mlst_scheme"], carrier["mlst_st"]) == ("saureus", "5")
    assert carrier["mlst_alleles"] == "mecA(2);gyrA(1)"
    assert row["mlst_status"] == "NONE"
    mlst = bactopia_mlst.parse(str(tools / "mlst/resistant.tsv"), "resistant")
    assert (mlst["mlst_scheme"], mlst["mlst_st"]) == ("saureus", "5")
    assert {"staramr", "blastp", "pointfinder database"} <= set(
        project.receipt("resistant")["versions"]
    )


GYRA = ("pointfinder/staphylococcus_aureus/gyrA.fsa", "gyrA")
MECA = ("resfinder/beta-lactam.fsa", "mecA_6")


def read_gene(database: str, gene: str) -> str:
    """Return the sequence of a gene in a database of staramr."""
    records = (resistance_databases() / database).read_text().split(">")
    _, *lines = next(text for text in records if text.startswith(gene)).splitlines()
    return "".join(lines).upper()


def write_scheme(folder: Path) -> Path:
    """Write an MLST scheme of two loci, parts of genes, with two alleles each."""
    scheme = folder / "saureus"
    scheme.mkdir(parents=True)
    (scheme / "saureus.txt").write_text("ST\tmecA\tgyrA\tclonal_complex\n1\t1\t1\t\n5\t2\t1\t\n")
    mec, gyr = read_gene(*MECA)[100:550], read_gene(*GYRA)[600:1050]
    for name, alleles in (("mecA", (other(mec), mec)), ("gyrA", (gyr, other(gyr)))):
        text = "".join(f">{name}_{i}\n{allele}\n" for i, allele in enumerate(alleles, 1))
        (scheme / f"{name}.tfa").write_text(text)
    return folder


def other(allele: str) -> str:
    """Return an allele that differs in one base."""
    return allele[:200] + ("A" if allele[200] != "A" else "C") + allele[201:]


def write_resistant_genome(path: Path) -> Path:
    """Write contigs of mecA, a gyrase whose codon 84 is leucine's, and a replicon, in noise."""
    chance = random.Random(16)
    gyrase = read_gene(*GYRA)
    genes = [
        read_gene(*MECA),
        gyrase[: 83 * 3] + "TTA" + gyrase[84 * 3 :],
        read_gene("plasmidfinder/Rep_trans.fsa", "rep7c"),
    ]
    noise = ("".join(chance.choices("ACGT", k=2000)) for _ in range(2 * len(genes)))
    path.write_text(
        "".join(f">contig{i}\n{next(noise)}{gene}{next(noise)}\n" for i, gene in enumerate(genes))
    )
    return path


@pytest.mark.skipif(not ECOLI.exists(), reason="the larger reads are not part of the repository")
def test_a_megabase_of_real_ecoli_reads_gives_about_0_88_mb(project: Project) -> None:
    reads: dict[str, object] = {
        f"r{mate}": ECOLI / f"SRR2627019_R{mate}.fastq.gz" for mate in (1, 2)
    }
    project.write_samples([reads | {"sample": "ecoli", "species": "Escherichia coli"}])

    result = project.run()
    metrics = project.receipt("ecoli")["metrics"]
    summary = project.unpack("ecoli") / "main/annotator/prokka/ecoli.txt"
    counts = annotator.parse(str(summary), "ecoli")

    assert {f"annotator_total_{kind}" for kind in ("CDS", "rRNA", "tRNA")} <= set(counts)
    assert result.status == 0
    assert metrics["assembler_total_contig_length"] == pytest.approx(880_000, rel=0.05)
    assert metrics["annotator_total_cds"] == pytest.approx(836, rel=0.1)


def test_the_image_runs_as_nobody_in_particular_and_has_no_compiler() -> None:
    def ask(*command: str) -> str:
        line = ["docker", "run", "--rm", "--network", "none", "bactofleet:latest", *command]
        return subprocess.run(line, capture_output=True, text=True, check=False).stdout

    assert ask("id", "-u").strip() not in ("", "0")
    assert ask("sh", "-c", "command -v gcc cc g++ clang").strip() == ""


@pytest.mark.parametrize("tool", TOOLS)
def test_the_tools_of_the_image_know_the_options_that_users_may_set(tool: str) -> None:
    program = {"spades": "spades.py"}.get(tool, tool)
    line = ["docker", "run", "--rm", "--network", "none", IMAGE, program, "--help"]
    asked = subprocess.run(line, capture_output=True, text=True, check=False)

    known = re.findall(r"(?<!\S)--?[\w-]+", (asked.stdout + asked.stderr).replace("/", " "))
    assert {name for names in TOOLS[tool] for name in names} <= set(known)


def test_the_image_lists_its_components() -> None:
    def ask(*command: str) -> str:
        line = ["docker", "run", "--rm", "--network", "none", IMAGE, *command]
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout

    listed = json.loads(ask("cat", "/usr/share/bactofleet/sbom.cdx.json"))
    purls = [component["purl"] for component in listed["components"]]

    assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", "1.6")
    for start in ("pkg:deb/debian/prokka@1.14.6", "pkg:pypi/snakemake@9.", "pkg:pypi/bactofleet@"):
        assert [purl for purl in purls if purl.startswith(start)]
    packages = ask("dpkg-query", "--show", "--showformat=${Package}\n").split()
    assert sum(purl.startswith("pkg:deb/") for purl in purls) == len(packages)
