"""Receipts and failures of a run, looked at again and again: only what is new is read."""

# Paths are text where there may be 67,000 of them: `Path` takes a second for those.
# ruff: noqa: PTH123

from __future__ import annotations

import datetime
import heapq
import json
import math
import os
import re
import sys
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bactofleet.core.files import read_json
from bactofleet.records.folder import SUFFIX, is_record
from bactofleet.records.rows import clean

UNREADABLE = "unreadable"
# Pace and durations are those of the last so many genomes.
RECENT = 3000
# What is read of a receipt: all but `multiqc`, its longest part and its last.
_HEAD_BYTES = 8192
# As publish writes it (docs/outputs.md). No text in JSON looks like a key: its quotes have a
# backslash before them.
_BEGIN = re.compile(
    rb'\{\s*"schema": 1,\s*"sample": "([\w.]+)",\s*"status": "(complete|excluded)",\s*'
    rb'"reason": (null|\{.*?\}),\s*"input": ',
    re.ASCII | re.DOTALL,
)
_STAGES = re.compile(rb'"stages": (\{.*?\}),\s*"versions": ', re.DOTALL)
_FINISHED = re.compile(rb'"finished": "([\w:.+-]+)"', re.ASCII)
# A file that cannot be read, is no JSON or no record, or is JSON nested a thousand deep.
NO_RECORD = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Finish:
    """One genome that was finished; `seconds` has the wall time of each of its stages."""

    time: float
    """Seconds since the epoch."""
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
            files = {e.name.removesuffix(SUFFIX): e.inode() for e in entries if is_record(e.name)}
        return {name: inode for name, inode in files.items() if name in self._samples}


class Receipts:
    """How genomes ended, by sample."""

    def __init__(self, folder: Path, samples: Collection[str]) -> None:
        self._folder = RecordFolder(folder, samples)
        self.statuses: dict[str, str] = {}
        """`complete`, `excluded` or `unreadable`."""
        self.finishes: dict[str, Finish] = {}
        """Those that can be read."""
        self.recent: deque[Finish] = deque(maxlen=RECENT)
        """The newest of them."""

    def look(self) -> None:
        """Read what has come since the last look."""
        new, gone = self._folder.look()
        for name in gone:
            del self.statuses[name]
            self.finishes.pop(name, None)
        for name, path in new.items():
            self._read(name, path)
        finishes = (self.finishes[name] for name in new if name in self.finishes)
        newest = heapq.nlargest(RECENT, finishes, key=lambda finish: finish.time)
        self.recent.extend(reversed(newest))

    @property
    def recent_since(self) -> float:
        """The time since which `recent` has every genome, in seconds since the epoch."""
        return min(finish.time for finish in self.recent) if len(self.recent) == RECENT else 0.0

    def _read(self, name: str, path: str) -> None:
        try:
            self.finishes[name] = finish = _read_finish(path, name)
            self.statuses[name] = finish.status
        except NO_RECORD:
            self.finishes.pop(name, None)
            self.statuses[name] = UNREADABLE


def _read_finish(path: str, sample: str) -> Finish:
    """Read the first bytes, as a receipt is long; all of it if it does not begin as usual."""
    with open(path, "rb", buffering=0) as handle:
        head = handle.read(_HEAD_BYTES)
    begin = _BEGIN.match(head)
    stages = begin and _STAGES.search(head, begin.end())
    finished = stages and _FINISHED.search(head, stages.end())
    if begin and stages and finished and begin[1].decode() == sample:
        reason = None if begin[3] == b"null" else json.loads(begin[3])
        return _to_finish(begin[2].decode(), reason, json.loads(stages[1]), finished[1].decode())
    receipt = read_json(Path(path))
    if receipt["sample"] != sample or receipt["status"] not in {"complete", "excluded"}:
        raise ValueError("it is not a receipt of this sample")
    return _to_finish(*(receipt[key] for key in ("status", "reason", "stages", "finished")))


def _to_finish(
    status: str, reason: dict[str, Any] | None, stages: dict[str, Any], finished: str
) -> Finish:
    """Check and keep what is needed; what does not have its form raises one of `NO_RECORD`."""
    # One copy of each name: 67,000 receipts have five each.
    seconds = {sys.intern(stage): float(use["seconds"]) for stage, use in stages.items()}
    cpu_s = sum(float(use.get("cpu_seconds", 0)) for use in stages.values())
    if not (math.isfinite(cpu_s) and all(map(math.isfinite, seconds.values()))):
        raise ValueError("its stages took no number of seconds")
    return Finish(
        time=datetime.datetime.fromisoformat(finished).timestamp(),
        status=status,
        seconds=seconds,
        cpu_s=cpu_s,
        reason=reason and {name: clean(reason[name]) for name in ("type", "stage", "message")},
    )
