"""Rewrite reads that tools would read differently; the records stay the same.

Few files need it (`Irregularity`); all others are used unchanged.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from bactofleet.genome.fastq import Irregularity, open_reads

Read = tuple[bytes, bytes, bytes]
"""Name and comment without '@', bases, qualities."""

# The qualities of Phred+64 (and of Solexa, whose lowest are below 0) as Phred+33.
FROM_PHRED64 = bytes(max(33, byte - 31) for byte in range(256))
NUMBERED = {Irregularity.LONG_NAMES, Irregularity.MATE_NAMES}


def tidy_reads(
    source: Path, irregularities: set[Irregularity], prefix: str, targets: list[Path]
) -> None:
    """Write the reads of a FASTQ compressed, without irregularities; split interleaved mates.

    Names that cannot be kept become `prefix` and a number, the same for both mates.
    """
    mates = len(targets)
    handles = [gzip.GzipFile(target, "wb", compresslevel=1, mtime=0) for target in targets]
    try:
        for number, record in zip(count(), _iter_records(source), strict=False):
            name, bases, qualities = record
            if irregularities & NUMBERED:
                name = f"{prefix}.{number // mates + 1}".encode()
            if Irregularity.DOTS in irregularities:
                bases = bases.replace(b".", b"N")
            if Irregularity.PHRED64 in irregularities:
                qualities = qualities.translate(FROM_PHRED64)
            handles[number % mates].write(b"@%b\n%b\n+\n%b\n" % (name, bases, qualities))
    finally:
        for handle in handles:
            handle.close()


def _iter_records(source: Path) -> Iterator[Read]:
    """Yield the records of a file that is known to be complete."""
    with open_reads(source) as handle:
        lines = (line.rstrip(b"\n") for line in handle)
        for name, bases, _, qualities in zip(lines, lines, lines, lines, strict=False):
            yield name[1:].replace(b"\t", b" "), bases, qualities
