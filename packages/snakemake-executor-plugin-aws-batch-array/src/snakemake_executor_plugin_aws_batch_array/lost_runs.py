"""Takes over the jobs of a controller whose folder, with the ledger, is lost.

Its runs are still in the bucket: the manifests give the key of each child's task.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .bundle import DIGEST, Bundle
from .client import ArrayBatchClient
from .ledger import Ledger, OpenChild
from .live import LiveArray
from .manifest import parse_manifest
from .paths import get_runs_folder
from .settings import ExecutorSettings
from .status import ENDED
from .store import RunFolder, Store
from .tasks import Task


@dataclass(frozen=True)
class LostArray:
    """An array that is not in this folder's ledger.

    Attributes:
        folder: Folder of its run in the bucket.
        queue: Where it was submitted.
        detail: Its entry from DescribeJobs.
        size: Number of its children.
        children: Index of each child by the key of its task, without failed ones.
    """

    folder: RunFolder
    queue: str
    detail: dict[str, Any]
    size: int
    children: dict[str, int]


class LostRuns:
    """Runs and arrays that are in the bucket but not in the ledger of this folder.

    The same bucket also has runs of other workflows and cohorts. A run belongs to this workflow if
    it sent exactly what this run would send: sources, options and data. A run that is on record
    may have arrays that are not, if the folder is an older copy of what its controller had.
    """

    def __init__(
        self,
        client: ArrayBatchClient,
        store: Store,
        ledger: Ledger,
        settings: ExecutorSettings,
        logger: Any,
    ) -> None:
        """List the runs in the bucket; an unreachable bucket shows here."""
        self._client = client
        self._store = store
        self._ledger = ledger
        self._logger = logger
        self._queues = [queue for queue in (settings.job_queue, settings.fallback_queue) if queue]
        self._known = ledger.get_runs()
        self._recorded = ledger.get_arrays()
        # Latest first: if two runs did the same work, the later result is used.
        unseen = {*store.list_folders(get_runs_folder(settings.prefix))}
        if not ledger.is_copy():
            unseen -= self._known
        self._unseen = [RunFolder(prefix) for prefix in sorted(unseen, reverse=True)]
        self._arrays: list[LostArray] = []

    def iter_adopted(self, tasks: list[Task], bundle: Bundle) -> Iterator[LiveArray]:
        """Yield the arrays whose children do, or have done, the work of these tasks.

        Jobs with their own local inputs are left out, because nobody can tell whether the files
        sent then are the current ones.
        """
        while self._unseen:
            self._look(self._unseen.pop(0), bundle)
        wanted = {task.key: task for task in tasks if not bundle.get_missing(task.inputs)}
        for array in self._arrays:
            keys = array.children.keys() & wanted.keys()
            if keys:
                yield self._adopt(array, {array.children.pop(key): wanted.pop(key) for key in keys})

    def _look(self, folder: RunFolder, bundle: Bundle) -> None:
        """Find the arrays of a run, if it belongs to this workflow."""
        is_known = folder.prefix in self._known
        is_alike = is_known or self._is_alike(folder, bundle)
        # A later run in a folder knows its predecessors; unknown runs belong to others.
        if not is_alike and self._known:
            return
        for queue in self._queues:
            for detail in self._client.describe_named(queue, f"{folder.name}-").values():
                if detail["jobName"] in self._recorded:
                    continue
                if is_alike:
                    self._arrays += self._read(folder, queue, detail)
                elif detail["status"] not in ENDED:
                    self._warn(queue, detail)

    def _is_alike(self, folder: RunFolder, bundle: Bundle) -> bool:
        return self._store.get_metadata(folder.bundle).get(DIGEST) == bundle.digest

    def _warn(self, queue: str, detail: dict[str, Any]) -> None:
        self._logger.warning(
            f"{detail['jobName']} in {queue} is of a run with other sources, configuration or "
            "data. If that was an earlier run of this workflow, its jobs are made twice; to end "
            f"them: aws batch terminate-job --job-id {detail['jobId']} --reason superseded"
        )

    def _read(self, folder: RunFolder, queue: str, detail: dict[str, Any]) -> list[LostArray]:
        size = detail.get("arrayProperties", {}).get("size", 1)
        failed = self._get_failed(detail, size)
        try:
            content = self._store.open(folder.get_manifest(detail["jobName"])).read()
            lines = parse_manifest(content)
        except KeyError:  # the run has been removed meanwhile
            return []
        except ValueError:  # from another version of this plugin, or not from it at all
            self._warn(queue, detail)
            return []
        children = {line.key: i for i, line in enumerate(lines) if i not in failed}
        return [LostArray(folder, queue, detail, size, children)]

    def _get_failed(self, detail: dict[str, Any], size: int) -> set[int]:
        """Return the children without a result; their tasks are submitted again."""
        if size == 1:
            return {0} if detail["status"] == "FAILED" else set()
        children = self._client.iter_children(detail["jobId"], "FAILED")
        return {child["arrayProperties"]["index"] for child in children}

    def _adopt(self, array: LostArray, found: dict[int, Task]) -> LiveArray:
        """Put children on record, as if this folder had submitted them."""
        name, job_id = array.detail["jobName"], array.detail["jobId"]
        children = {i: OpenChild(task.key, task.target) for i, task in found.items()}
        self._ledger.open_run(array.folder.prefix, array.detail["jobDefinition"])
        self._ledger.adopt_array(name, array.folder.prefix, array.queue, array.size, children)
        self._ledger.record_job(name, job_id)
        return LiveArray(
            name=name,
            job_id=job_id,
            folder=array.folder,
            queue=array.queue,
            size=array.size,
            submitted=array.detail["createdAt"] / 1000,
            open=found,
        )
