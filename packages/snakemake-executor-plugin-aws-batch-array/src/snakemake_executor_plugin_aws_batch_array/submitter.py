"""Submits tasks to Batch: recorded first, and in as few calls as possible."""

import time
from pathlib import Path
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError

from .arrays import Array, iter_arrays
from .bundle import DIGEST, Bundle
from .client import ArrayBatchClient
from .definitions import build_definition, build_submission
from .inputs import get_version, send_input
from .ledger import Ledger, OpenChild
from .live import LiveArray
from .manifest import ManifestLine, build_manifest
from .paths import get_runs_folder
from .queues import Queues
from .settings import ExecutorSettings
from .store import RunFolder, Store
from .tasks import Task
from .trees import DanglingLinkError


class Submitter:
    """Submits the arrays of one run; makes what they share before the first one."""

    def __init__(
        self,
        run: str,
        settings: ExecutorSettings,
        queues: Queues,
        client: ArrayBatchClient,
        store: Store,
        ledger: Ledger,
    ) -> None:
        self._run = run
        self._folder = RunFolder(f"{get_runs_folder(settings.prefix)}{run}")
        self._settings = settings
        self._queues = queues
        self._client = client
        self._store = store
        self._ledger = ledger
        self._definition: str | None = None
        self._arrays = 0
        self._sent: dict[str, int] = {}

    def iter_arrays(self, tasks: list[Task]) -> list[Array]:
        """Divide tasks into arrays with names that are unique in the run."""
        arrays = list(iter_arrays(tasks, self._run, self._arrays))
        self._arrays += len(arrays)
        return arrays

    def submit(self, array: Array, bundle: Bundle) -> LiveArray:
        """Submit one array; it is on record before Batch receives it."""
        definition = self._prepare(bundle)
        self._send_inputs(array, bundle)
        lines = [
            ManifestLine(
                t.arguments, bundle.get_missing(t.inputs), t.outputs, t.key, t.logs, t.digests
            )
            for t in array.tasks
        ]
        manifest, line_bytes = build_manifest(lines)
        self._store.put(self._folder.get_manifest(array.name), manifest)
        children = [OpenChild(task.key, task.target) for task in array.tasks]
        self._ledger.open_array(array.name, self._folder.prefix, array.queue, children)
        share = self._settings.share_identifier if array.queue in self._queues.shared else None
        request = build_submission(array, definition, line_bytes, self._settings, share)
        job_id = self._client.submit_once(**request)
        self._ledger.record_job(array.name, job_id)
        return LiveArray(
            name=array.name,
            job_id=job_id,
            folder=self._folder,
            queue=array.queue,
            size=len(array.tasks),
            submitted=time.time(),
            open=dict(enumerate(array.tasks)),
        )

    def _prepare(self, bundle: Bundle) -> str:
        """Send the bundle and register the definition, once."""
        if self._definition is None:
            name = f"snakemake-{self._run}"
            # On record first; a definition with a new name gets revision 1.
            self._ledger.open_run(self._folder.prefix, f"{name}:1")
            self._store.put(self._folder.bundle, bundle.content, {DIGEST: bundle.digest})
            request = build_definition(
                name,
                self._settings,
                self._queues.platform,
                self._folder.prefix,
                bundle.sha256,
            )
            reply: dict[str, Any] = self._client.register_job_definition(**request)
            self._definition = str(reply["jobDefinitionArn"])
        return self._definition

    def _send_inputs(self, array: Array, bundle: Bundle) -> None:
        """Send local inputs that are not in the bundle, once unless they change."""
        for path in bundle.get_missing({path for task in array.tasks for path in task.inputs}):
            version = get_version(Path(path))
            if self._sent.get(path) != version:
                try:
                    send_input(self._store, self._folder.get_input(path), Path(path))
                except DanglingLinkError as error:
                    raise WorkflowError(f"the input {path!r} cannot be sent: {error}") from error
                self._sent[path] = version
