"""All genomes of the sheet as rows, of which a page asks for those in view."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bactofleet.core.times import format_time
from bactofleet.monitor.activity import get_stage_start
from bactofleet.monitor.page.filters import parse_filter
from bactofleet.monitor.receipts import Finish
from bactofleet.monitor.snapshot import Observer
from bactofleet.records.failure import Failure

MAX_ROWS = 500
NUMERIC = frozenset({"minutes"})


class Genome(NamedTuple):
    """One row; its fields are the columns of the page's table."""

    sample: str
    status: str
    stage: str | None = None
    """The one that runs, or that excluded the genome or failed."""
    reason: str | None = None
    """Kind and message."""
    minutes: float | None = None
    """Wall time of all stages."""
    time: str | None = None
    """UTC: when it was finished, or since when its stage runs."""


@dataclass(frozen=True)
class Choice:
    """What a reader wants to see: texts of filters by column, and the order."""

    filters: tuple[tuple[str, str], ...] = ()
    sort: str = ""
    """Column, none for the order of the sheet."""
    is_descending: bool = False


@dataclass(frozen=True)
class Page:
    """Some of the rows that were chosen."""

    count: int
    """Of all that were chosen."""
    invalid: list[str]
    """Columns whose filter is not understood, and hides nothing."""
    rows: Sequence[Genome]


class Genomes:
    """The rows of one look, in the order of the sheet."""

    def __init__(self, rows: Sequence[Genome]) -> None:
        self._rows = rows
        # Readers scroll: the same choice is asked for again and again.
        self._last: tuple[Choice, Sequence[Genome], list[str]] | None = None

    def read(self, choice: Choice, first: int, last: int) -> Page:
        """Return the rows `first` to `last`, not included, of those chosen; `MAX_ROWS` at most."""
        last_choice = self._last
        if last_choice is None or last_choice[0] != choice:
            self._last = last_choice = (choice, *self._choose(choice))
        _, rows, invalid = last_choice
        return Page(len(rows), invalid, rows[first : min(last, first + MAX_ROWS)])

    def _choose(self, choice: Choice) -> tuple[Sequence[Genome], list[str]]:
        rows, invalid = self._rows, []
        for name, text in choice.filters:
            test = parse_filter(text, numeric=name in NUMERIC)
            column = Genome._fields.index(name)
            if test is None:
                invalid.append(name)
            else:
                rows = [row for row in rows if test(row[column])]
        if choice.sort:
            column = Genome._fields.index(choice.sort)
            rows = _sort(rows, column, is_descending=choice.is_descending)
        return rows, invalid


def iter_genomes(observer: Observer, failures: Mapping[str, Failure]) -> Iterator[Genome]:
    """Yield the row of each genome, as of the last look."""
    finishes = observer.receipts.finishes
    for name in observer.samples:
        if finish := finishes.get(name):
            yield _describe_finish(name, finish)
        elif failure := failures.get(name):
            yield Genome(name, "failed", failure.stage, _join(failure.kind, failure.message))
        elif stage := observer.running.get(name):
            since = get_stage_start(observer.scratch, name)
            yield Genome(name, "running", stage, time=_format_time(since) if since else None)
        else:
            yield Genome(name, "submitted" if name in observer.at_work else "waiting")


def _describe_finish(name: str, finish: Finish) -> Genome:
    reason = finish.reason or {}
    return Genome(
        name,
        finish.status,
        reason.get("stage"),
        _join(reason["type"], reason["message"]) if reason else None,
        round(finish.duration_s / 60, 1),
        _format_time(finish.time),
    )


def _join(kind: str, message: str) -> str:
    return f"{kind}: {message}"


def _format_time(seconds: float) -> str:
    return format_time(seconds).removesuffix(" UTC")


def _sort(rows: Sequence[Genome], column: int, *, is_descending: bool) -> Sequence[Genome]:
    """Sort by a column; rows without a value are last in both directions."""
    known = [row for row in rows if row[column] is not None]
    unknown = [row for row in rows if row[column] is None]
    known.sort(key=lambda row: _to_key(row[column]), reverse=is_descending)
    return known + unknown


def _to_key(value: Any) -> Any:
    """Return a text so that it sorts as a reader counts: isolate_2 before isolate_10."""
    if not isinstance(value, str):
        return value
    words = re.split(r"(\d+)", value.casefold())
    # Every other word is a number: of as many digits, without zeros before them.
    numbers = [digits.lstrip("0") for digits in words[1::2]]
    words[1::2] = [(len(digits), digits) for digits in numbers]
    return words
