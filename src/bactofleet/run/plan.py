"""What a run has to do: the genomes of the sheet without those that have a receipt.

A finished genome is not in the workflow's graph at all. A resumed run therefore costs only what is
left to do, and no change of the configuration makes a finished genome cost money again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bactofleet.core.config import find_other_option, parameters_of
from bactofleet.core.destination import is_s3, local_folder, on_s3
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import fingerprint
from bactofleet.core.identity import (
    Identity,
    find_other_input,
    identify,
    is_made_alike,
    read_identity,
)
from bactofleet.core.samples import Sample, file_of
from bactofleet.core.text import counted
from bactofleet.core.versions import get_versions
from bactofleet.genome.stage import STAGES, WORK, read_record
from bactofleet.records.failure import Failure, describe, find_failure, forget_failure
from bactofleet.records.folder import (
    FAILED,
    list_receipts,
    list_records,
)
from bactofleet.records.reading import Unreadable
from bactofleet.records.receipt import Receipt, read_receipt
from bactofleet.run import contained

SHOWN_NAMES = 5


@dataclass(frozen=True)
class Plan:
    """The genomes of a run, by what will happen to them."""

    total: int
    finished: list[str]
    """Samples that have a receipt."""
    other_input: dict[str, str]
    """Of the finished ones, those made from input that differs from the sheet: what differs."""
    changed: dict[str, str]
    """Of the finished ones, those made with other parameters or another image: what differs."""
    unknown: list[str]
    """Of the finished ones, those whose receipts do not say what they were made of."""
    redo: list[str]
    """Of the finished ones, those that are done again."""
    todo: list[str]
    """All that are to be made in this run."""
    shared: list[tuple[str, str]] = field(default_factory=list)
    """Samples that name an accession or a file that one before names too; and that one."""
    failed: list[str] = field(default_factory=list)
    """Those that failed earlier in this run, and are not tried again in it."""

    def without(self, failed: Set[str]) -> Plan:
        """Return the plan that leaves genomes to the next run which have failed in this one."""
        todo = [name for name in self.todo if name not in failed]
        return replace(self, todo=todo, failed=[name for name in self.todo if name in failed])

    def long_share(self, samples: Mapping[str, Sample]) -> float:
        """Return the share of the genomes to do whose rows name files of long reads."""
        return sum(bool(samples[name].long_reads) for name in self.todo) / max(1, len(self.todo))

    def summary(self) -> list[str]:
        """Return the lines that tell the user what a run is going to do."""
        lines = [
            f"{counted(self.total, 'genome')}: {len(self.finished):,} finished, "
            f"{len(self.todo):,} to do"
        ]
        if self.failed:
            which = "failed earlier in this run and"
            failed = counted(len(self.failed), f"genome {which} is", f"genomes {which} are")
            lines.append(f"NOTE: {failed} not tried again in it ({name_some(self.failed)})")
        again = set(self.redo)
        for differences, how in (
            (self.other_input, "from input that differs from the sheet"),
            (self.changed, "with different settings"),
        ):
            if kept := sorted(differences.keys() - again):
                made = counted(len(kept), "finished genome was made", "finished genomes were made")
                lines.append(
                    f"NOTE: {made} {how} "
                    f"(for example {kept[0]}: {differences[kept[0]]}). "
                    "They are kept; set redo: changed to make them again"
                )
        if unknown := [name for name in self.unknown if name not in again]:
            receipts = counted(
                len(unknown),
                "finished genome has a receipt that does not name its input",
                "finished genomes have receipts that do not name their input",
            )
            lines.append(f"NOTE: {receipts} ({name_some(unknown)}); they count as finished")
        if self.shared:
            name, other = self.shared[0]
            naming = counted(len(self.shared), "sample names", "samples name")
            lines.append(
                f"NOTE: {naming} an input that another one names too "
                f"(for example {name}, as {other})"
            )
        if self.redo:
            names = name_some(self.redo)
            lines.append(
                f"NOTE: {counted(len(self.redo), 'finished genome')} will be made AGAIN: {names}"
            )
            differences = self.changed | self.other_input
            if name := next((name for name in self.redo if name in differences), ""):
                lines.append(f"    why: for example {name}: {differences[name]}")
        return lines


def name_some(names: list[str]) -> str:
    """Return the first few names and the number of the others."""
    shown = ", ".join(names[:SHOWN_NAMES])
    more = len(names) - SHOWN_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def known_image() -> str | None:
    """Return a checksum of the tools' versions; None on a controller without the tools.

    Such a controller cannot know the image of the jobs. Tools that it has are not those of an image
    in which stages run.
    """
    if contained.is_wanted():
        return None
    versions = get_versions()
    return fingerprint(versions) if "prokka" in versions else None


def make_plan(samples: Mapping[str, Sample], config: Mapping[str, Any], image: str | None) -> Plan:
    """Compare the sheet, the configuration and the image's checksum with the receipts.

    If the controller does not know the image (None), it is not compared. Raises
    `ConfigurationError` if `redo` names a sample that is not in the sheet, and for receipts of
    genomes whose results are elsewhere.
    """
    names = list(samples)
    results, parameters = local_folder(config["results"]), parameters_of(config)
    checksum = fingerprint(parameters)
    present = set(list_receipts(results))
    finished = [name for name in names if name in present]
    other_input, changed, unknown, elsewhere = {}, {}, [], {}
    for name in finished:
        try:
            receipt = read_receipt(results, name)
        except (FileNotFoundError, Unreadable):
            changed[name] = "its receipt cannot be read"
            continue
        now = identify(samples[name], checksum, image)
        if receipt.identity is None:
            unknown.append(name)
        elif difference := find_other_input(receipt.identity, now):
            other_input[name] = difference
        if difference := _other_settings(receipt, parameters, image):
            changed[name] = difference
        if place := _other_place(receipt, config["results"]):
            elsewhere[name] = place
    _refuse_other_places(elsewhere, results, config["results"])
    again = _choose_redo(config["redo"], set(names), finished, other_input.keys() | changed.keys())
    done = set(finished) - set(again)
    todo = [name for name in names if name not in done]
    shared = _find_shared(samples)
    return Plan(len(names), finished, other_input, changed, unknown, again, todo, shared)


def _find_shared(samples: Mapping[str, Sample]) -> list[tuple[str, str]]:
    """Find samples that share an accession or a file, perhaps by a copying mistake."""
    first: dict[object, str] = {}
    shared = {}
    for name, sample in samples.items():
        for source in (*filter(None, [sample.accession]), *map(file_of, sample.files)):
            other = first.setdefault(source, name)
            if other != name:
                shared[name] = other
    return list(shared.items())


def _choose_redo(
    redo: str | list[str], names: set[str], finished: list[str], changed: Set[str]
) -> list[str]:
    if redo == "none":
        return []
    if redo == "changed":
        return [name for name in finished if name in changed]
    wanted = set(redo.split(",") if isinstance(redo, str) else redo)
    if unknown := sorted(wanted - names):
        raise ConfigurationError(
            [f"redo must be none, changed or samples of the sheet, not {', '.join(unknown)}"]
        )
    return [name for name in finished if name in wanted]


def _other_settings(receipt: Receipt, parameters: dict[str, Any], image: str | None) -> str:
    """Describe how a receipt's settings differ from the current ones; "" if they do not."""
    before = receipt.parameters
    if key := find_other_option(before, parameters, sorted(before.keys() | parameters.keys())):
        return f"{key} was {before.get(key)}, is {parameters.get(key)}"
    return "a different image" if image and receipt.fingerprint.image != image else ""


