"""Versions of the tools that make a genome, from the image's list or from each tool itself.

The image is built with the list (`bactofleet versions > /usr/share/bactofleet/versions.json`), so
that no job spends seconds on asking.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from bactofleet import __version__
from bactofleet.core.files import read_json, sha256_of
from bactofleet.core.toolset import load_tools, needed_programs, without_ending

# Genomes of known species: the table beside this sketch names them (genome/species.py).
REFSEQ = "refseq"
SKETCH = Path("/usr/share/bactofleet/species/refseq.msh")
IMAGE_VERSIONS = Path("/usr/share/bactofleet/versions.json")

PACKAGES = ("multiqc", "snakemake")
# The proteins that prokka searches for every bacterium, below its database folder.
BACTERIA = Path("kingdom/Bacteria")
PROTEINS = ("AMR", "IS", "sprot")
# Its profiles of proteins; Debian has none.
PROFILES = "hmm/*.hmm"
# The databases in staramr's package, each with a file that says of when it is.
RESISTANCE_DATABASES = ("resfinder", "pointfinder", "plasmidfinder")


def get_versions() -> dict[str, str]:
    """Return the versions of each tool, of prokka's database and of bactofleet."""
    return read_json(IMAGE_VERSIONS) if IMAGE_VERSIONS.exists() else ask_versions()


def ask_versions() -> dict[str, str]:
    """Run each tool that is on PATH and read the version that it prints."""
    found = {
        name: _ask(tool.command, tool.version)
        for name, tool in load_tools().items()
        if tool.ask and shutil.which(tool.command[0])
    }
    packages = {name: metadata.version(name) for name in PACKAGES}
    ours = {"bactofleet": __version__, "python": platform.python_version(), **packages}
    return ours | found | _prokka_database() | _species_references() | _staramr()


def missing_tools(options: Mapping[str, Any]) -> list[str]:
    """Return the tools that a run with these options needs and PATH lacks."""
    programs = needed_programs(options)
    return sorted(without_ending(program) for program in programs if not shutil.which(program))


def find_references(given: str) -> Path:
    """Return the sketch that the option `species_references` means."""
    return SKETCH if given == REFSEQ else Path(given)


def resistance_databases() -> Path:
    """Return the folder of the databases that staramr's package brings."""
    # Without its import, which takes a second.
    return Path(str(metadata.distribution("staramr").locate_file("staramr/databases/data/dist")))


def to_json() -> str:
    """Return the versions as the text of the image's list."""
    return json.dumps(ask_versions(), indent=1, sort_keys=True)


def _ask(command: list[str], pattern: str) -> str:
    answer = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=60, check=False
    )
    match = re.search(pattern, answer.stdout + answer.stderr)
    return next(filter(None, match.groups())) if match else _package_version(command[0])


def _prokka_database() -> dict[str, str]:
    """Return a checksum of prokka's proteins and profiles, whose files have no version."""
    if not shutil.which("prokka"):
        return {}
    folder = _prokka_folder()
    named = (folder / BACTERIA / name for name in PROTEINS)
    files = [*filter(Path.is_file, named), *sorted(folder.glob(PROFILES))]
    proteins = b"".join(path.read_bytes() for path in files)
    known = f"sha256:{hashlib.sha256(proteins).hexdigest()[:16]}" if proteins else "unknown"
    return {"prokka database": known}


def prokka_proteins() -> Path:
    """Return prokka's file of the proteins of Swiss-Prot."""
    return _prokka_folder() / BACTERIA / "sprot"


def _prokka_folder() -> Path:
    given = os.environ.get("PROKKA_DBDIR")
    return Path(given or _ask(["prokka", "--listdb"], r"databases in: (\S+)"))


def _species_references() -> dict[str, str]:
    """Return a checksum of the genomes that species are found by."""
    table = SKETCH.with_suffix(".tsv")
    return {"species references": f"sha256:{sha256_of(table)[:16]}"} if table.is_file() else {}


def _staramr() -> dict[str, str]:
    """Return staramr's version, and date and commit of each of its databases."""
    found = {"staramr": metadata.version("staramr")}
    for name in RESISTANCE_DATABASES:
        about = configparser.ConfigParser()
        about.read(resistance_databases() / f"{name}-info.ini")
        known = about["GitInfo"]
        day = datetime.strptime(known[f"{name}_db_date"], "%a, %d %b %Y %H:%M").date()
        found[f"{name} database"] = f"{day} {known[f'{name}_db_commit'][:12]}"
    return found


def _package_version(package: str) -> str:
    """Return the version of a Debian package; Debian's Pilon does not print its own."""
    if not shutil.which("dpkg-query"):
        return "unknown"
    command = ["dpkg-query", "--show", "--showformat=${Version}", package]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.partition("-")[0] or "unknown"
