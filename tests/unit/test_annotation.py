"""The annotation stage: prokka's options, the files that are published, and how it ends."""

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.stages import ANNOTATION_PARAMETERS, Genome, leave_contigs
from support.tools import FAKE_TOOLS, InstallTool

from bactofleet.core import versions
from bactofleet.genome import annotation
from bactofleet.genome.stage import Stage

Annotate = Callable[..., Genome]
GENE = "ATG" + "GCT" * 20 + "TAA"
KINDS = ("gff", "gbk", "fna", "faa", "ffn", "sqn", "fsa", "tbl")


@pytest.fixture
def annotate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: InstallTool) -> Annotate:
    """Return a function that annotates an assembly of two contigs, one with a gene or none."""
    image = tmp_path / "versions.json"
    image.write_text('{"prokka": "1.14.6"}')
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", image)

    def run(
        *,
        sample: str = "S1",
        gene: str = GENE,
        species: str | None = None,
        found: str | None = None,
        expect: int = 0,
        **parameters: Any,
    ) -> Genome:
        def leave_species(stage: Stage) -> None:
            stage.record.found = {"species": found}

        fasta = f">{sample}_00001 len={len(gene)}\n{gene}\n>{sample}_00002 len=40\n{'C' * 40}\n"
        genome = Genome(tmp_path, sample)
        assert genome.run("assembly", leave_contigs(fasta, species)) == 0
        assert genome.run("typing", leave_species) == 0
        status = genome.run(
            "annotation",
            annotation.run,
            inputs=["assembly", "typing"],
            parameters=ANNOTATION_PARAMETERS | parameters,
        )
        assert status == expect
        return genome

    return run


def prokka(genome: Genome) -> list[str]:
    """Return the command that annotated the genome."""
    [found] = [words for words in genome.commands("annotation") if "--outdir" in words]
    return found


