"""What it takes to save and restore the state of a launched run: `bench/launch/README.md`."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "fleet"))

import boto3
from cohort import FIRST, SAMPLE, build_receipt
from moto import mock_aws

from bactofleet.launch.place import Place
from bactofleet.launch.state import Reader, Writer
from snakemake_executor_plugin_aws_batch_array import api
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild

PLACE = Place("genomes", "cohort", "12345678-0")
# Genomes that end between two looks at Batch: 67,000 in five days, a look a minute.
CHANGED = 10
MIB = 1 << 20


def main() -> None:
    """Measure each size in a process of its own, because memory is counted by process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("genomes", type=int, nargs="*", default=[1000, 10_000, 67_000])
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.genomes[0])))
        return
    for genomes in args.genomes:
        words = [sys.executable, __file__, str(genomes), "--one"]
        subprocess.run(words, check=True)


def measure(genomes: int) -> dict[str, Any]:
    """Save and restore the state of so many genomes, half of them finished.

    Returns seconds of CPU, bytes in the bucket, and the peak of resident memory over that before.
    """
    with tempfile.TemporaryDirectory(prefix="launch-") as name, mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=PLACE.bucket)
        results = Path(name) / "results"
        ledger = fill(results, genomes)
        before = peak_mib()
        writer = Writer(s3, PLACE, results)
        whole_s = clock(writer.save)
        idle_s = clock(writer.save)
        add_receipts(results, genomes // 2, CHANGED)
        ledger.close_children("run-0", list(range(genomes // 2, genomes // 2 + CHANGED)))
        part_s = clock(writer.save)
        restore_s = clock(Reader(s3, PLACE, Path(name) / "copy").read)
        listed = s3.list_objects_v2(Bucket=PLACE.bucket)["Contents"]
        whole, part = (item["Size"] / MIB for item in listed)
        return {
            "genomes": genomes,
            "whole_s": whole_s,
            "whole_mib": whole,
            "part_s": part_s,
            "part_mib": part,
            "nothing_s": idle_s,
            "restore_s": restore_s,
            "memory_mib": peak_mib() - before,
        }


def fill(results: Path, genomes: int) -> Ledger:
    """Write receipts of the first half, and submissions of the other."""
    (results / "receipts").mkdir(parents=True)
    add_receipts(results, 0, genomes // 2)
    path = api.get_ledger(results)
    path.parent.mkdir()
    ledger = Ledger(path)
    ledger.open_run("snakemake/runs/one", "definition")
    targets = (f"results/receipts/{SAMPLE}{FIRST + i}.json" for i in range(genomes))
    children = [OpenChild(f"{i:064x}", target) for i, target in enumerate(targets)]
    ledger.open_array("run-0", "snakemake/runs/one", "genomes", children)
    ledger.close_children("run-0", list(range(genomes // 2)))
    return ledger


def add_receipts(results: Path, first: int, count: int) -> None:
    """Write receipts of 3 to 4 kB."""
    for number in range(FIRST + first, FIRST + first + count):
        sample = f"{SAMPLE}{number}"
        (results / "receipts" / f"{sample}.json").write_bytes(build_receipt(sample))


def clock(call: Callable[[], object]) -> float:
    """Return the seconds of CPU that a call takes."""
    begun = time.process_time()
    call()
    return time.process_time() - begun


def peak_mib() -> float:
    """Return the most resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
