"""Run the real workflow for cohorts of several sizes; its genomes are made by stubs.

    PYTHONPATH=tests python bench/fleet/run.py --genomes 1000 4000 16000 --json fleet.json

See the README for what the numbers mean.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from aws.emulator.client import EmulatedAWS
from phases import VCPUS, Fleet, Phase
from rich.console import Console
from rich.table import Table

STUB = "stubs:return_receipts"


def main() -> None:
    """Measure, print a table of each size and one of the growth, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--genomes", type=int, nargs="+", default=[1000, 4000, 16_000, 67_000])
    parser.add_argument("--json", type=Path, help="file for the measurements")
    options = parser.parse_args()
    console = Console(width=140)
    measured: dict[int, list[Phase]] = {}
    logs: dict[int, dict[str, int]] = {}
    for genomes in sorted(options.genomes):
        measured[genomes], logs[genomes] = run(genomes)
        console.print(tabulate(genomes, measured[genomes]), logs[genomes], sep="\n")
        if options.json:
            record = {
                n: {"phases": [asdict(p) for p in phases], "log_lines": logs[n]}
                for n, phases in measured.items()
            }
            options.json.write_text(json.dumps(record, indent=2) + "\n")
    if len(measured) > 1:
        console.print(compare(measured))


def run(genomes: int) -> tuple[list[Phase], dict[str, int]]:
    """Run all phases with a cohort of so many genomes; also count the lines of the logs."""
    with (
        tempfile.TemporaryDirectory(prefix="fleet-") as folder,
        EmulatedAWS(stub=STUB, spot_vcpus=VCPUS) as aws,
    ):
        fleet = Fleet(aws, Path(folder, "project"), genomes)
        return list(fleet.iter_phases()), fleet.count_log_lines()


def tabulate(genomes: int, phases: list[Phase]) -> Table:
    """One row for each phase."""
    table = Table("phase", "seconds", "CPU s", "CPU ms a genome", "peak MiB", "Batch calls", "S3")
    for phase in phases:
        table.add_row(
            phase.name,
            f"{phase.seconds:.1f}",
            f"{phase.cpu_s:.1f}",
            f"{1000 * phase.cpu_s / genomes:.2f}",
            f"{phase.peak_mib:,.0f}",
            *(_describe(calls) for calls in (phase.batch_calls, phase.s3_requests)),
        )
    table.title = f"{genomes:,} genomes"
    return table


def compare(measured: dict[int, list[Phase]]) -> Table:
    """Show how phases grow from the smallest to the largest cohort: 1 is in proportion to size."""
    small, large = min(measured), max(measured)
    table = Table("phase", *GROWING, title=f"growth from {small:,} to {large:,}: n to the power of")
    for before, after in zip(measured[small], measured[large], strict=True):
        exponents = (
            _get_exponent(get(before), get(after), large / small) for get in GROWING.values()
        )
        table.add_row(before.name, *exponents)
    return table


GROWING: dict[str, Callable[[Phase], float]] = {
    "CPU": lambda phase: phase.cpu_s,
    "peak memory": lambda phase: phase.peak_mib,
    "Batch calls": lambda phase: sum(phase.batch_calls.values()),
    "S3 requests": lambda phase: sum(phase.s3_requests.values()),
}


def _get_exponent(before: float, after: float, factor: float) -> str:
    return f"{math.log(after / before, factor):.2f}" if before and after else "-"


def _describe(calls: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(calls.items()))


if __name__ == "__main__":
    main()
