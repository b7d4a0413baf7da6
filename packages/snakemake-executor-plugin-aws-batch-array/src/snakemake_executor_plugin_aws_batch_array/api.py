"""The public interface: how other programs may query this executor and its files.

Everything else in this package may change without notice. Importing this module is cheap: it loads
neither Snakemake nor boto3.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from .environment import EXIT_CODE_FILE
from .exit_codes import ILLEGAL_INSTRUCTION, OUT_OF_MEMORY, TEMPORARY
from .gunzip import open_tarball
from .ledger import LedgerError, OpenJobs, Waiting
from .ledger import copy_ledger as _copy_ledger
from .ledger import merge_ledgers as _merge_ledgers
from .ledger import read_open_jobs as _read_open_jobs
from .ledger import read_runs as _read_runs
from .paths import FAILURES, LEDGER, USAGE, get_runs_folder
from .secret_files import is_secret
from .status import AT_WORK, ENDED, QUEUED
from .tables import (
    FINAL,
    RECLAIMED,
    SUCCEEDED,
    FailureRow,
    Table,
    TableReader,
    UsageRow,
    parse_time,
)
from .text import clean, clean_lines, to_cell

__all__ = [
    "AT_WORK",
    "ENDED",
    "EXIT_CODE_FILE",
    "FAILURES",
    "FINAL",
    "ILLEGAL_INSTRUCTION",
    "OUT_OF_MEMORY",
    "QUEUED",
    "RECLAIMED",
    "SUCCEEDED",
    "TEMPORARY",
    "USAGE",
    "Describer",
    "FailureRow",
    "JobCounts",
    "LedgerError",
    "OpenJobs",
    "Table",
    "TableReader",
    "UsageRow",
    "Waiting",
    "clean",
    "clean_lines",
    "copy_ledger",
    "count_jobs",
    "get_ledger",
    "get_runs_folder",
    "hides_jobs",
    "is_secret",
    "merge_ledgers",
    "open_client",
    "open_tarball",
    "outlast",
    "parse_time",
    "read_open_jobs",
    "read_runs",
    "remove_leftovers",
    "terminate_jobs",
    "to_cell",
]


T = TypeVar("T")


@dataclass(frozen=True)
class JobCounts:
    """Open jobs by their state on Batch; ended ones wait for the controller to collect them."""

    queued: int
    running: int
    ended: int
    """Jobs that Batch does not describe are among them: it forgets what ended days ago."""
    unknown: int = 0
    """Arrays and single jobs that Batch does not describe."""


class Describer(Protocol):
    """The one call that `count_jobs` makes."""

    def iter_described(self, job_ids: Sequence[str]) -> Iterable[dict[str, Any]]:
        """Yield what DescribeJobs says about jobs."""


def read_open_jobs(report_dir: Path) -> OpenJobs:
    """Return the jobs that were submitted and have no recorded end, even while a controller runs.

    Args:
        report_dir: The setting of that name; without a record of submissions, no job is open.

    Raises:
        LedgerError: the record cannot be read.
    """
    return _read_open_jobs(report_dir / LEDGER)


def read_runs(report_dir: Path) -> dict[str, set[str]]:
    """Return the first outputs of open jobs, by the run that submitted them.

    A run is on record as long as it may have objects in the bucket or a job definition, even
    without open jobs. If no controller is running, its controller died before it removed them.

    Args:
        report_dir: The setting of that name.

    Raises:
        LedgerError: the record of submissions cannot be read.
    """
    return _read_runs(report_dir / LEDGER)


def get_ledger(report_dir: Path) -> Path:
    """Return the file that records submissions; SQLite keeps others beside it while it is open."""
    return report_dir / LEDGER


def copy_ledger(report_dir: Path, target: Path) -> bool:
    """Copy the record of submissions while a controller may be writing it; False without one."""
    return _copy_ledger(report_dir / LEDGER, target)


def merge_ledgers(report_dirs: Sequence[Path], target_dir: Path) -> None:
    """Write a record of submissions, for reading, with those of several controllers."""
    target = target_dir / LEDGER
    target.parent.mkdir(parents=True, exist_ok=True)
    _merge_ledgers([folder / LEDGER for folder in report_dirs], target)


def hides_jobs(output_settings: Any) -> bool:
    """Say whether nobody sees the descriptions of jobs, by the output settings of a workflow."""
    from . import brevity  # noqa: PLC0415  # imports Snakemake

    return brevity.hides_jobs(output_settings)


def terminate_jobs(report_dir: Path, session: Any, queues: list[str], reason: str) -> int:
    """Terminate the jobs of a controller that has ended, and return how many arrays there were.

    Raises:
        botocore.exceptions.ClientError: AWS refuses to answer.
    """
    from . import successor  # noqa: PLC0415  # imports Snakemake

    return successor.terminate_jobs(report_dir, session, queues, reason)


def remove_leftovers(report_dir: Path, session: Any, bucket: str, logger: Any) -> None:
    """Remove from AWS what finished runs have left; `logger` is told what could not be removed."""
    from . import successor  # noqa: PLC0415  # imports Snakemake

    successor.remove_leftovers(report_dir, session, bucket, logger)


def open_client(session: Any) -> Describer:
    """Return the executor's client of Batch, for a boto3 session.

    Raises:
        botocore.exceptions.BotoCoreError: the session has no region.
    """
    # Imported here because it imports Snakemake, which takes a second.
    from .client import ArrayBatchClient  # noqa: PLC0415

    client: Describer = ArrayBatchClient(session)
    return client


def outlast(call: Callable[[], T], logger: Any) -> T:
    """Return what a call to AWS returns, after outages, throttling and full disks have passed.

    It is made again with growing pauses, as long as necessary; `logger.warning` is told why.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError: waiting does
            not help.
    """
    from .retrying import Retrier  # noqa: PLC0415  # imports boto3

    return Retrier(logger, meanwhile="Jobs that were submitted go on.").ask(call)


def count_jobs(client: Describer, jobs: OpenJobs) -> JobCounts:
    """Ask Batch for the states of the open jobs, a hundred arrays per call.

    Raises:
        botocore.exceptions.ClientError: AWS refuses to answer.
    """
    counts: Counter[str] = Counter()
    details = list(client.iter_described(jobs.job_ids))
    for detail in details:
        # A single job has no children.
        summary = detail.get("arrayProperties", {}).get("statusSummary")
        counts.update(summary or {detail["status"]: 1})
    queued, running = (sum(counts[state] for state in states) for states in (QUEUED, AT_WORK))
    ended = max(0, len(jobs.targets) - queued - running)
    return JobCounts(queued, running, ended, len(jobs.job_ids) - len(details))
