"""Measure the cohort report: seconds and memory to make it, its size, seconds until it is shown.

usage: run.py [--genomes N ...] [--screenshot PNG]

Makes synthetic receipts in a temporary folder, the report in a process of its own, and opens it in
Chromium. MultiQC, which serves small cohorts alone, is measured with the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from support import browser
from support.synthetic_cohort import write_cohort

MAKE_REPORT = """
import sys, pathlib, bactofleet.report
results = pathlib.Path(sys.argv[1])
samples = (results / "samples.txt").read_text().split()
bactofleet.report.write_report(results, samples, "Synthetic isolates")
"""


def main() -> None:
    """Print one line of JSON for each cohort."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--genomes", type=int, nargs="+", default=[3, 2_000, 67_000])
    parser.add_argument("--screenshot", type=Path, help="write a picture of the last report")
    args = parser.parse_args()
    for count in args.genomes:
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder)
            print(json.dumps({"genomes": count, **measure(results, count)}), flush=True)
            if args.screenshot and count == args.genomes[-1]:
                take_screenshot(results / "report.html", args.screenshot)


def measure(results: Path, count: int) -> dict[str, float]:
    """Make and open the report of a cohort."""
    (results / "samples.txt").write_text("\n".join(write_cohort(results, count)))
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", MAKE_REPORT, results])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the report of {count} genomes could not be made")
    return {
        "make_seconds": round(time.monotonic() - start, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": usage.ru_maxrss // 1024,
        "page_mb": round((results / "report.html").stat().st_size / 1e6, 2),
        "table_mb": round((results / "cohort.tsv").stat().st_size / 1e6, 2),
        **opening_times(results / "report.html"),
    }


def opening_times(page: Path) -> dict[str, float]:
    """Return the seconds until what is in view is drawn, and until everything is."""
    with tempfile.TemporaryDirectory() as profile, browser.open_browser(Path(profile)) as driver:
        browser.open_report(driver, page)
        return {
            f"{mark}_seconds": round(browser.seconds_until(driver, mark), 2)
            for mark in ("shown", "complete")
        }


def take_screenshot(page: Path, picture: Path) -> None:
    """Write the top of a report, 1600 pixels wide, as a PNG."""
    with tempfile.TemporaryDirectory() as profile, browser.open_browser(Path(profile)) as driver:
        browser.open_report(driver, page, height=1_900)
        driver.save_screenshot(str(picture))


if __name__ == "__main__":
    main()
