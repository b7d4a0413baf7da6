"""What the benchmarks of this folder share: the container, reads, time, and quality of assemblies.

A benchmark is a script that starts itself in the image (`--inside`), where it prints each row of
its table as a line of JSON.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGE = "bactofleet-bench:genome"
REFERENCE = Path("reference.fna")
OPENERS = {".gz": gzip.open, ".xz": lzma.open}
SIZES = ("contigs", "bp", "N50", "NGA50", "genome fraction %")
ERRORS = ("misassemblies", "mismatches", "indels")
QUALITY = (*SIZES, *ERRORS)
Row = dict[str, Any]


def make_parser(
    description: str, *, coverage: list[int], part: int | None
) -> argparse.ArgumentParser:
    """Return a parser of what all benchmarks are told: genomes, their reads, and where rows go."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("references", nargs="+", type=Path, help="FASTA, may be .gz or .xz")
    parser.add_argument("--coverage", type=int, nargs="+", default=coverage, help="depths (x)")
    parser.add_argument("--read-length", type=int, nargs="+", default=[150])
    parser.add_argument("--insert-size", type=int, default=400, help="mean, with 50 bp deviation")
    parser.add_argument("--part", type=int, default=part, help="use the first bases only")
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser


def print_table(
    script: str,
    args: argparse.Namespace,
    columns: Sequence[str],
    compare: Callable[[argparse.Namespace], Iterator[Row]],
) -> list[Row]:
    """Run a script in the image; print its rows as they come, and return them.

    Inside the image, print the rows of `compare` as lines of JSON, and return none.
    """
    rows: list[Row] = []
    if args.inside:
        for row in compare(args):
            print(json.dumps(row), flush=True)
        return rows
    print("\t".join(columns))
    for row in _run_inside(Path(script).resolve(), args.references):
        rows.append(row)
        print("\t".join(str(row.get(column, "")) for column in columns), flush=True)
        if args.json:
            args.json.write_text(json.dumps(rows, indent=1) + "\n")
    return rows


def _run_inside(script: Path, references: Sequence[Path]) -> Iterator[Row]:
    """Start a script in the image, with this one's arguments; yield the rows that it prints."""
    build = ["docker", "build", "--network", "host", "--tag", IMAGE, str(Path(__file__).parent)]
    subprocess.run(build, check=True, stdout=sys.stderr)
    command = ["docker", "run", "--rm", "--network", "none", "--user", "0:0", "--env", "HOME=/tmp"]
    paths = {str(path): str(path.resolve()) for path in references}
    for path in {str(REPOSITORY), *paths.values()}:
        command += ["--volume", f"{path}:{path}:ro"]
    command += [IMAGE, "python", str(script), "--inside"]
    command += [paths.get(word, word) for word in sys.argv[1:]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield from map(json.loads, process.stdout or ())
    if process.returncode:
        sys.exit(f"The benchmark in the container ended with {process.returncode}")


def write_reference(source: Path, part: int | None) -> None:
    """Write a genome to reference.fna, or the first bases of its longest sequence."""
    with OPENERS.get(source.suffix, open)(source, "rt") as handle:  # type: ignore[operator]
        text = handle.read()
    if part:
        sequences = (record.partition("\n")[2].replace("\n", "") for record in text.split(">")[1:])
        text = f">reference\n{max(sequences, key=len)[:part].upper()}\n"
    REFERENCE.write_text(text)


def simulate(length: int, coverage: int, insert_size: int) -> None:
    """Write sim1.fq and sim2.fq, pairs of the reference with the errors of Illumina's machines."""
    system = "HS25" if length <= 150 else "MSv3"
    run(
        ["art_illumina", "-ss", system, "-p", "-l", length, "-m", insert_size, "-s", 50]
        + ["-f", coverage, "-rs", 42, "-na", "-i", REFERENCE, "-o", "sim"]
    )


def measure(commands: Sequence[Sequence[str]]) -> Row:
    """Run commands in turn; return wall and CPU seconds and the largest process (MB)."""
    start, memory = time.monotonic(), 0.0
    tools: dict[str, float] = {}
    for command in commands:
        process = subprocess.Popen(command, stdout=sys.stderr)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
        tools[command[0]] = round(usage.ru_utime + usage.ru_stime, 1)
        memory = max(memory, usage.ru_maxrss / 1024)
    wall = round(time.monotonic() - start, 1)
    cpu = round(sum(tools.values()), 1)
    return {"wall s": wall, "CPU s": cpu, "largest process MB": round(memory), "CPU s of": tools}


def judge(contigs: Path) -> Row:
    """Compare an assembly with the reference by dnadiff of MUMmer (`QUALITY`)."""
    run(["dnadiff", "-p", "diff", REFERENCE, contigs])
    report = Path("diff.report").read_text()
    lengths = list(map(len, fasta(contigs)))
    blocks = [int(line.split()[4]) for line in Path("diff.1coords").read_text().splitlines()]
    breaks = ("Relocations", "Translocations", "Inversions")
    return {
        "contigs": len(lengths),
        "bp": sum(lengths),
        "N50": length_at_half(lengths, sum(lengths)),
        # Of blocks that align to the reference, and of its length (as QUAST defines it).
        "NGA50": length_at_half(blocks, sum(map(len, fasta(REFERENCE)))),
        "genome fraction %": float(find(r"AlignedBases\s+\d+\(([\d.]+)%\)", report)),
        # Within a contig: the second column.
        "misassemblies": sum(int(find(rf"{kind}\s+\d+\s+(\d+)", report)) for kind in breaks),
        "mismatches": int(find(r"TotalSNPs\s+(\d+)", report)),
        "indels": int(find(r"TotalIndels\s+(\d+)", report)),
    }


def length_at_half(lengths: Sequence[int], total: int) -> int:
    """Return the length (bp) at which the longest pieces together reach half of the total; or 0."""
    reached = 0
    for length in sorted(lengths, reverse=True):
        reached += length
        if reached >= total / 2:
            return length
    return 0


def fasta(path: Path) -> list[str]:
    """Return the sequences of a FASTA file."""
    records = path.read_text().split(">")[1:]
    return [record.partition("\n")[2].replace("\n", "") for record in records]


def find(pattern: str, text: str) -> str:
    """Return the first group of a pattern that must be there."""
    found = re.search(pattern, text)
    if not found:
        sys.exit(f"dnadiff's report has no {pattern}")
    return found[1]


def run(command: Sequence[object]) -> None:
    """Run a command that is not measured."""
    subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr)
