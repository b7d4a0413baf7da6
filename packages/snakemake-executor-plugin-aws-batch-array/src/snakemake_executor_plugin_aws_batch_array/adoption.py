"""Takes over what an earlier controller submitted and did not settle."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .client import ArrayBatchClient
from .ledger import Ledger, OpenArray, OpenChild
from .live import LiveArray
from .store import RunFolder
from .tasks import Task


class Adopter:
    """Matches open children of earlier runs with jobs of this one."""

    def __init__(self, client: ArrayBatchClient, ledger: Ledger, logger: Any) -> None:
        self._client = client
        self._ledger = ledger
        self._logger = logger
        self._earlier = [array for array in ledger.get_open_arrays() if self._is_known(array)]

    def iter_adopted(self, tasks: list[Task]) -> Iterator[LiveArray]:
        """Yield the arrays in which children do the work of these tasks.

        A child that makes the same file from other sources or parameters is superseded: it is
        terminated, as its result would not be the one that is asked for.
        """
        by_key = {task.key: task for task in tasks}
        by_target = {task.target: task for task in tasks}
        for array in self._earlier:
            matching = {i: by_key[c.key] for i, c in array.children.items() if c.key in by_key}
            superseded = [
                i for i, c in array.children.items() if i not in matching and c.target in by_target
            ]
            self._supersede(array, superseded)
            for index in matching:
                del array.children[index]
            if matching:
                yield _revive(array, matching)
        self._earlier = [array for array in self._earlier if array.children]

    def close(self) -> None:
        """Settle at the end what no job of this run asked for, and tell what still runs.

        Where the output has come since they were submitted, the earlier controller died between
        moving it to its place and writing that down.
        """
        for array in self._earlier:
            self._close(array, [i for i, c in array.children.items() if _has_come(array, c)])
        if left := sum(len(array.children) for array in self._earlier):
            self._logger.warning(
                f"{left} jobs that an earlier run submitted belong to no job of this run; they go "
                "on, and a run that asks for their files takes them over."
            )

    def _is_known(self, array: OpenArray) -> bool:
        """Find out about an array what its controller could not write down any more."""
        if array.job_id is None:
            array.job_id = self._client.find_job(array.queue, array.name)
            if array.job_id is None:  # it died before it submitted
                self._ledger.close_children(array.name, list(array.children))
                return False
            self._ledger.record_job(array.name, array.job_id)
        if array.cancelled:
            self._keep_succeeded(array)
        return bool(array.children)

    def _keep_succeeded(self, array: OpenArray) -> None:
        """Of a terminated array, only what had succeeded is of use."""
        succeeded = set(self._get_succeeded(array))
        self._close(array, [i for i in array.children if i not in succeeded])

    def _get_succeeded(self, array: OpenArray) -> Iterator[int]:
        if array.size > 1:
            for summary in self._client.iter_children(str(array.job_id), "SUCCEEDED"):
                yield summary["arrayProperties"]["index"]
        else:
            for detail in self._client.describe_existing([str(array.job_id)]).values():
                if detail["status"] == "SUCCEEDED":
                    yield 0

    def _supersede(self, array: OpenArray, indices: list[int]) -> None:
        if not indices:
            return
        self._logger.warning(
            f"{len(indices)} running jobs of an earlier run are terminated: the workflow, its "
            "configuration or the parameters of the jobs have changed since."
        )
        reason = "superseded by a run with other sources or parameters"
        if len(indices) == len(array.children):
            self._client.terminate(str(array.job_id), reason)
        else:
            for index in indices:
                self._client.terminate(f"{array.job_id}:{index}", reason)
        self._close(array, indices)

    def _close(self, array: OpenArray, indices: list[int]) -> None:
        self._ledger.close_children(array.name, indices)
        for index in indices:
            del array.children[index]


def _has_come(array: OpenArray, child: OpenChild) -> bool:
    """Whether the output of a child is there, not one of an earlier run for the same file."""
    target = Path(child.target)
    return target.exists() and target.stat().st_mtime >= array.submitted


def _revive(array: OpenArray, matching: dict[int, Task]) -> LiveArray:
    return LiveArray(
        name=array.name,
        job_id=str(array.job_id),
        folder=RunFolder(array.prefix),
        queue=array.queue,
        size=array.size,
        submitted=array.submitted,
        open=matching,
    )
