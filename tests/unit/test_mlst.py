"""Sequence types: schemes in PubMLST's layout, and what BLAST's hits say of each locus."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.stages import Genome, type_contigs
from support.tools import InstallTool

from bactofleet.core.schemes import (
    checksum_of,
    choose_tables,
    find_scheme_fault,
    list_schemes,
    read_scheme,
)
from bactofleet.genome.mlst import Hit, call

CHANCE = random.Random(7)
PROFILES = "ST\tarcC\taroE\tclonal_complex\n8\t3\t3\tCC8\n22\t7\t6\t\n"


def sequence(length: int) -> str:
    return "".join(CHANCE.choices("ACGT", k=length))


ALLELES = {
    "arcC": {3: sequence(456), 7: sequence(456)},
    "aroE": {3: sequence(450), 6: sequence(450)},
}


@pytest.fixture
def schemes(tmp_path: Path) -> Path:
    """Return a folder with one scheme of two loci."""
    return write_scheme(tmp_path / "schemes", "saureus", PROFILES, ALLELES)


def write_scheme(
    folder: Path, name: str, profiles: str, alleles: dict[str, dict[int, str]]
) -> Path:
    scheme = folder / name
    scheme.mkdir(parents=True)
    (scheme / f"{name}.txt").write_text(profiles)
    for locus, sequences in alleles.items():
        text = "".join(f">{locus}_{number}\n{bases}\n" for number, bases in sequences.items())
        (scheme / f"{locus}.tfa").write_text(text)
    return folder


def hit(allele: int = 3, size: int = 450, **changed: object) -> Hit:
    whole = Hit(str(allele), size, size, 1, size, size, "c1", 1001, 1000 + size, 1000)
    return whole._replace(**changed)  # type: ignore[arg-type]


def test_a_scheme_has_the_loci_of_its_table_and_nothing_else(schemes: Path) -> None:
    (table,) = list_schemes(schemes)

    scheme = read_scheme(table)

    assert (scheme.name, list(scheme.loci)) == ("saureus", ["arcC", "aroE"])
    assert scheme.profiles == {("3", "3"): "8", ("7", "6"): "22"}


def test_a_column_of_text_is_no_locus(tmp_path: Path) -> None:
    profiles = "ST\tarcC\taroE\tsource\n8\t3\t3\tblood\n22\t7\t6\t\n"
    (table,) = list_schemes(write_scheme(tmp_path / "schemes", "saureus", profiles, ALLELES))

    scheme = read_scheme(table)

    assert list(scheme.loci) == ["arcC", "aroE"]
    assert scheme.profiles == {("3", "3"): "8", ("7", "6"): "22"}


@pytest.mark.parametrize(
    "profiles", ["\ufeffST\tarcC\taroE\n8\t3\t3\n", "ST\tarcC\taroE\t\n8\t3\t3\t\n"]
)
def test_a_table_of_a_spreadsheet_is_read(tmp_path: Path, profiles: str) -> None:
    (table,) = list_schemes(write_scheme(tmp_path / "schemes", "saureus", profiles, ALLELES))

    assert read_scheme(table).profiles == {("3", "3"): "8"}


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("saureus.txt", "arcC\taroE\n3\t3\n", "no column ST"),
        ("saureus.txt", "ST\tarcC\tgmk\n8\t3\t1\n", "no file of alleles for 'gmk'"),
        ("aroE.tfa", ">aroE\nACGT\n", "'aroE' does not end with the number of an allele"),
        ("aroE.tfa", "", "has no allele"),
        ("aroE.tfa", ">aroE_3\nACGT\n>aroE\nACGT\n", "'aroE' does not end with the number"),
        ("aroE.tfa", ">aroE_3\nACGT\n>aroE_4\n", "has an allele without a sequence"),
        ("saureus.txt", "ST\tclonal_complex\n8\tCC8\n", "the first line has no locus"),
        ("saureus.txt", "ST\tarcC\t\n8\t3\t3\n", "'' is no name of a locus"),
        ("saureus.txt", "ST\tarcC\taro E\n8\t3\t3\n", "'aro E' is no name of a locus"),
        ("saureus.txt", "ST\tarcC\t../../other\n8\t3\t3\n", "'../../other' is no name of"),
        ("saureus.txt", "ST\tarcC\ta\x1b[2J\n8\t3\t3\n", "is no name of a locus"),
        ("saureus.txt", f"ST\tarcC\taroE\n{'8' * 200_000}\t3\t3\n", "field larger than"),
        ("saureus.txt", f"ST\tarcC\t{'a' * 200_000}\n", "field larger than"),
    ],
)
def test_a_scheme_that_is_not_whole_is_refused(
    schemes: Path, name: str, text: str, fault: str
) -> None:
    assert find_scheme_fault(schemes) == ""
    (schemes / "saureus" / name).write_text(text)

    assert fault in find_scheme_fault(schemes)


def test_a_folder_without_schemes_is_refused(tmp_path: Path) -> None:
    assert "has no scheme" in find_scheme_fault(tmp_path)
    assert "there is no folder" in find_scheme_fault(tmp_path / "nowhere")


def test_the_checksum_follows_the_content_not_the_place(schemes: Path, tmp_path: Path) -> None:
    before = checksum_of(schemes)
    shutil.copytree(schemes, tmp_path / "copy")
    assert checksum_of(tmp_path / "copy") == before

    (tmp_path / "copy/saureus/aroE.tfa").write_text(">aroE_3\nACGT\n")

    assert checksum_of(tmp_path / "copy") != before


@pytest.mark.parametrize(
    ("hits", "called"),
    [
        ([hit(3)], "3"),
        ([hit(3, identical=449), hit(7)], "7"),
        # A difference within, and one in the last bases, before which BLAST ends.
        ([hit(3, identical=447)], "~3"),
        ([hit(3, identical=446, length=446, end=446)], "~3"),
        # The contig ends where the allele does not.
        ([hit(3, identical=446, length=446, end=446, room=0)], "3?"),
        ([hit(3, identical=300, length=300, end=300)], "3?"),
        ([hit(3, identical=447), hit(7, identical=449)], "~7"),
        ([hit(3, identical=300, length=300, end=300), hit(7, identical=440)], "~7"),
        ([hit(3, identical=200, length=200, end=200)], "-"),
        ([hit(3, identical=400)], "-"),
        ([], "-"),
        ([hit(3), hit(7, contig="c2")], "3,7"),
        ([hit(3), hit(3, contig="c2")], "3"),
        # An allele that is a part of another one.
        ([hit(3), hit(9, size=440)], "3"),
    ],
)
def test_calls_are_in_the_notation_of_mlst(hits: list[Hit], called: str) -> None:
    assert call(hits)[0] == called


Type = Callable[..., Genome]


@pytest.fixture
def type_genome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: InstallTool) -> Type:
    """Return a function that types a genome in which BLAST has these alleles (`arcC:3`) whole."""
    monkeypatch.setenv("FAKE_BLASTN", str(tmp_path))

    def run(schemes: Path, probes: list[str], *found: str, expect: int = 0) -> Genome:
        for name, alleles in (("probes", probes), ("alleles", found)):
            lines = (f"{one}\t450\t450\t1\t450\t450\tc1\t501\t950\t9000\n" for one in alleles)
            (tmp_path / f"{name}.fna").write_text("".join(lines))
        return type_contigs(tmp_path, ">c1\nACGT\n", expect=expect, mlst_schemes=str(schemes))

    return run


def test_a_known_combination_has_its_type(schemes: Path, type_genome: Type) -> None:
    genome = type_genome(schemes, ["0:arcC", "0:aroE"], "arcC:3", "aroE:3")

    assert genome.record("typing").mlst == {
        "status": "PERFECT",
        "scheme": "saureus",
        "st": "8",
        "alleles": "arcC(3);aroE(3)",
    }
    header, row = genome.published("typing", "tools/mlst/S1.tsv").read_text().splitlines()
    assert header == "FILE\tSCHEME\tST\tSTATUS\tSCORE\tALLELES"
    assert row == "S1.fna\tsaureus\t8\tPERFECT\t100\tarcC(3);aroE(3)"


@pytest.mark.parametrize(
    ("found", "status", "row"),
    [
        (["arcC:3", "aroE:6"], "NOVEL", "-\tNOVEL\t90\tarcC(3);aroE(6)"),
        (["arcC:3"], "NONE", "-\t-\tNONE\t0\t"),
    ],
)
def test_what_is_not_known_has_no_type(
    schemes: Path, type_genome: Type, found: list[str], status: str, row: str
) -> None:
    genome = type_genome(schemes, ["0:arcC", "0:aroE"], *found)

    mlst = genome.record("typing").mlst
    assert mlst is not None
    assert (mlst["status"], mlst["st"]) == (status, None)
    table = genome.published("typing", "tools/mlst/S1.tsv").read_text()
    assert table.splitlines()[1].endswith(row)


def test_of_several_schemes_the_one_with_most_loci_is_taken(
    schemes: Path, type_genome: Type
) -> None:
    write_scheme(schemes, "ecoli", "ST\tadk\n1\t1\n", {"adk": {1: sequence(500)}})

    genome = type_genome(schemes, ["1:arcC", "1:aroE"], "arcC:7", "aroE:6")

    mlst = genome.record("typing").mlst
    assert mlst is not None
    assert (mlst["scheme"], mlst["st"]) == ("saureus", "22")


def test_only_the_schemes_of_the_species_are_searched_if_the_folder_knows_them(
    schemes: Path,
) -> None:
    write_scheme(schemes, "ecoli", "ST\tadk\n1\t1\n", {"adk": {1: sequence(500)}})
    (schemes / "scheme_species_map.tab").write_text(
        "#SCHEME\tGENUS\tSPECIES\necoli\tEscherichia\tcoli\nsaureus\tStaphylococcus\taureus\n"
    )

    def names(species: str) -> list[str]:
        return [table.parent.name for table in choose_tables(schemes, species)]

    assert names("Staphylococcus aureus subsp. aureus") == ["saureus"]
    assert names("Escherichia coli") == ["ecoli"]
    assert names("Shigella flexneri") == names("") == ["ecoli", "saureus"]


def test_a_scheme_may_be_that_of_a_whole_genus(schemes: Path) -> None:
    (schemes / "scheme_species_map.tab").write_text("saureus\tStaphylococcus\t\n")

    assert choose_tables(schemes, "Staphylococcus argenteus") == list_schemes(schemes)


def test_no_scheme_fits_a_genome_without_any_locus(schemes: Path, type_genome: Type) -> None:
    genome = type_genome(schemes, [])

    mlst = genome.record("typing").mlst
    assert mlst is not None
    assert (mlst["status"], mlst["scheme"]) == ("NONE", None)
    assert len(genome.commands("typing")) == 2  # makeblastdb, and the search for a scheme
