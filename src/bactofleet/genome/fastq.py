"""Read FASTQ to its last byte: check that it is complete, and compute its statistics.

The statistics are those of fastq-scan 1.0.1 (https://github.com/rpetit3/fastq-scan), which
Bactopia's parsers expect: the same keys, the quality of a read rounded down to a whole number, and
its own definition of a percentile. fastq-scan divides in single precision, so the last of the six
digits that it prints may differ from ours by one.
"""

from __future__ import annotations

import gzip
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bactofleet.core.errors import Excluded, TooLarge

BLOCK_BYTES = 8 << 20
# The longest reads known have 4 Mb, so 8 MB of bases and qualities.
MAX_RECORD_BYTES = 4 * BLOCK_BYTES
PHRED_OFFSET = 33
PHRED_MAX = 93
# Illumina's pipelines before 1.8 wrote Phred+64, and Solexa's began at ';': no quality is below 59,
# and good bases are above 75, the best of Phred+33 (https://doi.org/10.1093/nar/gkp1137).
PHRED64_LOWEST, PHRED33_BEST = 59, 75
NEWLINE, AT, PLUS = 10, ord("@"), ord("+")
# IUPAC's codes of nucleotides, '-' for a gap, and what tools write for an uncalled base.
BASES = b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv.-*"
# As many as the magic number of a file format has, and too few for a secret in a wrong file.
SHOWN_BYTES = 4
# `x/1`, Casava's `x 1:N:0:ACGT`, ENA's `SRR1.1 1/1`.
MATE = re.compile(rb"\S+/([12])(?: .*)?|\S+ ([12]):.*|\S+ \S+/([12])(?: .*)?")
# Ion Torrent: run, row and column, as in `@1ABCD:00012:00345`.
ION_TORRENT = re.compile(rb"@[A-Z0-9]{5}:\d{1,5}:\d{1,5}(?:/[12])?(?: .*)?")
# As in `barcode=barcode07` and `RG:Z:..._SQK-RBK114-96_barcode07`.
BARCODE = re.compile(rb"barcode\d{2}(?!\d)")
# The longest name that SAM allows (https://samtools.github.io/hts-specs/SAMv1.pdf, 1.4).
MAX_NAME = 254
GZIP = b"\x1f\x8b"
# What is looked at for ends of G, and how many G are one.
POLY_G_READS, POLY_G = 20_000, b"G" * 10
# The first bytes of files of other formats (from the formats' own descriptions).
OTHER_COMPRESSIONS = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}
TAR_MAGIC, TAR_OFFSET = b"ustar", 257
# How many qualities are added up at once: fastest if they fit the CPU's cache.
MATRIX_CELLS = 1 << 18

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]


class Irregularity(Enum):
    """Valid FASTQ that tools read differently; each value says how `genome.tidy` fixes it."""

    TABS = "tabs behind names became spaces"
    LONG_NAMES = f"names of reads, of more than {MAX_NAME} characters, became numbers"
    MATE_NAMES = "names of mates, which aligners take for different reads, became numbers"
    DOTS = "dots for bases that were not called became N"
    OPEN_END = "the last line was ended, and blank lines behind it left out"
    PHRED64 = "qualities in Phred+64 became Phred+33"
    INTERLEAVED = "mates one after the other were put into two files"


