"""Time and size of finished genomes, from their receipts."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bactofleet.core.config import COSTLY, find_other_option
from bactofleet.core.files import modified
from bactofleet.core.samples import LONG_RUNTYPES
from bactofleet.cost.forecast import Array
from bactofleet.records.folder import RECEIPTS, SUFFIX, list_receipts
from bactofleet.records.receipt import Receipt, iter_receipts

# Only the newest receipts are used: they come from the current machines, and reading takes time.
MAX_PAST_GENOMES = 3000
# Plausible ranges; a receipt with a number outside them is damaged.
_SECONDS = (0.01, 30 * 86400.0)
_BYTES = (1.0, 1e13)


@dataclass(frozen=True)
class PastGenomes:
    """Measurements of n genomes made with the current options; arrays of shape (n,)."""

    seconds: Array
    """Wall time of all stages."""
    bytes: Array
    """Size of the tarball; NaN if there is none."""
    finished: Array
    """When the genome was finished, in seconds since the epoch."""
    is_long: NDArray[np.bool_]
    """Whether its row of the sheet named files of long reads."""


def read_past_genomes(results: Path, parameters: Mapping[str, Any]) -> PastGenomes:
    """Return the measurements of the newest genomes made with these parameters.

    Receipts that cannot be read or have implausible numbers are skipped.
    """
    receipts = iter_receipts(results, _newest(results))
    facts = [fact for receipt in receipts if (fact := _measure(receipt, parameters))]
    seconds, size, finished, is_long = np.array(facts, dtype=float).reshape(-1, 4).T
    return PastGenomes(seconds, size, finished, is_long.astype(bool))


def _newest(results: Path) -> list[str]:
    folder = results / RECEIPTS
    dated = ((modified(f"{folder}/{name}{SUFFIX}"), name) for name in list_receipts(results))
    return [name for _, name in heapq.nlargest(MAX_PAST_GENOMES, dated)]


def _measure(receipt: Receipt, parameters: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Return the numbers of `PastGenomes` of a genome; None if the receipt is unusable."""
    if find_other_option(receipt.parameters, parameters, COSTLY):
        return None
    seconds = _number(receipt.seconds, _SECONDS)
    made_from = receipt.input
    is_long = made_from.kind == "reads" and made_from.runtype in LONG_RUNTYPES
    facts = seconds, _number(receipt.tarball.bytes, _BYTES), receipt.finished.timestamp(), is_long
    return None if math.isnan(seconds) else facts


def _number(value: float | None, allowed: tuple[float, float]) -> float:
    """Return a number of a receipt, or NaN if it is missing or implausible."""
    return float(value) if value is not None and allowed[0] <= value <= allowed[1] else math.nan
