"""The failure: how a genome last failed, recorded by its stage or by the executor."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, structs
from msgspec.json import Decoder

from bactofleet.core.files import write_json
from bactofleet.core.text import clean
from bactofleet.records.folder import SUFFIX
from bactofleet.records.reading import UNREADABLE, Unreadable, read_record
from snakemake_executor_plugin_aws_batch_array import api

SCHEMA: Literal[1] = 1


class Failure(Struct, frozen=True, kw_only=True):
    """How a genome failed, in the order of the file's keys."""

    sample: str
    stage: str
    """On AWS Batch the job, whose message names the stage."""
    exit_code: int | None = None
    kind: str
    message: str
    attempt: int | None = None
    log: str
    """Path of the log, or its address."""
    tail: tuple[str, ...] = ()
    """Last lines of the log."""
    schema: Literal[1] = SCHEMA


_DECODER = Decoder(Failure)


def read_failure(folder: Path, sample: str) -> Failure:
    """Read how a sample failed, from the folder of failures; each text is one line.

    Raises `FileNotFoundError` if it did not fail, and `Unreadable`.
    """
    failure = read_record(folder, sample, _DECODER)
    texts = {name: clean(getattr(failure, name)) for name in ("stage", "kind", "message", "log")}
    return structs.replace(failure, **texts, tail=tuple(map(clean, failure.tail)))


def log_of(folder: Path, sample: str) -> Path:
    """Return the path of the failed attempt's log, next to its record."""
    return folder / f"{sample}.log"


def forget_failure(folder: Path, sample: str) -> None:
    """Remove the failure of a sample that is tried again or was made after all."""
    _path_of(folder, sample).unlink(missing_ok=True)
    log_of(folder, sample).unlink(missing_ok=True)


def _path_of(folder: Path, sample: str) -> Path:
    return folder / f"{sample}{SUFFIX}"


def find_failure(folder: Path, sample: str) -> Failure:
    """Read how a sample failed; for an unreadable record, return a failure that says so.

    Raises `FileNotFoundError` if there is no record.
    """
    try:
        return read_failure(folder, sample)
    except Unreadable as error:
        return of_unreadable(sample, str(error))


def write_failure(folder: Path, failure: Failure) -> None:
    """Write how a sample failed, replacing an earlier record."""
    data: dict[str, Any] = structs.asdict(failure)
    write_json(_path_of(folder, failure.sample), data)


def describe(failure: Failure) -> str:
    """Describe which genome failed, in which stage, and why."""
    where = f" at {failure.stage}" if failure.stage else ""
    return f"{failure.sample}{where}: {failure.message}"


def of_job(row: api.FailureRow, sample: str) -> Failure:
    """Return a failure that the executor reports."""
    return Failure(
        sample=sample,
        stage=clean(row.job),
        exit_code=None if row.exit_code is None else int(row.exit_code),
        kind=clean(row.cause),
        message=clean(row.reason),
        log=clean(row.log_url or row.job_id),
    )


def of_unreadable(sample: str, message: str) -> Failure:
    """Return the failure of a genome whose record cannot be read."""
    return Failure(sample=sample, stage="", kind=UNREADABLE, message=message, log="")
