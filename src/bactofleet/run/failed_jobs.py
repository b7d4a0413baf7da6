"""Genomes that failed where this machine's folders are not: what the executor tells of them.

A stage that fails leaves a record in `results/failed`. A job that shares no files with the
controller cannot; its executor appends a row to `results/failures.tsv` instead, which
docs/executor.md describes.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from bactofleet.records.failure import of_job, write_failure
from bactofleet.records.folder import FAILED, FAILURES, list_receipts, list_records, sample_of
from snakemake_executor_plugin_aws_batch_array import api


def record_failed_jobs(results: Path, samples: Collection[str], since: datetime) -> None:
    """Write `failed/<sample>.json` for those of the samples whose job failed for good.

    `since` is when the run began: the table has the failures of earlier ones too. What a genome's
    own stages wrote, here or on a shared file system, says more and is left as it is.
    """
    told = {*list_records(results / FAILED), *list_receipts(results)}
    for sample, row in _read_last_rows(results / FAILURES, since.timestamp()).items():
        if row.next == api.FINAL and sample in samples and sample not in told:
            write_failure(results / FAILED, of_job(row, sample))


def _read_last_rows(table: Path, since: float) -> dict[str, api.FailureRow]:
    """Return the last row of each sample whose receipt a job was to bring."""
    return {
        sample: row
        for row in api.TableReader(table, api.FailureRow).iter_new()
        if (sample := sample_of(row.target)) and (api.parse_time(row.time) or 0.0) >= since
    }
