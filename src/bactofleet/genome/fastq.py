"""Read FASTQ to its last byte: is it whole, and what is in it.

The statistics are those of fastq-scan 1.0.1 (https://github.com/rpetit3/fastq-scan), which
Bactopia's parsers expect: the same keys, the quality of a read rounded down to a whole number, and
its own definition of a percentile. fastq-scan divides in single precision, so that the last of the
six digits that it prints may differ by one from ours.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bactofleet.core.errors import Excluded

BLOCK_BYTES = 8 << 20
PHRED_OFFSET = 33
PHRED_MAX = 93
NEWLINE, AT, PLUS = 10, ord("@"), ord("+")
# So many qualities are added up at once: what fits a CPU's cache is fastest.
MATRIX_CELLS = 1 << 18

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]


@dataclass
class ReadStats:
    """What fastq-scan says of one FASTQ file, added up block by block."""

    lengths: Counts = field(default_factory=lambda: np.zeros(1, np.int64))
    """Number of reads of each length (bp)."""
    qualities: Counts = field(default_factory=lambda: np.zeros(PHRED_MAX + 1, np.int64))
    """Number of reads of each mean Phred quality, rounded down."""
    quality_sums: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    """Sum of the Phred qualities at each position."""

    @property
    def read_total(self) -> int:
        """Number of reads."""
        return int(self.lengths.sum())

    @property
    def total_bp(self) -> int:
        """Number of bases."""
        return int(self.lengths @ np.arange(len(self.lengths)))

    def add(self, lengths: Counts, qualities: Counts, quality_sums: Counts) -> None:
        """Add the histograms of one block."""
        self.lengths = _add(self.lengths, np.bincount(lengths))
        self.qualities = _add(self.qualities, np.bincount(qualities))
        self.quality_sums = _add(self.quality_sums, quality_sums)

    def to_fastq_scan(self, genome_size: int) -> dict[str, Any]:
        """Return the JSON of `fastq-scan -g genome_size` (bp) as a dictionary."""
        longest = len(self.lengths) - 1
        shortest = int(np.flatnonzero(self.lengths)[0])
        # Reads that reach a position: all that are longer than it.
        reaching = self.lengths[::-1].cumsum()[::-1][1:]
        per_base = self.quality_sums / reaching
        return {
            "qc_stats": {
                "total_bp": self.total_bp,
                "coverage": _round(self.total_bp / genome_size) if genome_size else 0.0,
                "read_total": self.read_total,
                **_summary("read", self.lengths),
                **_summary("qual", self.qualities),
            },
            "read_lengths": {str(n): int(self.lengths[n]) for n in range(shortest, longest + 1)},
            "per_base_quality": {str(i): _round(q) for i, q in enumerate(per_base, start=1)},
        }


def scan_reads(paths: list[Path]) -> list[ReadStats]:
    """Read one FASTQ, or the two of a pair in step, to the end; return the statistics of each.

    Raises `Excluded` with Bactopia's error types for data that are not whole FASTQ: `empty`,
    `gzip`, `fastq-format`, and for pairs `different-read-count` and `paired-end`.
    """
    stats = [ReadStats() for _ in paths]
    names: list[Iterator[list[bytes]]] = [
        _scan(path, one) for path, one in zip(paths, stats, strict=True)
    ]
    mismatch = _first_mismatch(*names) if len(paths) > 1 else None
    for rest in names:
        for _ in rest:  # to the end of both, so that every fault of the files themselves is found
            pass
    for path, one in zip(paths, stats, strict=True):
        if one.read_total == 0:
            raise Excluded("empty", f"{path.name} holds no reads")
    if len({one.read_total for one in stats}) > 1:
        counts = " and ".join(f"{one.read_total:,}" for one in stats)
        raise Excluded("different-read-count", f"R1 and R2 hold {counts} reads")
    if mismatch:
        raise Excluded("paired-end", mismatch)
    return stats


def mate_number(path: Path) -> str | None:
    """Return "1" or "2" if the first read's name says which mate it is (`x/1`, `x 1:N:0:...`)."""
    with open_reads(path) as handle:
        name, _, comment = handle.readline().rstrip().partition(b" ")
    if name[-2:] in (b"/1", b"/2"):
        return name[-1:].decode()
    return comment[:1].decode() if comment[:2] in (b"1:", b"2:") else None


