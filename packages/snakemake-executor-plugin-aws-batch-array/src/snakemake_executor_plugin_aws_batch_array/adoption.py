"""Takes over the unfinished jobs of an earlier controller."""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .client import ArrayBatchClient
from .ledger import Ledger, OpenArray, OpenChild
from .live import LiveArray
from .manifest import ManifestLine, parse_manifest
from .status import AT_WORK
from .store import RunFolder, Store
from .tasks import Task


@dataclass
class SupersededJobs:
    """Children of earlier runs that make the files of these tasks from other sources.

    Attributes:
        children: The array and the index of each child.
        tasks: What this run would do instead of the running children.
        vcpu_hours: What the running children have cost so far.
    """

    children: list[tuple[OpenArray, int]] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    vcpu_hours: float = 0.0


class Adopter:
    """Matches open children of earlier runs with jobs of this run."""

    def __init__(self, client: ArrayBatchClient, ledger: Ledger, logger: Any) -> None:
        self._client = client
        self._ledger = ledger
        self._logger = logger
        self._taken: set[str] = set()
        self._earlier = [array for array in ledger.get_open_arrays() if self._is_known(array)]

    def iter_adopted(self, tasks: list[Task]) -> Iterator[LiveArray]:
        """Yield the arrays whose children do the work of these tasks."""
        by_key = {task.key: task for task in tasks}
        for array in self._earlier:
            matching = {i: by_key.pop(c.key) for i, c in array.children.items() if c.key in by_key}
            yield from self._take_over(array, matching)

    def iter_finished(self, tasks: list[Task], store: Store) -> Iterator[LiveArray]:
        """Yield the arrays whose children have already made the files of these tasks.

        They used other sources or parameters, but if the earlier controller had collected them,
        they would now be finished files.
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

    def find_superseded(self, tasks: list[Task]) -> SupersededJobs:
        """Find children that make the files of these tasks from other sources or parameters."""
        by_target = {task.target: task for task in tasks}
        found = SupersededJobs()
        for array in self._earlier:
            indices = {i: c.target for i, c in array.children.items() if c.target in by_target}
            found.children += [(array, index) for index in indices]
            ids = {array.get_child_id(index): target for index, target in indices.items()}
            for detail in self._client.describe_existing(list(ids)).values():
                if detail["status"] in AT_WORK:
                    found.tasks.append(by_target[ids[detail["jobId"]]])
                    found.vcpu_hours += _get_vcpu_hours(detail)
        return found

    def supersede(self, superseded: SupersededJobs) -> None:
        """Terminate children whose results are no longer wanted."""
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
        """Close at the end what no job of this run asked for, and report what still runs.

        If the output appeared after they were submitted, the earlier controller died between moving
        it into place and recording that.
        """
        for array in self._earlier:
            self._close(array, [i for i, c in array.children.items() if _has_come(array, c)])
        if left := sum(len(array.children) for array in self._earlier):
            self._logger.warning(
                f"{left} jobs that an earlier run submitted belong to no job of this run; they go "
                "on, and a run that asks for their files takes them over."
            )

    def _is_known(self, array: OpenArray) -> bool:
        """Find out what the controller of an array could no longer record."""
        if array.job_id is None:
            array.job_id = self._client.find_job(array.queue, array.name)
            if array.job_id is None:  # the controller died before it submitted the array
                self._ledger.close_children(array.name, list(array.children))
                return False
            self._ledger.record_job(array.name, array.job_id)
        if array.cancelled:
            self._keep_succeeded(array)
        return bool(array.children)

    def _keep_succeeded(self, array: OpenArray) -> None:
        """Keep the children of a terminated array that had succeeded; the others are useless."""
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
            yield _to_live_array(array, matching)

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
    """Whether the output of a child is there, and not that of an earlier run."""
    target = Path(child.target)
    return target.exists() and target.stat().st_mtime >= array.submitted


def _read_manifest(array: OpenArray, store: Store) -> list[ManifestLine]:
    try:
        content = store.open(RunFolder(array.prefix).get_manifest(array.name)).read()
        return parse_manifest(content)
    except (KeyError, ValueError):  # removed, or from another version of this plugin
        return []


def _get_vcpu_hours(detail: dict[str, Any]) -> float:
    """What the running attempt has cost so far; 0 if it has not started yet."""
    needs = detail.get("container", {}).get("resourceRequirements", [])
    vcpus = sum(float(need["value"]) for need in needs if need["type"] == "VCPU")
    now_ms = time.time() * 1000
    return vcpus * (now_ms - float(detail.get("startedAt", now_ms))) / 3_600_000


def _to_live_array(array: OpenArray, matching: dict[int, Task]) -> LiveArray:
    return LiveArray(
        name=array.name,
        job_id=str(array.job_id),
        folder=RunFolder(array.prefix),
        queue=array.queue,
        size=array.size,
        submitted=array.submitted,
        open=matching,
    )
