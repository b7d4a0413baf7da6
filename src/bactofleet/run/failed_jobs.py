"""Failures of jobs without access to this machine's folders, as the executor reports them.

A failing stage writes a record to `results/failed`. A job that shares no files with the controller
cannot do so; instead, the executor appends a row to `results/failures.tsv` (docs/executor.md).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from bactofleet.records.failure import of_job, write_failure
from bactofleet.records.folder import FAILED, FAILURES, list_receipts, list_records, sample_of
from snakemake_executor_plugin_aws_batch_array import api


def record_failed_jobs(results: Path, samples: Collection[str], since: datetime) -> None:
    """Write `failed/<sample>.json` for each of these samples whose job has finally failed.

    `since` is the start of the run, because the table also holds failures of earlier runs. A record
    written by the genome's own stage, here or on a shared file system, says more and is kept.
    """
    recorded = {*list_records(results / FAILED), *list_receipts(results)}
    wanted = set(samples) - recorded
    for sample, row in _find_failed(results, since).items():
        if sample in wanted:
            write_failure(results / FAILED, of_job(row, sample))


def list_failed_jobs(results: Path, since: datetime) -> set[str]:
    """Return the samples whose jobs have finally failed since then."""
    return set(_find_failed(results, since))


def _find_failed(results: Path, since: datetime) -> dict[str, api.FailureRow]:
    rows = _read_last_rows(results / FAILURES, since.timestamp())
    return {sample: row for sample, row in rows.items() if row.next == api.FINAL}


def _read_last_rows(table: Path, since: float) -> dict[str, api.FailureRow]:
    """Return the last row of each sample whose job failed to return its receipt."""
    return {
        sample: row
        for row in api.TableReader(table, api.FailureRow).iter_new()
        if (sample := sample_of(row.target)) and (api.parse_time(row.time) or 0.0) >= since
    }
