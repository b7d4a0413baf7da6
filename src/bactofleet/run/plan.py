"""What a run has to do: the genomes of the sheet less those that have a receipt.

A finished genome is not in the workflow's graph at all, so that a resumed run costs what is left,
and no change of the configuration can bring a second bill for what was paid.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bactofleet.core.errors import ConfigurationError
from bactofleet.genome.stage import STAGES, WORK
from bactofleet.records.failure import Failure, find_failure, forget_failure
from bactofleet.records.folder import (
    FAILED,
    list_receipts,
    list_records,
)
from bactofleet.records.reading import Unreadable
from bactofleet.records.receipt import read_receipt

SHOWN_CHANGES = 5


@dataclass(frozen=True)
class Plan:
    """The genomes of a run, by what is to happen to them."""

    total: int
    finished: list[str]
    """Samples that have a receipt."""
    changed: dict[str, str]
    """Of the finished ones, those made with other parameters or another image: what differs."""
    redo: list[str]
    """Of the finished ones, those that are done again."""
    todo: list[str]
    """All that are to be made in this run."""

    def summary(self) -> list[str]:
        """Return the lines that tell a user what a run is going to do."""
        lines = [
            f"{self.total:,} genomes: {len(self.finished):,} finished, {len(self.todo):,} to do"
        ]
        if kept := sorted(set(self.changed) - set(self.redo)):
            example = f"for example {kept[0]}: {self.changed[kept[0]]}"
            lines.append(
                f"NOTE: {len(kept):,} finished genomes were made with other settings than now "
                f"({example}). They are kept as they are; to make them again set redo: changed"
            )
        if self.redo:
            names = ", ".join(self.redo[:SHOWN_CHANGES])
            more = len(self.redo) - SHOWN_CHANGES
            names += f" and {more:,} more" if more > 0 else ""
            lines.append(f"NOTE: {len(self.redo):,} finished genomes are done AGAIN: {names}")
        return lines


def make_plan(
    samples: Iterable[str],
    results: Path,
    redo: str | list[str],
    parameters: dict[str, Any],
    image: str | None,
) -> Plan:
    """Compare the sheet with the receipts.

    `parameters` and the fingerprint `image` are those of now; where the controller does not know
    the image (None), only parameters are compared. Raises `ConfigurationError` for a `redo` that
    names no sample of the sheet.
    """
    names = list(samples)
    present = set(list_receipts(results))
    finished = [name for name in names if name in present]
    changed = {
        name: difference
        for name in finished
        if (difference := _difference(results, name, parameters, image))
    }
    again = _choose_redo(redo, set(names), finished, changed)
    done = set(finished) - set(again)
    todo = [name for name in names if name not in done]
    return Plan(len(names), finished, changed, again, todo)


def _choose_redo(
    redo: str | list[str], names: set[str], finished: list[str], changed: dict[str, str]
) -> list[str]:
    if redo == "none":
        return []
    if redo == "changed":
        return list(changed)
    wanted = set(redo.split(",") if isinstance(redo, str) else redo)
    if unknown := sorted(wanted - names):
        raise ConfigurationError(
            [f"redo: {', '.join(unknown)}: no such sample; allowed are none, changed, or names"]
        )
    return [name for name in finished if name in wanted]


def _difference(results: Path, name: str, parameters: dict[str, Any], image: str | None) -> str:
    """Say in words how a receipt's settings differ from today's; "" if they do not."""
    try:
        receipt = read_receipt(results, name)
    except (FileNotFoundError, Unreadable):
        return "its receipt cannot be read"
    before = receipt.parameters
    for key in sorted(before.keys() | parameters.keys()):
        if before.get(key) != parameters.get(key):
            return f"{key} was {before.get(key)}, is {parameters.get(key)}"
    return "another image" if image and receipt.fingerprint.image != image else ""


def clear_leftovers(plan: Plan, results: Path, scratch: Path) -> None:
    """Remove what a run that was cut off left behind.

    Failures of genomes that are tried again now, and the stages' folders of genomes that were
    finished at that very moment. Only those: a scratch folder may be shared with the user's data.
    """
    for name in plan.todo:
        forget_failure(results / FAILED, name)
    done = set(plan.finished) - set(plan.redo)
    for folder in scratch.iterdir() if scratch.is_dir() else ():
        if folder.name in done:
            for stage in STAGES:
                shutil.rmtree(folder / stage, ignore_errors=True)
            with suppress(OSError):  # not empty: somebody else's files
                folder.rmdir()


def clear_work(samples: Iterable[str], scratch: Path) -> None:
    """Remove what stages that were stopped have left of their work, which may be gigabytes."""
    for name in samples:
        for stage in STAGES:
            shutil.rmtree(scratch / name / stage / WORK, ignore_errors=True)


def read_failures(results: Path, samples: Iterable[str]) -> list[Failure]:
    """Return how genomes failed last, for those that did."""
    folder = results / FAILED
    present = set(list_records(folder))
    return [find_failure(folder, name) for name in samples if name in present]


def describe_failures(failures: list[Failure]) -> list[str]:
    """Return the lines that a user sees last: who failed, where, why, and what to read."""
    lines = []
    for failure in failures:
        where = f" at {failure.stage}" if failure.stage else ""
        lines.append(f"FAILED {failure.sample}{where}: {failure.message}")
        lines += [f"    | {line}" for line in failure.tail]
        lines += [f"    log: {failure.log}"] if failure.log else []
    if failures:
        lines.append(
            f"{len(failures):,} genomes failed; the others are not affected. "
            "Start the same command again to try them once more."
        )
    return lines
