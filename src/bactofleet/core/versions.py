"""Versions of the tools that make a genome: from the image's list, or asked of each tool.

The image is built with the list (`bactofleet versions > /usr/share/bactofleet/versions.json`), so
that no job spends seconds on asking.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from bactofleet import __version__
from bactofleet.core.files import read_json, sha256_of

IMAGE_VERSIONS = Path("/usr/share/bactofleet/versions.json")

# How each tool is asked, and what in its answer is the version.
COMMANDS: dict[str, tuple[list[str], str]] = {
    "aragorn": (["aragorn", "-h"], r"ARAGORN v([\d.]+)"),
    "art_illumina": (["art_illumina"], r"Version ([\d.]+)"),
    "barrnap": (["barrnap", "--version"], r"barrnap ([\d.]+)"),
    "bbduk": (["bbduk.sh", "--version"], r"BBTools version ([\d.]+)|BBMap version ([\d.]+)"),
    "blastp": (["blastp", "-version"], r"blastp: ([\d.]+)"),
    "bwa": (["bwa"], r"Version: (\S+)"),
    "cmscan": (["cmscan", "-h"], r"INFERNAL ([\d.]+)"),
    "fasterq-dump": (["fasterq-dump", "--version"], r"fasterq-dump : ([\d.]+)"),
    "fastp": (["fastp", "--version"], r"fastp ([\d.]+)"),
    "hmmscan": (["hmmscan", "-h"], r"HMMER ([\d.]+)"),
    "java": (["java", "-version"], r'version "([\d.]+)'),
    "kmc": (["kmc"], r"KMC\) ver\. ([\d.]+)"),
    "lighter": (["lighter", "-v"], r"Lighter v([\d.]+)"),
    "megahit": (["megahit", "--version"], r"MEGAHIT v([\d.]+)"),
    "pigz": (["pigz", "--version"], r"pigz ([\d.]+)"),
    "pilon": (["pilon", "--version"], r"Pilon version ([\d.]+)"),
    "prefetch": (["prefetch", "--version"], r"prefetch : ([\d.]+)"),
    "prodigal": (["prodigal", "-v"], r"Prodigal V([\d.]+)"),
    "prokka": (["prokka", "--version"], r"prokka ([\d.]+)"),
    "samtools": (["samtools", "--version"], r"samtools ([\d.]+)"),
    "seqtk": (["seqtk"], r"Version: (\S+)"),
    "skesa": (["skesa", "--version"], r"SKESA v?\.?([\d.]+)"),
    "spades": (["spades.py", "--version"], r"v([\d.]+)"),
    "tbl2asn": (["tbl2asn", "--help"], r"tbl2asn ([\d.]+)"),
}


PACKAGES = ("multiqc", "snakemake")
# The proteins that prokka looks at for every bacterium, below its folder of databases.
BACTERIA = Path("kingdom/Bacteria/sprot")


def get_versions() -> dict[str, str]:
    """Return the version of each tool, of prokka's database and of bactofleet."""
    return read_json(IMAGE_VERSIONS) if IMAGE_VERSIONS.exists() else ask_versions()


def ask_versions() -> dict[str, str]:
    """Run each tool that is on PATH and read its version from what it says."""
    found = {
        name: _ask(command, pattern)
        for name, (command, pattern) in COMMANDS.items()
        if shutil.which(command[0])
    }
    packages = {name: metadata.version(name) for name in PACKAGES}
    ours = {"bactofleet": __version__, "python": platform.python_version(), **packages}
    return ours | found | _prokka_database()


def missing_tools(needed: set[str]) -> list[str]:
    """Return those of the named tools and commands that are not on PATH."""
    commands = {name: COMMANDS[name][0][0] if name in COMMANDS else name for name in needed}
    return sorted(name for name, command in commands.items() if not shutil.which(command))


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
    """Return a checksum of prokka's proteins, whose file tells no version of its own."""
    if not shutil.which("prokka"):
        return {}
    folder = _ask(["prokka", "--listdb"], r"databases in: (\S+)")
    proteins = Path(folder) / BACTERIA
    known = f"sha256:{sha256_of(proteins)[:16]}" if proteins.is_file() else "unknown"
    return {"prokka database": known}


def _package_version(package: str) -> str:
    """Return the version of a Debian package; its Pilon does not know its own."""
    if not shutil.which("dpkg-query"):
        return "unknown"
    command = ["dpkg-query", "--show", "--showformat=${Version}", package]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.partition("-")[0] or "unknown"