@dataclass
class ReadStats:
    """The statistics of fastq-scan for one FASTQ file, added up block by block."""

    lengths: Counts = field(default_factory=lambda: np.zeros(1, np.int64))
    """Number of reads of each length (bp)."""
    qualities: Counts = field(default_factory=lambda: np.zeros(PHRED_MAX + 1, np.int64))
    """Number of reads of each mean Phred quality, rounded down."""
    quality_sums: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    """Sum of the Phred qualities at each position."""
    lowest: int = 255
    """The lowest byte of the qualities."""
    highest: int = 0
    """The highest byte of the qualities."""
    irregularities: set[Irregularity] = field(default_factory=set)
    """What in the file is FASTQ, but not read alike by all tools."""

    @property
    def read_total(self) -> int:
        """Number of reads."""
        return int(self.lengths.sum())

    @property
    def total_bp(self) -> int:
        """Number of bases."""
        return int(self.lengths @ np.arange(len(self.lengths)))

    @property
    def qual_mean(self) -> float:
        """Mean of the mean Phred qualities of the reads, which are rounded down."""
        return float(self.qualities @ np.arange(len(self.qualities)) / max(self.read_total, 1))

    def share_of_long_reads(self, length: int) -> float:
        """Return the share of bases in reads longer than a length (bp)."""
        basepairs = self.lengths * np.arange(len(self.lengths))
        return float(basepairs[length + 1 :].sum() / max(basepairs.sum(), 1))

    def add(self, lengths: Counts, qualities: Counts, quality_sums: Counts) -> None:
        """Add the histograms of one block."""
        self.lengths = _add(self.lengths, np.bincount(lengths))
        self.qualities = _add(self.qualities, np.bincount(qualities))
        self.quality_sums = _add(self.quality_sums, quality_sums)

    def merge(self, other: ReadStats) -> None:
        """Add the statistics of another file."""
        self.lengths = _add(self.lengths, other.lengths)
        self.qualities = _add(self.qualities, other.qualities)
        self.quality_sums = _add(self.quality_sums, other.quality_sums)

    def has_same_numbers(self, other: ReadStats) -> bool:
        """Say whether two files have the same statistics."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("qualities", "lengths", "quality_sums")
        )

    def to_fastq_scan(self, genome_size: int) -> dict[str, Any]:
        """Return the JSON of `fastq-scan -g genome_size` (bp) as a dictionary."""
        longest = len(self.lengths) - 1
        shortest = int(np.flatnonzero(self.lengths)[0])
        # Reads that reach a position: all longer ones.
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


def scan_reads(
    paths: list[Path], names: Sequence[str] = (), max_bytes: int = sys.maxsize
) -> list[ReadStats]:
    """Read one FASTQ, or both files of a pair in step, to the end; return their statistics.

    Messages call the files by `names`, which the user knows, or else by their own names.

    Raises `Excluded` with Bactopia's error types if the data are not complete FASTQ: `empty`,
    `gzip`, `fastq-format`, and for pairs `different-read-count` and `paired-end`; and `TooLarge`
    if a file has more than `max_bytes` unpacked.
    """
    names = names or [path.name for path in paths]
    stats = [ReadStats() for _ in paths]
    reads: list[Iterator[list[bytes]]] = [
        _scan(path, name, one, max_bytes)
        for path, name, one in zip(paths, names, stats, strict=True)
    ]
    if len(paths) > 1:
        mismatch, has_mate_names = _first_mismatch(*reads)
        is_interleaved = False
    else:
        mismatch, has_mate_names = None, False
        is_interleaved = _are_interleaved(reads[0])
    for rest in reads:
        for _ in rest:  # to the end of both, to find every fault in the files themselves
            pass
    for name, one in zip(names, stats, strict=True):
        if one.read_total == 0:
            raise Excluded("empty", f"{name} holds no reads")
    if len({one.read_total for one in stats}) > 1:
        counts = " and ".join(f"{one.read_total:,}" for one in stats)
        raise Excluded("different-read-count", f"R1 and R2 hold {counts} reads")
    if mismatch:
        raise Excluded("paired-end", mismatch)
    for one in stats:
        one.irregularities |= {Irregularity.MATE_NAMES} if has_mate_names else set()
        one.irregularities |= {Irregularity.INTERLEAVED} if is_interleaved else set()
        if one.lowest >= PHRED64_LOWEST and one.highest > PHRED33_BEST:
            one.irregularities.add(Irregularity.PHRED64)
    return stats


def hold_same_reads(path1: Path, path2: Path) -> bool:
    """Say whether two files have the same bases; stops at the first read that differs."""
    with open_reads(path1) as reads1, open_reads(path2) as reads2:
        bases = zip(islice(reads1, 1, None, 4), islice(reads2, 1, None, 4), strict=False)
        return all(one.rstrip() == other.rstrip() for one, other in bases)


def mate_number(path: Path) -> str | None:
    """Return "1" or "2" if the first read's name says which mate it is (`x/1`, `x 1:N:0:...`)."""
    found = MATE.fullmatch(_first_header(path))
    return found[found.lastindex or 0].decode() if found else None


