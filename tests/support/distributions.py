"""Distributions of this repository, and environments that have nothing else installed."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
EXECUTOR = REPOSITORY / "packages/snakemake-executor-plugin-aws-batch-array"
SCHEDULER = REPOSITORY / "packages/snakemake-scheduler-plugin-first-fit"


def build(folder: Path, target: Path) -> tuple[Path, Path]:
    """Build a distribution; return its wheel and its source distribution."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(target)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return next(target.glob("*.whl")), next(target.glob("*.tar.gz"))


def make_environment(folder: Path, *wheels: Path) -> Path:
    """Install wheels beside Snakemake in an environment of its own; return its Python.

    What they require is taken from this environment, without a network: by the metadata of each
    distribution, so that a requirement that none declares is missing.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin/python"
    install = (sys.executable, "-m", "pip", "--python", python, "install", "--no-index")
    subprocess.run([*install, "--quiet", "--no-deps", *wheels], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    required = [name for own in metadata.distributions(path=[str(site)]) for name in _needs(own)]
    for distribution in _closure(["snakemake", *required]):
        _link(distribution, site)
    return python


def _needs(distribution: metadata.Distribution) -> Iterator[str]:
    """Yield the names of what a distribution requires here; each must have a version that does."""
    for text in distribution.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            version = metadata.version(requirement.name)
            assert requirement.specifier.contains(version, prereleases=True), (text, version)
            yield requirement.name


def _closure(names: list[str]) -> Iterator[metadata.Distribution]:
    seen: set[str] = set()
    while names:
        name = names.pop()
        if (key := re.sub(r"[-_.]+", "-", name).lower()) not in seen:
            seen.add(key)
            distribution = metadata.distribution(name)
            yield distribution
            names += _needs(distribution)


def _link(distribution: metadata.Distribution, site: Path) -> None:
    """Let a folder of packages have a distribution of this environment."""
    for file in distribution.files or []:
        link = site / file
        if file.parts[0] != ".." and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path(str(distribution.locate_file(file))))


def example_of(page: Path, language: str) -> str:
    """Return the first block of a language in a page of documentation."""
    found = re.search(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no {language}"
    return found[1]
