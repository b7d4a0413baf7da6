"""Where every attempt of a child ran, for usage.tsv."""

from typing import Any

from . import exit_codes
from .logs import LogReader
from .monitor import EndedChild
from .status import Cause, ChildFailure, is_reclaimed
from .tables import RECLAIMED, UsageRow, format_time


def build_last_row(ended: EndedChild, run: str, outcome: str, host: dict[str, Any]) -> UsageRow:
    """The last attempt of a child, from its own record and the times of Batch."""
    return _build_row(ended, run, int(host.get("attempt", 1)), outcome, host, ended.summary)


def build_earlier_rows(
    ended: EndedChild, run: str, attempts: list[dict[str, Any]], logs: LogReader
) -> list[UsageRow]:
    """Attempts that sent nothing back: their logs begin with their host."""
    rows = []
    for number, attempt in enumerate(attempts, start=1):
        failure = ended.failure if number == len(attempts) else None
        outcome = get_outcome(attempt, failure)
        rows.append(_build_row(ended, run, number, outcome, _get_host(attempt, logs), attempt))
    return rows


def get_outcome(attempt: dict[str, Any], failure: ChildFailure | None = None) -> str:
    """One word for how an attempt failed; `failure` is that of the child's last attempt."""
    if failure.cause is Cause.RECLAIMED if failure else is_reclaimed(attempt):
        return RECLAIMED
    exit_code = exit_codes.from_container(attempt.get("container", {}).get("exitCode"))
    return "not started" if exit_code is None else f"exit {exit_code}"


def _get_host(attempt: dict[str, Any], logs: LogReader) -> dict[str, Any]:
    stream = attempt.get("container", {}).get("logStreamName")
    return logs.get_host(stream) if stream else {}


def _build_row(
    ended: EndedChild,
    run: str,
    attempt: int,
    outcome: str,
    host: dict[str, Any],
    times: dict[str, Any],
) -> UsageRow:
    task = ended.array.open[ended.index]
    return UsageRow(
        run=run,
        job=str(task.job.name),
        target=task.target,
        job_id=ended.array.get_child_id(ended.index),
        attempt=attempt,
        outcome=outcome,
        queue=ended.array.queue,
        instance_type=host.get("instance_type", ""),
        instance_id=host.get("instance_id", ""),
        zone=host.get("zone", ""),
        life_cycle=host.get("life_cycle", ""),
        vcpus=task.requirements.vcpus,
        memory_mib=task.requirements.memory_mib,
        started=format_time(times.get("startedAt") or host.get("started")),
        stopped=format_time(times.get("stoppedAt")),
        instance_vcpus=host.get("instance_vcpus"),
        booted=host.get("booted", ""),
        disk_gib=host.get("disk_gib"),
        more_targets=" ".join(task.outputs[1:]),
    )
