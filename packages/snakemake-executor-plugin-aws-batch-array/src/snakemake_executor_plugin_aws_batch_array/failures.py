"""A failed child in words: for the terminal and for failures.tsv."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from .logs import LogReader, Tail, get_log_url
from .monitor import EndedChild
from .status import Cause, ChildFailure
from .tables import FailureRow

# The C library's text for ENOSPC, found in every tool's error message.
_DISK_FULL = "No space left on device"


class FailureReport(NamedTuple):
    """One row of the table for each missing output, and the text for the terminal."""

    rows: list[FailureRow]
    text: str


def build_failure(
    ended: EndedChild,
    failure: ChildFailure,
    made: list[str],
    run: str,
    region: str,
    following: str,
    logs: LogReader,
) -> FailureReport:
    """Describe a failed child.

    Args:
        ended: The child.
        failure: How it ended.
        made: Outputs that it returned nevertheless.
        run: Id of the run.
        region: For the link to the log.
        following: What happens next, for example `final`.
        logs: Reader for the last lines of the log.
    """
    tail = logs.get_tail(failure.log_stream) if failure.log_stream else Tail([])
    url = get_log_url(region, failure.log_stream) if failure.log_stream else ""
    task = ended.array.open[ended.index]
    reason = _describe(failure, tail)
    row = FailureRow(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        run=run,
        job=str(task.job.name),
        target=task.target,
        queue=ended.array.queue,
        job_id=ended.array.get_child_id(ended.index),
        cause=_get_cause(failure, tail),
        exit_code=failure.exit_code,
        reclaimed=failure.reclaimed,
        next=following,
        reason=reason,
        log_url=url,
    )
    missing = [path for path in task.outputs if path not in made] or [task.target]
    rows = [replace(row, target=target) for target in missing]
    return FailureReport(rows, _format(row, missing, tail))


def _get_cause(failure: ChildFailure, tail: Tail) -> Cause:
    """Name a full disk, which only the log reveals. This affects only the text."""
    if failure.cause is Cause.EXIT and any(_DISK_FULL in line for line in tail.lines):
        return Cause.DISK_FULL
    return failure.cause


def _describe(failure: ChildFailure, tail: Tail) -> str:
    parts = [str(_get_cause(failure, tail))]
    if failure.reclaimed:
        times = "once" if failure.reclaimed == 1 else f"{failure.reclaimed} times"
        parts.append(f"host reclaimed {times}")
    if failure.exit_code is not None:
        parts.append(f"exit code {failure.exit_code}")
    parts.append(tail.reason or failure.detail)
    return "; ".join(dict.fromkeys(parts))


def _format(row: FailureRow, missing: list[str], tail: Tail) -> str:
    targets = ", ".join(missing)
    lines = [f"{targets} failed ({row.next}): {row.reason}", f"  AWS Batch job {row.job_id}"]
    if tail.lines:
        lines += [f"  last {len(tail.lines)} lines of its log:", *(f"    {x}" for x in tail.lines)]
    if row.log_url:
        lines.append(f"  log: {row.log_url}")
    return "\n".join(lines)
