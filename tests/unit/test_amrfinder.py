"""AMRFinderPlus of the user: asked with the right words, its table read and published."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.amrfinder import HEADER, ROWS, write_amrfinder
from support.stages import Genome, type_contigs
from support.tools import InstallTool

from bactofleet.core.amrfinder import find_amrfinder_fault
from bactofleet.core.config import parameters_of
from bactofleet.genome.amrfinder import choose_organism

Search = Callable[..., Genome]


@pytest.fixture
def search(tmp_path: Path, tools: InstallTool) -> Search:
    """Return a function that types a genome with AMRFinderPlus alone."""

    def run(folder: Path, species: str = "Staphylococcus aureus", expect: int = 0) -> Genome:
        return type_contigs(
            tmp_path, ">c1\nACGT\n", species=species, expect=expect, amrfinder=str(folder)
        )

    return run


def test_its_table_is_published_under_bactopias_name_and_its_symbols_are_listed(
    search: Search, tmp_path: Path
) -> None:
    genome = search(write_amrfinder(tmp_path / "amr"))

    table = genome.published("typing", "tools/amrfinderplus/S1.tsv").read_text()
    assert table == HEADER + ROWS
    assert genome.record("typing").amrfinder == {
        "genes": ["gyrA_S84L", "mecA"],
        "stress": [],
        "virulence": ["lukF-PV"],
        "organism": "Staphylococcus_aureus",
    }
    assert genome.record("typing").versions == {
        "amrfinderplus": "4.0.23",
        "amrfinderplus database": "2025-07-16.1",
    }


def test_it_searches_the_contigs_with_all_genes_and_for_the_organism(
    search: Search, tmp_path: Path
) -> None:
    folder = write_amrfinder(tmp_path / "amr")
    genome = search(folder)

    assert genome.commands("typing")[-1] == [
        *(str(folder / "amrfinder"), "--nucleotide", "S1.fna", "--plus"),
        *("--database", str(folder / "data/latest"), "--threads", "1", "--name", "S1"),
        *("--organism", "Staphylococcus_aureus"),
    ]


@pytest.mark.parametrize(
    ("species", "organism"),
    [
        ("Staphylococcus aureus", "Staphylococcus_aureus"),
        ("Staphylococcus epidermidis", None),
        ("Escherichia coli", "Escherichia"),
        ("Shigella flexneri", "Escherichia"),
        ("", None),
    ],
)
def test_the_organism_is_one_that_it_knows(species: str, organism: str | None) -> None:
    assert choose_organism(species, ["Escherichia", "Staphylococcus_aureus"]) == organism


def test_a_genome_in_which_it_finds_nothing_says_so(search: Search, tmp_path: Path) -> None:
    found = search(write_amrfinder(tmp_path / "amr", HEADER), "").record("typing").amrfinder

    assert found == {"genes": [], "stress": [], "virulence": [], "organism": None}


def test_the_words_of_version_3_are_understood(search: Search, tmp_path: Path) -> None:
    table = "Name\tGene symbol\tElement type\nS1\tmecA\tAMR\n"

    found = search(write_amrfinder(tmp_path / "amr", table)).record("typing").amrfinder

    assert found is not None
    assert found["genes"] == ["mecA"]


def test_a_table_in_other_words_is_a_failure_not_an_empty_result(
    search: Search, tmp_path: Path
) -> None:
    genome = search(write_amrfinder(tmp_path / "amr", "a\tb\n1\t2\n"), expect=1)

    assert "has a row without 'Type'" in genome.failure()["message"]


def test_a_folder_without_program_or_database_is_refused(tmp_path: Path) -> None:
    folder = write_amrfinder(tmp_path / "amr")
    assert find_amrfinder_fault(folder) == ""

    (folder / "data/latest/version.txt").unlink()
    assert "`amrfinder --update` makes it" in find_amrfinder_fault(folder)
    (folder / "amrfinder").chmod(0o644)
    assert "is no program" in find_amrfinder_fault(folder)


def test_a_newer_database_is_another_setting(tmp_path: Path) -> None:
    folder = write_amrfinder(tmp_path / "amr")
    before = parameters_of({"amrfinder": str(folder)})
    assert parameters_of({"amrfinder": str(folder)}) == before

    (folder / "data/latest/version.txt").write_text("2026-01-01.1\n")

    assert parameters_of({"amrfinder": str(folder)}) != before


def test_its_folder_may_be_named_from_the_working_directory(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_amrfinder(tmp_path / "amr")
    monkeypatch.chdir(tmp_path)

    assert search(Path("amr")).record("typing").amrfinder
