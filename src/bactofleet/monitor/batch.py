"""Jobs on AWS Batch: what the executor's ledger holds, and what Batch itself says of them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bactofleet.aws.faults import translated
from bactofleet.aws.session import open_session
from bactofleet.core.errors import ConfigurationError
from bactofleet.run.failed_jobs import sample_of

# Where the executor keeps it, below its report-dir (docs/executor.md).
LEDGER = Path(".aws-batch-array/ledger.sqlite")
_OPEN = (
    "SELECT arrays.job_id, children.target FROM children "
    "JOIN arrays ON arrays.name = children.array WHERE NOT arrays.cancelled"
)
# https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
QUEUED = ("SUBMITTED", "PENDING", "RUNNABLE")
RUNNING = ("STARTING", "RUNNING")


@dataclass(frozen=True)
class Submitted:
    """Jobs that were submitted and not settled: their number, genomes and array jobs' ids."""

    jobs: int
    samples: frozenset[str]
    job_ids: tuple[str, ...]


@dataclass(frozen=True)
class BatchCounts:
    """Submitted jobs as Batch has them now; those that ended wait for the controller."""

    queued: int
    running: int
    ended: int


class Describer(Protocol):
    """The one call that is needed of the executor's client."""

    def iter_described(self, job_ids: Sequence[str]) -> Iterable[dict[str, Any]]:
        """Yield what DescribeJobs says of jobs."""


def read_submitted(results: Path) -> Submitted:
    """Read the ledger, beside a controller that writes it.

    Raises `ConfigurationError` where the file is no ledger.
    """
    path = results / LEDGER
    if not path.is_file():
        return Submitted(0, frozenset(), ())
    # Without a log beside it nobody has the file open; to open it as usual would leave one.
    is_open = path.with_name(f"{path.name}-wal").exists()
    options = "mode=ro" if is_open else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True)) as ledger:
            rows = ledger.execute(_OPEN).fetchall()
    except sqlite3.DatabaseError as error:
        raise ConfigurationError([f"{path} cannot be read: {error}"]) from error
    samples = frozenset(filter(None, (sample_of(target) for _, target in rows)))
    return Submitted(len(rows), samples, tuple(sorted({job for job, _ in rows if job})))


def open_client() -> Describer:
    """Return the executor's client, in the region of its settings.

    Raises `ConfigurationError` where AWS cannot be reached so.
    """
    # Imported here: the executor brings Snakemake, which takes a second.
    from snakemake_executor_plugin_aws_batch_array.client import ArrayBatchClient  # noqa: PLC0415

    with translated():
        client: Describer = ArrayBatchClient(open_session(None))
        return client


def ask_batch(client: Describer, submitted: Submitted) -> BatchCounts:
    """Ask Batch how far the submitted jobs are, a hundred arrays a call.

    Raises `ConfigurationError` where AWS refuses to tell.
    """
    counts: Counter[str] = Counter()
    with translated():
        for detail in client.iter_described(submitted.job_ids):
            # A single job has no children.
            summary = detail.get("arrayProperties", {}).get("statusSummary")
            counts.update(summary or {detail["status"]: 1})
    queued, running = (sum(counts[state] for state in states) for states in (QUEUED, RUNNING))
    return BatchCounts(queued, running, max(0, submitted.jobs - queued - running))