def _other_place(receipt: Receipt, results: str) -> str:
    """Return where a tarball is if that is elsewhere on S3 than `results`; else "".

    A local folder may have been moved together with its receipts.
    """
    path = receipt.tarball.path
    if path is None or not (is_s3(path) or is_s3(results)):
        return ""
    place = path.rpartition("/")[0]
    return place if not is_s3(results) or place != on_s3(results) else ""


def _refuse_other_places(elsewhere: dict[str, str], folder: Path, results: str) -> None:
    """Raise `ConfigurationError` if a folder has receipts of another cohort's results."""
    for name, place in elsewhere.items():
        raise ConfigurationError(
            [
                f"results is {results}, but {folder}/ has receipts of {len(elsewhere):,} of these "
                f"genomes whose tarballs are elsewhere (for example {name}: {place}). Start each "
                "cohort in a folder of its own, or move the receipts away to make the genomes again"
            ]
        )


def find_outdated(
    todo: Iterable[str], scratch: Path, identity_of: Callable[[str], Identity]
) -> list[str]:
    """Return the genomes to be made whose files in scratch do not fit this run."""
    begun = {folder.name for folder in scratch.iterdir()} if scratch.is_dir() else set()
    return [
        name for name in todo if name in begun and _is_outdated(scratch / name, identity_of(name))
    ]


def _is_outdated(folder: Path, now: Identity) -> bool:
    """Say whether the first stage, on which the others depend, was made from other input."""
    try:
        made = read_identity(read_record(folder / STAGES[0]).identity)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, TypeError):
        return True
    return made is None or not is_made_alike(made, now)


def clear_leftovers(plan: Plan, results: Path, scratch: Path) -> None:
    """Remove what an interrupted run left behind.

    These are failures of genomes that are tried again now, and stage folders of genomes that had
    just finished. `scratch` is the folder that belongs to these results alone.
    """
    for name in plan.todo:
        forget_failure(results / FAILED, name)
    done = set(plan.finished) - set(plan.redo)
    for folder in scratch.iterdir() if scratch.is_dir() else ():
        if folder.name in done:
            shutil.rmtree(folder, ignore_errors=True)


def clear_work(samples: Iterable[str], scratch: Path) -> None:
    """Remove the working files of stages that were stopped, which may be gigabytes."""
    for name in samples:
        for stage in STAGES:
            shutil.rmtree(scratch / name / stage / WORK, ignore_errors=True)


def read_failures(results: Path, samples: Iterable[str]) -> list[Failure]:
    """Return the last failure of each genome that failed."""
    folder = results / FAILED
    present = set(list_records(folder))
    return [find_failure(folder, name) for name in samples if name in present]


def describe_failures(failures: list[Failure]) -> list[str]:
    """Return the user's last lines: which genomes failed, where, why, and what to read."""
    lines = []
    for failure in failures:
        lines.append(f"FAILED {describe(failure)}")
        lines += [f"    | {line}" for line in failure.tail]
        lines += [f"    log: {failure.log}"] if failure.log else []
    if failures:
        lines.append(
            f"{counted(len(failures), 'genome')} failed; the others are not affected. "
            "Start the same command again to retry them."
        )
    return lines
