"""What a reader types under a heading, as a test of one value: the language of the report's table.

`report/assets/filter.js` is the same for rows that the browser has; a test compares the two.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

Test = Callable[[Any], bool]

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}
_NUMBER = r"-?\d*\.?\d+"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})", re.ASCII)
_COMPARISON = re.compile(rf"(>=|<=|>|<|=)?({_NUMBER}(?:e\d+)?)", re.ASCII | re.IGNORECASE)


def parse_filter(text: str, *, numeric: bool) -> Test | None:
    """Return a test of a value, None if the text is not understood. None passes no test."""
    return _parse_numbers(re.sub(r"[\s,]", "", text)) if numeric else _parse_words(text.lower())


def _parse_words(text: str) -> Test:
    return lambda value: value is not None and text in value.lower()


def _parse_numbers(text: str) -> Test | None:
    if span := _RANGE.fullmatch(text):
        low, high = map(float, span.groups())
        return lambda value: value is not None and low <= value <= high
    if comparison := _COMPARISON.fullmatch(text):
        compare = _COMPARISONS[comparison[1] or "="]
        limit = float(comparison[2])
        return lambda value: value is not None and compare(value, limit)
    return None
