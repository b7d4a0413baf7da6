"""What is known of genomes: of those to be made from the sheet, of those made from receipts."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bactofleet.core.files import modified, read_json
from bactofleet.core.samples import Sample, is_remote
from bactofleet.cost.regression import Array
from bactofleet.records.folder import RECEIPTS, SUFFIX, list_receipts

# The newest receipts teach: they were made on the machines of now, and to read more takes longer.
MAX_LESSONS = 3000
# Options that change how long a genome takes or how large it gets, but for the depth (`coverage`),
# which the model knows of.
COSTLY = ("assembler", "error_correction", "keep", "phix", "polish", "simulate_reads")
# Of gzipped FASTQ a base pair takes so many bytes: 0.69 in real MiSeq reads of 2 x 250 bp (7.1 MB
# of SRR2627019), 0.57 in simulated ones of 2 x 150 bp.
BYTES_PER_BASE = 0.6
UNKNOWN = math.nan
# Numbers outside of these are no genome's: a receipt that has them was damaged.
_SECONDS = (0.01, 30 * 86400.0)
_BYTES = (1.0, 1e13)
_BASES = (0.0, 1e13)
_SIZES = (1e3, 1e9)


@dataclass(frozen=True)
class Known:
    """What is known of n genomes before they are made; NaN where it is not."""

    bases: Array
    """Base pairs of the reads that there are, 0 for assemblies; shape (n,)."""
    sizes: Array
    """Expected sizes in bp; shape (n,)."""

    def __len__(self) -> int:
        return len(self.bases)


@dataclass(frozen=True)
class Lessons:
    """What n genomes took that were made with options like those of now; arrays of shape (n,)."""

    known: Known
    seconds: Array
    """Wall time of all stages."""
    bytes: Array
    """Size of the tarball; NaN where there is none."""
    finished: Array
    """Seconds since the epoch."""


def read_sheet(samples: Iterable[Sample]) -> Known:
    """Return what rows of the sheet tell."""
    facts = [(_bases_of(sample), sample.genome_size or UNKNOWN) for sample in samples]
    return Known(*_columns(facts, 2))


def read_lessons(results: Path, parameters: Mapping[str, Any]) -> Lessons:
    """Return what the newest receipts teach of genomes made with these parameters.

    Receipts that cannot be read, or have numbers that no genome has, teach nothing.
    """
    facts = [fact for path in _newest(results) if (fact := _learn(path, parameters))]
    bases, sizes, seconds, size, finished = _columns(facts, 5)
    return Lessons(Known(bases, sizes), seconds, size, finished)


def _columns(rows: Sequence[tuple[float, ...]], count: int) -> Array:
    return np.array(rows, dtype=float).reshape(-1, count).T


def _bases_of(sample: Sample) -> float:
    if sample.kind == "assembly":
        return 0.0
    if sample.bases and all(sample.bases):
        return float(sum(sample.bases))
    if sample.files and not any(map(is_remote, sample.files)):
        return sum(map(_size_of, sample.files)) / BYTES_PER_BASE
    return UNKNOWN


def _size_of(path: str) -> float:
    try:
        return float(Path(path).stat().st_size)
    except OSError:
        return UNKNOWN


def _newest(results: Path) -> list[Path]:
    folder = results / RECEIPTS
    paths = (f"{folder}/{name}{SUFFIX}" for name in list_receipts(results))
    dated = ((modified(path), path) for path in paths)
    return [Path(path) for _, path in heapq.nlargest(MAX_LESSONS, dated)]


def _learn(path: Path, parameters: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Return bases, size, seconds, bytes and time of a genome; None if it teaches nothing."""
    try:
        receipt = read_json(path)
        made_with, given = receipt["parameters"], receipt["input"]
        if any(made_with.get(name) != parameters.get(name) for name in COSTLY):
            return None
        seconds = _number(sum(use["seconds"] for use in receipt["stages"].values()), _SECONDS)
        is_assembly = given.get("kind") == "assembly"
        bases = 0.0 if is_assembly else receipt["metrics"].get("qc_original_total_bp")
        facts = (
            _number(bases, _BASES),
            _number(given.get("genome_size"), _SIZES),
            seconds,
            _number(receipt["tarball"].get("bytes"), _BYTES),
            _to_time(receipt["finished"]),
        )
    # A file that cannot be read, no JSON, no receipt, or JSON nested a thousand deep.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return None if math.isnan(seconds) else facts


def _number(value: Any, allowed: tuple[float, float]) -> float:
    """Return a number of a receipt, or NaN if it is none or outside of what is possible."""
    is_number = isinstance(value, int | float) and allowed[0] <= value <= allowed[1]
    return float(value) if is_number else UNKNOWN


def _to_time(text: str) -> float:
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