def pair_name(path: Path) -> bytes:
    """Return the name of the first read without the number of the mate."""
    name = _first_header(path).split(None, 1)[0]
    return name[:-2] if name[-2:] in (b"/1", b"/2") else name


def is_ion_torrent(path: Path) -> bool:
    """Say whether the first read's name is one of Ion Torrent's."""
    return ION_TORRENT.fullmatch(_first_header(path)) is not None


def barcode_of(path: Path) -> str:
    """Return the barcode in the first read's name, as MinKNOW and Dorado write it; or ""."""
    found = BARCODE.search(_first_header(path))
    return found[0].decode() if found else ""


def _first_header(path: Path) -> bytes:
    with open_reads(path) as handle:
        header: bytes = handle.readline().rstrip()
    return header


def share_of_poly_g(path: Path) -> float:
    """Return the share of reads that end in G alone, among the first `POLY_G_READS`.

    Machines with two colours call G where there is no signal, as beyond the end of a short
    fragment (https://github.com/OpenGene/fastp#polyg-tail-trimming).
    """
    with open_reads(path) as handle:
        reads: list[bytes] = [line.rstrip() for line in islice(handle, 1, 4 * POLY_G_READS, 4)]
    return sum(read.endswith(POLY_G) for read in reads) / max(1, len(reads))


def count_reads(path: Path, max_bytes: int) -> int:
    """Return the number of reads in a FASTQ that has exactly four lines per read.

    Raises `TooLarge` if it has more than `max_bytes` unpacked.
    """
    lines = sum(block.count(b"\n") for block in read_blocks(path, max_bytes=max_bytes))
    return -(-lines // 4)  # rounded up, because the last line may lack its line end


def open_reads(path: Path) -> gzip.GzipFile | Any:
    """Open a FASTQ or FASTA as bytes; its first bytes tell whether it is gzipped."""
    return gzip.open(path, "rb") if is_gzip(path) else path.open("rb")


def is_gzip(path: Path) -> bool:
    """Say whether a file begins like gzip (RFC 1952)."""
    with path.open("rb") as handle:
        return handle.read(len(GZIP)) == GZIP


def read_blocks(
    path: Path, name: str = "", size: int = BLOCK_BYTES, max_bytes: int = sys.maxsize
) -> Iterator[bytes]:
    """Yield a file's decompressed bytes; raise `TooLarge` if they are more than `max_bytes`.

    Raises `Excluded("gzip", ...)`, with the file's `name` for the user, if the gzip is broken, the
    compression is not gzip, or the decompressed data are a tar archive or compressed again.
    """
    name = name or path.name
    total = 0
    with path.open("rb") as handle:
        begin = handle.read(max(map(len, OTHER_COMPRESSIONS)))
    for magic, program in OTHER_COMPRESSIONS.items():
        if begin.startswith(magic):
            raise Excluded("gzip", f"{name} is compressed with {program}; allowed is gzip")
    try:
        with open_reads(path) as handle:
            begin = handle.read(TAR_OFFSET + len(TAR_MAGIC))
            if begin.startswith(GZIP):
                raise Excluded("gzip", f"{name} is compressed twice; unpack it once (gunzip)")
            if begin.startswith(TAR_MAGIC, TAR_OFFSET):
                raise Excluded("gzip", f"{name} is a tar archive; unpack it (tar)")
            handle.seek(0)
            while block := handle.read(size):
                total += len(block)
                if total > max_bytes:
                    raise TooLarge(name, max_bytes)
                yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Excluded("gzip", f"{name} is not whole: {error}") from error


def _scan(path: Path, name: str, stats: ReadStats, max_bytes: int) -> Iterator[list[bytes]]:
    """Add a file's records to `stats`; yield the names of each block's reads."""
    rest = b""
    for block in read_blocks(path, name, max_bytes=max_bytes):
        data = rest + block
        if data[0] not in (AT, NEWLINE):
            # At once: what is no text may have no line ends, so that all of it would be kept.
            raise Excluded("fastq-format", f"{name} is not FASTQ: {_no_record(data)}")
        end = _end_of_records(data)
        rest = data[end:]
        if len(rest) > MAX_RECORD_BYTES:
            raise Excluded(
                "fastq-format",
                f"{name} is not FASTQ: a record has more than {MAX_RECORD_BYTES:,} bytes",
            )
        if end:
            yield _scan_block(name, data[:end], stats)
    if rest:
        stats.irregularities.add(Irregularity.OPEN_END)
    if rest.strip():
        yield _scan_block(name, rest + b"\n", stats)


def _end_of_records(data: bytes) -> int:
    """Return the offset after the last complete record (four lines) of `data`."""
    newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE)
    whole = len(newlines) // 4 * 4
    return int(newlines[whole - 1]) + 1 if whole else 0


