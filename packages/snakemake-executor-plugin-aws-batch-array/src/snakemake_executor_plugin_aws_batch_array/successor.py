"""What another program does for a controller that has ended, with the record that it left."""

from pathlib import Path
from typing import Any

from .cleanup import remove_finished_runs
from .client import ArrayBatchClient
from .ledger import Ledger
from .paths import LEDGER
from .status import ENDED
from .store import RunFolder, Store


def terminate_jobs(report_dir: Path, session: Any, queues: list[str], reason: str) -> int:
    """Terminate the jobs that the controller left; the next one submits them again.

    Jobs that it submitted and could not record are found by the names of its runs.

    Returns:
        Number of array jobs (and single jobs) that were terminated.
    """
    client, ledger = ArrayBatchClient(session), Ledger(report_dir / LEDGER)
    found: dict[str, dict[str, Any]] = {}
    for prefix in ledger.get_runs():
        for queue in queues:
            found |= client.describe_named(queue, f"{RunFolder(prefix).name}-")
    running = [job_id for job_id, job in found.items() if job["status"] not in ENDED]
    for job_id in running:
        client.terminate(job_id, reason)
    for array in ledger.get_open_arrays():
        ledger.record_cancelled(array.name)
    return len(running)


def remove_leftovers(report_dir: Path, session: Any, bucket: str, logger: Any) -> None:
    """Remove the objects and job definitions of finished runs, which `keep-finished` has kept."""
    if not (report_dir / LEDGER).is_file():
        return
    store = Store(session.client("s3"), bucket)
    remove_finished_runs(Ledger(report_dir / LEDGER), store, ArrayBatchClient(session), logger)
