"""The checks that `bactofleet check`, the doctor, a dry run and the start have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bactofleet.core.config import check_config, load_schema
from bactofleet.core.destination import local_folder, scratch_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.references import FIND_FAULT, is_address
from bactofleet.core.samples import Sample, Samples, check_samples, is_remote
from bactofleet.core.versions import REFSEQ
from bactofleet.records.folder import RECEIPTS
from bactofleet.run.plan import Plan, make_plan

MAX_NAMED = 5


@dataclass(frozen=True)
class CheckedRun:
    """A run that is ready to start."""

    config: dict[str, Any]
    samples: Samples
    plan: Plan

    def summary(self) -> list[str]:
        """Return the lines that tell the user what the run does and how the sheet was read."""
        return [*self.plan.summary(), *self.notes()]

    def notes(self) -> list[str]:
        """Return the lines on how the sheet was read."""
        return [f"NOTE: {self.config['samples']}: {note}" for note in self.samples.notes]


def check_run(given: dict[str, Any], schemas: Path, source: str, image: str | None) -> CheckedRun:
    """Check the configuration, the sample sheet, the files named in them, and the receipts.

    `source` is the name of the configuration in messages, `image` the checksum of the image if it
    is known. Raises `ConfigurationError` with all problems.
    """
    problems: list[str] = []
    schema = load_schema(schemas / "config.schema.yaml")
    with _collect(problems):
        config = check_config(given, schema, source)
    # The sheet is checked even if other options are wrong.
    default = schema["properties"]["samples"]["default"]
    sheet = given.get("samples", default) if isinstance(given, Mapping) else default
    with _collect(problems):
        samples = check_samples(Path(str(sheet)), load_schema(schemas / "samples.schema.yaml"))
    for name, find in FIND_FAULT.items():
        place = given.get(name) if isinstance(given, Mapping) else None
        # What an address names is checked when it has been fetched.
        if not place or not isinstance(place, str) or is_address(place):
            continue
        if fault := find(Path(place)):
            problems.append(f"{source}: {name}: {fault}")
    if not problems:
        problems += [f"{source}: {problem}" for problem in _find_no_folders(config)]
    if problems:
        raise ConfigurationError(problems)
    return CheckedRun(config, samples, make_plan(samples, config, image))


def find_unreachable(config: Mapping[str, Any], samples: Mapping[str, Sample]) -> list[str]:
    """Name the inputs that jobs without access to this machine's folders cannot reach."""
    proteins = Path("" if is_address(config["proteins"]) else config["proteins"])
    problems = []
    if proteins.is_absolute() or ".." in proteins.parts:
        problems.append(
            f"proteins: {str(proteins)!r} is outside of this folder; jobs get what is in it: copy "
            "the file here, and give its path from here"
        )
    for name in ("species_references", "mlst_schemes", "amrfinder"):
        place = config[name]
        is_in_image = name == "species_references" and place == REFSEQ
        if place and not is_in_image and not is_address(place):
            problems.append(
                f"{name}: {place!r} is on this machine, which jobs elsewhere cannot read; upload "
                "it as an archive, and name its address (docs/workflow.md#references-elsewhere)"
            )
    local = (name for name, sample in samples.items() if not all(map(is_remote, sample.files)))
    if named := list(islice(local, MAX_NAMED + 1)):
        more = ", ..." if len(named) > MAX_NAMED else ""
        problems.append(
            f"{config['samples']}: {', '.join(named[:MAX_NAMED])}{more}: files of this machine, "
            "which jobs elsewhere cannot read; upload them, and name them as s3://BUCKET/reads/..."
        )
    return problems


def _find_no_folders(config: Mapping[str, Any]) -> Iterator[str]:
    """Find where a folder would have to be below a file."""
    for option, folder in (
        ("results", local_folder(config["results"]) / RECEIPTS),
        ("scratch", scratch_folder(config["scratch"], config["results"])),
    ):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        if not there.is_dir():
            yield f"{option}: {str(there)!r} is a file; name a folder, or move the file away"


@contextmanager
def _collect(problems: list[str]) -> Iterator[None]:
    """Add the problems that a check raises to those found before it."""
    try:
        yield
    except ConfigurationError as error:
        problems += error.problems
