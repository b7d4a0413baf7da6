"""The results folder: the name of every file in it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import IO

from bactofleet.core.errors import ConfigurationError
from snakemake_executor_plugin_aws_batch_array import api

LOCK = ".lock"
# The sample sheet as it was at the start of the run.
FROZEN_SAMPLES = ".samples.sqlite"
# Folders with one file per sample, named after the sample.
RECEIPTS, FAILED, LOGS = "receipts", "failed", "logs"
SUFFIX = ".json"
# Tables that the executor writes.
USAGE, FAILURES = api.USAGE, api.FAILURES
# What the report writes.
TABLE, PARQUET, TIMINGS = "cohort.tsv", "cohort.parquet", "timings.tsv"
INPUTS, CITATIONS = "inputs.tsv", "citations.bib"
PAGE, MULTIQC = "report.html", "multiqc_report.html"


def receipt_path(results: Path, sample: str) -> Path:
    """Return where a sample's receipt is."""
    return results / RECEIPTS / f"{sample}{SUFFIX}"


def log_path(results: Path, sample: str, stage: str) -> Path:
    """Return where a stage's log is."""
    return results / LOGS / sample / f"{stage}.log"


def sample_of(target: str) -> str:
    """Return the sample whose receipt a job makes; "" if it makes none."""
    path = PurePath(target)
    return path.stem if path.parent.name == RECEIPTS and path.suffix == SUFFIX else ""


def list_records(folder: Path) -> list[str]:
    """Return the sorted names of the samples that have a file in a folder of records."""
    names = (entry.name for entry in os.scandir(folder)) if folder.is_dir() else ()
    return sorted(name.removesuffix(SUFFIX) for name in names if is_record(name))


def list_receipts(results: Path) -> list[str]:
    """Return the sorted names of the samples that have a receipt."""
    return list_records(results / RECEIPTS)


def is_record(name: str) -> bool:
    """Say whether a file is a complete record, not one being written."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def check_names(samples: Iterable[str]) -> None:
    """Raise `ConfigurationError` for names that would lead out of the folder of receipts."""
    problems = [
        f"sample {name!r} cannot be the name of a file; use letters, digits, '_', '-' and '.'"
        for name in samples
        if name in {"", ".", ".."} or "/" in name or "\0" in name
    ]
    if problems:
        raise ConfigurationError(problems)


def lock_results(results: Path) -> IO[str]:
    """Lock a results folder while the returned file is open, at most until the process ends.

    The modification time of the lock file is when the lock was taken. Raises `ConfigurationError`
    if another run holds it or we may not write to the folder. The kernel releases the lock however
    the process ends, so that nobody has to remove it by hand.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        # Not "w", because a refused start must not change the time of the run in progress.
        handle = (results / LOCK).open("a")
    except OSError as error:
        raise ConfigurationError(
            [f"{results}: {error.strerror}; name a folder that you may write to"]
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise ConfigurationError(
            [f"{results} is in use by another run; wait for its end, or stop it first"]
        ) from None
    os.utime(handle.fileno())
    return handle
