"""`bactofleet verify`: receipts compared with what is at the destination, without fetching it."""

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
from bactofleet.records.folder import list_receipts
from bactofleet.records.rows import Row, clean, iter_records
from bactofleet.transfer.parallel import in_parallel
from bactofleet.transfer.places import TARBALL, ObjectFault, Place, open_place

HEADER = ("problem", "tarball", "expected", "found")


class NotAsReceiptsSay(BactofleetError):
    """Something is missing, changed, unexpected or unreadable."""


@dataclass(frozen=True)
class Problem:
    """One tarball that is not as its receipt says, or that no receipt tells of."""

    problem: str
    """`missing`, `changed`, `unexpected`, or `unreadable`: the receipt says nothing of it."""
    tarball: str
    expected: str = ""
    found: str = ""


def run(args: argparse.Namespace) -> None:
    """Carry out the command; raises `NotAsReceiptsSay` where there is a problem."""
    results = str(read_config(args.config)["results"])
    verification = Verification(open_place(results), local_folder(results))
    counts: Counter[str] = Counter()
    if not args.json:
        print("\t".join(HEADER))
    for problem in verification.iter_problems(checksums=args.checksums):
        counts[problem.problem] += 1
        row = asdict(problem)
        # Names of objects may be anything: no tabs, line ends or control characters of a terminal.
        line = json.dumps(row) if args.json else "\t".join(map(clean, row.values()))
        print(line, flush=True)
    for line in verification.summary():
        print(line, file=sys.stderr)
    if counts:
        words = ", ".join(f"{count:,} {problem}" for problem, count in sorted(counts.items()))
        raise NotAsReceiptsSay(
            f"Not as the receipts say: {words}. docs/results.md says what helps."
        )


class Verification:
    """A comparison of the receipts below `results` with the tarballs at a place."""

    def __init__(self, place: Place, results: Path) -> None:
        self._place = place
        self._results = results
        self._receipts = 0
        self._by_size_alone = 0

    def iter_problems(self, *, checksums: bool) -> Iterator[Problem]:
        """Yield what is wrong: sizes first, then checksums, then what nobody told of."""
        sizes = dict(self._place.iter_files())
        expected: dict[str, str] = {}
        names = list_receipts(self._results)
        for name, record in zip(names, iter_records(self._results, names), strict=True):
            self._receipts += 1
            tarball = f"{name}{TARBALL}"
            problem = self._compare_size(tarball, record.row, sizes.pop(tarball, None))
            if problem:
                yield problem
            else:
                expected[tarball] = str(record.row.get("tarball_sha256"))
        if checksums:
            yield from self._compare_checksums(expected)
        for tarball, size in sizes.items():
            yield Problem("unexpected", self._place.address(tarball), "", f"{size} bytes")

    def summary(self) -> list[str]:
        """Return lines that say what was compared."""
        lines = [f"{self._receipts:,} receipts were compared."]
        if self._by_size_alone:
            lines.append(
                f"{self._by_size_alone:,} tarballs by their size alone: S3 keeps no SHA-256 "
                "of what was uploaded in parts. `bactofleet fetch` checks it."
            )
        return lines

    def _compare_size(self, tarball: str, row: Row, size: int | None) -> Problem | None:
        address, expected = self._place.address(tarball), row.get("tarball_bytes")
        if expected is None:
            reason = row.get("reason_message") or "the receipt says nothing of a tarball"
            return Problem("unreadable", address, "", str(reason))
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
