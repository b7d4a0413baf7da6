"""Records as rows of the cohort's table, one per genome.

A record that cannot be read becomes a row with the status `unreadable` and the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from bactofleet.core.text import clean
from bactofleet.core.times import format_utc
from bactofleet.records.failure import Failure, read_failure
from bactofleet.records.folder import FAILED
from bactofleet.records.portable import INPUT_SHOWN
from bactofleet.records.reading import UNREADABLE, Unreadable
from bactofleet.records.receipt import (
    Amrfinder,
    Input,
    Receipt,
    Resistance,
    SourceRun,
    read_receipt,
)

GenomeRow = dict[str, str | int | float | None]

# Lists in a cell of the table.
LIST_SEPARATOR = "; "
NONE_FOUND = "none"


class InputFile(NamedTuple):
    """An input file of a genome; unknown values are ""."""

    sample: str
    run: str
    """Accession of the run, for files from an archive."""
    provider: str
    """Provider of the download, for files from an archive."""
    source: str
    bytes: int | float | None
    md5: str
    """Checksum that the source gave."""
    sha256: str
    """Checksum of the data that were read."""


@dataclass(frozen=True)
class GenomeRecord:
    """One genome: its row of the table, and data without a column in the table.

    `inputs` are the genome's input files, and `tail` is the end of the log of a failed stage.
    `versions` and `parameters` (name to value) are those that the genome was made with.
    """

    row: GenomeRow
    inputs: list[InputFile] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)


def iter_records(results: Path, samples: Sequence[str]) -> Iterator[GenomeRecord]:
    """Yield the record of each sample, in order; a sample without any file is `waiting`."""
    for sample in samples:
        yield read_record(results, sample)


def read_record(results: Path, sample: str) -> GenomeRecord:
    """Read the receipt of a sample, or its failure; a sample with neither is `waiting`."""
    try:
        return _of_receipt(read_receipt(results, sample))
    except FileNotFoundError:
        pass
    except Unreadable as error:
        return _of_unreadable(sample, error)
    try:
        return _of_failure(read_failure(results / FAILED, sample))
    except FileNotFoundError:
        return GenomeRecord({"sample": sample, "status": "waiting"})
    except Unreadable as error:
        return _of_unreadable(sample, error)


def _of_receipt(receipt: Receipt) -> GenomeRecord:
    given = receipt.input
    row: GenomeRow = {**receipt.metrics, "sample": receipt.sample, "status": receipt.status}
    row |= _flatten("reason_", receipt.reason)
    row |= _flatten("", given, INPUT_SHOWN)
    row |= _flatten("input_", given, ("kind",))
    if receipt.identity and receipt.identity.accession:
        row["accession"] = clean(receipt.identity.accession)
    # A genome that was excluded before its size was estimated has a 0, which is no size.
    if not row.get("genome_size"):
        row.pop("genome_size", None)
    row |= _flatten("found_", receipt.found)
    row |= _flatten_resistance(receipt.resistance)
    row |= _flatten_lists("amrfinder_", receipt.amrfinder)
    row |= _flatten("mlst_", receipt.mlst)
    for stage, usage in receipt.stages.items():
        row |= _flatten(f"{stage}_", usage)
    row |= _flatten("tarball_", receipt.tarball)
    row |= _flatten("fingerprint_", receipt.fingerprint)
    row |= _flatten("image_", receipt.image)
    row |= _flatten("host_", receipt.host)
    row["finished"] = format_utc(receipt.finished)
    return GenomeRecord(
        row,
        inputs=list(_iter_inputs(receipt.sample, given)),
        versions=_to_texts(receipt.versions),
        parameters=_to_texts(receipt.parameters),
    )


def _iter_inputs(sample: str, given: Input) -> Iterator[InputFile]:
    """Yield the files that a row of the sample sheet names, or those of an accession's runs."""
    for run in (SourceRun(files=given.files), *given.runs):
        for file in run.files:
            texts = (run.run, run.provider, file.source, file.md5, file.sha256)
            name, provider, source, md5, sha256 = (clean(text or "") for text in texts)
            yield InputFile(sample, name, provider, source, file.bytes, md5, sha256)


def _of_failure(failure: Failure) -> GenomeRecord:
    row: GenomeRow = {"sample": failure.sample, "status": "failed", "reason_type": failure.kind}
    row |= _flatten("reason_", failure, ("stage", "message", "exit_code", "attempt", "log"))
    return GenomeRecord(row, tail=list(failure.tail))


def _of_unreadable(sample: str, error: Unreadable) -> GenomeRecord:
    return GenomeRecord(
        {
            "sample": sample,
            "status": UNREADABLE,
            "reason_type": UNREADABLE,
            "reason_stage": "report",
            "reason_message": str(error),
        }
    )


def _flatten(prefix: str, part: Struct | None, names: Iterable[str] = ()) -> GenomeRow:
    """Return the fields of a part of a record that have a value: all, or only those in `names`."""
    if part is None:
        return {}
    return {
        f"{prefix}{name}": clean(value) if isinstance(value, str) else value
        for name in names or part.__struct_fields__
        if (value := getattr(part, name)) is not None
    }


def _flatten_resistance(resistance: Resistance | None) -> GenomeRow:
    row = _flatten_lists("resistance_", resistance)
    if "resistance_replicons" in row:
        row["plasmid_replicons"] = row.pop("resistance_replicons")
    return row


def _flatten_lists(prefix: str, found: Resistance | Amrfinder | None) -> GenomeRow:
    """Return the lists as text; `none` says that nothing was found."""
    row: GenomeRow = {}
    for name, value in (asdict(found) if found else {}).items():
        if isinstance(value, tuple):
            row[f"{prefix}{name}"] = LIST_SEPARATOR.join(map(clean, value)) or NONE_FOUND
        elif value is not None:
            row[f"{prefix}{name}"] = clean(value)
    return row


def _to_texts(part: dict[str, Any]) -> dict[str, str]:
    return {clean(name): clean(value) for name, value in part.items()}
