"""Fetches what children returned and puts it in its place."""

import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from .monitor import Ended
from .returns import Salvage, unpack_outputs
from .status import Cause, Failure
from .store import Store
from .tasks import Task

# Objects are small, so that the time is spent waiting; S3 gives far more than this.
THREADS = 16
# Collected children are reported in portions, so that the workflow goes on meanwhile.
PORTION = 200


class Collected(NamedTuple):
    """A child that has ended, with what it returned.

    Attributes:
        ended: The child.
        record: Of its last attempt, if it succeeded.
        salvage: What a group that failed has made all the same.
    """

    ended: Ended
    record: dict[str, Any]
    salvage: Salvage | None = None


class Collector:
    """Reads one object for each child that succeeded."""

    def __init__(self, store: Store, staging: Path) -> None:
        self._store = store
        self._staging = staging

    def iter_portions(self, ended: Iterator[Ended]) -> Iterator[list[Collected]]:
        """Collect children as they are found; failures pass through."""
        with ThreadPoolExecutor(THREADS) as pool:
            while portion := list(islice(ended, PORTION)):
                yield list(pool.map(self._collect, portion))

    def _collect(self, ended: Ended) -> Collected:
        key = ended.array.folder.get_returned(ended.array.name, ended.index)
        task = ended.array.open[ended.index]
        failure = ended.failure
        if failure is None:
            try:
                return Collected(
                    ended, unpack_outputs(self._store.open(key), task.outputs, self._staging)
                )
            except KeyError:
                failure = _get_absence(ended, key)
            except (FileNotFoundError, tarfile.TarError) as error:
                text = f"{key} is not what was asked for: {error}"
                failure = Failure(Cause.NOTHING_RETURNED, text)
        return Collected(replace(ended, failure=failure), {}, self._salvage(key, task))

    def _salvage(self, key: str, task: Task) -> Salvage | None:
        if len(task.outputs) < 2:
            return None
        try:
            return Salvage(self._store.open(key), task.outputs, self._staging)
        except (KeyError, tarfile.TarError):
            return None


def _get_absence(ended: Ended, key: str) -> Failure:
    """Without an object: Batch says that it succeeded, or no longer knows the job."""
    if ended.summary:
        return Failure(Cause.NOTHING_RETURNED, f"the job succeeded, but {key} does not exist")
    return Failure(Cause.FORGOTTEN, f"Batch does not know the job and {key} does not exist")
