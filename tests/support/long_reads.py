"""Simulate long reads of circular replicons: a small simulator of our own, for tests and trials.

Lengths follow a gamma distribution; starts and strands are uniform, and reads go around the origin.
Each base is substituted, deleted or preceded by a random one with a third of the read's error rate
each, and a homopolymer of four or more loses a base with the probability `homopolymer`, as reads of
Nanopore do. A read's error rate varies by a factor of about two around the mean; the qualities are
its Phred score. It knows no chimeras, no adapters and no context but homopolymers.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

COMPLEMENT = bytes.maketrans(b"ACGT", b"TGCA")
LETTERS = np.frombuffer(b"ACGT", np.uint8)


class Profile(NamedTuple):
    """What reads of a technology are like."""

    length: int
    """Mean length (bp)."""
    spread: int
    """Standard deviation of the lengths (bp)."""
    error: float
    """Mean error rate without homopolymers."""
    homopolymer: float
    """Share of the homopolymers of four or more that lose a base."""


ONT = Profile(8000, 6000, 0.02, 0.04)
HIFI = Profile(14000, 3000, 0.002, 0.005)


def simulate(
    replicons: Sequence[str], depth: float, profile: Profile = ONT, *, seed: int = 1
) -> Iterator[tuple[str, str, str]]:
    """Yield name, bases and qualities of reads that cover circular replicons `depth` times."""
    rng = np.random.default_rng(seed)
    lengths = np.array([len(replicon) for replicon in replicons])
    shape = (profile.length / profile.spread) ** 2
    left = depth * lengths.sum()
    number = 0
    while left > 0:
        number += 1
        replicon = replicons[rng.choice(len(replicons), p=lengths / lengths.sum())]
        length = int(max(200, rng.gamma(shape, profile.length / shape)))
        start = int(rng.integers(len(replicon)))
        around = replicon * (2 + length // len(replicon))
        bases = around[start : start + length].encode()
        if rng.random() < 0.5:
            bases = bases.translate(COMPLEMENT)[::-1]
        error = min(0.3, profile.error * 2 ** rng.normal())
        read = _add_errors(np.frombuffer(bases, np.uint8), error, profile.homopolymer, rng)
        quality = chr(33 + int(np.clip(-10 * np.log10(error), 1, 50)))
        yield f"read{number}", read, quality * len(read)
        left -= length


def _add_errors(
    bases: npt.NDArray[np.uint8], error: float, homopolymer: float, rng: np.random.Generator
) -> str:
    bases = bases.copy()
    draws = rng.random(len(bases))
    is_substituted = draws < error / 3
    bases[is_substituted] = rng.choice(LETTERS, is_substituted.sum())
    is_deleted = (draws >= error / 3) & (draws < 2 * error / 3)
    same = np.concatenate(([False], bases[1:] == bases[:-1]))
    # The last base of a run of four or more.
    run = same[:-3] & same[1:-2] & same[2:-1] & ~same[3:] if len(bases) > 3 else same[:0]
    is_deleted[2:-1] |= run & (rng.random(len(run)) < homopolymer) if len(run) else False
    copies = np.where(is_deleted, 0, np.where((draws >= 2 * error / 3) & (draws < error), 2, 1))
    read = np.repeat(bases, copies)
    inserted = np.flatnonzero(np.repeat(copies == 2, copies))[::2]
    read[inserted] = rng.choice(LETTERS, len(inserted))
    return read.tobytes().decode()


def reverse(sequence: str) -> str:
    """Return the reverse complement."""
    return sequence.encode().translate(COMPLEMENT)[::-1].decode()


def write_pairs(folder: Path, replicon: str, depth: int) -> dict[str, Path]:
    """Write pairs of 2 x 150 bp without errors of a circular replicon; return files by column."""
    rng = random.Random(6)
    around = replicon + replicon[:500]
    starts = [rng.randrange(len(replicon)) for _ in range(depth * len(replicon) // 300)]
    mates = {
        "r1": [around[start : start + 150] for start in starts],
        "r2": [reverse(around[start + 250 : start + 400]) for start in starts],
    }
    for name, reads in mates.items():
        text = "".join(f"@p{i}\n{bases}\n+\n{'I' * 150}\n" for i, bases in enumerate(reads))
        (folder / f"{name}.fastq.gz").write_bytes(gzip.compress(text.encode()))
    return {name: folder / f"{name}.fastq.gz" for name in mates}


def write_long_reads(
    path: Path, replicons: Sequence[str], depth: float, profile: Profile = ONT, *, seed: int = 1
) -> Path:
    """Write simulated reads as gzipped FASTQ."""
    with gzip.open(path, "wt", compresslevel=1) as file:
        for name, bases, qualities in simulate(replicons, depth, profile, seed=seed):
            file.write(f"@{name}\n{bases}\n+\n{qualities}\n")
    return path
