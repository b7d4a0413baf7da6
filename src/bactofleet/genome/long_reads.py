"""Statistics of long reads as nanoq 0.10 gives them (https://doi.org/10.21105/joss.02991).

The quality of a read is that of its mean error rate, not the mean of its qualities, which
fastq-scan gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np

from bactofleet.genome.fastq import PHRED_MAX, PHRED_OFFSET, open_reads

_ERROR_RATES = 10 ** (-np.arange(PHRED_MAX + 1) / 10)

Summary = dict[str, float | int]


def summarize(path: Path) -> Summary:
    """Return number, lengths (bp) and qualities (Phred) of the reads of a FASTQ that has some.

    The keys are the columns of `nanoq --stats --header`.
    """
    with open_reads(path) as reads:
        lines = (line.rstrip(b"\n") for line in islice(reads, 3, None, 4))
        measured = [(len(line), _error_rate(line)) for line in lines]
    lengths = np.array([length for length, _ in measured])
    qualities = -10 * np.log10([error for _, error in measured])
    return {
        "reads": len(measured),
        "bases": int(lengths.sum()),
        "n50": n50(lengths),
        "longest": int(lengths.max()),
        "shortest": int(lengths.min()),
        "mean_length": int(lengths.mean()),
        "median_length": int(np.median(lengths)),
        "mean_quality": round(float(qualities.mean()), 1),
        "median_quality": round(float(np.median(qualities)), 1),
    }


def n50(lengths: Iterable[int]) -> int:
    """Return the length (bp) such that half of all bases are in reads at least as long."""
    ordered = np.sort(np.fromiter(lengths, np.int64))[::-1]
    sums = ordered.cumsum()
    return int(ordered[np.searchsorted(sums, sums[-1] / 2)])


def _error_rate(line: bytes) -> float:
    """Return the mean probability of an error that the qualities of a read state."""
    qualities = np.frombuffer(line, np.uint8) - PHRED_OFFSET
    return float(_ERROR_RATES[qualities].mean()) if len(qualities) else 1.0
