"""Measure the cohort report: seconds and memory to make it, its size, seconds until it is shown.

usage: run.py [--genomes N ...] [--screenshots FOLDER]

Makes synthetic receipts in a temporary folder, the report in a process of its own, and opens it in
Chromium. MultiQC, which serves small cohorts alone, is measured with the rest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from selenium import webdriver
from support import browser
from support.synthetic_cohort import write_cohort, write_tarballs

from bactofleet.report.multiqc import MAX_GENOMES

MAKE_REPORT = """
import sys, pathlib, bactofleet.report
results = pathlib.Path(sys.argv[1])
samples = (results / "samples.txt").read_text().split()
sizes = bactofleet.report.SizeLimits(100_000, 18_040_666)
bactofleet.report.write_report(results, samples, sizes, title=f"{len(samples):,} isolates")
"""
FILES = {"page MB": "report.html", "TSV MB": "cohort.tsv", "Parquet MB": "cohort.parquet"}
# What the page marks, in the order of its work.
MARKS = {"table s": "table", "plots in view s": "shown", "all plots s": "complete"}
OPENINGS = 3


def main() -> None:
    """Print a table, a row a cohort."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--genomes", type=int, nargs="+", default=[3, 2_000, 67_000])
    parser.add_argument(
        "--screenshots", type=Path, help="write pictures of the pages into a folder"
    )
    args = parser.parse_args()
    for number, count in enumerate(args.genomes):
        with tempfile.TemporaryDirectory() as folder:
            row = {"genomes": f"{count:,}", **measure(Path(folder), count)}
            if not number:
                print(as_row(row), as_row(["---"] * len(row)), sep="\n")
            print(as_row(row.values()), flush=True)
            if args.screenshots:
                picture = args.screenshots / f"report-{count}.png"
                take_screenshot(Path(folder) / "report.html", picture)


def as_row(cells: Iterable[object]) -> str:
    """Return a row of a table in Markdown."""
    return f"| {' | '.join(map(str, cells))} |"


def measure(results: Path, count: int) -> dict[str, object]:
    """Make and open the report of a cohort."""
    samples = write_cohort(results, count)
    if count <= MAX_GENOMES:
        write_tarballs(results, samples)
    (results / "samples.txt").write_text("\n".join(samples))
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", MAKE_REPORT, results])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the report of {count} genomes could not be made")
    return {
        "made in s": round(time.monotonic() - start, 1),
        "CPU s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak MB": usage.ru_maxrss // 1024,
        **{name: round((results / file).stat().st_size / 1e6, 2) for name, file in FILES.items()},
        **opening_times(results / "report.html"),
    }


def opening_times(page: Path) -> dict[str, str]:
    """Return the seconds until parts of the page are shown, the least and most of some openings."""
    times: dict[str, list[float]] = {name: [] for name in MARKS}
    for _ in range(OPENINGS):
        with open_page(page) as driver:
            for name, mark in MARKS.items():
                times[name].append(browser.seconds_until(driver, mark))
    return {name: f"{min(values):.2f} to {max(values):.2f}" for name, values in times.items()}


@contextmanager
def open_page(page: Path, height: int = 1_000) -> Iterator[webdriver.Chrome]:
    """Open a page in a browser that has just been started."""
    with tempfile.TemporaryDirectory() as profile, browser.open_browser(Path(profile)) as driver:
        browser.open_report(driver, page, height=height)
        yield driver


def take_screenshot(page: Path, picture: Path) -> None:
    """Write the whole of a report, 1600 pixels wide, as a PNG."""
    with open_page(page) as driver:
        height = driver.execute_script("return document.documentElement.scrollHeight")
    with open_page(page, height) as driver:
        driver.save_screenshot(str(picture))


if __name__ == "__main__":
    main()
