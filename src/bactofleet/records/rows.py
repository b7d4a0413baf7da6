"""Receipts and records of failure, read and checked, one row of the table each.

Both are made on other computers and carry text from users and tools, so nothing in them is
trusted: a record that does not have the form below becomes a row `unreadable` with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import fastjsonschema

from bactofleet.records.folder import FAILED, RECEIPTS

# What is known of each stage in a receipt.
USAGE = ("seconds", "cpu_seconds", "max_rss_mb")

# A file that cannot be read, is no JSON or no record, or is JSON nested a thousand deep.
_UNREADABLE = (OSError, ValueError, RecursionError)

Row = dict[str, str | int | float | None]

_TEXT = {"type": ["string", "null"]}
# Larger numbers are no property of a genome, and would not fit the table's integers.
_NUMBER = {"type": ["number", "null"], "minimum": -1e15, "maximum": 1e15}


def _object(properties: Mapping[str, Any], required: Sequence[str] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def _map(names: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "propertyNames": {"pattern": names},
        "additionalProperties": dict(values),
    }


_FILES = {
    "type": "array",
    "items": _object({"source": _TEXT, "bytes": _NUMBER, "md5": _TEXT, "sha256": _TEXT}),
}
_RUN = _object({"run": _TEXT, "provider": _TEXT, "files": _FILES})
_REASON = {"type": _TEXT, "stage": _TEXT, "message": _TEXT}
_INPUT = {
    "kind": _TEXT,
    "runtype": _TEXT,
    "layout": _TEXT,
    "species": _TEXT,
    "genome_size": _NUMBER,
    "genome_size_source": _TEXT,
    "files": _FILES,
    "runs": {"type": "array", "items": _RUN},
}
_TARBALL = {"path": _TEXT, "bytes": _NUMBER, "sha256": _TEXT}
_FINGERPRINT = {"parameters": _TEXT, "image": _TEXT}
_IMAGE = {"name": _TEXT, "id": _TEXT, "digest": _TEXT}
_HOST = {"name": _TEXT, "cpu": _TEXT, "architecture": _TEXT, "cores": _NUMBER}
_PARTS: dict[str, Mapping[str, Any]] = {
    "tarball": _TARBALL,
    "fingerprint": _FINGERPRINT,
    "image": _IMAGE,
    "host": _HOST,
}
_USAGE = _object(dict.fromkeys(USAGE, _NUMBER))

_check_receipt = fastjsonschema.compile(
    _object(
        {
            "schema": {"const": 1},
            "sample": {"type": "string"},
            "status": {"enum": ["complete", "excluded"]},
            "reason": {"anyOf": [{"type": "null"}, _object(_REASON)]},
            "input": _object(_INPUT),
            "metrics": _map("^(qc|assembler|annotator)_[a-z0-9_]+$", _NUMBER),
            "stages": _map("^[a-z]+$", _USAGE),
            "versions": _map("", _TEXT),
            "parameters": {"type": "object"},
            "fingerprint": _object(_FINGERPRINT),
            "tarball": {"anyOf": [{"type": "null"}, _object(_TARBALL)]},
            "image": {"anyOf": [{"type": "null"}, _object(_IMAGE)]},
            "host": _object(_HOST),
            "finished": _TEXT,
            "multiqc": {"type": "object"},
        },
        required=("schema", "sample", "status"),
    )
)

_check_failure = fastjsonschema.compile(
    _object(
        {
            "sample": {"type": "string"},
            "stage": _TEXT,
            "kind": _TEXT,
            "message": _TEXT,
            "exit_code": _NUMBER,
            "attempt": _NUMBER,
            "log": _TEXT,
            "tail": {"type": "array", "items": {"type": "string"}},
        },
        required=("sample",),
    )
)


class InputFile(NamedTuple):
    """A file that a genome was made from; "" is what is not known."""

    sample: str
    run: str
    """Accession of the run, of files from an archive."""
    provider: str
    """Who delivered it, of files from an archive."""
    source: str
    bytes: int | float | None
    md5: str
    """As the source gave it."""
    sha256: str
    """Of what was read."""


@dataclass(frozen=True)
class Record:
    """One genome: its row of the table, and what the table has no column for.

    `inputs` are the files that the genome was made from, `tail` is the end of the log of a failed
    stage, `versions` and `parameters` say what made the genome, name to value.
    """

    row: Row
    inputs: list[InputFile] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)


def iter_records(results: Path, samples: Sequence[str]) -> Iterator[Record]:
    """Yield the record of each sample, in order; one without any file is `waiting`."""
    for sample in samples:
        yield read_record(results, sample)


def read_record(results: Path, sample: str) -> Record:
    """Read what is known of a sample: its receipt, else its failure, else nothing yet."""
    for folder, parse in ((RECEIPTS, _parse_receipt), (FAILED, _parse_failure)):
        path = results / folder / f"{sample}.json"
        try:
            return parse(load_json(path), sample)
        except FileNotFoundError:
            continue
        except _UNREADABLE as error:
            return _unreadable(sample, f"{folder}/{path.name}", error)
    return Record({"sample": sample, "status": "waiting"})


def iter_tool_outputs(
    results: Path, samples: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each readable receipt's `multiqc`: the summaries of its tools, by tool."""
    for sample in samples:
        try:
            receipt = load_json(results / RECEIPTS / f"{sample}.json")
            _check_receipt(receipt)
        except _UNREADABLE:
            continue
        yield sample, receipt.get("multiqc", {})


