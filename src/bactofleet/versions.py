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
from pathlib import Path

from bactofleet import __version__
from bactofleet.files import read_json

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
    "fastp": (["fastp", "--version"], r"fastp ([\d.]+)"),
    "hmmscan": (["hmmscan", "-h"], r"HMMER ([\d.]+)"),
    "java": (["java", "-version"], r'version "([\d.]+)'),
    "kmc": (["kmc"], r"KMC\) ver\. ([\d.]+)"),
    "lighter": (["lighter", "-v"], r"Lighter v([\d.]+)"),
    "megahit": (["megahit", "--version"], r"MEGAHIT v([\d.]+)"),
    "pigz": (["pigz", "--version"], r"pigz ([\d.]+)"),
    "pilon": (["pilon", "--version"], r"Pilon version ([\d.]+)"),
    "prodigal": (["prodigal", "-v"], r"Prodigal V([\d.]+)"),
    "prokka": (["prokka", "--version"], r"prokka ([\d.]+)"),
    "samtools": (["samtools", "--version"], r"samtools ([\d.]+)"),
    "seqtk": (["seqtk"], r"Version: (\S+)"),
    "skesa": (["skesa", "--version"], r"SKESA v?\.?([\d.]+)"),
    "spades": (["spades.py", "--version"], r"v([\d.]+)"),
}


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
    return {"bactofleet": __version__, "python": platform.python_version(), **found}


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


def _package_version(package: str) -> str:
    """Return the version of a Debian package; its Pilon does not know its own."""
    if not shutil.which("dpkg-query"):
        return "unknown"
    command = ["dpkg-query", "--show", "--showformat=${Version}", package]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.partition("-")[0] or "unknown"