def _scan_block(name: str, data: bytes, stats: ReadStats) -> list[bytes]:
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == NEWLINE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lines = data.split(b"\n")
    bases = b"".join(lines[1::4])
    if problem := _format_problem(array, starts, ends) or _find_no_base(bases):
        raise Excluded("fastq-format", f"{name} is not FASTQ: {problem}")
    lengths = ends[1::4] - starts[1::4]
    sums, quality_sums = _sum_qualities(name, array, starts[3::4], lengths, stats)
    # A read without bases has no quality; fastq-scan rejects it, we count it as 0.
    means = sums // np.maximum(lengths, 1)
    stats.add(lengths, means, quality_sums)
    # Nothing is behind the last line end.
    reads = [header.split(None, 1)[0] for header in lines[:-1:4]]
    stats.irregularities |= _find_irregularities(data, bases, reads)
    return reads


def _find_irregularities(data: bytes, bases: bytes, reads: list[bytes]) -> set[Irregularity]:
    found = {Irregularity.TABS} if b"\t" in data else set()
    if max(map(len, reads)) > MAX_NAME + len("@"):
        found.add(Irregularity.LONG_NAMES)
    return found | ({Irregularity.DOTS} if b"." in bases else set())


def _no_record(data: bytes) -> str:
    return f"a record does not start with '@', but with {_show(data[:SHOWN_BYTES])}"


def _find_no_base(bases: bytes) -> str | None:
    """Say which letter is no base: of a protein, or a colour of SOLiD's; None if all are bases."""
    others = bases.translate(None, BASES)
    return f"a read holds {_show(others[:1])}, which is no base" if others else None


def _show(data: bytes) -> str:
    return repr(data.decode("latin-1"))


def _format_problem(array: Bytes, starts: Counts, ends: Counts) -> str | None:
    """Describe why a block is not FASTQ, or return None."""
    if len(ends) % 4:
        return "its last record is cut off"
    if np.any(array[starts[::4]] != AT):
        first = starts[::4][array[starts[::4]] != AT][0]
        return _no_record(array[first : first + SHOWN_BYTES].tobytes())
    if np.any(array[starts[2::4]] != PLUS):
        return "the third line of a record does not start with '+'"
    # Before the lengths, because the last line of a file may lack its line end.
    if array[ends[0] - 1] == ord("\r"):
        return "it has Windows line ends; convert it with dos2unix"
    if np.any(ends[1::4] - starts[1::4] != ends[3::4] - starts[3::4]):
        return "a read and its qualities differ in length"
    return None


