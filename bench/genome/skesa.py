"""SKESA's options compared by CPU time and by the quality of the assemblies.

    python bench/genome/skesa.py REFERENCE.fna.gz... [--coverage 30 60 100] [--read-length 150]
        [--insert-size 400] [--part 600000] [--options "--steps 5" ...] [--json FILE]

Simulates reads of each reference (of its first PART bases) with ART, trims them with fastp as the
workflow does, and assembles them with SKESA's defaults, given the insert size, and with each of the
options, on one core, in the container image. Each assembly is compared with the reference (dnadiff
of MUMmer).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from common import (
    QUALITY,
    Row,
    judge,
    make_parser,
    measure,
    print_table,
    run,
    simulate,
    write_reference,
)

COLUMNS = ("genome", "reads", "coverage", "options", "CPU s", *QUALITY)
DEFAULTS = ""


def main() -> None:
    """Run the comparisons in the container and print one row for each assembly."""
    parser = make_parser(__doc__.splitlines()[0], coverage=[30, 60, 100], part=600_000)
    parser.add_argument("--options", nargs="+", default=["--steps 5", "--steps 5 --kmer 31"])
    args = parser.parse_args()
    print_table(__file__, args, COLUMNS, compare)


def compare(args: argparse.Namespace) -> Iterator[Row]:
    """Inside the container: simulate, trim, assemble with each set of options, judge."""
    os.chdir(tempfile.mkdtemp())
    for reference in args.references:
        write_reference(reference, args.part)
        for length, coverage in product(args.read_length, args.coverage):
            simulate(length, coverage, args.insert_size)
            insert_size = trim()
            for options in [DEFAULTS, *args.options]:
                command = ["skesa", "--reads", "trim1.fq,trim2.fq", "--contigs_out", "contigs.fa"]
                command += ["--cores", "1", "--memory", "8", "--insert_size", insert_size]
                command += ["--vector_percent", "1", "--min_contig", "500", *options.split()]
                yield {
                    **{"genome": reference.name.split(".")[0], "reads": f"2 x {length}"},
                    **{"coverage": coverage, "options": options or "(defaults)"},
                    **measure([command]),
                    **judge(Path("contigs.fa")),
                }


def trim() -> str:
    """Write trim1.fq and trim2.fq; return the insert size that fastp has measured."""
    run(
        ["fastp", "--in1", "sim1.fq", "--in2", "sim2.fq", "--out1", "trim1.fq"]
        + ["--out2", "trim2.fq", "--detect_adapter_for_pe", "--thread", "1"]
    )
    return str(json.loads(Path("fastp.json").read_text())["insert_size"]["peak"])


if __name__ == "__main__":
    main()
