"""Simulated genomes with their times, to test the forecast of a cohort."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support import receipts
from support.synthetic_cohort import SPECIES
from support.usage import at

from bactofleet.cost.genomes import PastGenomes

Array = NDArray[np.float64]
COVERAGE = 100.0
# Seconds for each genome, base pair that is used, that is there, of the genome.
TAKEN = np.array([40.0, 0.7e-6, 0.5e-6, 60e-6])
NOISE = 0.4
EXCLUDED = 0.03
BYTES = 9_571_000.0
# Of options those that change what a genome takes.
PARAMETERS = {
    "assembler": "skesa",
    "coverage": COVERAGE,
    "error_correction": False,
    "keep": [],
    "phix": False,
    "polish": True,
    "simulate_reads": False,
}


def draw_seconds(rng: np.random.Generator, count: int, noise: float = NOISE) -> Array:
    """Return what genomes of four species took, at depths around 100x.

    The assembly goes with a power of its bases; some genomes end early.
    """
    megabases, _, _, share = (np.array(column) for column in zip(*SPECIES.values(), strict=True))
    sizes = 1e6 * rng.choice(megabases, count, p=share) * rng.normal(1, 0.018, count)
    bases = sizes * np.maximum(14, rng.lognormal(np.log(105), 0.5, count))
    used = np.minimum(bases, COVERAGE * sizes)
    features = np.column_stack([np.ones(count), used, bases, sizes])
    features[:, 1] *= (used / 3e8) ** 0.3
    seconds = features @ TAKEN * rng.lognormal(-(noise**2) / 2, noise, count)
    ended_early = rng.random(count) < EXCLUDED
    return np.where(ended_early, seconds * rng.uniform(0.01, 0.2, count), seconds)


def make_past_genomes(seconds: Array) -> PastGenomes:
    """Return what receipts of genomes with these times say."""
    is_long = np.zeros(len(seconds), bool)
    return PastGenomes(seconds, np.full_like(seconds, BYTES), 1.8e9 + np.cumsum(seconds), is_long)


def make_receipt(sample: str, seconds: float) -> dict[str, Any]:
    """Return the receipt of a genome that was finished an hour after `usage.MIDNIGHT`."""
    return receipts.make_receipt(
        sample,
        stages={"download": {"seconds": 0.1 * seconds}, "assembly": {"seconds": 0.9 * seconds}},
        parameters=PARAMETERS,
        tarball={"path": f"s3://bucket/results/{sample}.tar.gz", "bytes": BYTES},
        finished=at(3600),
    )


def write_receipts(results: Path, receipts: Iterable[dict[str, Any]]) -> None:
    """Write receipts below a results folder, the last of them the newest."""
    (results / "receipts").mkdir(parents=True, exist_ok=True)
    for age, receipt in enumerate(receipts):
        path = results / "receipts" / f"{receipt['sample']}.json"
        path.write_text(json.dumps(receipt))
        os.utime(path, (1e9 + age, 1e9 + age))
