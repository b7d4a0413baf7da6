"""Write the cohort's table and report (bactofleet.report)."""

import argparse
from pathlib import Path

from bactofleet.report import write_report
from bactofleet.samples import read_samples

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder with receipts")
    parser.add_argument("--samples", type=Path, required=True, help="the sample sheet")
    args = parser.parse_args()
    write_report(args.results, list(read_samples(args.samples)))
