"""What BLAST finds becomes genes, mutations, drugs and replicons, as staramr reads it."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.stages import Genome, type_contigs
from support.tools import InstallTool

from bactofleet.core.versions import resistance_databases
from bactofleet.genome.resistance import is_met, organism_of

Search = Callable[..., Genome]
CONTIG = "S1_00001"


def hit(gene: str, database: str, contig: str = CONTIG, **codons: str) -> str:
    """Return the line of BLAST for a gene that is whole in the genome, with some of its codons."""
    fasta = (resistance_databases() / database).read_text().split(">")
    name, *lines = next(text for text in fasta if text.startswith(gene)).splitlines()
    reference = "".join(lines).upper()
    found = list(reference)
    for number, codon in codons.items():
        start = 3 * (int(number.removeprefix("codon")) - 1)
        found[start : start + 3] = codon
    length = len(reference)
    differ = sum(one != other for one, other in zip(reference, found, strict=True))
    cells = (
        name.split()[0],
        contig,
        100 * (1 - differ / length),
        length,
        1,
        length,
        501,
        500 + length,
    )
    return "\t".join(map(str, (*cells, 9000, length, "plus", "".join(found), reference))) + "\n"


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: InstallTool) -> Search:
    """Return a function that types a genome in which BLAST has these hits."""
    monkeypatch.setenv("FAKE_BLASTN", str(tmp_path))

    def run(species: str = "", *, resistance: bool = True, expect: int = 0, **hits: str) -> Genome:
        for database, lines in hits.items():
            (tmp_path / f"{database}.fsa").write_text(lines)
        fasta = f">{CONTIG}\nACGT\n"
        return type_contigs(tmp_path, fasta, species=species, expect=expect, resistance=resistance)

    return run


def found_in(genome: Genome) -> dict[str, object]:
    found = genome.record("typing").resistance
    assert found is not None
    return found


def test_genes_drugs_and_replicons_are_those_that_blast_finds(search: Search) -> None:
    genome = search(
        resfinder=hit("tet(K)_1", "resfinder/tetracycline.fsa")
        + hit("mecA_6", "resfinder/beta-lactam.fsa"),
        plasmidfinder=hit("rep7c_1", "plasmidfinder/Rep_trans.fsa"),
    )

    found = found_in(genome)
    assert (found["genes"], found["replicons"]) == (["mecA", "tet(K)"], ["rep7c"])
    drugs = found["drugs"]
    assert isinstance(drugs, list)
    assert {"cefoxitin", "doxycycline", "tetracycline"} <= set(drugs)
    assert drugs == sorted(drugs)


def test_a_name_in_two_files_of_a_database_is_a_gene_of_both(
    search: Search, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    databases = tmp_path / "databases"
    shutil.copytree(resistance_databases(), databases)
    other = databases / "resfinder/tetracycline.fsa"
    gene = (databases / "resfinder/beta-lactam.fsa").read_text().split(">mecA_6")[1].split(">")[0]
    other.write_text(f"{other.read_text()}\n>mecA_6{gene}")
    monkeypatch.setattr("bactofleet.genome.resistance.resistance_databases", lambda: databases)

    genome = search(resfinder=hit("mecA_6", "resfinder/beta-lactam.fsa"))

    table = genome.published("typing", "tools/staramr/S1-resfinder.tsv").read_text()
    assert [line.split("\t")[0] for line in table.splitlines()] == ["Isolate ID", *["S1"] * 2]


def test_staramrs_tables_are_published_as_a_tool_of_bactopia(search: Search) -> None:
    genome = search(resfinder=hit("mecA_6", "resfinder/beta-lactam.fsa"))

    table = genome.published("typing", "tools/staramr/S1-resfinder.tsv").read_text()
    header, row = (line.split("\t") for line in table.splitlines())
    cells = dict(zip(header, row, strict=True))
    assert (cells["Gene"], cells["%Identity"], cells["Contig"]) == ("mecA", "100.00", CONTIG)
    assert cells["HSP Length/Total Length"] == "2007/2007"
    assert genome.published("typing", "tools/staramr/S1-plasmidfinder.tsv").is_file()


@pytest.mark.parametrize("contigs", [("007", "7"), ("NA", "nan"), ('"a', '"b')])
def test_contigs_of_a_given_assembly_keep_their_names_and_their_genes(
    search: Search, contigs: tuple[str, str]
) -> None:
    fasta = "resfinder/beta-lactam.fsa"
    genome = search(resfinder=hit("mecA_6", fasta, contigs[0]) + hit("blaZ_1", fasta, contigs[1]))

    path = genome.published("typing", "tools/staramr/S1-resfinder.tsv")
    with path.open(newline="") as file:
        rows = {row["Gene"]: row["Contig"] for row in csv.DictReader(file, delimiter="\t")}
    assert rows == {"mecA": contigs[0], "blaZ": contigs[1]}
    assert found_in(genome)["genes"] == ["blaZ", "mecA"]


def test_a_genome_without_any_says_so(search: Search) -> None:
    found = found_in(search("Staphylococcus aureus"))

    assert found == {
        "genes": [],
        "mutations": [],
        "drugs": [],
        "replicons": [],
        "organism": "staphylococcus_aureus",
    }


def test_mutations_are_searched_in_the_part_of_pointfinder_for_the_species(search: Search) -> None:
    pointfinder = "pointfinder/staphylococcus_aureus"
    genome = search(
        "Staphylococcus aureus",
        pointfinder=hit("gyrA", f"{pointfinder}/gyrA.fsa", codon84="TTA")
        + hit("grlA", f"{pointfinder}/grlA.fsa"),
    )

    found = found_in(genome)
    assert (found["mutations"], found["drugs"]) == (["gyrA (S84L)"], ["ciprofloxacin"])
    table = genome.published("typing", "tools/staramr/S1-pointfinder.tsv").read_text()
    assert "gyrA (S84L)" in table
    assert "pointfinder database" in genome.record("typing").versions


def test_a_strain_far_from_the_reference_is_searched_too(search: Search) -> None:
    line = hit("gyrA", "pointfinder/staphylococcus_aureus/gyrA.fsa", codon84="TTA").split("\t")
    line[2] = "97.855"  # as of ST239

    found = found_in(search("Staphylococcus aureus", pointfinder="\t".join(line)))

    assert found["mutations"] == ["gyrA (S84L)"]


def test_validated_organisms_have_the_drugs_of_staramr(search: Search) -> None:
    gyrase = hit("gyrA", "pointfinder/escherichia_coli/gyrA.fsa", codon87="AAC")

    found = found_in(search("Escherichia coli", pointfinder=gyrase))

    assert found["mutations"] == ["gyrA (D87N)"]
    assert found["drugs"] == ["ciprofloxacin i/r", "nalidixic acid"]


def test_a_mutation_that_needs_another_one_predicts_nothing_alone(search: Search) -> None:
    line = hit("grlB", "pointfinder/staphylococcus_aureus/grlB.fsa", codon422="GAT")

    found = found_in(search("Staphylococcus aureus", pointfinder=line))

    assert (found["mutations"], found["drugs"]) == (["grlB (E422D)"], [])


def test_species_that_pointfinder_does_not_have_are_searched_for_genes_only(
    search: Search,
) -> None:
    genome = search("Vibrio cholerae", resfinder=hit("sul2_2", "resfinder/sulphonamide.fsa"))

    found = found_in(genome)
    assert (found["genes"], found["mutations"], found["organism"]) == (["sul2"], None, None)
    queries = [words[words.index("-query") + 1] for words in genome.commands("typing")[1:]]
    assert queries == ["resfinder.fsa", "plasmidfinder.fsa"]


def test_nothing_is_searched_if_it_is_not_to_be(search: Search) -> None:
    genome = search(resistance=False)

    assert genome.record("typing").resistance is None
    assert genome.commands("typing") == []


def test_a_tool_that_fails_fails_the_stage(search: Search, tools: InstallTool) -> None:
    tools("blastn", "exit 3")

    genome = search(expect=1)

    assert genome.failure()["message"] == "blastn ended with exit status 3"


@pytest.mark.parametrize(
    ("species", "organism"),
    [
        ("Staphylococcus aureus", "staphylococcus_aureus"),
        ("Staphylococcus aureus subsp. aureus", "staphylococcus_aureus"),
        ("Staphylococcus epidermidis", None),
        ("Salmonella enterica", "salmonella"),
        ("Shigella sonnei", "escherichia_coli"),
        ("Klebsiella pneumoniae", None),
        ("Mycobacterium tuberculosis", None),
        ("", None),
    ],
)
def test_the_species_decides_where_mutations_are_searched(
    species: str, organism: str | None
) -> None:
    assert organism_of(species) == organism


@pytest.mark.parametrize(
    ("required", "is_there"),
    [
        ("", True),
        ("gyrA_S83L", True),
        ("gyrA_S83Y.F.L", True),
        ("gyrA_D87N", False),
        ("gyrA_D87N;gyrA_S83L", True),
        ("gyrA_S83L,parC_S80I", True),
        ("gyrA_S83L,parC_E84K", False),
        (";gyrA_D87N", True),
    ],
)
def test_required_mutations(required: str, is_there: bool) -> None:
    assert is_met(required, ["gyrA_S83L", "parC_S80I"]) is is_there
