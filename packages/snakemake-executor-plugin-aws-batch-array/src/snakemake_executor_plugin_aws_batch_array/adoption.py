"""Takes over what an earlier controller submitted and did not settle."""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .client import ArrayBatchClient
from .ledger import Ledger, OpenArray, OpenChild
from .live import LiveArray
from .manifest import Line, parse_manifest
from .monitor import AT_WORK
from .store import RunFolder, Store
from .tasks import Task


@dataclass
class Superseded:
    """Children of earlier runs that make the files of these tasks from something else.

    Attributes:
        children: The array and the index of each.
        tasks: What this run would do instead of those that are at work.
        vcpu_hours: What those that are at work have cost so far.
    """

    children: list[tuple[OpenArray, int]] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    vcpu_hours: float = 0.0


class Adopter:
    """Matches open children of earlier runs with jobs of this one."""

    def __init__(self, client: ArrayBatchClient, ledger: Ledger, logger: Any) -> None:
        self._client = client
        self._ledger = ledger
        self._logger = logger
        self._taken: set[str] = set()
        self._earlier = [array for array in ledger.get_open_arrays() if self._is_known(array)]

    def iter_adopted(self, tasks: list[Task]) -> Iterator[LiveArray]:
        """Yield the arrays in which children do the work of these tasks."""
        by_key = {task.key: task for task in tasks}
        for array in self._earlier:
            matching = {i: by_key.pop(c.key) for i, c in array.children.items() if c.key in by_key}
            yield from self._take_over(array, matching)

    def iter_finished(self, tasks: list[Task], store: Store) -> Iterator[LiveArray]:
        """Yield the arrays in which children have made the files of these tasks already.

        They did so from other sources or parameters, but had the earlier controller collected
        them, they would be finished files.
        """
        by_target = {task.target: task for task in tasks}
        for array in self._earlier:
            if not any(child.target in by_target for child in array.children.values()):
                continue
            lines = _read_manifest(array, store)
            matching = {}
            for index in set(self._get_succeeded(array)) & array.children.keys():
                task = by_target.get(array.children[index].target)
                if task and lines[index : index + 1] and lines[index].outputs == task.outputs:
                    matching[index] = by_target.pop(task.target)
            yield from self._take_over(array, matching)

    def find_superseded(self, tasks: list[Task]) -> Superseded:
        """Find what makes the files of these tasks from other sources or parameters."""
        by_target = {task.target: task for task in tasks}
        found = Superseded()
        for array in self._earlier:
            indices = {i: c.target for i, c in array.children.items() if c.target in by_target}
            found.children += [(array, index) for index in indices]
            ids = {array.get_child_id(index): target for index, target in indices.items()}
            for detail in self._client.describe_existing(list(ids)).values():
                if detail["status"] in AT_WORK:
                    found.tasks.append(by_target[ids[detail["jobId"]]])
                    found.vcpu_hours += _get_vcpu_hours(detail)
        return found

    def supersede(self, superseded: Superseded) -> None:
        """End children whose results are not those that are asked for."""
        if not superseded.children:
            return
        self._logger.warning(
            f"{len(superseded.children)} jobs of an earlier run are terminated: the workflow, its "
            "configuration or the parameters of the jobs have changed since."
        )
        by_array: dict[str, list[int]] = defaultdict(list)
        for array, index in superseded.children:
            by_array[array.name].append(index)
        for array in self._earlier:
            self._end(array, by_array[array.name])

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

    def _take_over(self, array: OpenArray, matching: dict[int, Task]) -> Iterator[LiveArray]:
        for index in matching:
            del array.children[index]
        if matching:
            self._taken.add(array.name)
            yield _revive(array, matching)

    def _end(self, array: OpenArray, indices: list[int]) -> None:
        reason = "superseded by a run with other sources or parameters"
        if indices and len(indices) == len(array.children) and array.name not in self._taken:
            self._client.terminate(str(array.job_id), reason)
        else:
            for index in indices:
                self._client.terminate(array.get_child_id(index), reason)
        self._close(array, indices)

    def _close(self, array: OpenArray, indices: list[int]) -> None:
        self._ledger.close_children(array.name, indices)
        for index in indices:
            del array.children[index]


def _has_come(array: OpenArray, child: OpenChild) -> bool:
    """Whether the output of a child is there, not one of an earlier run for the same file."""
    target = Path(child.target)
    return target.exists() and target.stat().st_mtime >= array.submitted


def _read_manifest(array: OpenArray, store: Store) -> list[Line]:
    try:
        content = store.open(RunFolder(array.prefix).get_manifest(array.name)).read()
        return parse_manifest(content)
    except (KeyError, ValueError):  # removed, or of another version of this plugin
        return []


def _get_vcpu_hours(detail: dict[str, Any]) -> float:
    """What the attempt that is at work has cost so far; nothing, if it has not started yet."""
    needs = detail.get("container", {}).get("resourceRequirements", [])
    vcpus = sum(float(need["value"]) for need in needs if need["type"] == "VCPU")
    now_ms = time.time() * 1000
    return vcpus * (now_ms - float(detail.get("startedAt", now_ms))) / 3_600_000


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