def _sum_qualities(
    name: str, array: Bytes, starts: Counts, lengths: Counts, stats: ReadStats
) -> tuple[Counts, Counts]:
    """Return the sums of the Phred qualities of each read and of each position.

    The lowest and highest quality bytes go into `stats`.
    """
    per_read = np.zeros(len(lengths), np.int64)
    per_position = np.zeros(int(lengths.max(initial=0)), np.int64)
    # Reads of similar lengths together: a long one would make the rows of all others as long.
    order = np.argsort(-lengths, kind="stable")
    first = 0
    while first < len(order):
        longest = int(lengths[order[first]])
        chunk = order[first : first + max(1, MATRIX_CELLS // max(longest, 1))]
        first += len(chunk)
        positions = np.arange(longest)
        cells = starts[chunk, None] + positions
        matrix = array.take(cells, mode="clip") - np.uint8(PHRED_OFFSET)
        beyond = lengths[chunk, None] <= positions
        matrix[beyond] = PHRED_MAX  # neither the lowest nor too high
        lowest = matrix.min(initial=PHRED_MAX)
        matrix[beyond] = 0
        highest = matrix.max(initial=0)
        if highest > PHRED_MAX:
            problem = "a quality is outside Phred+33 ('!' to '~')"
            raise Excluded("fastq-format", f"{name} is not FASTQ: {problem}")
        stats.lowest = min(stats.lowest, int(lowest) + PHRED_OFFSET)
        stats.highest = max(stats.highest, int(highest) + PHRED_OFFSET)
        per_read[chunk] = matrix.sum(axis=1, dtype=np.int64)
        per_position[:longest] += matrix.sum(axis=0, dtype=np.int64)
    return per_read, per_position


def _first_mismatch(
    names1: Iterator[list[bytes]], names2: Iterator[list[bytes]]
) -> tuple[str | None, bool]:
    """Compare the read names of two files in step.

    Returns a description of the first pair whose names differ, and whether an aligner would take
    the names of mates for two different reads.
    """
    left: list[bytes] = []
    right: list[bytes] = []
    has_mate_names = False
    while True:
        left = left or next(names1, [])
        right = right or next(names2, [])
        if not left or not right:
            return None, has_mate_names
        common = min(len(left), len(right))
        for name1, name2 in zip(left[:common], right[:common], strict=True):
            if name1 == name2:
                continue
            if not _are_mates(name1, name2):
                shown = " and ".join(repr(n.decode(errors="replace")[:80]) for n in (name1, name2))
                return f"R1 and R2 are out of step: {shown} are not mates", has_mate_names
            # Aligners remove `/1` and `/2` themselves, but nothing else.
            has_mate_names |= name1[-2:-1] != b"/" or name1[:-1] != name2[:-1]
        left, right = left[common:], right[common:]


def _are_interleaved(names: Iterator[list[bytes]]) -> bool:
    """Say whether each read of the file is followed by its mate."""
    waiting: bytes | None = None
    before = b""
    for block in names:
        for name in block:
            if waiting is None:
                waiting = name
            elif waiting == before or (waiting != name and not _are_mates(waiting, name)):
                # The same word before all names, as in `@read 1`, tells no pairs.
                return False
            else:
                before, waiting = waiting, None
    return bool(before) and waiting is None


def _are_mates(name1: bytes, name2: bytes) -> bool:
    """Say whether names differ only in the mate number, as in `x/1` and `x/2`.

    Also `x.1` and `x.2` (fastq-dump --readids), `x_1:N:0` and `x_2:N:0`. Two spots of one run may
    be called `SRR1.1` and `SRR1.2`, but not all the following ones.
    """
    if len(name1) != len(name2) or name1 == name2:
        return False
    at = len(name1) - 1
    if name1[:at] != name2[:at]:
        at = next(
            i for i, (one, other) in enumerate(zip(name1, name2, strict=True)) if one != other
        )
    numbers = {name1[at : at + 1], name2[at : at + 1]}
    has_same_rest = name1[at + 1 :] == name2[at + 1 :]
    return has_same_rest and numbers == {b"1", b"2"} and name1[at - 1 : at] in (b"/", b".", b"_")


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
    """The percentile of fastq-scan: the value at index `n * fraction`, one lower for even n."""
    index = int(n * fraction) if n % 2 else max(0, int(n * fraction - 1))
    return int(np.searchsorted(cumulative, index, side="right"))


def _round(value: float) -> float:
    """Round to six significant digits, as C++ streams print them."""
    return float(f"{value:.6g}")
