"""Measure the forecast: how often its interval holds, and what it adds to the start of a run.

usage: run.py [--cohorts N] [--genomes N]

Nothing is compared with another program. Simulated cohorts are foretold from pilots of them; then a
start is timed with so many receipts, attempts and genomes to do.
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
    COVERAGE,
    PARAMETERS,
    draw_genomes,
    draw_seconds,
    forget,
    make_lessons,
    make_receipt,
    write_receipts,
)
from support.usage import make_row, write_usage

from bactofleet.core.samples import read_samples
from bactofleet.cost.genomes import MAX_LESSONS
from bactofleet.cost.model import Model
from bactofleet.run.budget import price_plan
from bactofleet.run.plan import Plan

COHORT = 10_000
CONFIG = PARAMETERS | {"threads": 4, "coverage": COVERAGE, "max_cost": 100}


def main() -> None:
    """Print a line of JSON for each kind of pilot, and one for the start."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cohorts", type=int, default=1000, help="for each kind of pilot")
    parser.add_argument("--genomes", type=int, default=67_000, help="receipts, and genomes to do")
    args = parser.parse_args()
    for pilot in (20, 100, 1000):
        for noise in (0.2, 0.4, 0.7):
            for unknown in (0.0, 1.0):
                facts = {"pilot": pilot, "noise": noise, "unknown": unknown}
                found = simulate(pilot, noise, unknown, args.cohorts)
                print(json.dumps(facts | found), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps({"genomes": args.genomes, **time_start(Path(folder), args.genomes)}))


def simulate(pilot: int, noise: float, unknown: float, cohorts: int) -> dict[str, float]:
    """Return how many cohorts took what was foretold, in percent, and the interval's width."""
    rng = np.random.default_rng(pilot)
    within, widths = 0, []
    for _ in range(cohorts):
        known = draw_genomes(rng, pilot)
        model = Model(make_lessons(known, draw_seconds(rng, known, noise)), COVERAGE)
        cohort = draw_genomes(rng, COHORT)
        told = model.sum_seconds(forget(cohort, bases=unknown, sizes=unknown)).whole
        within += told.low <= draw_seconds(rng, cohort, noise).sum() <= told.high
        widths.append((told.high - told.low) / told.expected)
    return {"within_percent": 100 * within / cohorts, "width": round(float(np.median(widths)), 3)}


def time_start(folder: Path, genomes: int) -> dict[str, float]:
    """Return the seconds in which a plan is priced, and the largest memory of this process."""
    results = folder / "results"
    write_receipts(results, (make_made(i, genomes) for i in range(genomes)))
    names = (f"S{i}" for i in range(genomes))
    write_usage(results, (make_row(name, 0, 3600, instance_id=f"i-{name}") for name in names))
    rows = "".join(f"T{i}\tSRR{i:07}\tSRR{i:07}\t9\t300000000\t2870000\n" for i in range(genomes))
    sheet = folder / "samples.tsv"
    header = "sample\taccession\truns\tspots\tbases\tgenome_size\n"
    sheet.write_text(header + rows)
    samples = read_samples(sheet)
    plan = Plan(genomes, [], {}, [], list(samples))
    begun = time.process_time()
    price_plan(plan, samples, CONFIG, results)
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"cpu_seconds": round(seconds, 2), "peak_mb": peak}


def make_made(index: int, genomes: int) -> dict[str, object]:
    """Return a receipt; those that are read, the newest, in their real length."""
    receipt = make_receipt(f"S{index}", 3e8, 2.87e6, 3000.0)
    if index < genomes - MAX_LESSONS:
        return receipt
    whole = synthetic_cohort.make_receipt(f"S{index}", random.Random(index))  # noqa: S311
    return whole | {"parameters": PARAMETERS, "finished": receipt["finished"]}


if __name__ == "__main__":
    main()
