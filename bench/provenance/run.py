"""Measure the cohort's provenance: seconds and bytes of inputs.tsv and of the RO-Crate.

usage: run.py [--genomes N ...] [--each]

Makes synthetic receipts in a temporary folder and writes the files of them, then has rocrate read
the crate; each in a process of its own. `--each` makes an action of each genome, however many.
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

WRITE = """
import json, pathlib, resource, sys, time
from bactofleet.report.provenance import build, crate
from bactofleet.report.cohort import read_cohort, write_tsv
results, most = pathlib.Path(sys.argv[1]), int(sys.argv[2])
cohort = read_cohort(results, (results / "samples.txt").read_text().split())
write_tsv(cohort.table, results / "cohort.tsv")
crate.MAX_GENOMES = most or crate.MAX_GENOMES
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
build.write_provenance(results, cohort, "Synthetic isolates")
seconds = time.process_time() - start
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"cpu_seconds": round(seconds, 1), "more_mb": (after - before) // 1024}))
"""
READ = "import sys; from rocrate.rocrate import ROCrate; ROCrate(sys.argv[1])"


def main() -> None:
    """Print one line of JSON for each cohort."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--genomes", type=int, nargs="+", default=[3, 2_000, 67_000])
    parser.add_argument("--each", action="store_true", help="an action of each genome")
    args = parser.parse_args()
    for count in args.genomes:
        with tempfile.TemporaryDirectory() as folder:
            measured = measure(Path(folder), count, count if args.each else 0)
            print(json.dumps({"genomes": count, **measured}), flush=True)


def measure(results: Path, count: int, most: int) -> dict[str, float]:
    """Write and read the provenance of a cohort."""
    (results / "samples.txt").write_text("\n".join(write_cohort(results, count)))
    command = [sys.executable, "-c", WRITE, str(results), str(most)]
    written = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {
        **written,
        "inputs_mb": round((results / "inputs.tsv").stat().st_size / 1e6, 2),
        "crate_mb": round((results / "ro-crate-metadata.json").stat().st_size / 1e6, 2),
        **read(results),
    }


def read(results: Path) -> dict[str, float]:
    """Return what it takes rocrate to read the crate."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", READ, str(results)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("rocrate cannot read the crate")
    seconds = round(time.monotonic() - start, 1)
    return {"read_seconds": seconds, "read_peak_mb": usage.ru_maxrss // 1024}


if __name__ == "__main__":
    main()
