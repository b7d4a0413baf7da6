"""What genomes took that were made, from their receipts."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bactofleet.core.config import COSTLY
from bactofleet.core.files import modified, read_json
from bactofleet.cost.forecast import Array
from bactofleet.records.folder import RECEIPTS, SUFFIX, list_receipts

# The newest receipts teach: they were made on the machines of now, and to read more takes longer.
MAX_LESSONS = 3000
# Numbers outside of these are no genome's: a receipt that has them was damaged.
_SECONDS = (0.01, 30 * 86400.0)
_BYTES = (1.0, 1e13)


@dataclass(frozen=True)
class Lessons:
    """What n genomes took that were made with options like those of now; arrays of shape (n,)."""

    seconds: Array
    """Wall time of all stages."""
    bytes: Array
    """Size of the tarball; NaN where there is none."""
    finished: Array
    """Seconds since the epoch."""


def read_lessons(results: Path, parameters: Mapping[str, Any]) -> Lessons:
    """Return what the newest receipts teach of genomes made with these parameters.

    Receipts that cannot be read, or have numbers that no genome has, teach nothing.
    """
    facts = [fact for path in _newest(results) if (fact := _learn(path, parameters))]
    return Lessons(*np.array(facts, dtype=float).reshape(-1, 3).T)


def _newest(results: Path) -> list[Path]:
    folder = results / RECEIPTS
    paths = (f"{folder}/{name}{SUFFIX}" for name in list_receipts(results))
    dated = ((modified(path), path) for path in paths)
    return [Path(path) for _, path in heapq.nlargest(MAX_LESSONS, dated)]


def _learn(path: Path, parameters: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Return seconds, bytes and time of a genome; None if it teaches nothing."""
    try:
        receipt = read_json(path)
        made_with = receipt["parameters"]
        if any(made_with.get(name) != parameters.get(name) for name in COSTLY):
            return None
        facts = (
            _number(sum(use["seconds"] for use in receipt["stages"].values()), _SECONDS),
            _number(receipt["tarball"].get("bytes"), _BYTES),
            _to_time(receipt["finished"]),
        )
    # A file that cannot be read, no JSON, no receipt, or JSON nested a thousand deep.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return None if math.isnan(facts[0]) else facts


def _number(value: Any, allowed: tuple[float, float]) -> float:
    """Return a number of a receipt, or NaN if it is none or outside of what is possible."""
    is_number = isinstance(value, int | float) and allowed[0] <= value <= allowed[1]
    return float(value) if is_number else math.nan


def _to_time(text: str) -> float:
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
