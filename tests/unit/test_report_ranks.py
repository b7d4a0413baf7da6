"""Ranks: Bactopia's cut-offs, with the reason for every rank below gold in words."""

import pytest
from bactopia.summary import get_rank
from hypothesis import given
from hypothesis import strategies as st

from bactofleet.report.ranks import ANY_SIZE, CUTOFFS, SizeLimits, rank_genome
from bactofleet.report.rows import GenomeRow

GOLD: GenomeRow = {
    "status": "complete",
    "input_kind": "reads",
    "runtype": "paired-end",
    "layout": "paired",
    "qc_final_coverage": 100.0,
    "qc_final_qual_mean": 30.0,
    "qc_final_read_mean": 95.0,
    "assembler_total_contig": 100,
    "assembler_total_contig_length": 2_800_000,
}
SINGLE = {"runtype": "single-end", "layout": "single"}
BACTOPIA = {
    cutoff.rank: {
        "coverage": cutoff.depth,
        "quality": cutoff.quality,
        "length": cutoff.length,
        "contigs": cutoff.contigs,
    }
    for cutoff in CUTOFFS
} | {"min-assembled-size": None, "max-assembled-size": None}


def rank(sizes=ANY_SIZE, **changes):
    name, reasons = rank_genome(GOLD | changes, sizes)
    return name, "; ".join(reasons.values())


def test_a_genome_at_all_cut_offs_of_gold_is_gold_and_needs_no_reason():
    assert rank() == ("gold", "")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"qc_final_coverage": 61.3}, ("silver", "depth 61.3x, gold needs 100x")),
        ({"qc_final_qual_mean": 29.9}, ("silver", "read quality 29.9, gold needs 30")),
        ({"qc_final_read_mean": 76.2}, ("silver", "read length 76 bp, gold needs 95 bp")),
        ({"assembler_total_contig": 101}, ("silver", "101 contigs, gold allows 100")),
        ({"qc_final_coverage": 49}, ("bronze", "depth 49.0x, silver needs 50x")),
        (SINGLE, ("bronze", "single-end reads, silver needs pairs")),
        ({"qc_final_coverage": 15}, ("exclude", "depth 15.0x, bronze needs 20x")),
        ({"assembler_total_contig": 1501}, ("exclude", "1,501 contigs, bronze allows 500")),
    ],
)
def test_the_reason_says_what_keeps_a_genome_from_the_next_better_rank(changes, expected):
    assert rank(**changes) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (2_300_000, ("gold", "")),
        (1_070_000, ("exclude", "assembly of 1.07 Mb, S. aureus has 2.24 to 3.60 Mb")),
        (7_400_000, ("exclude", "assembly of 7.40 Mb, S. aureus has 2.24 to 3.60 Mb")),
    ],
)
def test_an_assembly_that_does_not_have_the_size_of_its_species_is_excluded(size, expected):
    found = {"found_species": "S. aureus", "found_smallest": 2_240_000, "found_largest": 3_600_000}

    assert rank(assembler_total_contig_length=size, **found) == expected


LONG = {"runtype": "ont", "layout": "long", "qc_final_read_mean": 8000, "assembler_total_contig": 3}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("gold", "")),
        ({"qc_final_coverage": 49.8}, ("gold", "")),
        ({"qc_final_coverage": 40}, ("silver", "depth 40.0x, gold needs 50x")),
        ({"qc_final_qual_mean": 12}, ("bronze", "read quality 12.0, silver needs 13")),
        ({"assembler_total_contig": 21}, ("silver", "21 contigs, gold allows 20")),
        ({"qc_final_read_mean": 999}, ("exclude", "read length 999 bp, bronze needs 1000 bp")),
    ],
)
def test_long_reads_alone_have_cut_offs_of_their_own(changes, expected):
    assert rank(**(LONG | changes)) == expected


def test_a_hybrid_genome_is_ranked_by_its_short_reads():
    assert rank(runtype="short_polish", qc_final_coverage=50) == (
        *("silver", "depth 50.0x, gold needs 100x"),
    )


def test_every_cut_off_that_is_missed_is_reported():
    assert rank(qc_final_coverage=51, assembler_total_contig=150) == (
        "silver",
        "depth 51.0x, gold needs 100x; 150 contigs, gold allows 100",
    )


@pytest.mark.parametrize(("depth", "expected"), [(99.94, "gold"), (99, "gold"), (98.9, "silver")])
def test_reads_capped_at_100x_count_as_100x_though_chance_left_a_little_less(depth, expected):
    assert rank(qc_final_coverage=depth)[0] == expected


@pytest.mark.parametrize("layout", ["paired", "single"])
def test_of_an_accession_the_layout_tells_whether_its_reads_are_pairs(layout):
    name, _ = rank(input_kind="accession", runtype="sra_accession", layout=layout)

    assert name == {"paired": "gold", "single": "bronze"}[layout]


def test_a_genome_made_from_an_assembly_is_unranked_even_with_simulated_reads():
    assert rank(input_kind="assembly") == ("unranked", "made from an assembly, not from reads")


@pytest.mark.parametrize(
    "missing", [{"qc_final_qual_mean": None}, {"layout": None, "runtype": "sra_accession"}]
)
def test_a_genome_without_a_measurement_is_unranked(missing):
    name, reason = rank(**missing)

    assert (name, reason) == ("unranked", "a measurement of the reads or the assembly is missing")


@pytest.mark.parametrize(("size", "expected"), [(2_500_000, "gold"), (3_100_000, "gold")])
def test_an_assembly_within_the_limits_keeps_its_rank(size, expected):
    limits = SizeLimits(2_500_000, 3_100_000)

    assert rank(limits, assembler_total_contig_length=size)[0] == expected


@pytest.mark.parametrize("size", [2_499_999, 3_100_001])
def test_an_assembly_outside_the_limits_is_excluded_whatever_its_reads(size):
    limits = SizeLimits(2_500_000, 3_100_000)

    assert rank(limits, assembler_total_contig_length=size) == (
        "exclude",
        f"assembly of {size:,} bp, outside 2,500,000 to 3,100,000 "
        "(min_genome_size, max_genome_size)",
    )


@given(
    depth=st.floats(10, 120).map(lambda depth: round(depth, 2)),
    quality=st.floats(8, 40).map(lambda quality: round(quality, 2)),
    length=st.floats(40, 150).map(lambda length: round(length, 2)),
    contigs=st.integers(1, 700),
    is_paired=st.booleans(),
)
def test_ranks_are_those_of_bactopia_but_within_the_tolerance_of_depth(
    depth, quality, length, contigs, is_paired
):
    near = any(0.99 * cutoff.depth <= depth < cutoff.depth for cutoff in CUTOFFS)
    name, _ = rank(
        qc_final_coverage=depth,
        qc_final_qual_mean=quality,
        qc_final_read_mean=length,
        assembler_total_contig=contigs,
        layout="paired" if is_paired else "single",
    )

    theirs, _ = get_rank(BACTOPIA, depth, quality, length, contigs, 2_800_000, is_paired)

    assert near or name == theirs


def test_the_cut_offs_are_the_defaults_of_bactopias_command():
    from bactopia.cli.summary import summary

    defaults = {option.name: option.default for option in summary.params}
    names = ("{}_coverage", "{}_quality", "{}_read_length", "{}_contigs")

    for cutoff in CUTOFFS[:2]:
        assert cutoff[1:5] == tuple(defaults[name.format(cutoff.rank)] for name in names)
    bronze = ("min_coverage", "min_quality", "min_read_length", "max_contigs")
    assert CUTOFFS[2][1:5] == tuple(defaults[name] for name in bronze)
