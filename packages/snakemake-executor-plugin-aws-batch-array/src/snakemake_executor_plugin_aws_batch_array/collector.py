"""Fetches what children returned and puts it into place."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from .monitor import EndedChild
from .retrying import AWS_ERRORS
from .returns import LeftFiles, MalformedReturnError, unpack_outputs
from .status import Cause, ChildFailure
from .store import Store
from .tasks import Task

# Objects are small, so most time is spent waiting; S3 allows far more than this.
THREADS = 16
# Collected children are reported in portions, so that the workflow continues meanwhile.
PORTION = 200


class Collected(NamedTuple):
    """A child that has ended, and what it returned.

    Attributes:
        ended: The child.
        record: The record of its last attempt, if it succeeded.
        left: What a failed job left: its logs, and the outputs of others in its group.
    """

    ended: EndedChild
    record: dict[str, Any]
    left: LeftFiles | None = None


class Collector:
    """Reads one object for each child that succeeded."""

    def __init__(self, store: Store, staging: Path) -> None:
        self._store = store
        self._staging = staging

    def iter_portions(self, ended: Iterator[EndedChild]) -> Iterator[list[Collected]]:
        """Collect children as they are found; failures are passed on."""
        with ThreadPoolExecutor(THREADS) as pool:
            while portion := list(islice(ended, PORTION)):
                yield [collected for collected in pool.map(self._collect, portion) if collected]

    def _collect(self, ended: EndedChild) -> Collected | None:
        """Read what a child returned; None if it may still be running."""
        key = ended.array.folder.get_returned(ended.array.name, ended.index)
        task = ended.array.open[ended.index]
        failure = ended.failure
        if failure is None:
            try:
                return Collected(ended, self._unpack(key, task))
            except (KeyError, MalformedReturnError) as error:
                if not ended.summary and not ended.is_forgotten:
                    return None  # the object may be from an attempt that is followed by another
                failure = _get_failure(ended, key, error)
            except OSError as error:
                if not self._is_lasting(error):
                    raise
                failure = ChildFailure(Cause.NOT_STORED, f"{error}; what was made is in the bucket")
                return Collected(replace(ended, failure=failure), {})
        return Collected(
            replace(ended, failure=failure), {}, self._keep_left_files(ended, key, task)
        )

    def _unpack(self, key: str, task: Task) -> dict[str, Any]:
        return self._store.retrier.ask(
            lambda: unpack_outputs(self._store.open(key), task.outputs, task.logs, self._staging)
        )

    def _keep_left_files(self, ended: EndedChild, key: str, task: Task) -> LeftFiles | None:
        try:
            return self._store.retrier.ask(lambda: self._read_left_files(ended, key, task))
        except OSError as error:
            if not self._is_lasting(error):
                raise
            return None

    def _read_left_files(self, ended: EndedChild, key: str, task: Task) -> LeftFiles:
        left = LeftFiles(self._staging)
        outputs = [path for path in task.outputs if path not in task.updated]
        # A run can do without the logs, but not without what others of the group have made.
        get = self._store.open if len(task.outputs) > 1 else self._store.open_if_allowed
        try:
            if not ended.is_cancelled and (task.logs or len(outputs) > 1):
                with suppress(KeyError, MalformedReturnError):
                    left.add_returned(get(key), outputs, task.logs)
            left.keep(task.updated)
        except BaseException:
            left.remove()
            raise
        return left

    def _is_lasting(self, error: OSError) -> bool:
        """Whether this machine cannot store a file, now or later."""
        return not isinstance(error, AWS_ERRORS) and not self._store.retrier.is_given_up


def _get_failure(ended: EndedChild, key: str, error: Exception) -> ChildFailure:
    """The failure of a job that Batch calls succeeded, or forgot, without a valid object."""
    found = f"{key} does not exist"
    if not isinstance(error, KeyError):
        found = f"{key} is not what was asked for: {error}"
    if ended.summary:
        return ChildFailure(Cause.NOTHING_RETURNED, f"the job succeeded, but {found}")
    return ChildFailure(Cause.FORGOTTEN, f"Batch does not know the job and {found}")
