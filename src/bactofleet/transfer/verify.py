"""`bactofleet verify`: compare receipts with the tarballs at the destination, without download."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bactofleet.core.config import read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import BactofleetError
from bactofleet.core.text import to_cell
from bactofleet.records.folder import list_receipts
from bactofleet.records.reading import Unreadable
from bactofleet.records.receipt import Tarball, read_receipt
from bactofleet.transfer.parallel import in_parallel
from bactofleet.transfer.places import TARBALL, ObjectFault, Place, open_place

HEADER = ("problem", "tarball", "expected", "found")


class VerificationFailed(BactofleetError):
    """Some tarballs are missing, changed or unexpected, or their receipts are unreadable."""


@dataclass(frozen=True)
class Problem:
    """A tarball that differs from its receipt or has none."""

    problem: str
    """`missing`, `changed`, `unexpected`, or `unreadable` if the receipt does not describe it."""
    tarball: str
    expected: str = ""
    found: str = ""


def run(args: argparse.Namespace) -> None:
    """Carry out the command; raises `VerificationFailed` if there is a problem."""
    results = str(read_config(args.config)["results"])
    verification = Verification(open_place(results), local_folder(results))
    counts: Counter[str] = Counter()
    if not args.json:
        print("\t".join(HEADER))
    for problem in verification.iter_problems(checksums=args.checksums):
        counts[problem.problem] += 1
        row = asdict(problem)
        # Object names may contain tabs, line ends or terminal control characters.
        line = json.dumps(row) if args.json else "\t".join(map(to_cell, row.values()))
        print(line, flush=True)
    for line in verification.summary():
        print(line, file=sys.stderr)
    if counts:
        words = ", ".join(f"{count:,} {problem}" for problem, count in sorted(counts.items()))
        raise VerificationFailed(
            f"Not as the receipts say: {words}. docs/results.md says what helps."
        )


class Verification:
    """Compares the receipts below `results` with the tarballs in a storage."""

    def __init__(self, place: Place, results: Path) -> None:
        self._place = place
        self._results = results
        self._receipts = 0
        self._by_size_alone = 0

    def iter_problems(self, *, checksums: bool) -> Iterator[Problem]:
        """Yield problems: first wrong sizes, then wrong checksums, then unexpected tarballs."""
        sizes = dict(self._place.iter_files())
        expected: dict[str, str] = {}
        for sample in list_receipts(self._results):
            self._receipts += 1
            name = f"{sample}{TARBALL}"
            size = sizes.pop(name, None)
            try:
                recorded = read_receipt(self._results, sample).tarball
            except Unreadable as error:
                yield Problem("unreadable", self._place.address(name), "", str(error))
                continue
            if problem := self._compare_size(name, recorded, size):
                yield problem
            else:
                expected[name] = str(recorded.sha256)
        if checksums:
            yield from self._compare_checksums(expected)
        for tarball, size in sizes.items():
            yield Problem("unexpected", self._place.address(tarball), "", f"{size} bytes")

    def summary(self) -> list[str]:
        """Describe what was compared, as lines of text."""
        lines = [f"{self._receipts:,} receipts were compared."]
        if self._by_size_alone:
            lines.append(
                f"{self._by_size_alone:,} tarballs by their size alone: S3 keeps no SHA-256 "
                "of what was uploaded in parts. `bactofleet fetch` checks it."
            )
        return lines

    def _compare_size(self, name: str, recorded: Tarball, size: int | None) -> Problem | None:
        address, expected = self._place.address(name), recorded.bytes
        if expected is None:
            return Problem("unreadable", address, "", "the receipt says nothing of a tarball")
        if size is None:
            return Problem("missing", address, f"{expected} bytes")
        if size != expected:
            return Problem("changed", address, f"{expected} bytes", f"{size} bytes")
        return None

    def _compare_checksums(self, expected: dict[str, str]) -> Iterator[Problem]:
        for tarball, found in in_parallel(self._ask_checksum, expected):
            address = self._place.address(tarball)
            match found:
                case ObjectFault():
                    yield Problem("missing", address, expected[tarball], str(found))
                case None:
                    self._by_size_alone += 1
                case _ if found != expected[tarball]:
                    yield Problem("changed", address, expected[tarball], found)

    def _ask_checksum(self, tarball: str) -> str | ObjectFault | None:
        try:
            return self._place.sha256(tarball)
        except ObjectFault as fault:
            return fault
