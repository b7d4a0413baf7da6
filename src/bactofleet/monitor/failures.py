"""Genomes that failed, as their stages told on this machine or on its shared file system."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bactofleet.core.files import read_json
from bactofleet.monitor.receipts import NO_RECORD, UNREADABLE, RecordFolder
from bactofleet.records.rows import clean


@dataclass(frozen=True)
class Failure:
    """How a genome failed; a job on AWS Batch names the stage in its message."""

    sample: str
    stage: str
    kind: str
    message: str
    log: str
    """Path of the log, or its address."""


class Failures:
    """`results/failed`: one file a genome, removed when the genome is made after all."""

    def __init__(self, folder: Path, samples: Collection[str]) -> None:
        self._folder = RecordFolder(folder, samples)
        self.by_sample: dict[str, Failure] = {}

    def look(self) -> None:
        """Read what has come since the last look."""
        new, gone = self._folder.look()
        for name in gone:
            self.by_sample.pop(name, None)
        for name, path in new.items():
            try:
                self.by_sample[name] = _parse(read_json(Path(path)), name)
            except FileNotFoundError:
                continue  # made after all, at this moment
            except NO_RECORD as error:
                self.by_sample[name] = describe_unreadable(name, path, error)


def describe_unreadable(sample: str, path: Path | str, error: Exception | None = None) -> Failure:
    """Return what is to be said of a record that is damaged."""
    message = f"{path} cannot be read; remove it to make the genome again"
    if error:
        message += f" ({clean(error)})"
    return Failure(sample, "", UNREADABLE, message, "")


def _parse(record: dict[str, Any], sample: str) -> Failure:
    texts = (clean(record[name]) for name in ("stage", "kind", "message", "log"))
    return Failure(sample, *texts)
