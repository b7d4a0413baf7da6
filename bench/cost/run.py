"""Measure the bill and the looks of `bactofleet status` at a run's full size.

usage: run.py [--genomes N ...]

Makes receipts and a usage.tsv of made-up genomes in a temporary project: four at a time on an
instance, one in twenty reclaimed. Runs the commands there.
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

from support.synthetic_cohort import write_cohort
from support.usage import iter_fleet, write_usage

SCHEMAS = Path(__file__).parents[2] / "workflow" / "schemas"

LOOKS = """
import sys, json, time, pathlib
from bactofleet.status.snapshot import Observer
samples = pathlib.Path("config/samples.tsv").read_text().split()[1:]
observer = Observer(pathlib.Path("results"), pathlib.Path("scratch"), samples)
seconds = []
for _ in range(2):
    begun = time.process_time()
    observer.look()
    seconds.append(round(time.process_time() - begun, 2))
line = pathlib.Path("results/usage.tsv").read_text().splitlines()[-1]
with open("results/usage.tsv", "a") as table:
    table.write(line + "\\n")
begun = time.process_time()
observer.look()
print(json.dumps({"first": seconds[0], "again": seconds[1],
                  "with_a_new_attempt": round(time.process_time() - begun, 2)}))
"""


def main() -> None:
    """Print one line of JSON for each size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--genomes", type=int, nargs="+", default=[67_000])
    for count in parser.parse_args().genomes:
        with tempfile.TemporaryDirectory() as folder:
            make_project(Path(folder), count)
            print(json.dumps({"genomes": count, **measure(Path(folder))}), flush=True)


def make_project(folder: Path, count: int) -> None:
    """Write a project whose run has ended."""
    (folder / "config").mkdir()
    (folder / "config" / "config.yaml").write_text("results: results\n")
    (folder / "workflow").mkdir()
    (folder / "workflow" / "schemas").symlink_to(SCHEMAS)
    samples = write_cohort(folder / "results", count)
    sheet = "accession\n" + "\n".join(samples) + "\n"
    (folder / "config" / "samples.tsv").write_text(sheet)
    write_usage(folder / "results", iter_fleet(samples))


def measure(folder: Path) -> dict[str, object]:
    """Run the commands; return their seconds of processor time and memory."""
    looks = subprocess.run(
        [sys.executable, "-c", LOOKS], cwd=folder, check=True, capture_output=True, text=True
    )
    command = [
        sys.executable,
        "-c",
        "import sys; from bactofleet.cli.main import main; sys.exit(main())",
    ]
    start = time.monotonic()
    with (folder / "bill.json").open("w") as bill:
        process = subprocess.Popen(
            [*command, "cost", "--offline", "--json"], cwd=folder, stdout=bill
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the bill could not be made")
    return {
        "cost_seconds": round(time.monotonic() - start, 1),
        "cost_cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "cost_peak_mb": usage.ru_maxrss // 1024,
        "attempts": json.loads((folder / "bill.json").read_text())["attempts"],
        "look_cpu_seconds": json.loads(looks.stdout),
    }


if __name__ == "__main__":
    main()
