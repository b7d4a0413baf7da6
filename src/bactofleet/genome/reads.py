"""What the download and qc stages share about reads: their names and minimum amounts."""

from __future__ import annotations

from typing import Any

from bactofleet.core.errors import Excluded
from bactofleet.genome.fastq import ReadStats

# Illumina reads have up to 500 bp, and pairs that were merged somewhat more.
LONGEST_SHORT_READ = 700
MAX_LONG_SHARE = 0.5


def read_names(sample: str, *, paired: bool) -> list[str]:
    """Return the stems of a sample's FASTQ files, as Bactopia names them."""
    return [f"{sample}_{mate}" for mate in (("R1", "R2") if paired else ("SE",))]


def check_lengths(stats: list[ReadStats]) -> None:
    """Raise `Excluded` for long reads, which the assemblers here cannot use."""
    for one in stats:
        if one.share_of_long_reads(LONGEST_SHORT_READ) > MAX_LONG_SHARE:
            longest = len(one.lengths) - 1
            raise Excluded(
                "long-reads",
                f"most bases are in reads of over {LONGEST_SHORT_READ} bp (the longest has "
                f"{longest:,}), as of Nanopore or PacBio; only short reads are assembled here",
            )


def check_amounts(stats: list[ReadStats], limits: dict[str, Any]) -> None:
    """Raise `Excluded`, with Bactopia's error types, if there is too little to assemble.

    `limits` holds `min_reads` and `min_basepairs` (of both mates together) and `min_proportion`
    (base pairs of the smaller mate to those of the larger).
    """
    reads = sum(one.read_total for one in stats)
    if reads < limits["min_reads"]:
        raise Excluded(
            "low-read-count", f"{reads:,} reads, fewer than {limits['min_reads']:,} (min_reads)"
        )
    basepairs = [one.total_bp for one in stats]
    if sum(basepairs) < limits["min_basepairs"]:
        raise Excluded(
            "low-sequence-depth",
            f"{sum(basepairs):,} bp, fewer than {limits['min_basepairs']:,} (min_basepairs)",
        )
    proportion = min(basepairs) / max(basepairs)
    if proportion < limits["min_proportion"]:
        raise Excluded(
            "low-basepair-proportion",
            f"one mate has {proportion:.2f} of the other's base pairs, "
            f"less than {limits['min_proportion']} (min_proportion)",
        )


def add_read_metrics(
    metrics: dict[str, float | int], when: str, scans: list[dict[str, Any]]
) -> None:
    """Add `qc_<when>_*` to a genome's metrics: totals of the mates, means of their means."""
    mates = [scan["qc_stats"] for scan in scans]
    for key in ("total_bp", "coverage", "read_total"):
        metrics[f"qc_{when}_{key}"] = round(sum(mate[key] for mate in mates), 2)
    for key in ("read_mean", "qual_mean"):
        mean = sum(mate[key] for mate in mates) / len(mates)
        metrics[f"qc_{when}_{key}"] = round(mean, 2)
