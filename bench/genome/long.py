"""Whole genomes of simulated long reads: the workflow beside the same tools typed by hand.

    python bench/genome/long.py REFERENCE.fna.gz... [--reads ont:30 ont:60 ont:50+20 hifi:30]
        [--by workflow hand] [--threads 2] [--json FILE]

`ont:50+20` is a hybrid genome: 50x of long reads and 20x of pairs. Every sequence of a reference is
taken for a circular replicon. Long reads are simulated by tests/support/long_reads.py, pairs (2 x
150 bp) by ART. The workflow runs until its assembly; by hand Flye assembles the same files, with
BWA and Pilon after it for a hybrid genome. Each assembly is compared with the reference (dnadiff of
MUMmer).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from common import (
    QUALITY,
    REFERENCE,
    REPOSITORY,
    Row,
    fasta,
    judge,
    measure,
    print_table,
    run,
    simulate,
    write_reference,
)

sys.path.insert(0, str(REPOSITORY / "tests"))
from support.long_reads import HIFI, ONT, write_long_reads

SAMPLE = "bench"
PROFILES = {"ont": ONT, "hifi": HIFI}
FLYE = {"ont": "--nano-hq", "hifi": "--pacbio-hifi"}
READS = ["ont:30", "ont:60", "ont:50+20", "hifi:30"]
# A replicon is whole in a circular contig that has this share of its bases, and its length.
WHOLE = 0.99
SHAPE = ("circular", "replicons")
COLUMNS = ("genome", "reads", "by", "wall s", "CPU s", "largest process MB", *SHAPE, *QUALITY)


def main() -> None:
    """Run in the container and print one row for each assembly."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("references", nargs="+", type=Path, help="FASTA, may be .gz or .xz")
    parser.add_argument("--reads", nargs="+", default=READS, help="kind:depth[+depth of pairs]")
    parser.add_argument("--by", nargs="+", choices=ASSEMBLIES, default=["workflow", "hand"])
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="cores of each")
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    print_table(__file__, args, COLUMNS, compare)


def compare(args: argparse.Namespace) -> Iterator[Row]:
    """Inside the container: simulate, assemble in each way, judge."""
    for reference in args.references:
        for reads in args.reads:
            os.chdir(tempfile.mkdtemp())
            write_reference(reference, None)
            kind, files = write_reads(reads)
            for way in args.by:
                told = {"genome": reference.name.split(".")[0], "reads": reads, "by": way}
                used, contigs, circular = ASSEMBLIES[way](kind, files, args.threads)
                found = judge(contigs)
                whole = describe_replicons(circular)
                yield told | used | found | {"circular": len(circular), "replicons": whole}


def write_reads(reads: str) -> tuple[str, dict[str, str]]:
    """Simulate reads; return the kind of the long ones, and the files by column of the sheet."""
    kind, _, depths = reads.partition(":")
    long, _, short = depths.partition("+")
    circles = [re.sub("[^ACGT]", "A", replicon.upper()) for replicon in fasta(REFERENCE)]
    write_long_reads(Path("long.fastq.gz"), circles, float(long), PROFILES[kind])
    files = {kind: "long.fastq.gz"}
    if short:
        simulate(150, int(short), 400)
        run(["pigz", "sim1.fq", "sim2.fq"])
        files |= {"r1": "sim1.fq.gz", "r2": "sim2.fq.gz"}
    return kind, files


# Each returns what was measured, the contigs, and the names of the circular ones.
Assembled = tuple[Row, Path, set[str]]


def by_workflow(kind: str, files: dict[str, str], threads: int) -> Assembled:
    """Run the workflow until its assembly; with the time and memory of each stage."""
    Path("config").mkdir()
    shutil.copy(REPOSITORY / "config" / "config.yaml", "config")
    sheet = "\t".join(["sample", *files]) + "\n" + "\t".join([SAMPLE, *files.values()]) + "\n"
    Path("config/samples.tsv").write_text(sheet)
    command = ["snakemake", "--snakefile", str(REPOSITORY / "workflow" / "Snakefile")]
    command += ["--profile", str(REPOSITORY / "profiles" / "local"), "--cores", str(threads)]
    used = measure([[*command, "--until", "assembly", "--notemp"]])
    [record] = Path("scratch").rglob(f"{SAMPLE}/assembly/stage.json")
    for stage in ("download", "qc", "assembly"):
        usage = json.loads((record.parents[1] / stage / "stage.json").read_text())["usage"]
        used |= {f"{stage} {name}": value for name, value in usage.items()}
    return used, *find_circular(record.parent / "contigs" / f"{SAMPLE}.fna")


def by_hand(kind: str, files: dict[str, str], threads: int) -> Assembled:
    """Run Flye, and for a hybrid genome BWA and Pilon, as one types them."""
    cpus = str(threads)
    commands = [["flye", FLYE[kind], files[kind], "--out-dir", "flye", "--threads", cpus]]
    contigs = Path("flye/assembly.fasta")
    if "r1" in files:
        align = f"bwa mem -t {cpus} {contigs} {files['r1']} {files['r2']} | samtools sort -o x.bam"
        commands += [["bwa", "index", str(contigs)], ["bash", "-c", f"set -o pipefail; {align}"]]
        commands += [["samtools", "index", "x.bam"]]
        commands += [["pilon", "--genome", str(contigs), "--frags", "x.bam", "--fix", "bases"]]
    used = measure(commands)
    if "r1" in files:
        return used, Path("pilon.fasta"), {f"{name}_pilon" for name in circular_of_flye()}
    return used, contigs, circular_of_flye()


def circular_of_flye() -> set[str]:
    """Return the contigs that Flye's table calls circular."""
    rows = [line.split("\t") for line in Path("flye/assembly_info.txt").read_text().splitlines()]
    return {name for name, _, _, circular, *_ in rows if circular == "Y"}


ASSEMBLIES = {"workflow": by_workflow, "hand": by_hand}


def find_circular(contigs: Path) -> tuple[Path, set[str]]:
    """Return the file and the contigs that say `circular=true` after their names."""
    names = [line[1:] for line in contigs.read_text().splitlines() if line.startswith(">")]
    return contigs, {name.split()[0] for name in names if "circular=true" in name}


def describe_replicons(circular: set[str]) -> str:
    """Return how many replicons are whole circular contigs, of how many: `2/3`."""
    aligned: dict[tuple[str, str], int] = defaultdict(int)
    lengths = {}
    # dnadiff's one-to-one alignments: length, lengths of both sequences, and their names.
    for line in Path("diff.1coords").read_text().splitlines():
        _, _, _, _, length, _, _, of_replicon, of_contig, _, _, replicon, contig = line.split()
        aligned[replicon, contig] += int(length)
        lengths[replicon, contig] = int(of_replicon), int(of_contig)
    whole = {
        (replicon, contig)
        for (replicon, contig), length in aligned.items()
        if contig in circular
        and length >= WHOLE * lengths[replicon, contig][0]
        and abs(lengths[replicon, contig][1] / lengths[replicon, contig][0] - 1) <= 1 - WHOLE
    }
    return f"{len(whole)}/{len(fasta(REFERENCE))}"


if __name__ == "__main__":
    main()
