"""Read and write FASTA, and the statistics of an assembly.

The statistics are those of assembly-scan 1.0.0 (https://github.com/rpetit3/assembly-scan), whose
columns Bactopia's parsers expect.
"""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bactofleet.core.errors import Excluded
from bactofleet.genome.fastq import read_blocks

LINE_WIDTH = 60
IUPAC = re.compile(r"[ACGTUNRYSWKMBDHV*.-]*", re.IGNORECASE)
SIZES = {"1m": 1_000_000, "100k": 100_000, "10k": 10_000, "1k": 1_000}
# Far more than any assembly of an isolate has; each takes some hundred bytes of memory.
MAX_SEQUENCES = 1_000_000


class Contig(NamedTuple):
    """One sequence of a FASTA file; `name` is its whole header line without '>'."""

    name: str
    sequence: str


def read_fasta(path: Path, shown: str = "", max_bytes: int = sys.maxsize) -> list[Contig]:
    """Read all sequences, with the line ends of any system.

    Raises `Excluded("assembly", ...)` if the file is not nucleotide FASTA, and `TooLarge` if it has
    more than `max_bytes` unpacked; the message calls it `shown`, or else by its own name.
    """
    shown = shown or path.name
    content = io.BytesIO(b"".join(read_blocks(path, shown, max_bytes=max_bytes)))
    # Line by line, as millions of lines in a list take far more memory. Not by `splitlines`, which
    # also splits at other characters.
    lines = io.TextIOWrapper(content, encoding="utf-8", errors="replace", newline=None)
    records = islice(_iter_records(lines), MAX_SEQUENCES + 1)
    contigs = [Contig(name.strip(), "".join(parts)) for name, parts in records]
    if len(contigs) > MAX_SEQUENCES:
        raise Excluded("assembly", f"{shown} has more than {MAX_SEQUENCES:,} sequences")
    if not contigs or any(not contig.name for contig in contigs):
        raise Excluded("assembly", f"{shown} is not FASTA: no line starts with '>name'")
    for contig in contigs:
        if not IUPAC.fullmatch(contig.sequence):
            raise Excluded("assembly", f"{shown} is not nucleotides: see {contig.name[:40]!r}")
    identifiers = Counter(contig.name.split()[0] for contig in contigs)
    if twice := [name for name, count in identifiers.items() if count > 1]:
        # prokka accepts none of them.
        raise Excluded("assembly", f"{shown} has more than one sequence {twice[0][:40]!r}")
    return contigs


def _iter_records(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    name, sequence = "", list[str]()
    for line in lines:
        if line.startswith(">"):
            if name or sequence:
                yield name, sequence
            name, sequence = line[1:], []
        elif line.strip():
            sequence.append(line.strip())
    if name or sequence:
        yield name, sequence


def write_fasta(path: Path, contigs: Iterable[Contig]) -> None:
    """Write sequences in lines of 60 bases."""
    with path.open("w") as handle:
        for name, sequence in contigs:
            handle.write(f">{name}\n")
            for start in range(0, len(sequence), LINE_WIDTH):
                handle.write(sequence[start : start + LINE_WIDTH] + "\n")


def assembly_stats(sample: str, sequences: list[str]) -> dict[str, str | int]:
    """Return the row that assembly-scan prints: lengths in bp, percentages with two decimals."""
    lengths = sorted((len(sequence) for sequence in sequences), reverse=True)
    total = sum(lengths)
    bases = sum((Counter(sequence.lower()) for sequence in sequences), Counter[str]())
    other = sum(bases.values()) - sum(bases[base] for base in "acgtn")
    n50, l50 = n50_of(lengths)
    longer = {name: sum(length > size for length in lengths) for name, size in SIZES.items()}
    return {
        "sample": sample,
        "total_contig": len(lengths),
        "total_contig_length": total,
        "max_contig_length": lengths[0],
        "mean_contig_length": total // len(lengths),
        "median_contig_length": int(median(lengths)),
        "min_contig_length": lengths[-1],
        "n50_contig_length": n50,
        "l50_contig_count": l50,
        "num_contig_non_acgtn": sum(bool(set(s.lower()) - set("acgtn")) for s in sequences),
        **{f"contig_percent_{base}": _percent(bases[base], total) for base in "acgtn"},
        "contig_non_acgtn": _percent(other, total),
        **{f"contigs_greater_{name}": count for name, count in longer.items()},
        **{
            f"percent_contigs_greater_{name}": _percent(count, len(lengths))
            for name, count in longer.items()
        },
    }


def n50_of(lengths: list[int]) -> tuple[int, int]:
    """Return N50 (bp) and L50 of contig lengths, given longest first."""
    half, reached = sum(lengths) // 2, 0
    for count, length in enumerate(lengths, start=1):
        reached += length
        if reached >= half:
            return length, count
    return 0, 0


def gc_percent(sequences: Iterable[str]) -> float:
    """Return the GC content, in percent of A, C, G and T."""
    bases = sum((Counter(sequence.upper()) for sequence in sequences), Counter[str]())
    acgt = sum(bases[base] for base in "ACGT")
    return round(100 * (bases["G"] + bases["C"]) / acgt, 2) if acgt else 0.0


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}" if whole else "0.00"
