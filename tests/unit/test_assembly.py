"""Contigs are filtered, ordered and named as shovill does, for each assembler's own names."""

from types import SimpleNamespace
from typing import Any

import pytest

from bactofleet.genome.assembly import _count_changes, _coverage_of, _name_contigs
from bactofleet.genome.fasta import Contig


def stage(**parameters: Any) -> Any:
    defaults = {"assembler": "skesa", "min_contig_length": 10, "min_contig_coverage": 2}
    return SimpleNamespace(
        sample="S1",
        parameters=defaults | parameters,
        record=SimpleNamespace(versions={"skesa": "2.4.0"}),
    )


def contig(number: int, length: int, coverage: float = 50) -> Contig:
    return Contig(f"Contig_{number}_{coverage}", ("ACGT" * length)[:length])


@pytest.mark.parametrize(
    ("name", "coverage"),
    [
        ("Contig_25_89.672", 89.672),
        ("Contig_25_89.672_pilon", 89.672),
        ("NODE_1_length_5000_cov_23.5", 23.5),
        ("NODE_1_length_5000_cov_23.5_pilon", 23.5),
        ("k141_7 flag=1 multi=12.0000 len=5000", 12),
        ("a_contig_of_another_kind", 0),
    ],
)
def test_coverage_is_read_from_the_names_of_each_assembler(name: str, coverage: float) -> None:
    assert _coverage_of(name) == coverage


def test_corrections_are_counted_for_each_contig() -> None:
    changes = "Contig_1_9.5:100 Contig_1_9.5_pilon:100 A G\nContig_1_9.5:200 x . T\nb:1-2 c AA .\n"

    assert _count_changes(changes) == {"Contig_1_9.5": 2, "b": 1}
    assert _count_changes("") == {}


def test_contigs_are_numbered_longest_first_with_what_is_known_of_them() -> None:
    contigs = [contig(1, 20, 9.5), contig(2, 40), contig(3, 20)]

    named = _name_contigs(stage(), "skesa", contigs, {"Contig_1_9.5": 3})

    made_by = "sw=bactofleet-skesa/2.4.0"
    assert [one.name for one in named] == [
        f"S1_00001 len=40 cov=50.0 corr=0 origname=Contig_2_50 {made_by}",
        f"S1_00002 len=20 cov=9.5 corr=3 origname=Contig_1_9.5 {made_by}",
        f"S1_00003 len=20 cov=50.0 corr=0 origname=Contig_3_50 {made_by}",
    ]


@pytest.mark.parametrize(
    "name", ["Contig_1_9.5", "NODE_1_length_20_cov_9.5", "k141_7_flag=1_multi=9.5000_len=20"]
)
def test_corrections_are_found_by_the_name_before_polishing(name: str) -> None:
    changes = _count_changes(f"{name}:100 {name}_pilon:100 A G\n")

    [named] = _name_contigs(stage(), "skesa", [Contig(f"{name}_pilon", "ACGT" * 5)], changes)

    assert f"cov=9.5 corr=1 origname={name}_pilon " in named.name


def test_the_order_in_which_the_assembler_wrote_contigs_changes_nothing() -> None:
    contigs = [contig(number, 20 + number % 3) for number in range(1, 9)]

    assert _name_contigs(stage(), "skesa", contigs, {}) == _name_contigs(
        stage(), "skesa", contigs[::-1], {}
    )


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (contig(1, 9), contig(1, 10)),
        (contig(1, 20, 1.9), contig(1, 20, 2)),
        (Contig("Contig_1_50", "A" * 20), Contig("Contig_1_50", "A" * 19 + "C")),
        (Contig("Contig_1_50", "Aa" * 10), Contig("Contig_1_50", "Ac" * 10)),
    ],
    ids=["short", "thin", "one letter", "one letter in both cases"],
)
def test_contigs_below_the_limits_are_dropped_and_those_at_them_kept(
    bad: Contig, good: Contig
) -> None:
    assert _name_contigs(stage(), "skesa", [bad], {}) == []
    assert len(_name_contigs(stage(), "skesa", [good], {})) == 1
