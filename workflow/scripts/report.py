"""Write the cohort's table and report (bactofleet.report)."""

import argparse
from pathlib import Path

from bactofleet.core.frozen_samples import FrozenSamples
from bactofleet.report import SizeLimits, write_report

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder with receipts")
    parser.add_argument("--samples", type=Path, required=True, help="the samples of the run")
    parser.add_argument("--sizes", type=int, nargs=2, required=True, help="limits of an assembly")
    args = parser.parse_args()
    samples = FrozenSamples(args.samples)
    sizes = SizeLimits(*args.sizes)
    write_report(args.results, list(samples), sizes, samples.own_cells())