def count_reads(path: Path) -> int:
    """Return the number of reads of a FASTQ whose origin is known to write four lines a read."""
    lines = sum(block.count(b"\n") for block in read_blocks(path))
    return -(-lines // 4)  # rounded up: the last line may lack its end


def open_reads(path: Path) -> gzip.GzipFile | Any:
    """Open a FASTQ or FASTA, compressed by gzip or not (told by its first bytes), as bytes."""
    return gzip.open(path, "rb") if is_gzip(path) else path.open("rb")


def is_gzip(path: Path) -> bool:
    """Say whether a file begins as gzip does (RFC 1952)."""
    with path.open("rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def read_blocks(path: Path, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Yield a file's decompressed bytes; raise `Excluded("gzip", ...)` where the gzip is broken."""
    try:
        with open_reads(path) as handle:
            while block := handle.read(size):
                yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Excluded("gzip", f"{path.name} is not whole: {error}") from error


def _scan(path: Path, stats: ReadStats) -> Iterator[list[bytes]]:
    """Add a file's records to `stats`; yield the names of each block's reads."""
    rest = b""
    for block in read_blocks(path):
        data = rest + block
        end = _end_of_records(data)
        rest = data[end:]
        if end:
            yield _scan_block(path, data[:end], stats)
    if rest.strip():
        yield _scan_block(path, rest + b"\n", stats)


def _end_of_records(data: bytes) -> int:
    """Return the offset behind the last whole record (four lines) of `data`."""
    newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE)
    whole = len(newlines) // 4 * 4
    return int(newlines[whole - 1]) + 1 if whole else 0


def _scan_block(path: Path, data: bytes, stats: ReadStats) -> list[bytes]:
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == NEWLINE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    if problem := _format_problem(array, starts, ends):
        raise Excluded("fastq-format", f"{path.name} is not FASTQ: {problem}")
    lengths = ends[1::4] - starts[1::4]
    sums, quality_sums = _sum_qualities(path, array, starts[3::4], lengths)
    # A read without bases has no quality; fastq-scan refuses it, we count it as 0.
    means = sums // np.maximum(lengths, 1)
    stats.add(lengths, means, quality_sums)
    return [
        data[start:end].split(None, 1)[0]
        for start, end in zip(starts[::4].tolist(), ends[::4].tolist(), strict=True)
    ]


def _format_problem(array: Bytes, starts: Counts, ends: Counts) -> str | None:
    """Say in words why a block is not FASTQ, or None."""
    if len(ends) % 4:
        return "its last record is cut off"
    if np.any(array[starts[::4]] != AT):
        return "a record does not start with '@'"
    if np.any(array[starts[2::4]] != PLUS):
        return "the third line of a record does not start with '+'"
    # Before the lengths: the last line of a file may lack its line end.
    if array[ends[0] - 1] == ord("\r"):
        return "it has Windows line ends; convert it with dos2unix"
    if np.any(ends[1::4] - starts[1::4] != ends[3::4] - starts[3::4]):
        return "a read and its qualities differ in length"
    return None


def _sum_qualities(
    path: Path, array: Bytes, starts: Counts, lengths: Counts
) -> tuple[Counts, Counts]:
    """Return the sum of the Phred qualities of each read, and of each position."""
    longest = int(lengths.max(initial=0))
    per_read = np.zeros(len(lengths), np.int64)
    per_position = np.zeros(longest, np.int64)
    positions = np.arange(longest)
    rows = max(1, MATRIX_CELLS // max(longest, 1))
    for first in range(0, len(lengths), rows):
        chunk = slice(first, first + rows)
        cells = starts[chunk, None] + positions
        matrix = array.take(cells, mode="clip") - np.uint8(PHRED_OFFSET)
        beyond = lengths[chunk, None] <= positions
        if beyond.any():
            matrix[beyond] = 0
        if matrix.max(initial=0) > PHRED_MAX:
            problem = "a quality is outside Phred+33 ('!' to '~')"
            raise Excluded("fastq-format", f"{path.name} is not FASTQ: {problem}")
        per_read[chunk] = matrix.sum(axis=1, dtype=np.int64)
        per_position += matrix.sum(axis=0, dtype=np.int64)
    return per_read, per_position


def _first_mismatch(names1: Iterator[list[bytes]], names2: Iterator[list[bytes]]) -> str | None:
    """Walk two files in step; return where the pairs' names first differ, in words."""
    left: list[bytes] = []
    right: list[bytes] = []
    while True:
        left = left or next(names1, [])
        right = right or next(names2, [])
        if not left or not right:
            return None
        common = min(len(left), len(right))
        for name1, name2 in zip(left[:common], right[:common], strict=True):
            if name1 != name2 and not _are_mates(name1, name2):
                shown = " and ".join(repr(n.decode(errors="replace")[:80]) for n in (name1, name2))
                return f"R1 and R2 are out of step: {shown} are not mates"
        left, right = left[common:], right[common:]


def _are_mates(name1: bytes, name2: bytes) -> bool:
    """Say whether different names are `x/1` and `x/2`, or `x.1` and `x.2` (fastq-dump --readids).

    Two spots of one run may be called `SRR1.1` and `SRR1.2`, but not all that follow them.
    """
    ends = {name1[-2:], name2[-2:]}
    return name1[:-2] == name2[:-2] and ends in ({b"/1", b"/2"}, {b".1", b".2"})


def _add(total: Counts, more: Counts) -> Counts:
    """Add two histograms of different lengths."""
    longer, shorter = (total, more) if len(total) >= len(more) else (more, total)
    longer = longer.astype(np.int64)
    longer[: len(shorter)] += shorter
    return longer


def _summary(prefix: str, histogram: Counts) -> dict[str, float]:
    """Return fastq-scan's summary of a histogram of whole numbers."""
    values = np.arange(len(histogram))
    n = int(histogram.sum())
    mean = float(histogram @ values) / n
    std = float(np.sqrt(histogram @ (values - mean) ** 2 / n))
    cumulative = histogram.cumsum()
    quartiles = {q: _percentile(cumulative, n, p) for q, p in (("25th", 0.25), ("75th", 0.75))}
    present = np.flatnonzero(histogram)
    return {
        f"{prefix}_min": int(present[0]),
        f"{prefix}_mean": _round(mean),
        f"{prefix}_std": _round(std),
        f"{prefix}_median": _percentile(cumulative, n, 0.5),
        f"{prefix}_max": int(present[-1]),
        f"{prefix}_25th": quartiles["25th"],
        f"{prefix}_75th": quartiles["75th"],
    }


def _percentile(cumulative: Counts, n: int, fraction: float) -> int:
    """Fastq-scan's percentile: the value at index `n * fraction`, one lower for an even n."""
    index = int(n * fraction) if n % 2 else max(0, int(n * fraction - 1))
    return int(np.searchsorted(cumulative, index, side="right"))


def _round(value: float) -> float:
    """Round to six significant digits, as C++ streams print."""
    return float(f"{value:.6g}")
