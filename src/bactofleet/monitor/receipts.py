"""Receipts and failures of a run; each look reads only new and changed files."""

from __future__ import annotations

import heapq
import os
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from sys import intern

from msgspec import structs

from bactofleet.core.text import clean
from bactofleet.records.folder import RECEIPTS, SUFFIX, is_record
from bactofleet.records.reading import UNREADABLE, Unreadable
from bactofleet.records.receipt import Receipt, read_receipt

# Throughput and durations are measured on this number of the latest genomes.
RECENT = 3000


@dataclass(frozen=True, slots=True)
class FinishedGenome:
    """A finished genome; `seconds` has the wall time of each of its stages."""

    time: float
    """When the genome was finished, in seconds since the epoch."""
    status: str
    seconds: dict[str, float]
    cpu_s: float = 0.0
    """Processor time of all stages."""
    reason: dict[str, str] | None = None
    """Why it was excluded: `type`, `stage` and `message`."""

    @property
    def duration_s(self) -> float:
        """Wall time of all stages."""
        return sum(self.seconds.values())


class RecordFolder:
    """A folder of files `<sample>.json`, which are complete as soon as they have this name."""

    def __init__(self, folder: Path, samples: Collection[str]) -> None:
        self._folder = folder
        self._samples = samples
        self._known: dict[str, int] = {}

    def look(self) -> tuple[list[str], set[str]]:
        """Return the samples whose files are new or were replaced, and those whose files are gone.

        A replaced file has a new inode, which a listing of the folder gives without a `stat`.
        """
        found = self._list()
        gone = self._known.keys() - found.keys()
        new = [name for name, inode in found.items() if self._known.get(name) != inode]
        self._known = found
        return new, gone

    def _list(self) -> dict[str, int]:
        if not self._folder.is_dir():
            return {}
        with os.scandir(self._folder) as entries:
            files = {e.name.removesuffix(SUFFIX): e.inode() for e in entries if is_record(e.name)}
        return {name: inode for name, inode in files.items() if name in self._samples}


class Receipts:
    """Results of finished genomes, by sample."""

    def __init__(self, results: Path, samples: Collection[str]) -> None:
        self._results = results
        self._folder = RecordFolder(results / RECEIPTS, samples)
        self.statuses: dict[str, str] = {}
        """`complete`, `excluded` or `unreadable`."""
        self.finishes: dict[str, FinishedGenome] = {}
        """Genomes whose receipts can be read."""
        self.recent: deque[FinishedGenome] = deque(maxlen=RECENT)
        """The latest of `finishes`."""
        self.unreadable: dict[str, str] = {}
        """Why a receipt cannot be read."""

    def look(self) -> None:
        """Read new and changed receipts."""
        new, gone = self._folder.look()
        for name in gone:
            self.statuses.pop(name, None)
            self._forget(name)
        for name in new:
            self._read(name)
        finishes = (self.finishes[name] for name in new if name in self.finishes)
        newest = heapq.nlargest(RECENT, finishes, key=lambda finish: finish.time)
        self.recent.extend(reversed(newest))

    def leave_out_present(self) -> None:
        """Leave out the receipts that are there now, until others replace them."""
        self._folder.look()

    @property
    def recent_since(self) -> float:
        """Time since which `recent` is complete, in seconds since the epoch."""
        return min(finish.time for finish in self.recent) if len(self.recent) == RECENT else 0.0

    def _read(self, name: str) -> None:
        self._forget(name)
        try:
            self.finishes[name] = finish = _to_finish(read_receipt(self._results, name))
            self.statuses[name] = finish.status
        except FileNotFoundError:
            self.statuses.pop(name, None)  # just removed; the next look will report it as gone
        except Unreadable as error:
            self.unreadable[name] = str(error)
            self.statuses[name] = UNREADABLE

    def _forget(self, name: str) -> None:
        self.finishes.pop(name, None)
        self.unreadable.pop(name, None)


def _to_finish(receipt: Receipt) -> FinishedGenome:
    """Return the needed part of a receipt."""
    # Keep one copy of each stage's name: 67,000 receipts have five each.
    seconds = {intern(stage): usage.seconds for stage, usage in receipt.stages.items()}
    fields = structs.asdict(receipt.reason) if receipt.reason else {}
    reason = {name: clean(text) for name, text in fields.items()}
    return FinishedGenome(
        time=receipt.finished.timestamp(),
        status=receipt.status,
        seconds=seconds,
        cpu_s=sum(usage.cpu_seconds or 0.0 for usage in receipt.stages.values()),
        reason=reason or None,
    )
