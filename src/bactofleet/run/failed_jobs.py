"""Genomes that failed where this machine's folders are not: what the executor tells of them.

A stage that fails leaves a record in `results/failed`. A job that shares no files with the
controller cannot; its executor appends a row to `results/failures.tsv` instead, which
docs/executor.md describes.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from datetime import datetime
from pathlib import Path, PurePath

from bactofleet.core.files import write_json
from bactofleet.run.plan import FAILED, RECEIPTS

TABLE = "failures.tsv"
FINAL = "final"


def record_failed_jobs(results: Path, samples: Collection[str], since: datetime) -> None:
    """Write `failed/<sample>.json` for those of the samples whose job failed for good.

    `since` is when the run began: the table has the failures of earlier ones too. What a genome's
    own stages wrote, here or on a shared file system, says more and is left as it is.
    """
    for sample, row in _read_last_rows(results / TABLE, since).items():
        record = results / FAILED / f"{sample}.json"
        is_made = (results / RECEIPTS / f"{sample}.json").exists()
        if row["next"] == FINAL and sample in samples and not is_made and not record.exists():
            write_json(
                record,
                {
                    "sample": sample,
                    "stage": row["job"],
                    "kind": row["cause"],
                    "message": row["reason"],
                    "exit_code": int(row["exit_code"]) if row["exit_code"] else None,
                    "log": row["log_url"] or row["job_id"],
                    "tail": [],
                },
            )


def sample_of(target: str) -> str:
    """Return the sample whose receipt a job makes, "" if it makes none."""
    path = PurePath(target)
    return path.stem if path.parent.name == RECEIPTS and path.suffix == ".json" else ""


def _read_last_rows(table: Path, since: datetime) -> dict[str, dict[str, str]]:
    """Return the last row of each sample whose receipt a job was to bring."""
    if not table.is_file():
        return {}
    with table.open(encoding="utf-8", newline="") as handle:
        return {
            sample: row
            for row in csv.DictReader(handle, dialect="excel-tab")
            if (sample := sample_of(row["target"])) and datetime.fromisoformat(row["time"]) >= since
        }
