"""Genes of resistance, stress response and virulence, by AMRFinderPlus of the user."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from bactofleet.core.amrfinder import DATABASE, PROGRAM, database_version
from bactofleet.core.errors import ToolFailure
from bactofleet.genome.stage import Stage
from bactofleet.records.receipt import Amrfinder

TOOL_FOLDER = "tools/amrfinderplus"
ORGANISMS = re.compile(r"--organism options: (.*)")
# Columns of version 4, and of version 3.
SYMBOL, TYPE = ("Element symbol", "Gene symbol"), ("Type", "Element type")


def find_amrfinder(stage: Stage, fasta: str, species: str) -> Amrfinder:
    """Search an assembly, and publish AMRFinderPlus's table under Bactopia's name."""
    folder = stage.find_reference("amrfinder")
    program, database = folder / PROGRAM, folder / DATABASE
    stage.record.versions |= {
        "amrfinderplus": _ask(stage, [program, "--version"]).split()[0],
        "amrfinderplus database": database_version(folder),
    }
    listed = ORGANISMS.search(_ask(stage, [program, "--list_organisms", "--database", database]))
    organism = choose_organism(species, listed[1].split(", ") if listed else [])
    table = stage.publish(f"{stage.sample}.tsv", TOOL_FOLDER)
    command = [program, "--nucleotide", fasta, "--plus", "--database", database]
    command += ["--threads", stage.threads, "--name", stage.sample]
    stage.tools.run([*command, *(["--organism", organism] if organism else [])], stdout=table)
    return _read(table, organism)


def choose_organism(species: str, known: list[str]) -> str | None:
    """Return AMRFinderPlus's name for a species, or for its genus; None if it has none."""
    words = species.replace("Shigella", "Escherichia").split()[:2]
    return next((name for name in ("_".join(words), *words[:1]) if name in known), None)


def _ask(stage: Stage, command: list[object]) -> str:
    answer = stage.work / "amrfinder.txt"
    stage.tools.run(command, stdout=answer)
    return answer.read_text()


def _read(table: Path, organism: str | None) -> Amrfinder:
    symbols: dict[str, set[str]] = {"AMR": set(), "STRESS": set(), "VIRULENCE": set()}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            symbols.setdefault(_cell(row, TYPE), set()).add(_cell(row, SYMBOL))
    genes, stress, virulence = (
        tuple(sorted(symbols[kind], key=str.lower)) for kind in ("AMR", "STRESS", "VIRULENCE")
    )
    return Amrfinder(genes=genes, stress=stress, virulence=virulence, organism=organism)


def _cell(row: Mapping[str, str], names: tuple[str, ...]) -> str:
    found = next((row[name] for name in names if row.get(name)), None)
    if found is None:
        raise ToolFailure(f"amrfinder's table has a row without {names[0]!r}")
    return found
