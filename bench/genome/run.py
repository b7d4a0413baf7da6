"""One genome through the workflow, and through the same tools typed by hand, side by side.

    python bench/genome/run.py REFERENCE.fna.gz [--coverage 100] [--threads 2] [--json FILE]

Simulates reads of the reference with ART, then runs both, one after the other, in one container
image on the same cores; measures wall and CPU seconds and the largest process; compares both
assemblies with the reference (dnadiff of MUMmer). Prints a table; the last column is ours / hand.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGE = "bactofleet-bench:genome"
SAMPLE = "bench"
# As Bactopia 4 calls them, with the defaults of our workflow for all else.
SHOVILL = ["--assembler", "skesa", "--minlen", "500", "--mincov", "2", "--depth", "0"]
SHOVILL += ["--noreadcorr", "--force"]


def main() -> None:
    """Build the image, run both, print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reference", type=Path, help="FASTA of the genome, may be gzipped")
    parser.add_argument("--coverage", type=int, default=100, help="depth of the reads (x)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="cores of both")
    parser.add_argument("--json", type=Path, help="write the numbers here as well")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        print(json.dumps(compare(args)))
        return
    build_image()
    reference = args.reference.resolve()
    inside = ["docker", "run", "--rm", "--network", "none", "--user", "0:0", "--env", "HOME=/tmp"]
    inside += ["--volume", f"{REPOSITORY}:{REPOSITORY}:ro"]
    inside += ["--volume", f"{reference}:{reference}:ro", IMAGE]
    inside += ["python", str(Path(__file__).resolve()), "--inside", str(reference)]
    inside += ["--coverage", str(args.coverage), "--threads", str(args.threads)]
    output = subprocess.run(inside, check=True, stdout=subprocess.PIPE, text=True).stdout
    results = json.loads(output.splitlines()[-1])
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    show(results)


def build_image() -> str:
    """Build the image and return its name."""
    build = ["docker", "build", "--network", "host", "--tag", IMAGE, str(Path(__file__).parent)]
    subprocess.run(build, check=True, stdout=sys.stderr)
    return IMAGE


def compare(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Inside the container: simulate, run both, judge both."""
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    unpack = "zcat" if args.reference.suffix == ".gz" else "cat"
    with Path("reference.fna").open("wb") as handle:
        subprocess.run([unpack, args.reference], stdout=handle, check=True)
    run(
        ["art_illumina", "-ss", "HS25", "-p", "-l", "150", "-m", "400", "-s", "50"]
        + ["-f", str(args.coverage), "-rs", "42", "-na", "-i", "reference.fna", "-o", "sim"]
    )
    run(["pigz", "-p", str(args.threads), "sim1.fq", "sim2.fq"])
    ours = measure([our_command(folder, args.threads)])
    unpacked = folder / "ours"
    unpacked.mkdir()
    run(["tar", "-xzf", f"results/{SAMPLE}.tar.gz", "-C", str(unpacked)])
    contigs = unpacked / SAMPLE / "main" / "assembler" / f"{SAMPLE}.fna.gz"
    run(["pigz", "-d", str(contigs)])
    receipt = json.loads((folder / f"results/receipts/{SAMPLE}.json").read_text())
    for stage, usage in receipt["stages"].items():
        ours[f"{stage} s"] = usage["seconds"]
    hand = measure(hand_commands(args.threads))
    return {
        "ours": ours | judge(contigs.with_suffix("")),
        "hand": hand | judge(folder / "shovill" / "contigs.fa"),
    }


def our_command(folder: Path, threads: int) -> list[str]:
    """Lay out a project of one sample; return the command that runs it."""
    (folder / "config").mkdir()
    shutil.copy(REPOSITORY / "config" / "config.yaml", folder / "config")
    sheet = f"sample\tr1\tr2\n{SAMPLE}\tsim1.fq.gz\tsim2.fq.gz\n"
    (folder / "config" / "samples.tsv").write_text(sheet)
    return [
        *("snakemake", "--snakefile", str(REPOSITORY / "workflow" / "Snakefile")),
        *("--profile", str(REPOSITORY / "profiles" / "local"), "--cores", str(threads)),
    ]


def hand_commands(threads: int) -> list[list[str]]:
    """Return what one types: fastp, fastqc, shovill, prokka."""
    cpus = str(threads)
    return [
        ["fastp", "--in1", "sim1.fq.gz", "--in2", "sim2.fq.gz", "--out1", "trim1.fq.gz"]
        + ["--out2", "trim2.fq.gz", "--detect_adapter_for_pe", "--thread", cpus],
        ["fastqc", "--quiet", "--threads", cpus, "--outdir", ".", "trim1.fq.gz", "trim2.fq.gz"],
        ["shovill", "--R1", "trim1.fq.gz", "--R2", "trim2.fq.gz", "--outdir", "shovill"]
        + ["--cpus", cpus, "--ram", "6", *SHOVILL],
        ["prokka", "--evalue", "1e-09", "--coverage", "80", "--centre", "Bactopia"]
        + ["--cpus", cpus, "--prefix", "hand", "--locustag", "hand", "--outdir", "prokka"]
        + ["shovill/contigs.fa"],
    ]


def measure(commands: list[list[str]]) -> dict[str, float]:
    """Run commands in turn; return wall and CPU seconds and the largest process (MB)."""
    start, cpu, memory = time.monotonic(), 0.0, 0.0
    for command in commands:
        process = subprocess.Popen(command, stdout=sys.stderr)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
        cpu += usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss / 1024)
    wall = time.monotonic() - start
    return {"wall s": round(wall, 1), "CPU s": round(cpu, 1), "largest process MB": round(memory)}


def judge(contigs: Path) -> dict[str, float]:
    """Compare an assembly with the reference."""
    run(["dnadiff", "-p", "diff", "reference.fna", str(contigs)])
    report = Path("diff.report").read_text()
    lengths = sorted(
        (len(record.partition("\n")[2].replace("\n", "")) for record in fasta(contigs)),
        reverse=True,
    )
    genome = sum(len(record.partition("\n")[2]) for record in fasta(Path("reference.fna")))
    blocks = [int(line.split()[4]) for line in Path("diff.1coords").read_text().splitlines()]
    return {
        "contigs": len(lengths),
        "bp": sum(lengths),
        "N50": length_at_half(lengths, sum(lengths)),
        # Of blocks that align to the reference, and of its length (as QUAST defines it).
        "NGA50": length_at_half(blocks, genome),
        "genome fraction %": float(find(r"AlignedBases\s+\d+\(([\d.]+)%\)", report)),
        "mismatches": int(find(r"TotalSNPs\s+(\d+)", report)),
        "indels": int(find(r"TotalIndels\s+(\d+)", report)),
        "relocations": int(find(r"Relocations\s+(\d+)", report)),
    }


def length_at_half(lengths: list[int], total: int) -> int:
    """Return the length (bp) at which the longest pieces together reach half of the total; or 0."""
    reached = 0
    for length in sorted(lengths, reverse=True):
        reached += length
        if reached >= total / 2:
            return length
    return 0


def fasta(path: Path) -> list[str]:
    """Return the records of a FASTA file, without '>'."""
    return path.read_text().split(">")[1:]


def find(pattern: str, text: str) -> str:
    """Return the first group of a pattern that must be there."""
    found = re.search(pattern, text)
    if not found:
        sys.exit(f"dnadiff's report has no {pattern}")
    return found[1]


def run(command: list[str]) -> None:
    """Run a command that is not measured."""
    subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr)


def show(results: dict[str, dict[str, float]]) -> None:
    """Print both columns and their ratio."""
    ours, hand = results["ours"], results["hand"]
    print(f"{'':20} {'ours':>12} {'by hand':>12} {'ratio':>7}")
    for key, value in ours.items():
        other = hand.get(key)
        ratio = f"{value / other:7.2f}" if other else ""
        print(f"{key:20} {value:>12,} {'' if other is None else f'{other:,}':>12} {ratio}")


if __name__ == "__main__":
    main()
