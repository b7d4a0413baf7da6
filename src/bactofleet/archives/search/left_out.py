"""Count what was examined, added and left out: a table to print and a list next to the sheet."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bactofleet.core.files import open_atomically
from bactofleet.core.text import to_cell

MAX_DOUBTS = 40


class Summary:
    """Counts what was checked and left out, and lists what was left out with the reason."""

    def __init__(self, listing: TextIO) -> None:
        self.examined = 0
        self._reasons: Counter[str] = Counter()
        self._doubts: list[tuple[str, str, str]] = []
        # The writer quotes tabs and line ends that an archive's words may contain.
        self._listing = csv.writer(listing, delimiter="\t", lineterminator="\n")
        self._listing.writerow(("accession", "reason"))

    @property
    def kept(self) -> int:
        """The number that was not left out."""
        return self.examined - self._reasons.total()

    def leave_out(self, accession: str, name: str, detail: str) -> None:
        """Count an accession under a reason, and list it with the detail."""
        self._reasons[name] += 1
        self._listing.writerow((to_cell(accession), to_cell(detail)))

    def doubt(self, name: str, detail: str, *, is_taken: bool) -> None:
        """Tell the user of what had to be guessed, or could not be."""
        self._doubts.append(("taken" if is_taken else "left out", to_cell(name), to_cell(detail)))

    def print(self, what: str, output: Path) -> None:
        """Print the table: what was checked, what was left out and why, what was added."""
        table = Table("", what, title=str(output), title_justify="left")
        table.columns[1].justify = "right"
        table.add_row("examined", f"{self.examined:,}")
        for name, count in self._reasons.most_common():
            table.add_row(f"left out: {name}", f"{count:,}")
        table.add_row("added", f"{self.kept:,}", style="bold")
        console = Console()
        console.print(table)
        if self._doubts:
            console.print(self._tabulate_doubts())
        if self._reasons:
            print(f"What was left out, and why: {listing_of(output)}")

    def _tabulate_doubts(self) -> Table:
        table = Table("", "genome or file", "why", title="Please look at these", show_lines=True)
        table.title_justify = "left"
        for column in table.columns:
            column.overflow = "fold"
        # What was taken is in the sheet already; the list of what was left out has the others.
        doubts = sorted(self._doubts, key=lambda doubt: doubt[0] != "taken")
        for action, name, detail in doubts[:MAX_DOUBTS]:
            table.add_row(action, escape(name), escape(detail))
        if more := len(doubts) - MAX_DOUBTS:
            table.caption = f"and {more:,} more" if more > 0 else None
        return table


@contextmanager
def open_summary(output: Path) -> Iterator[Summary]:
    """Open a summary whose list is next to a sheet: `samples-left-out.tsv` for `samples.tsv`."""
    with open_atomically(listing_of(output)) as listing:
        yield Summary(listing)


def listing_of(output: Path) -> Path:
    """Return the path of the list of what the last command left out of a sheet."""
    return output.with_name(f"{output.stem}-left-out.tsv")
