"""What the download and qc stages share about reads: their names and minimum amounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from bactofleet.core.errors import Excluded
from bactofleet.genome.fastq import ReadStats

# Illumina reads have up to 500 bp, and pairs that were merged somewhat more.
LONGEST_SHORT_READ = 700
MAX_LONG_SHARE = 0.5
# By PacBio's definition of HiFi reads.
MIN_HIFI_QUALITY = 20
# How the file of long reads is called, by their column of the sheet; Bactopia has only the first.
LONG_READS = {"ont": "ONT", "hifi": "HIFI"}
FASTQ = ".fastq.gz"


class Reads(NamedTuple):
    """A genome's files: short reads (one, or two of pairs), long reads (one), or both."""

    short: list[Path]
    long: list[Path]


def find_reads(folder: Path) -> Reads:
    """Return the files of reads in a stage's folder."""
    files = sorted(folder.glob(f"*{FASTQ}"))
    return Reads(
        [file for file in files if not holds_long_reads(file)],
        list(filter(holds_long_reads, files)),
    )


def holds_long_reads(file: Path) -> bool:
    """Say whether a file holds long reads, by its name."""
    return kind_of(file) in LONG_READS.values()


def kind_of(file: Path) -> str:
    """Return what a file of reads holds, by its name: R1, R2, SE, ONT or HIFI."""
    return name_of(file).rpartition("_")[2]


def name_of(file: Path) -> str:
    """Return the name of a file of reads without its ending: `<sample>_R1`."""
    return file.name.removesuffix(FASTQ)


def read_names(sample: str, *, paired: bool) -> list[str]:
    """Return the stems of a sample's FASTQ files, as Bactopia names them."""
    return [f"{sample}_{mate}" for mate in (("R1", "R2") if paired else ("SE",))]


def check_are_long(name: str, stats: ReadStats) -> None:
    """Raise `Excluded` for short reads in a file of long ones."""
    if stats.share_of_long_reads(LONGEST_SHORT_READ) <= MAX_LONG_SHARE:
        raise Excluded(
            "short-reads",
            f"most bases of {name} are in reads of at most {LONGEST_SHORT_READ} bp; the columns "
            "ont and hifi take long reads, r1 and r2 short ones",
        )


def check_are_hifi(stats: ReadStats) -> None:
    """Raise `Excluded` for PacBio's subreads, which have not been made HiFi reads."""
    if stats.qual_mean < MIN_HIFI_QUALITY:
        raise Excluded(
            "read-quality",
            f"the mean quality of the PacBio reads is {stats.qual_mean:.1f}, and HiFi reads have "
            f"{MIN_HIFI_QUALITY} and more; other PacBio reads are not assembled here",
        )


def check_lengths(stats: list[ReadStats]) -> None:
    """Raise `Excluded` for long reads, which the assemblers of short reads cannot use."""
    for one in stats:
        if one.share_of_long_reads(LONGEST_SHORT_READ) > MAX_LONG_SHARE:
            longest = len(one.lengths) - 1
            raise Excluded(
                "long-reads",
                f"most bases are in reads of over {LONGEST_SHORT_READ} bp (the longest has "
                f"{longest:,}), as of Nanopore or PacBio; name their file in the column ont or "
                "hifi of the sheet, not in r1",
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
    check_basepairs(sum(basepairs), limits["min_basepairs"])
    proportion = min(basepairs) / max(basepairs)
    if proportion < limits["min_proportion"]:
        raise Excluded(
            "low-basepair-proportion",
            f"one mate has {proportion:.2f} of the other's base pairs, "
            f"less than {limits['min_proportion']} (min_proportion)",
        )


def check_basepairs(basepairs: int, minimum: int, kind: str = "") -> None:
    """Raise `Excluded` if there are fewer base pairs of reads (of a kind) than the minimum."""
    if basepairs < minimum:
        raise Excluded(
            "low-sequence-depth",
            f"{basepairs:,} bp{kind}, fewer than {minimum:,} (min_basepairs)",
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
