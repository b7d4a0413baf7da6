"""Details of one genome: its facts, what to do next, and the end of a log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bactofleet.core.errors import IllegalInstruction, OutOfMemory, TemporaryFailure
from bactofleet.genome.stage import STAGES
from bactofleet.monitor.page.genomes import GenomeStatus
from bactofleet.monitor.page.logs import LogTail, read_tail
from bactofleet.records.failure import Failure, log_of
from bactofleet.records.folder import FAILED, SUFFIX, log_path, receipt_path
from bactofleet.records.reading import UNREADABLE
from bactofleet.report.columns import COLUMNS, USAGE
from bactofleet.report.rows import GenomeRecord, GenomeRow, read_record

# Columns without a heading that the page shows too, and columns that it shows elsewhere.
_MORE = frozenset({"host_name", "host_cpu"})
_TOLD = frozenset({"sample", "status", "reason_type"})
_AGAIN = "Start the same command again to retry it."
# By exit status, else by kind: docs/workflow.md.
_NEXT_BY_EXIT_CODE = {
    TemporaryFailure.exit_code: f"The disk, network or machine had a temporary problem. {_AGAIN}",
    IllegalInstruction.exit_code: f"A tool was built for another processor. {_AGAIN}",
    OutOfMemory.exit_code: f"It needs more memory: raise memory_mb in the configuration. {_AGAIN}",
}
_NEXT_BY_KIND = {
    "input": f"Correct the address in the sample sheet. {_AGAIN}",
    "tool": f"The log has the tool's error message. {_AGAIN}",
    UNREADABLE: "",  # the message says what to do
}
_NEXT_OF_EXCLUDED = (
    "This is a result: the next run does not repeat it. "
    "To try other limits, change them in the configuration and add --config redo={sample}."
)


def describe_genome(
    results: Path, genome: GenomeStatus, failure: Failure | None, stage: str
) -> dict[str, Any]:
    """Return everything about a genome, for JSON.

    `stage` chooses the log; if it is empty, the log is that of the running or failed stage.
    """
    record = read_record(results, genome.sample)
    logs = [name for name in STAGES if log_path(results, genome.sample, name).is_file()]
    tail = _find_tail(results, genome, record, stage)
    return {
        "genome": genome._asdict(),
        "reason": _describe_reason(record.row, failure),
        "next": _suggest(genome, record.row, failure),
        "facts": _list_facts(record.row),
        "usage": _list_usage(record.row),
        "files": list(_iter_files(results, record.row)),
        "logs": logs,
        "log": tail and asdict(tail),
        "link": failure.log if failure and failure.log.startswith("https://") else None,
    }


def _find_tail(
    results: Path, genome: GenomeStatus, record: GenomeRecord, stage: str
) -> LogTail | None:
    """Return the end of the chosen log; for a failure, the end that was kept."""
    if stage in STAGES:
        return read_tail(log_path(results, genome.sample, stage))
    if genome.status == "running" and genome.stage:
        return read_tail(log_path(results, genome.sample, genome.stage))
    if genome.status != "failed":
        return None
    # The log itself may be from a later, interrupted attempt, or lost with its machine.
    kept = read_tail(log_of(results / FAILED, genome.sample))
    path = str(record.row.get("reason_log") or "")
    return kept or (LogTail(path, "\n".join(record.tail), is_cut=True) if record.tail else None)


def _describe_reason(row: GenomeRow, failure: Failure | None) -> dict[str, Any] | None:
    """Return why a genome was excluded or failed, or its last attempt did; None if none did."""
    reason = {name: row.get(f"reason_{name}") for name in ("type", "stage", "message")}
    if failure:
        reason = {"type": failure.kind, "stage": failure.stage, "message": failure.message}
    if not reason["message"]:
        return None
    return reason | {name: row.get(f"reason_{name}") for name in ("exit_code", "attempt")}


def _suggest(genome: GenomeStatus, row: GenomeRow, failure: Failure | None) -> str | None:
    if genome.status == "excluded":
        return _NEXT_OF_EXCLUDED.format(sample=genome.sample)
    if failure is None:
        return None
    code = row.get("reason_exit_code")
    by_code = _NEXT_BY_EXIT_CODE.get(code) if isinstance(code, int) else None
    return by_code or _NEXT_BY_KIND.get(failure.kind, _AGAIN)


def _list_facts(row: GenomeRow) -> list[dict[str, Any]]:
    return [
        {
            "name": column.heading or column.name.replace("_", " "),
            "value": row[column.name],
            "unit": column.unit,
            "meaning": column.meaning,
        }
        for column in COLUMNS
        if column.name in row
        and (column.heading or column.name in _MORE)
        and column.name not in _TOLD
    ]


def _iter_files(results: Path, row: GenomeRow) -> Iterator[str]:
    """Yield the paths or addresses of a genome's record and tarball."""
    sample = str(row["sample"])
    for record in (receipt_path(results, sample), results / FAILED / f"{sample}{SUFFIX}"):
        if record.is_file():
            yield str(record)
    if row.get("tarball_path"):
        yield str(row["tarball_path"])


def _list_usage(row: GenomeRow) -> list[dict[str, Any]]:
    """Return wall time (s), processor time (s) and peak memory (MB) of each stage."""
    return [
        {"stage": stage} | {name: row.get(f"{stage}_{name}") for name in USAGE}
        for stage in STAGES
        if f"{stage}_seconds" in row
    ]
