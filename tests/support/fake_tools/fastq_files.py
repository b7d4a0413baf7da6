"""FASTQ and FASTA, compressed or not, as the stand-ins read and write them."""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

Record = tuple[str, str, str]
"""Header without '@', bases, qualities."""


def read_fastq(path: str) -> list[Record]:
    data = Path(path).read_bytes()
    lines = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode().splitlines()
    return [(lines[i][1:], lines[i + 1], lines[i + 3]) for i in range(0, len(lines), 4)]


def to_fastq(records: Iterable[Record]) -> bytes:
    return "".join(f"@{name}\n{bases}\n+\n{quals}\n" for name, bases, quals in records).encode()


def write_fastq(path: str, records: Iterable[Record]) -> None:
    Path(path).write_bytes(gzip.compress(to_fastq(records)))


def read_fasta(path: str) -> list[tuple[str, str]]:
    """Return name and sequence of each; names up to the first space, as most tools take them."""
    parts = Path(path).read_text().split(">")[1:]
    lines = [part.splitlines() for part in parts]
    return [(name.split()[0], "".join(sequence)) for name, *sequence in lines]


def kmers_of(sequence: str, k: int) -> Iterator[str]:
    """Yield the canonical k-mers: of each and its reverse complement the smaller."""
    for i in range(len(sequence) - k + 1):
        kmer = sequence[i : i + k]
        yield min(kmer, kmer[::-1].translate(str.maketrans("ACGT", "TGCA")))
