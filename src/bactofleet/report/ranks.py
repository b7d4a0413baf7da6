"""The rank of a complete genome by Bactopia's cut-offs, and why it is no better.

This follows `bactopia.summary.get_rank` of bactopia 2.4.2
(https://pypi.org/project/bactopia/2.4.2/) with four exceptions:

- A depth may be `DEPTH_TOLERANCE` below a cut-off.
- The size of the assembly is compared with the limits, and with genomes of the species that was
  found; a genome outside either gets the rank `exclude`. Bactopia compares the expected size, calls
  it too large if it is smaller than the limit, and does not change the rank.
- A genome of long reads alone has cut-offs of its own (`LONG_CUTOFFS`). Bactopia measures it by
  those of single-end reads, so that it is bronze at best.
- A genome without measurements of its reads is `unranked`. In Bactopia it has no row at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from bactofleet.report.rows import GenomeRow

# Downsampling draws each pair of reads at random: reads downsampled to 100x have 99.9x or 100.1x.
# Bactopia's rasusa draws until it has 100x: https://github.com/mbhall88/rasusa
DEPTH_TOLERANCE = 0.01

EXCLUDE, UNRANKED = "exclude", "unranked"
LONG = "long"
IS_PAIRED = {
    "paired": True,
    "paired-end": True,
    "single": False,
    "single-end": False,
    LONG: False,
}
SIZE = "assembler_total_contig_length"
MEASUREMENTS = (
    "qc_final_coverage",
    "qc_final_qual_mean",
    "qc_final_read_mean",
    "assembler_total_contig",
)


class Cutoff(NamedTuple):
    """The minimum values and the maximum number of contigs of a rank."""

    rank: str
    depth: int
    quality: int
    length: int
    contigs: int
    is_paired: bool


# The defaults of `bactopia-summary`, the best rank first. Its options for bronze are
# --min-coverage, --min-quality, --min-read-length and --max-contigs.
CUTOFFS = (
    Cutoff("gold", depth=100, quality=30, length=95, contigs=100, is_paired=True),
    Cutoff("silver", depth=50, quality=20, length=75, contigs=200, is_paired=True),
    Cutoff("bronze", depth=20, quality=12, length=49, contigs=500, is_paired=False),
)
# Not Bactopia's: depths and lengths that close a chromosome, and few contigs beside it. Flye takes
# reads with up to 5 % errors, a quality of 13.
LONG_CUTOFFS = (
    Cutoff("gold", depth=50, quality=15, length=3000, contigs=20, is_paired=False),
    Cutoff("silver", depth=30, quality=13, length=2000, contigs=50, is_paired=False),
    Cutoff("bronze", depth=20, quality=10, length=1000, contigs=200, is_paired=False),
)
RANKS = (*(cutoff.rank for cutoff in CUTOFFS), EXCLUDE, UNRANKED)


class SizeLimits(NamedTuple):
    """Smallest and largest assembly (bp) that is not excluded from the ranks."""

    smallest: float
    largest: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> SizeLimits:
        """Return the limits in a configuration."""
        return cls(config["min_genome_size"], config["max_genome_size"])


# Bactopia's default.
ANY_SIZE = SizeLimits(0, math.inf)


class Rank(NamedTuple):
    """A rank, and why the genome misses the next better one: a sentence per criterion."""

    name: str
    reasons: dict[str, str]


class _Measured(NamedTuple):
    """Measurements of a genome that are compared with the cut-offs."""

    depth: float
    quality: float
    length: float
    contigs: float
    is_paired: bool


def rank_genome(row: GenomeRow, sizes: SizeLimits) -> Rank:
    """Return the rank of a complete genome from its row of the table."""
    if row.get("input_kind") == "assembly":
        return Rank(UNRANKED, {"no reads": "made from an assembly, not from reads"})
    measured = _measure(row)
    if measured is None:
        return Rank(UNRANKED, {"unknown": "a measurement of the reads or the assembly is missing"})
    wrong_size = _find_wrong_size(row, sizes) or _find_size_of_another_species(row)
    reasons: dict[str, str] = {}
    for cutoff in LONG_CUTOFFS if row.get("layout") == LONG else CUTOFFS:
        missed = _find_missed(measured, cutoff)
        if not missed and not wrong_size:
            return Rank(cutoff.rank, reasons)
        reasons = missed
    return Rank(EXCLUDE, wrong_size | reasons)


def _measure(row: GenomeRow) -> _Measured | None:
    """Return the measurements; None if the receipt lacks any of them."""
    is_paired = IS_PAIRED.get(str(row.get("layout") or row.get("runtype")))
    values = [row.get(name) for name in MEASUREMENTS]
    known = [value for value in values if isinstance(value, int | float)]
    if is_paired is None or len(known) < len(MEASUREMENTS):
        return None
    depth, quality, length, contigs = known
    return _Measured(depth, quality, round(length), contigs, is_paired)


def _find_missed(measured: _Measured, cutoff: Cutoff) -> dict[str, str]:
    """Say by criterion why a genome misses a rank."""
    has, rank = measured, cutoff.rank
    checks = {
        "depth": (
            has.depth < cutoff.depth * (1 - DEPTH_TOLERANCE),
            f"depth {has.depth:.1f}x, {rank} needs {cutoff.depth}x",
        ),
        "read quality": (
            has.quality < cutoff.quality,
            f"read quality {has.quality:.1f}, {rank} needs {cutoff.quality}",
        ),
        "read length": (
            has.length < cutoff.length,
            f"read length {has.length} bp, {rank} needs {cutoff.length} bp",
        ),
        "contigs": (
            has.contigs > cutoff.contigs,
            f"{has.contigs:,.0f} contigs, {rank} allows {cutoff.contigs}",
        ),
        "single-end reads": (
            cutoff.is_paired and not has.is_paired,
            f"single-end reads, {rank} needs pairs",
        ),
    }
    return {name: words for name, (is_missed, words) in checks.items() if is_missed}


def _find_wrong_size(row: GenomeRow, sizes: SizeLimits) -> dict[str, str]:
    """Say that the size of the assembly is outside of the limits; return {} if it is not."""
    size = row.get(SIZE)
    if not isinstance(size, int | float) or sizes.smallest <= size <= sizes.largest:
        return {}
    limits = f"{sizes.smallest:,} to {sizes.largest:,} (min_genome_size, max_genome_size)"
    return {"assembly size": f"assembly of {size:,.0f} bp, outside {limits}"}


def _find_size_of_another_species(row: GenomeRow) -> dict[str, str]:
    """Say that the assembly is smaller or larger than its species is; return {} if it is not."""
    size, smallest, largest = (row.get(name) for name in (SIZE, "found_smallest", "found_largest"))
    if not (
        isinstance(size, int | float)
        and isinstance(smallest, int | float)
        and isinstance(largest, int | float)
    ):
        return {}
    if smallest <= size <= largest:
        return {}
    usual = f"{row['found_species']} has {smallest / 1e6:.2f} to {largest / 1e6:.2f} Mb"
    return {"assembly size": f"assembly of {size / 1e6:.2f} Mb, {usual}"}
