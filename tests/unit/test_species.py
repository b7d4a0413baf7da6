"""Which species a genome is: the verdict on what Mash finds in its assembly and reads."""

import math
from pathlib import Path

import pytest

from bactofleet.genome.species import (
    Contained,
    Neighbour,
    Reference,
    distance,
    identify,
    read_distances,
    read_references,
    read_screen,
)
from bactofleet.records.receipt import Found

AUREUS = Reference("Staphylococcus aureus", 2_800_000)
LARGE_AUREUS = Reference("Staphylococcus aureus", 3_000_000)
COLI = Reference("Escherichia coli", 4_600_000)
FLEXNERI = Reference("Shigella flexneri", 4_500_000)
REFERENCES = [AUREUS, LARGE_AUREUS, COLI, FLEXNERI]


def near(reference: Reference, distance: float = 0.01) -> Neighbour:
    return Neighbour(reference, distance, "800/1000")


def judge(
    *neighbours: Neighbour, expected: str = "", contained: list[Contained] | None = None
) -> Found:
    return identify(expected, list(neighbours), contained or [], REFERENCES)


# --- the species ----------------------------------------------------------------------------------


def test_a_genome_is_the_species_of_the_nearest_reference() -> None:
    found = judge(near(AUREUS), near(COLI, 0.3))

    assert (found.verdict, found.species) == ("found", "Staphylococcus aureus")
    assert (found.distance, found.shared_hashes) == (0.01, "800/1000")


def test_a_genome_that_is_far_from_all_references_is_unknown() -> None:
    found = judge(near(AUREUS, 0.06), expected="Staphylococcus aureus")

    assert (found.verdict, found.species) == ("unknown", None)
    assert (found.nearest, found.distance) == ("Staphylococcus aureus", 0.06)


def test_a_genome_that_shares_nothing_with_a_reference_is_near_none() -> None:
    found = judge(Neighbour(AUREUS, 1.0, "0/1000"))

    assert (found.verdict, found.nearest) == ("unknown", None)


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [
        ("Staphylococcus aureus", "as expected"),
        ("staphylococcus aureus subsp. aureus USA300", "as expected"),
        ("Escherichia coli", "other"),
        ("Staphylococcus", "found"),  # a genus, and no species to compare
        ("Staphylococcus nemo", "found"),  # not among the references
        ("", "found"),
    ],
)
def test_the_species_of_the_sheet_is_compared_if_the_references_have_it(
    expected: str, verdict: str
) -> None:
    assert judge(near(AUREUS), near(COLI, 0.3), expected=expected).verdict == verdict


def test_a_species_within_the_same_distance_is_not_another_one() -> None:
    found = judge(near(FLEXNERI, 0.01), near(COLI, 0.02), expected="Escherichia coli")

    assert found.verdict == "as expected"


def test_a_part_of_a_genome_is_as_near_as_the_whole() -> None:
    # All k-mers of an assembly of 1 Mb are in a reference of 4 Mb: 1 of 4 that either has.
    assert distance("250/1000", 1_000_000, 4_000_000) == 0
    assert distance("1000/1000", 4_000_000, 4_000_000) == 0
    assert distance("0/1000", 4_000_000, 4_000_000) == 1


def test_a_few_hashes_that_are_shared_by_chance_are_not_a_species() -> None:
    chance = Neighbour(AUREUS, 0.0, "9/1000")

    assert judge(chance).verdict == "unknown"


def test_an_assembly_may_be_a_fifth_smaller_or_larger_than_all_references() -> None:
    found = judge(near(AUREUS))

    assert (found.smallest, found.largest) == (2_240_000, 3_600_000)


# --- a second species -----------------------------------------------------------------------------


def test_reads_of_two_species_are_mixed_whatever_the_sheet_says() -> None:
    contained = [Contained(AUREUS, 0.99, 90), Contained(COLI, 0.97, 10)]

    found = judge(near(AUREUS), expected="Staphylococcus aureus", contained=contained)

    assert (found.verdict, found.second, found.second_share) == ("mixed", "Escherichia coli", 0.1)


def test_regions_that_two_species_share_are_no_second_species() -> None:
    contained = [Contained(AUREUS, 0.99, 90), Contained(COLI, 0.9, 90)]

    assert judge(near(AUREUS), contained=contained).verdict == "found"


def test_another_strain_or_a_species_within_the_same_distance_is_no_second_species() -> None:
    contained = [
        Contained(COLI, 0.99, 90),
        Contained(FLEXNERI, 0.96, 20),
        Contained(COLI, 0.96, 5),
    ]

    assert judge(near(COLI), near(FLEXNERI, 0.02), contained=contained).verdict == "found"


def test_reads_of_two_species_are_mixed_even_if_the_assembly_is_too_small_to_name() -> None:
    contained = [Contained(AUREUS, 0.99, 90), Contained(COLI, 0.97, 10)]
    small = Neighbour(COLI, 0.02, "9/1000")

    found = judge(small, expected="Staphylococcus aureus", contained=contained)

    assert (found.verdict, found.species, found.nearest) == ("mixed", None, "Escherichia coli")
    assert (found.second, found.second_share) == ("Staphylococcus aureus", 0.9)


def test_reads_of_one_species_whose_assembly_is_too_small_to_name_are_unknown() -> None:
    small = Neighbour(COLI, 0.02, "9/1000")

    found = judge(small, contained=[Contained(AUREUS, 0.99, 90), Contained(COLI, 0.9, 10)])

    assert (found.verdict, found.second) == ("unknown", None)


# --- Mash's files ---------------------------------------------------------------------------------


def test_tables_are_read_with_the_species_of_each_reference(tmp_path: Path) -> None:
    table, distances, screen = (tmp_path / name for name in ("refs", "dist", "screen"))
    table.write_text("genome\tspecies\tlength\nG1\tEscherichia coli\t4600000\nG2\tB b\t4000000\n")
    distances.write_text("G2\tS1.fna\t0.3\t1\t1/1000\nG1\tS1.fna\t0.01\t0\t800/1000\n")
    screen.write_text('0.97\t500/1000\t3\t0\tG1\tstrain "X" of it\n')

    references = read_references(table)

    assert references["G1"] == COLI
    [nearest, _] = read_distances(distances, references, length=4_600_000)
    assert (nearest.reference, nearest.shared) == (COLI, "800/1000")
    assert nearest.distance == pytest.approx(-math.log(2 * 0.8 / 1.8) / 21)
    assert read_screen(screen, references) == [Contained(COLI, 0.97, 3)]
