"""Failed genomes, as stages recorded them on this machine or on a shared file system."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from bactofleet.monitor.receipts import RecordFolder
from bactofleet.records.failure import Failure, find_failure


class Failures:
    """`results/failed`: one file per failed genome, removed if the genome is finished later."""

    def __init__(self, folder: Path, samples: Collection[str]) -> None:
        self._path = folder
        self._folder = RecordFolder(folder, samples)
        self.by_sample: dict[str, Failure] = {}

    def look(self) -> None:
        """Read new and changed files."""
        new, gone = self._folder.look()
        for name in gone:
            self.by_sample.pop(name, None)
        for name in new:
            try:
                self.by_sample[name] = find_failure(self._path, name)
            except FileNotFoundError:
                continue  # has just been finished
