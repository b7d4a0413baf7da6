"""Where prokka's time goes, and what settings of it and of its tools save at which price.

    python bench/genome/prokka.py REFERENCE.fna.gz... [--part 600000] [--threads 1]
        [--settings BATCH_SIZE=100000 "BATCH_SIZE=100000 --fast" ...] [--json FILE]

Annotates each genome (with --part its first bases) as the workflow does, and with each of the
settings: variables (NAME=VALUE) and options of prokka. Prints the CPU seconds of each tool, and how
many features differ from those without settings in place, name, gene or source (lines of the GFF).
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from common import REFERENCE, Row, make_parser, measure, print_table, write_reference

# As the workflow calls it.
PROKKA = ["prokka", "--evalue", "1e-09", "--coverage", "80", "--centre", "Bactopia"]
PROKKA += ["--locustag", "bench", "--prefix", "bench", "--outdir", "prokka", "--force"]
TOOLS = ("aragorn", "barrnap", "prodigal", "blastp", "hmmscan", "tbl2asn")
SEARCHES = ("blastp AMR", "blastp sprot")
OWN = "Perl and the rest"
COLUMNS: tuple[str, ...] = (
    "genome",
    "settings",
    "wall s",
    "CPU s",
    "aragorn",
    "barrnap",
    "prodigal",
)
COLUMNS += (*SEARCHES, "tbl2asn", OWN, "CDS", "named CDS", "features that differ")
# Adds a line with name, database and CPU seconds (user, system) to the log.
WRAPPER = """#!/bin/bash
label={name}
for word; do case $word in */kingdom/*) label+=" ${{word##*/}}";; esac; done
TIMEFORMAT="$label"$'\\t%U\\t%S'
{{ time {program} "$@" 2>&3; }} 3>&2 2>>{log}
"""


def main() -> None:
    """Annotate in the container; print a row for each genome and setting."""
    parser = make_parser(__doc__.splitlines()[0], coverage=[], part=None)
    parser.add_argument("--threads", type=int, default=1, help="cores of prokka")
    parser.add_argument("--settings", nargs="+", default=[])
    args = parser.parse_args()
    print_table(__file__, args, COLUMNS, compare)


def compare(args: argparse.Namespace) -> Iterator[Row]:
    """Inside the container: annotate with each of the settings."""
    os.chdir(tempfile.mkdtemp())
    log = Path("usage.tsv").absolute()
    wrap_tools(Path("bin").absolute(), log)
    for reference in args.references:
        write_reference(reference, args.part)
        first: list[str] = []
        for settings in ["", *args.settings]:
            log.write_text("")
            words = shlex.split(settings)
            variables = [word for word in words if not word.startswith("-") and "=" in word]
            options = [word for word in words if word not in variables]
            command = ["env", *variables, *PROKKA, "--cpus", str(args.threads), *options]
            usage = measure([[*command, str(REFERENCE)]])
            features = read_features(Path("prokka/bench.gff"))
            first = first or features
            yield {
                **{"genome": reference.name.split(".")[0], "settings": settings or "(none)"},
                **usage,
                **split_usage(usage["CPU s"], log),
                "CDS": sum("\tCDS\t" in line for line in features),
                "named CDS": sum(
                    "\tCDS\t" in line and "product=hypothetical protein" not in line
                    for line in features
                ),
                "features that differ": count_differences(first, features),
            }


def wrap_tools(folder: Path, log: Path) -> None:
    """Put programs in front of the tools on PATH that log what each call used."""
    folder.mkdir()
    for name in TOOLS:
        wrapper = folder / name
        program = shutil.which(name)
        wrapper.write_text(WRAPPER.format(name=name, program=program, log=log))
        wrapper.chmod(0o755)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def split_usage(total: float, log: Path) -> Row:
    """Return the CPU seconds of each tool and database, and of prokka itself."""
    seconds: dict[str, float] = {}
    for line in log.read_text().splitlines():
        label, user, system = line.split("\t")
        seconds[label] = seconds.get(label, 0) + float(user) + float(system)
    return {
        **{label: round(spent, 1) for label, spent in seconds.items()},
        OWN: round(total - sum(seconds.values()), 1),
    }


def read_features(gff: Path) -> list[str]:
    """Return the lines of the features."""
    text = gff.read_text().partition("##FASTA")[0]
    return [line for line in text.splitlines() if not line.startswith("#")]


def count_differences(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many features only one of both has, or each has in another form."""
    mine, theirs = Counter(one), Counter(other)
    return max((mine - theirs).total(), (theirs - mine).total())


if __name__ == "__main__":
    main()
