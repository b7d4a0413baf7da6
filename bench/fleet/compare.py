"""Submit and collect a fleet of stub jobs with this executor and with snakemake's aws-batch.

    PYTHONPATH=tests python bench/fleet/compare.py --genomes 67000 --limit 600

See the README for what the numbers mean.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from executors import ARRAY, PEER
from measure import Measurement, measure
from rich.console import Console
from rich.table import Table
from workloads import WORKLOADS, Workload


def main() -> None:
    """Measure, print a table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--workflow", choices=WORKLOADS, default="one-rule")
    parser.add_argument("--genomes", type=int, default=67_000, help="size for aws-batch-array")
    parser.add_argument("--peer-from", type=int, default=125, help="first size for aws-batch")
    parser.add_argument("--limit", type=float, default=120, help="seconds for aws-batch")
    parser.add_argument("--json", type=Path, help="file for the measurements")
    options = parser.parse_args()
    measurements = list(
        run(WORKLOADS[options.workflow], options.genomes, options.peer_from, options.limit)
    )
    Console().print(tabulate(measurements))
    if options.json:
        options.json.write_text(json.dumps([m.as_record() for m in measurements], indent=2) + "\n")


def run(workload: Workload, genomes: int, peer_from: int, limit_s: float) -> Iterator[Measurement]:
    """Measure aws-batch-array at the size asked for, aws-batch at the largest it does in time.

    The size of the latter is doubled, up to the former's, until a run takes longer than the limit.
    """
    yield measure(ARRAY, workload, genomes)
    largest, size = None, peer_from
    with suppress(TimeoutError):
        while size <= genomes:
            largest, size = measure(PEER, workload, size, limit_s), size * 2
    if largest is not None:
        yield largest


def tabulate(measurements: list[Measurement]) -> Table:
    """One column for each executor."""
    table = Table("", *(m.executor for m in measurements))
    rows: dict[str, Callable[[Measurement], str]] = {
        "genomes": lambda m: f"{m.genomes:,}",
        "job graph built after": lambda m: f"{m.graph_s:.1f} s",
        "submitted after a further": lambda m: f"{m.submitted_s:.1f} s",
        "collected after a further": lambda m: f"{m.collected_s - m.submitted_s:.1f} s",
        "CPU time in all": lambda m: f"{m.cpu_s:.1f} s",
        "peak memory": lambda m: f"{m.peak_mib:,.0f} MiB",
        "submitted per second": lambda m: f"{m.genomes / m.submitted_s:,.0f}",
        "Batch calls per genome": lambda m: f"{sum(m.batch_calls.values()) / m.genomes:.4f}",
        "S3 requests per genome": lambda m: f"{sum(m.s3_requests.values()) / m.genomes:.2f}",
    }
    for title, value in rows.items():
        table.add_row(title, *(value(m) for m in measurements))
    return table


if __name__ == "__main__":
    main()
