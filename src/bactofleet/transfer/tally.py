"""Count what is extracted, and say how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bactofleet.core.errors import BactofleetError
from bactofleet.core.text import clean, counted
from bactofleet.transfer.places import ObjectFault

PROGRESS_S = 10.0

Item = TypeVar("Item")


class ExtractIncomplete(BactofleetError):
    """Files of some genomes could not be extracted, or there are none."""


@dataclass
class Tally:
    """What has come so far."""

    files: int = 0
    genomes: int = 0
    empty: list[str] = field(default_factory=list)
    """Genomes without a file that matches."""
    faults: int = 0

    def add(self, sample: str, files: int) -> None:
        """Count the files of a genome."""
        if files:
            self.files += files
            self.genomes += 1
        else:
            self.empty.append(sample)

    def add_fault(self, fault: ObjectFault) -> None:
        """Print and count what is wrong with a genome."""
        self.faults += 1
        print(clean(fault), file=sys.stderr)

    def check(self, patterns: Sequence[str]) -> None:
        """Tell of genomes without a file; raise `ExtractIncomplete` if no genome has one."""
        if self.empty:
            genomes = counted(len(self.empty), "genome")
            print(
                f"NOTE: no file matches {' '.join(patterns)} in {genomes}, "
                f"such as {min(self.empty)} (docs/outputs.md shows the paths).",
                file=sys.stderr,
            )
        if not self.files:
            raise ExtractIncomplete("No file was extracted, for the reasons above.")


def with_progress(answers: Iterable[Item], total: int) -> Iterator[Item]:
    """Yield the answers; from time to time print how many there were."""
    shown = time.monotonic()
    for count, answer in enumerate(answers, start=1):
        if (now := time.monotonic()) >= shown + PROGRESS_S:
            print(f"{count:,} of {counted(total, 'genome')}", file=sys.stderr, flush=True)
            shown = now
        yield answer
