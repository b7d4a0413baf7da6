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
import gzip
import json
import lzma
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from run import REPOSITORY, build_image, judge, measure, run

DEFAULTS = ""
COLUMNS = ("CPU s", "contigs", "bp", "N50", "NGA50", "genome fraction %")
COLUMNS += ("mismatches", "indels", "relocations")
Row = dict[str, Any]


def main() -> None:
    """Run the comparisons in the container and print one row for each assembly."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("references", nargs="+", type=Path, help="FASTA, may be .gz or .xz")
    parser.add_argument("--coverage", type=int, nargs="+", default=[30, 60, 100])
    parser.add_argument("--read-length", type=int, nargs="+", default=[150])
    parser.add_argument("--insert-size", type=int, default=400, help="mean, with 50 bp deviation")
    parser.add_argument("--part", type=int, default=600_000, help="use the first bases only")
    parser.add_argument("--options", nargs="+", default=["--steps 5", "--steps 5 --kmer 31"])
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        for row in compare(args):
            print(json.dumps(row), flush=True)
        return
    rows = []
    print("\t".join(["genome", "reads", "coverage", "options", *COLUMNS]))
    for row in run_inside(args):
        rows.append(row)
        words = [row["genome"], row["reads"], f"{row['coverage']}x", row["options"] or "(defaults)"]
        print("\t".join([*words, *(str(row[column]) for column in COLUMNS)]), flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


def run_inside(args: argparse.Namespace) -> Iterator[Row]:
    """Start this script in the image; yield its rows as they come."""
    image = build_image()
    references = [path.resolve() for path in args.references]
    command = ["docker", "run", "--rm", "--network", "none", "--user", "0:0", "--env", "HOME=/tmp"]
    for path in {REPOSITORY, *references}:
        command += ["--volume", f"{path}:{path}:ro"]
    command += [image, "python", str(Path(__file__).resolve()), "--inside", *map(str, references)]
    command += ["--coverage", *map(str, args.coverage), "--insert-size", str(args.insert_size)]
    command += ["--read-length", *map(str, args.read_length), "--part", str(args.part)]
    command += ["--options", *args.options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield from map(json.loads, process.stdout or ())
    if process.returncode:
        sys.exit(f"The benchmark in the container ended with {process.returncode}")


def compare(args: argparse.Namespace) -> Iterator[Row]:
    """Inside the container: simulate, trim, assemble with each set of options, judge."""
    os.chdir(tempfile.mkdtemp())
    for reference in args.references:
        write_part(reference, args.part)
        for length, coverage in product(args.read_length, args.coverage):
            insert_size = simulate(length, coverage, args.insert_size)
            for options in [DEFAULTS, *args.options]:
                command = ["skesa", "--reads", "trim1.fq,trim2.fq", "--contigs_out", "contigs.fa"]
                command += ["--cores", "1", "--memory", "8", "--insert_size", insert_size]
                command += ["--vector_percent", "1", "--min_contig", "500", *options.split()]
                yield {
                    **{"genome": reference.name.split(".")[0], "reads": f"2 x {length}"},
                    **{"coverage": coverage, "options": options},
                    **measure([command]),
                    **judge(Path("contigs.fa")),
                }


def write_part(reference: Path, length: int) -> None:
    """Write the first bases of the longest sequence of a FASTA file to reference.fna."""
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(reference.suffix, open)
    with opener(reference, "rt") as handle:  # type: ignore[operator]
        records = handle.read().split(">")[1:]
    sequence = max((record.partition("\n")[2].replace("\n", "") for record in records), key=len)
    Path("reference.fna").write_text(f">reference\n{sequence[:length].upper()}\n")


def simulate(length: int, coverage: int, insert_size: int) -> str:
    """Write trim1.fq and trim2.fq; return the insert size that fastp has measured."""
    system = "HS25" if length <= 150 else "MSv3"
    run(
        ["art_illumina", "-ss", system, "-p", "-l", str(length), "-m", str(insert_size)]
        + ["-s", "50", "-f", str(coverage), "-rs", "42", "-na", "-i", "reference.fna", "-o", "sim"]
    )
    run(
        ["fastp", "--in1", "sim1.fq", "--in2", "sim2.fq", "--out1", "trim1.fq"]
        + ["--out2", "trim2.fq", "--detect_adapter_for_pe", "--thread", "1"]
    )
    return str(json.loads(Path("fastp.json").read_text())["insert_size"]["peak"])


if __name__ == "__main__":
    main()
