"""Too few reads exclude a genome, each way under Bactopia's name for it."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from support.fastq import Read, write_reads

from bactofleet.core.errors import Excluded
from bactofleet.genome.fastq import ReadStats, scan_reads
from bactofleet.genome.reads import add_read_metrics, check_amounts, check_lengths, read_names

LIMITS = {"min_reads": 10, "min_basepairs": 100, "min_proportion": 0.5}


def stats_of(folder: Path, *counts_and_lengths: tuple[int, int]) -> list[ReadStats]:
    """Return the statistics of mates, each of so many reads of a length."""
    return [
        scan_reads([write_reads(folder / "x.fq", [Read("r", "A" * bp, "I" * bp)] * count)])[0]
        for count, bp in counts_and_lengths
    ]


@pytest.mark.parametrize("mates", [[(5, 10), (5, 10)], [(10, 10)], [(5, 20), (5, 10)]])
def test_exactly_as_much_as_the_limits_is_enough(
    tmp_path: Path, mates: list[tuple[int, int]]
) -> None:
    check_amounts(stats_of(tmp_path, *mates), LIMITS)


@pytest.mark.parametrize(
    ("mates", "kind", "message"),
    [
        ([(5, 10), (4, 10)], "low-read-count", "9 reads, fewer than 10 (min_reads)"),
        ([(9, 100)], "low-read-count", "9 reads, fewer than 10 (min_reads)"),
        ([(5, 10), (5, 9)], "low-sequence-depth", "95 bp, fewer than 100 (min_basepairs)"),
        ([(5, 49), (5, 100)], "low-basepair-proportion", "0.49 of the other's base pairs"),
        ([(5, 100), (5, 49)], "low-basepair-proportion", "0.49 of the other's base pairs"),
    ],
)
def test_too_little_excludes_with_bactopias_type_and_the_limit(
    tmp_path: Path, mates: list[tuple[int, int]], kind: str, message: str
) -> None:
    with pytest.raises(Excluded) as caught:
        check_amounts(stats_of(tmp_path, *mates), LIMITS)

    assert caught.value.kind == kind
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("short", "long", "is_excluded"),
    [((10, 250), (0, 0), False), ((10, 500), (0, 0), False), ((10, 700), (0, 0), False)]
    + [((100, 300), (10, 3000), False), ((100, 300), (11, 3000), True), ((0, 0), (10, 701), True)],
)
def test_reads_of_which_most_bases_are_in_long_ones_are_excluded(
    short: tuple[int, int], long: tuple[int, int], is_excluded: bool
) -> None:
    stats = ReadStats()
    for count, bp in (short, long):
        stats.add(np.full(count, bp), np.full(count, 30), np.zeros(bp, np.int64))

    with pytest.raises(Excluded) if is_excluded else nullcontext() as caught:
        check_lengths([stats])

    if caught:
        assert caught.value.kind == "long-reads"
        assert "most bases are in reads of over 700 bp" in caught.value.message


def test_files_of_reads_are_named_as_bactopias() -> None:
    assert read_names("S1", paired=True) == ["S1_R1", "S1_R2"]
    assert read_names("S1", paired=False) == ["S1_SE"]


def test_metrics_are_totals_of_the_mates_and_means_of_their_means() -> None:
    mates = [
        {"total_bp": 100, "coverage": 1.25, "read_total": 10, "read_mean": 10, "qual_mean": 30},
        {"total_bp": 80, "coverage": 1.0, "read_total": 10, "read_mean": 8, "qual_mean": 33.5},
    ]
    metrics: dict[str, float | int] = {"kept": 1}

    add_read_metrics(metrics, "final", [{"qc_stats": mate} for mate in mates])

    assert metrics == {
        "kept": 1,
        "qc_final_total_bp": 180,
        "qc_final_coverage": 2.25,
        "qc_final_read_total": 20,
        "qc_final_read_mean": 9,
        "qc_final_qual_mean": 31.75,
    }
