"""Estimate the size of a genome from the k-mers of its reads, without sequencing errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bactofleet.core.errors import Excluded
from bactofleet.genome.fastq import read_blocks
from bactofleet.genome.stage import Stage

K = 21
MAX_COUNT = 1000
# After a real valley comes the genome, not the last stray k-mers of the tail.
MIN_PEAK_SHARE = 0.05
# Enough for 30x of the largest bacterial genomes, and a fraction of the reads of a deep run.
SAMPLE_BYTES = 400 << 20


def estimate_genome_size(stage: Stage, reads: list[Path]) -> int:
    """Return the number of distinct k-mers (about bp) above the valley after the errors.

    KMC counts the first part of the reads. In its histogram the k-mers of errors fall steeply from
    count 1; those of the genome form a peak at the sequencing depth. The threshold is the valley
    between the two. It is found in the data, so that it works at 10x as well as at 200x (shovill's
    fixed threshold of 10 finds nothing at 10x).
    """
    sample = stage.work / "sample.fastq"
    with sample.open("wb") as handle:
        for path in reads:
            handle.writelines(_first_records(path, SAMPLE_BYTES // len(reads)))
    counts = count_kmers(stage, [sample])
    sample.unlink()
    size = sum(counts[find_valley(counts) :])
    if size == 0:
        raise Excluded("genome-size", "the reads share no k-mers: their depth is far too low")
    return size


def count_kmers(stage: Stage, reads: Sequence[Path], *, is_quiet: bool = False) -> list[int]:
    """Return the numbers of k-mers that occur 1, 2, 3, ... times; those that occur once as 0."""
    listing = stage.work / "files.txt"
    listing.write_text("".join(f"{path}\n" for path in reads))
    kmers, histogram = stage.work / "kmers", stage.work / "histogram.tsv"
    options = [f"-k{K}", "-ci2", f"-cs{MAX_COUNT}", "-m2", f"-t{stage.threads}"]
    # Quiet where the log has just told something more important.
    output = {name: stage.work / f"kmc.{name}" for name in ("stdout", "stderr") if is_quiet}
    stage.tools.run(["kmc", "-fq", "-hp", *options, f"@{listing}", kmers, stage.work], **output)
    stage.tools.run(
        ["kmc_tools", "-hp", "transform", kmers, "histogram", histogram, f"-cx{MAX_COUNT}"],
        **output,
    )
    return [int(line.split()[1]) for line in histogram.read_text().splitlines()]


def find_valley(counts: Sequence[int]) -> int:
    """Return the index where a k-mer histogram first rises again after the fall of the errors.

    Returns 0 if nothing but noise rises: the depth is so low, or the reads so clean, that there is
    no valley between errors and genome.
    """
    for i in range(len(counts) - 1):
        if counts[i] < counts[i + 1]:
            return i if sum(counts[i:]) >= MIN_PEAK_SHARE * sum(counts) else 0
    return 0


def _first_records(path: Path, size: int) -> list[bytes]:
    """Return the first complete records of a FASTQ, about `size` bytes, ending in a line end."""
    parts: list[bytes] = []
    for block in read_blocks(path):
        parts.append(block)
        size -= len(block)
        if size <= 0:
            break
    else:
        return parts if parts[-1].endswith(b"\n") else [*parts, b"\n"]
    last = parts[-1]
    lines = sum(part.count(b"\n") for part in parts)
    for _ in range(lines % 4 + 1):  # back to the end of the last complete record
        last = last[: last.rindex(b"\n")]
    parts[-1] = last + b"\n"
    return parts