def load_json(path: Path) -> Any:
    """Read strict JSON: Python's own `NaN` and `Infinity` are errors, for no browser knows them."""
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def clean(value: Any) -> str:
    """Return text that fits one cell: no control characters, no halves of characters."""
    whole = str(value).encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", whole).strip()


def _parse_receipt(receipt: Any, sample: str) -> Record:
    _check_receipt(receipt)
    _check_name(receipt, sample)
    given = receipt.get("input", {})
    row: Row = {**receipt.get("metrics", {}), "sample": sample, "status": receipt["status"]}
    row |= _pick(receipt.get("reason"), _REASON, "reason_")
    row |= _pick(given, ("runtype", "layout", "species", "genome_size", "genome_size_source"))
    row |= _pick(given, ("kind",), "input_")
    for stage, usage in receipt.get("stages", {}).items():
        row |= _pick(usage, USAGE, f"{stage}_")
    for part, names in _PARTS.items():
        row |= _pick(receipt.get(part), names, f"{part}_")
    row |= _pick(receipt, ("finished",))
    return Record(
        row,
        inputs=list(_iter_inputs(sample, given)),
        versions=_texts(receipt.get("versions")),
        parameters=_texts(receipt.get("parameters")),
    )


def _iter_inputs(sample: str, given: Mapping[str, Any]) -> Iterator[InputFile]:
    """Yield the files that a row of the sheet names, or those of an accession's runs."""
    for run in ({"files": given.get("files", [])}, *given.get("runs", [])):
        for file in run.get("files", []):
            texts = (file.get(name) or "" for name in ("source", "md5", "sha256"))
            source, md5, sha256 = map(clean, texts)
            name, provider = (clean(run.get(key) or "") for key in ("run", "provider"))
            yield InputFile(sample, name, provider, source, file.get("bytes"), md5, sha256)


def _parse_failure(failure: Any, sample: str) -> Record:
    _check_failure(failure)
    _check_name(failure, sample)
    row: Row = {"sample": sample, "status": "failed", "reason_type": clean(failure.get("kind"))}
    row |= _pick(failure, ("stage", "message", "exit_code", "attempt", "log"), "reason_")
    return Record(row, tail=[clean(line) for line in failure.get("tail", [])])


def _check_name(record: Mapping[str, Any], sample: str) -> None:
    if record["sample"] != sample:
        raise ValueError(f"it belongs to another sample, {clean(record['sample'])!r}")


def _unreadable(sample: str, name: str, error: Exception) -> Record:
    message = f"{name} cannot be read ({clean(error)}); remove it to make the genome again"
    return Record(
        {
            "sample": sample,
            "status": "unreadable",
            "reason_type": "unreadable",
            "reason_stage": "report",
            "reason_message": message,
        }
    )


def _pick(
    part: Mapping[str, Any] | None, names: Sequence[str] | Mapping[str, Any], prefix: str = ""
) -> Row:
    return {
        f"{prefix}{name}": clean(value) if isinstance(value, str) else value
        for name in names
        if (value := (part or {}).get(name)) is not None
    }


def _texts(part: Mapping[str, Any] | None) -> dict[str, str]:
    return {clean(name): clean(value) for name, value in (part or {}).items()}
