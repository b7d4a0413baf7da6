"""Genomes through the workflow, and through the same tools typed by hand, side by side.

    python bench/genome/run.py REFERENCE.fna.gz... [--coverage 100] [--read-length 150]
        [--insert-size 400] [--part BASES] [--threads 2] [--json FILE]

Simulates reads of each reference (with --part of its first bases) with ART, then runs both, one
after the other, in one container on the same cores; measures wall and CPU seconds and the largest
process; compares both assemblies with the reference (dnadiff of MUMmer), and their genes with what
prokka finds in it. Prints a row for each, and what ours takes and reaches of what is made by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from common import (
    ERRORS,
    QUALITY,
    REFERENCE,
    REPOSITORY,
    SIZES,
    Row,
    judge,
    make_parser,
    measure,
    print_table,
    run,
    simulate,
    write_reference,
)

SAMPLE = "bench"
OURS, HAND = "workflow", "by hand"
GENES = ("CDS", "named CDS", "rRNA", "tRNA")
USAGE = ("wall s", "CPU s", "largest process MB")
COLUMNS = ("genome", "reads", "coverage", "made by", *USAGE, *QUALITY, *GENES)
# As Bactopia 4 calls them, with the defaults of our workflow for all else.
SHOVILL = ["--assembler", "skesa", "--minlen", "500", "--mincov", "2", "--depth", "0"]
SHOVILL += ["--noreadcorr", "--force"]


def main() -> None:
    """Run both in the container, print rows and ratios."""
    parser = make_parser(__doc__.splitlines()[0], coverage=[100], part=None)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="cores of both")
    args = parser.parse_args()
    if rows := print_table(__file__, args, COLUMNS, compare):
        show_ratios(rows)


def compare(args: argparse.Namespace) -> Iterator[Row]:
    """Inside the container: simulate, run both, judge both."""
    for reference in args.references:
        for length, coverage in product(args.read_length, args.coverage):
            os.chdir(tempfile.mkdtemp())
            write_reference(reference, args.part)
            simulate(length, coverage, args.insert_size)
            run(["pigz", "-p", args.threads, "sim1.fq", "sim2.fq"])
            told = {"genome": reference.name.split(".")[0], "reads": f"2 x {length}"}
            told["coverage"] = coverage
            yield told | {"made by": "reference"} | count_genes_of_reference(args.threads)
            yield told | {"made by": OURS} | run_ours(args.threads)
            yield told | {"made by": HAND} | run_by_hand(args.threads)


def run_ours(threads: int) -> Row:
    """Make a project of one sample, run it, and judge what its tarball holds."""
    Path("config").mkdir()
    shutil.copy(REPOSITORY / "config" / "config.yaml", "config")
    sheet = f"sample\tr1\tr2\n{SAMPLE}\tsim1.fq.gz\tsim2.fq.gz\n"
    Path("config/samples.tsv").write_text(sheet)
    usage = measure(
        [
            ["snakemake", "--snakefile", str(REPOSITORY / "workflow" / "Snakefile")]
            + ["--profile", str(REPOSITORY / "profiles" / "local"), "--cores", str(threads)]
        ]
    )
    receipt = json.loads(Path(f"results/receipts/{SAMPLE}.json").read_text())
    run(["tar", "-xzf", f"results/{SAMPLE}.tar.gz"])
    main = Path(SAMPLE, "main")
    run(["pigz", "-d", main / "assembler" / f"{SAMPLE}.fna.gz"])
    return {
        **usage,
        "stages": receipt["stages"],
        **judge(main / "assembler" / f"{SAMPLE}.fna"),
        **count_genes(main / "annotator" / "prokka" / f"{SAMPLE}.tsv"),
    }


def run_by_hand(threads: int) -> Row:
    """Run what one types, and judge it: fastp, fastqc, shovill, prokka."""
    cpus = str(threads)
    commands = [
        ["fastp", "--in1", "sim1.fq.gz", "--in2", "sim2.fq.gz", "--out1", "trim1.fq.gz"]
        + ["--out2", "trim2.fq.gz", "--detect_adapter_for_pe", "--thread", cpus],
        ["fastqc", "--quiet", "--threads", cpus, "--outdir", ".", "trim1.fq.gz", "trim2.fq.gz"],
        ["shovill", "--R1", "trim1.fq.gz", "--R2", "trim2.fq.gz", "--outdir", "shovill"]
        + ["--cpus", cpus, "--ram", "6", *SHOVILL],
        ["prokka", "--evalue", "1e-09", "--coverage", "80", "--centre", "Bactopia"]
        + ["--cpus", cpus, "--prefix", "hand", "--locustag", "hand", "--outdir", "prokka"]
        + ["shovill/contigs.fa"],
    ]
    return {
        **measure(commands),
        **judge(Path("shovill/contigs.fa")),
        **count_genes(Path("prokka/hand.tsv")),
    }


def count_genes_of_reference(threads: int) -> Row:
    """Return how many genes prokka finds in the reference; it does not name them."""
    run(
        ["prokka", "--noanno", "--centre", "Bactopia", "--cpus", threads, "--locustag", "ref"]
        + ["--prefix", "ref", "--outdir", "prokka-ref", REFERENCE]
    )
    found = count_genes(Path("prokka-ref/ref.tsv"))
    del found["named CDS"]
    return found


def count_genes(table: Path) -> Row:
    """Count the features in prokka's table: `locus_tag`, `ftype`, ..., `product`."""
    rows = [line.split("\t") for line in table.read_text().splitlines()[1:]]
    counts = {kind: sum(row[1] == kind for row in rows) for kind in ("CDS", "rRNA", "tRNA")}
    named = sum(row[1] == "CDS" and row[-1] != "hypothetical protein" for row in rows)
    return counts | {"named CDS": named}


def show_ratios(rows: Sequence[Row]) -> None:
    """Print what ours takes and reaches of what is made by hand, and the errors of all."""
    ours = [row for row in rows if row["made by"] == OURS]
    hand = [row for row in rows if row["made by"] == HAND]
    print("\nworkflow / by hand\tmedian\tsmallest\tlargest")
    for column in (*USAGE, *SIZES, *GENES):
        pairs = [(one[column], other[column]) for one, other in zip(ours, hand, strict=True)]
        if ratios := [one / other for one, other in pairs if other]:
            found = (statistics.median(ratios), min(ratios), max(ratios))
            print("\t".join([column, *(f"{ratio:.3f}" for ratio in found)]))
    print(f"\nof all {len(ours)}\t{OURS}\t{HAND}")
    for column in ERRORS:
        print("\t".join([column, *(str(sum(row[column] for row in of)) for of in (ours, hand))]))


if __name__ == "__main__":
    main()
