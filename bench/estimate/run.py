"""Measure the forecast: how often its interval holds, and what it adds to the start of a run.

usage: run.py [--cohorts N] [--genomes N]

Nothing is compared with another program. Simulated cohorts are predicted from pilots of them; then
a start is timed with so many receipts, attempts and genomes to do.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from support import synthetic_cohort
from support.pilots import (
    PARAMETERS,
    draw_seconds,
    make_receipt,
    write_receipts,
)
from support.usage import make_row, write_usage

from bactofleet.cost.forecast import Forecast
from bactofleet.cost.genomes import MAX_PAST_GENOMES
from bactofleet.run.budget import price_plan
from bactofleet.run.plan import Plan

COHORT = 10_000
GUESS = 1000.0  # seconds of a genome that nobody has made; there is a pilot
CONFIG = PARAMETERS | {"threads": 4, "max_cost": 100}


def main() -> None:
    """Print a line of JSON for each kind of pilot, and one for the start."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cohorts", type=int, default=1000, help="for each kind of pilot")
    parser.add_argument("--genomes", type=int, default=67_000, help="receipts, and genomes to do")
    args = parser.parse_args()
    for pilot in (20, 100, 1000):
        for noise in (0.2, 0.4, 0.7):
            found = simulate(pilot, noise, args.cohorts)
            print(json.dumps({"pilot": pilot, "noise": noise} | found), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps({"genomes": args.genomes, **time_start(Path(folder), args.genomes)}))


def simulate(pilot: int, noise: float, cohorts: int) -> dict[str, float]:
    """Return the percentage of cohorts within the interval, and the width of the interval."""
    rng = np.random.default_rng(pilot)
    within, widths = 0, []
    for _ in range(cohorts):
        told = Forecast(draw_seconds(rng, pilot, noise), GUESS).sum_up(COHORT)
        within += told.low <= draw_seconds(rng, COHORT, noise).sum() <= told.high
        widths.append((told.high - told.low) / told.expected)
    return {"within_percent": 100 * within / cohorts, "width": round(float(np.median(widths)), 3)}


def time_start(folder: Path, genomes: int) -> dict[str, float]:
    """Return the seconds in which a plan is priced, and the largest memory of this process."""
    results = folder / "results"
    write_receipts(results, (make_made(i, genomes) for i in range(genomes)))
    names = (f"S{i}" for i in range(genomes))
    write_usage(results, (make_row(name, 0, 3600, instance_id=f"i-{name}") for name in names))
    todo = [f"T{i}" for i in range(genomes)]
    plan = Plan(genomes, [], {}, {}, [], [], todo)
    begun = time.process_time()
    price_plan(plan, CONFIG, results)
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"cpu_seconds": round(seconds, 2), "peak_mb": peak}


def make_made(index: int, genomes: int) -> dict[str, object]:
    """Return a receipt; those that are read, the newest, in their real length."""
    receipt = make_receipt(f"S{index}", 3000.0)
    if index < genomes - MAX_PAST_GENOMES:
        return receipt
    whole = synthetic_cohort.make_receipt(f"S{index}", random.Random(index))  # noqa: S311
    return whole | {"parameters": PARAMETERS, "finished": receipt["finished"]}


if __name__ == "__main__":
    main()
