"""Genomes that failed, as their stages told on this machine or on its shared file system."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from bactofleet.monitor.receipts import RecordFolder
from bactofleet.records.failure import Failure, find_failure


class Failures:
    """`results/failed`: one file a genome, removed when the genome is made after all."""

    def __init__(self, folder: Path, samples: Collection[str]) -> None:
        self._path = folder
        self._folder = RecordFolder(folder, samples)
        self.by_sample: dict[str, Failure] = {}

    def look(self) -> None:
        """Read what has come since the last look."""
        new, gone = self._folder.look()
        for name in gone:
            self.by_sample.pop(name, None)
        for name in new:
            try:
                self.by_sample[name] = find_failure(self._path, name)
            except FileNotFoundError:
                continue  # made after all, at this moment
