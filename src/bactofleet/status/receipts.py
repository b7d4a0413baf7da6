"""Receipts and failures of a run, looked at again and again: only what is new is read."""

# Paths are text where there may be 67,000 of them: `Path` takes a second for those.
# ruff: noqa: PTH123

from __future__ import annotations

import datetime
import os
import re
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bactofleet.files import modified, read_json

SUFFIX = ".json"
UNREADABLE = "unreadable"
# Pace and durations are those of the last so many genomes; to parse all takes far longer.
RECENT = 3000
# What publish writes first (docs/outputs.md); a sample's name has no more than 250 letters.
_HEAD_BYTES = 512
_HEAD = re.compile(
    rb'\{\s*"schema": 1,\s*"sample": "([\w.]+)",\s*"status": "(complete|excluded)",', re.ASCII
)
# A file that cannot be read, is no JSON or no record, or is JSON nested a thousand deep.
NO_RECORD = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Finish:
    """One genome that was finished; `seconds` has the wall time of each of its stages."""

    time: float
    """Seconds since the epoch."""
    status: str
    seconds: dict[str, float]

    @property
    def duration_s(self) -> float:
        """Wall time of all stages."""
        return sum(self.seconds.values())


class RecordFolder:
    """A folder of files `<sample>.json`, each of which appears whole under its name."""

    def __init__(self, folder: Path, samples: Collection[str]) -> None:
        self._folder = folder
        self._samples = samples
        self._known: dict[str, int] = {}

    def look(self) -> tuple[dict[str, str], set[str]]:
        """Return files that are new or were replaced since the last look, and names that went.

        A file that replaces another has another inode, which a listing tells without a `stat`.
        """
        found = self._list()
        gone = self._known.keys() - found.keys()
        new = {
            name: f"{self._folder}/{name}{SUFFIX}"
            for name, inode in found.items()
            if self._known.get(name) != inode
        }
        self._known = found
        return new, gone

    def _list(self) -> dict[str, int]:
        if not self._folder.is_dir():
            return {}
        with os.scandir(self._folder) as entries:
            files = {e.name.removesuffix(SUFFIX): e.inode() for e in entries if _is_record(e.name)}
        return {name: inode for name, inode in files.items() if name in self._samples}


class Receipts:
    """How genomes ended, by sample, and the last of them in full."""

    def __init__(self, folder: Path, samples: Collection[str]) -> None:
        self._folder = RecordFolder(folder, samples)
        self.statuses: dict[str, str] = {}
        """`complete`, `excluded` or `unreadable`."""
        self.recent: deque[Finish] = deque(maxlen=RECENT)

    def look(self) -> None:
        """Read what has come since the last look."""
        new, gone = self._folder.look()
        for name in gone:
            del self.statuses[name]
        for name, path in new.items():
            self.statuses[name] = _read_status(path, name)
        readable = [name for name in new if self.statuses[name] != UNREADABLE]
        for name in sorted(readable, key=lambda name: modified(new[name]))[-RECENT:]:
            self._remember(name, Path(new[name]))

    @property
    def recent_since(self) -> float:
        """The time since which `recent` has every genome, in seconds since the epoch."""
        return min(finish.time for finish in self.recent) if len(self.recent) == RECENT else 0.0

    def _remember(self, name: str, path: Path) -> None:
        try:
            self.recent.append(_parse(read_json(path)))
        except NO_RECORD:
            # Its first lines are all there is of a receipt.
            self.statuses[name] = UNREADABLE


def _is_record(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")


def _read_status(path: str, sample: str) -> str:
    """Read the status from the first bytes, as a receipt is long; from all of it if need be."""
    try:
        with open(path, "rb", buffering=0) as handle:
            head = _HEAD.match(handle.read(_HEAD_BYTES))
        if head and head[1].decode() == sample:
            return head[2].decode()
        receipt = read_json(Path(path))
        is_good = receipt["sample"] == sample and receipt["status"] in {"complete", "excluded"}
        return str(receipt["status"]) if is_good else UNREADABLE
    except NO_RECORD:
        return UNREADABLE


def _parse(receipt: dict[str, Any]) -> Finish:
    return Finish(
        time=datetime.datetime.fromisoformat(receipt["finished"]).timestamp(),
        status=receipt["status"],
        seconds={stage: float(use["seconds"]) for stage, use in receipt["stages"].items()},
    )
