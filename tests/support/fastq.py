"""Build FASTQ files, good and bad."""

import gzip
import random
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Read(NamedTuple):
    """One read: its whole header without '@', bases and qualities."""

    name: str
    bases: str
    qualities: str


def make_reads(
    count: int, *, seed: int = 1, lengths: tuple[int, int] = (30, 60), suffix: str = ""
) -> list[Read]:
    """Return random reads `r1`, `r2`, ... with qualities from 2 to 41."""
    rng = random.Random(seed)
    reads = []
    for i in range(1, count + 1):
        length = rng.randint(*lengths)
        bases = "".join(rng.choices("ACGT", k=length))
        qualities = "".join(chr(33 + rng.randint(2, 41)) for _ in range(length))
        reads.append(Read(f"r{i}{suffix}", bases, qualities))
    return reads


def to_fastq(reads: Iterable[Read]) -> bytes:
    """Return reads as the text of a FASTQ file."""
    return "".join(f"@{r.name}\n{r.bases}\n+\n{r.qualities}\n" for r in reads).encode("latin-1")


def write_gzip(path: Path, data: bytes) -> Path:
    """Write compressed data, in one member."""
    path.write_bytes(gzip.compress(data, mtime=0))
    return path


def write_reads(path: Path, reads: Iterable[Read]) -> Path:
    """Write reads as a FASTQ, compressed where the name says so."""
    data = to_fastq(reads)
    if path.suffix == ".gz":
        return write_gzip(path, data)
    path.write_bytes(data)
    return path
