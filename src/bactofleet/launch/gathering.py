"""The states of all shards of a run in one results folder, and the way back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

from bactofleet.core.errors import ConfigurationError
from bactofleet.launch.place import Place
from bactofleet.launch.shards import Shards, get_shard, read_shards
from bactofleet.launch.state import Reader
from bactofleet.records.folder import FAILED, FAILURES, LOGS, RECEIPTS, SUFFIX, USAGE, sample_of
from snakemake_executor_plugin_aws_batch_array import api

# Folder with the copies of the shards, in that of the project.
COPIES = Path(".shards")
# Folders with files that belong to one genome each.
OF_GENOMES = (RECEIPTS, FAILED, LOGS)
TABLES: tuple[tuple[str, Any], ...] = ((USAGE, api.UsageRow), (FAILURES, api.FailureRow))


class ShardCopy:
    """The state of one shard: a copy of its folder, and its part of the folder of all."""

    def __init__(self, s3: Any, place: Place, folder: Path, results: Path) -> None:
        self.place, self.folder = place, folder
        self.reader = Reader(s3, place, folder)
        self._results = results
        self._tables = [
            (api.TableReader(folder / name, row), api.Table(results / name, row))
            for name, row in TABLES
        ]

    def read(self) -> bool:
        """Fetch what is new; say whether the record of submissions is."""
        changed = self.reader.read()
        for name in changed:
            if PurePath(name).parts[0] in OF_GENOMES:
                self._pass_on(name)
        for reader, table in self._tables:
            table.append(list(reader.iter_new()))
        return str(api.get_ledger(Path())) in changed

    def _pass_on(self, name: str) -> None:
        source, target = self.folder / name, self._results / name
        target.unlink(missing_ok=True)
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, target)


class Gathering:
    """Brings a results folder up to date with all shards of a run; the run has been launched."""

    def __init__(self, s3: Any, run: Place, shards: Shards, results: Path, copies: Path) -> None:
        """Keep the copies of the shards in a folder, on the same file system as the results."""
        self.copies = [
            ShardCopy(s3, place, copies / place.shard, results) for place in shards.get_places(run)
        ]
        self._s3, self._run, self._shards, self._results = s3, run, shards, results

    def read(self) -> None:
        """Fetch what is new.

        Raises `ConfigurationError` if the run was divided anew, after which the folder is of no
        use.
        """
        if read_shards(self._s3, self._run)[0] != self._shards:
            raise ConfigurationError(
                [
                    f"{self._run.address} was launched with another number of shards; give this "
                    "command again"
                ]
            )
        self._results.mkdir(parents=True, exist_ok=True)
        news = [copy.read() for copy in self.copies]
        if any(news):
            api.merge_ledgers([copy.folder for copy in self.copies], self._results)

    def find_uncollected(self) -> list[Place]:
        """Return the shards with jobs, or objects of jobs, that no controller has collected."""
        return [copy.place for copy in self.copies if api.read_runs(copy.folder)]


def split_results(results: Path, folders: Sequence[Path]) -> None:
    """Copy what a results folder knows of each genome to the folder of its shard.

    The record of submissions cannot be divided and is left out.
    """
    for sample, path in _iter_records(results):
        folder = folders[get_shard(sample, len(folders))]
        target = folder / path.relative_to(results)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    for name, row_type in TABLES:
        parts: dict[Path, list[Any]] = {folder: [] for folder in folders}
        for row in api.TableReader(results / name, row_type).iter_new():
            parts[folders[get_shard(sample_of(row.target), len(folders))]].append(row)
        for folder, rows in parts.items():
            folder.mkdir(parents=True, exist_ok=True)
            api.Table(folder / name, row_type).append(rows)


def _iter_records(results: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file of a genome, with the genome's name."""
    for name in (RECEIPTS, FAILED):
        for path in (results / name).glob(f"*{SUFFIX}"):
            yield path.name.removesuffix(SUFFIX), path
    for path in (results / LOGS).glob("*/*"):
        yield path.parent.name, path
