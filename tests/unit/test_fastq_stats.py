"""The statistics of reads are those of fastq-scan 1.0.1."""

import math
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fastq import Read, make_reads, to_fastq, write_reads

from bactofleet.genome import fastq
from bactofleet.genome.fastq import ReadStats, scan_reads

# What `fastq-scan -g 1000` 1.0.1 printed for make_reads(50, seed=7, lengths=(5, 9)).
FASTQ_SCAN = {
    "qc_stats": {
        "total_bp": 334,
        "coverage": 0.334,
        "read_total": 50,
        "read_min": 5,
        "read_mean": 6.68,
        "read_std": 1.44831,
        "read_median": 6,
        "read_max": 9,
        "read_25th": 5,
        "read_75th": 8,
        "qual_min": 13,
        "qual_mean": 21.16,
        "qual_std": 4.65343,
        "qual_max": 31,
        "qual_median": 21,
        "qual_25th": 17,
        "qual_75th": 24,
    },
    "read_lengths": {"5": 15, "6": 10, "7": 9, "8": 8, "9": 8},
    "per_base_quality": {
        "1": 19.94,
        "2": 21.42,
        "3": 22.58,
        "4": 22.92,
        "5": 21.3,
        "6": 19.4286,
        "7": 20.64,
        "8": 23.75,
        "9": 21,
    },
}


def scan(path: Path) -> ReadStats:
    (stats,) = scan_reads([path])
    return stats


def test_statistics_are_what_fastq_scan_prints(tmp_path: Path) -> None:
    path = write_reads(tmp_path / "x.fq", make_reads(50, seed=7, lengths=(5, 9)))

    assert scan(path).to_fastq_scan(1000) == FASTQ_SCAN


def test_coverage_is_zero_without_a_genome_size(tmp_path: Path) -> None:
    path = write_reads(tmp_path / "x.fq", make_reads(50))

    assert scan(path).to_fastq_scan(0)["qc_stats"]["coverage"] == 0


@pytest.mark.parametrize("block", [1, 2, 7, 64, 1000])
def test_blocks_that_cut_records_anywhere_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    path = write_reads(tmp_path / "x.fq.gz", make_reads(50, seed=7, lengths=(5, 9)))
    monkeypatch.setattr(fastq, "read_blocks", partial(fastq.read_blocks, size=block))

    assert scan(path).to_fastq_scan(1000) == FASTQ_SCAN


def test_lengths_that_no_read_has_are_listed_between_the_shortest_and_the_longest(
    tmp_path: Path,
) -> None:
    path = write_reads(tmp_path / "x.fq", [Read("a", "AC", "II"), Read("b", "ACGTA", "IIIII")])

    assert scan(path).to_fastq_scan(1)["read_lengths"] == {"2": 1, "3": 0, "4": 0, "5": 1}


def test_the_quality_of_a_read_is_rounded_down(tmp_path: Path) -> None:
    path = write_reads(tmp_path / "x.fq", [Read("a", "ACGT", "III5")])  # 40, 40, 40, 20

    assert scan(path).to_fastq_scan(1)["qc_stats"]["qual_mean"] == 35


def test_lowest_and_highest_quality_count(tmp_path: Path) -> None:
    path = write_reads(tmp_path / "x.fq", [Read("a", "A", "!"), Read("b", "A", "~")])

    stats = scan(path).to_fastq_scan(1)["qc_stats"]

    assert (stats["qual_min"], stats["qual_max"]) == (0, 93)


def test_reads_of_very_different_lengths_count_only_where_they_reach(tmp_path: Path) -> None:
    reads = [Read("long", "A" * 50_000, "5" * 50_000)]
    reads += [Read(f"r{i}", "A" * 100, "I" * 100) for i in range(99)]

    per_base = scan(write_reads(tmp_path / "x.fq", reads)).to_fastq_scan(1)["per_base_quality"]

    assert per_base["100"] == 39.8
    assert per_base["101"] == per_base["50000"] == 20


def test_a_read_without_bases_counts_as_a_read(tmp_path: Path) -> None:
    stats = scan(write_reads(tmp_path / "x.fq", [Read("a", "", ""), Read("b", "AC", "II")]))

    assert (stats.read_total, stats.total_bp) == (2, 2)


def test_reads_that_all_lack_bases_are_described_all_the_same(tmp_path: Path) -> None:
    found = scan(write_reads(tmp_path / "x.fq", [Read("a", "", "")])).to_fastq_scan(100)

    assert (found["qc_stats"]["read_total"], found["qc_stats"]["total_bp"]) == (1, 0)
    assert found["per_base_quality"] == {}


# --- against a plain and slow implementation ------------------------------------------------------

READS = st.lists(
    st.integers(1, 12).flatmap(
        lambda n: st.builds(
            Read,
            st.from_regex(r"[!-~]{1,5}( [ -~]{0,5})?", fullmatch=True),
            st.text("ACGTN", min_size=n, max_size=n),
            st.text([chr(c) for c in range(33, 127)], min_size=n, max_size=n),
        )
    ),
    min_size=1,
    max_size=30,
)


def plain_summary(prefix: str, values: list[int]) -> dict[str, float]:
    ordered, n = sorted(values), len(values)
    mean = sum(values) / n
    std = math.sqrt(sum((value - mean) ** 2 for value in values) / n)

    def percentile(fraction: float) -> int:
        return ordered[int(n * fraction) if n % 2 else int(n * fraction - 1)]

    return {
        f"{prefix}_min": ordered[0],
        f"{prefix}_mean": mean,
        f"{prefix}_std": std,
        f"{prefix}_median": percentile(0.5),
        f"{prefix}_max": ordered[-1],
        f"{prefix}_25th": percentile(0.25),
        f"{prefix}_75th": percentile(0.75),
    }


def plain_stats(reads: list[Read]) -> dict[str, Any]:
    qualities = [[ord(q) - 33 for q in read.qualities] for read in reads]
    columns: dict[str, list[int]] = {}
    for one in qualities:
        for position, quality in enumerate(one, start=1):
            columns.setdefault(str(position), []).append(quality)
    return {
        **plain_summary("read", [len(read.bases) for read in reads]),
        **plain_summary("qual", [sum(one) // len(one) for one in qualities]),
        **{position: sum(column) / len(column) for position, column in columns.items()},
    }


@settings(max_examples=40)
@given(reads=READS, block=st.integers(1, 200))
def test_the_scanner_finds_what_a_plain_implementation_finds(reads: list[Read], block: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastq, "read_blocks", partial(fastq.read_blocks, size=block))
        # The largest matrix that is added up at once, so small that reads are split over several.
        patch.setattr(fastq, "MATRIX_CELLS", 20)
        path = Path(folder) / "x.fq"
        path.write_bytes(to_fastq(reads))
        found = scan(path).to_fastq_scan(1)

    flat = found["qc_stats"] | found["per_base_quality"]
    assert found["qc_stats"]["read_total"] == len(reads)
    assert {key: flat[key] for key in plain_stats(reads)} == pytest.approx(
        plain_stats(reads), rel=1e-5
    )