def value(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


def folder(genome: Genome) -> Path:
    return genome.published("annotation", "main/annotator/prokka")


# --- prokka's options -----------------------------------------------------------------------------


def test_prokka_gets_bactopias_options(annotate: Annotate) -> None:
    words = prokka(annotate(prokka_evalue="1e-05", prokka_coverage=70))

    options = ("--evalue", "--coverage", "--centre", "--cpus", "--locustag", "--prefix")
    assert [value(words, option) for option in options] == [
        *("1e-05", "70", "Bactopia", "1", "S1", "S1")
    ]
    assert words[-1] == "S1.fna"
    assert value(words, "--gcode") == "11"
    assert not {"--genus", "--species", "--usegenus", "--proteins"} & set(words)


@pytest.mark.parametrize(
    ("species", "options"),
    [
        ("Staphylococcus aureus", "--genus Staphylococcus --species aureus"),
        ("Staphylococcus", "--genus Staphylococcus"),
        ("Mycobacterium avium subsp. paratuberculosis", "--genus Mycobacterium --species avium"),
    ],
)
def test_the_species_is_reported_and_does_not_change_the_search(
    annotate: Annotate, species: str, options: str
) -> None:
    words = prokka(annotate(species=species))

    assert " ".join(words[words.index("--genus") : words.index("--gcode")]) == options
    assert value(words, "--gcode") == "11"


@pytest.mark.parametrize(
    ("species", "is_used"),
    [("Staphylococcus aureus", True), ("Mycobacterium avium", False), (None, False)],
)
def test_on_request_the_database_of_the_genus_is_searched_if_there_is_one(
    annotate: Annotate, species: str | None, is_used: bool
) -> None:
    words = prokka(annotate(species=species, prokka_use_genus=True))

    assert ("--usegenus" in words) == is_used


@pytest.mark.parametrize("is_wanted", [True, False])
def test_other_rnas_are_searched_for_on_request(annotate: Annotate, is_wanted: bool) -> None:
    genome = annotate(rfam=is_wanted)

    assert ("--rfam" in prokka(genome)) == is_wanted
    assert ("cmscan" in genome.record("annotation").versions) == is_wanted


def test_the_species_is_the_one_found_if_the_sheet_has_none(annotate: Annotate) -> None:
    words = prokka(annotate(found="Mycoplasma genitalium"))

    assert (value(words, "--genus"), value(words, "--species")) == ("Mycoplasma", "genitalium")
    assert value(words, "--gcode") == "4"


def test_the_species_of_the_sheet_counts_more_than_the_one_found(annotate: Annotate) -> None:
    words = prokka(annotate(species="Escherichia coli", found="Mycoplasma genitalium"))

    assert (value(words, "--genus"), value(words, "--gcode")) == ("Escherichia", "11")


@pytest.mark.parametrize(
    ("species", "option", "code"),
    [
        ("Mycoplasma genitalium", None, "4"),
        ("Mycoplasmoides pneumoniae", None, "4"),
        ("Ureaplasma", None, "4"),
        ("Acholeplasma laidlawii", None, "11"),  # Mollicutes, but not of these orders
        (None, 4, "4"),
        ("Mycoplasma genitalium", 11, "11"),
    ],
)
def test_the_genetic_code_is_that_of_the_species_unless_it_is_given(
    annotate: Annotate, species: str | None, option: int | None, code: str
) -> None:
    words = prokka(annotate(species=species, genetic_code=option))

    assert value(words, "--gcode") == code


def test_without_any_databases_of_genera_the_species_is_reported_all_the_same(
    annotate: Annotate, tools: InstallTool
) -> None:
    tools("prokka", f'[ "$1" = --listdb ] || exec {FAKE_TOOLS}/prokka "$@"; echo nothing >&2')

    words = prokka(annotate(species="Staphylococcus aureus", prokka_use_genus=True))

    assert value(words, "--genus") == "Staphylococcus"
    assert "--usegenus" not in words


@pytest.mark.parametrize(("length", "is_tag"), [(17, True), (18, False)])
def test_a_sample_is_its_genes_locus_tag_where_contigs_keep_names_that_genbank_takes(
    annotate: Annotate, length: int, is_tag: bool
) -> None:
    assert len("gnl|Bactopia|" + "x" * 17 + "_100000") == 37

    words = prokka(annotate(sample="x" * length))

    assert ("--locustag" in words) == is_tag


def test_prokka_gets_the_users_options(annotate: Annotate) -> None:
    genome = annotate(prokka_options="--addgenes")

    assert "--addgenes" in genome.commands("annotation")[0]


def test_proteins_of_the_users_are_given_to_prokka(annotate: Annotate, tmp_path: Path) -> None:
    mine = tmp_path / "my proteins.faa"
    mine.write_text(">mine\nMKV\n")

    genome = annotate(proteins=str(mine))

    assert ">mine" in (folder(genome) / "logs/S1.log").read_text()


# --- what it leaves -------------------------------------------------------------------------------


def test_all_of_prokkas_files_are_published_in_bactopias_layout(annotate: Annotate) -> None:
    genome = annotate()

    published = {str(path.relative_to(folder(genome))) for path in folder(genome).rglob("*.*")}
    assert published == {
        *(f"S1.{kind}.gz" for kind in KINDS),
        *("S1.tsv", "S1.txt", "logs/S1.log", "logs/S1.err", "S1-blastdb.tar.gz"),
    }
    assert gzip.decompress((folder(genome) / "S1.ffn.gz").read_bytes()).decode() == (
        f">S1_00001\n{GENE}\n"
    )


def test_features_are_counted_and_those_that_prokka_does_not_name_are_none(
    annotate: Annotate,
) -> None:
    record = annotate().record("annotation")

    assert record.metrics == {
        "annotator_total_cds": 1,
        "annotator_total_rrna": 0,
        "annotator_total_trna": 0,
        "annotator_total_tmrna": 0,
    }
    assert record.multiqc["prokka"].startswith("organism: ")
    assert record.versions["prokka"] == "1.14.6"


def test_files_tell_neither_when_nor_where_they_were_made(
    annotate: Annotate, tmp_path: Path
) -> None:
    genome = annotate()

    genbank = gzip.decompress((folder(genome) / "S1.gbk.gz").read_bytes()).decode()
    assert [line.split()[-1] for line in genbank.splitlines()] == ["01-JAN-1980"] * 2
    asn1 = gzip.decompress((folder(genome) / "S1.sqn.gz").read_bytes()).decode()
    assert "year 1980 ,\n month 1 ,\n day 1" in asn1
    log = (folder(genome) / "logs/S1.log").read_text()
    assert log.startswith("[TIME] Running in ")
    assert str(tmp_path) not in log


def test_blast_databases_of_contigs_genes_and_proteins_are_made_at_no_time(
    annotate: Annotate,
) -> None:
    genome = annotate()

    made = [words for words in genome.commands("annotation") if "makeblastdb" in words]
    assert [words[:3] for words in made] == [["faketime", "-f", "1980-01-01 00:00:00"]] * 3
    assert [(value(words, "-title"), value(words, "-dbtype")) for words in made] == [
        *(("S1.fna", "nucl"), ("S1.ffn", "nucl"), ("S1.faa", "prot"))
    ]
    with tarfile.open(folder(genome) / "S1-blastdb.tar.gz") as tar:
        names = {name for name in tar.getnames() if "." in name}
    assert names == {
        f"blastdb/S1.{kind}"
        for kind in ("fna.nhr", "fna.nin", "fna.nsq", "ffn.nhr", "ffn.nin", "ffn.nsq")
        + ("faa.phr", "faa.pin", "faa.psq")
    }


def test_a_genome_without_genes_has_a_blast_database_of_its_contigs_alone(
    annotate: Annotate,
) -> None:
    genome = annotate(gene="CCT" * 22)

    made = [words for words in genome.commands("annotation") if "makeblastdb" in words]
    assert [value(words, "-in").rpartition(".")[2] for words in made] == ["fna"]
    assert genome.record("annotation").metrics["annotator_total_cds"] == 0


def test_the_same_assembly_gives_the_same_files_to_the_byte(annotate: Annotate) -> None:
    first = annotate(species="Staphylococcus aureus").record("annotation").files

    again = annotate(species="Staphylococcus aureus").record("annotation").files

    assert again == first


# --- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*KINDS, "tsv", "txt", "log", "err"])
def test_a_file_that_prokka_did_not_make_is_a_failure_though_it_ended_well(
    annotate: Annotate, tools: InstallTool, kind: str
) -> None:
    tools("prokka", f'{FAKE_TOOLS}/prokka "$@" && rm -f prokka/S1.{kind}')

    genome = annotate(expect=1)

    assert genome.failure()["message"] == f"prokka ended well but made no .{kind} file"


@pytest.mark.parametrize(
    ("tool", "script", "status", "message"),
    [
        ("prokka", "exit 2", 1, "prokka ended with exit status 2"),
        ("prokka", "exit 137", 137, "prokka was killed: out of memory"),
        ("makeblastdb", "exit 255", 1, "makeblastdb ended with exit status 255"),
        ("makeblastdb", "kill -ILL $$", 132, "makeblastdb met an instruction"),
    ],
)
def test_what_ends_a_tool_ends_the_stage(
    annotate: Annotate, tools: InstallTool, tool: str, script: str, status: int, message: str
) -> None:
    tools(tool, script)

    genome = annotate(expect=status)

    assert genome.failure()["message"].startswith(message)
    assert not (genome.folder("annotation") / "stage.json").exists()
