"""How a receipt travels with its tarball, so that a lost controller's receipts can be had again.

What a genome's input and parameters settle is a file of the tarball, its first one. The tarball
must be the same to the byte whenever and wherever it is made, so what is about the one time that
it was made (addresses and checksums of reads, seconds, image, host, date) is not in there: it is
the object's metadata on S3. One request for the head of the object gives both.

The file also has `multiqc`, the part of the tools' results that MultiQC shows (report/multiqc.py):
most of its bytes, which no receipt needs to carry.
"""

from __future__ import annotations

import base64
import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from bactofleet.records.reading import describe
from bactofleet.records.receipt import KEYS, check_fields

Fields = dict[str, Any]

# In the tarball below the sample's folder, where it sorts before Bactopia's `main`.
FILE = "bactofleet.json"
METADATA_NAME = "receipt"
# Of an object's own metadata, names and values together:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
METADATA_BYTES = 2048
METADATA_PREFIX = "x-amz-meta-"
# Compressed receipts of real genomes take 2.5 kB at most; this is one request all the same.
HEAD_BYTES = 16 * 1024

# The image too: one that is built anew from the same packages makes the same tarballs.
OF_ONE_TIME = ("input", "identity", "stages", "tarball", "image", "host", "finished")
# What older receipts lack.
OF_LATE = ("identity",)
# What the cohort's table shows of the input: kept where all of it is too long.
INPUT_SHOWN = ("kind", "runtype", "layout", "species", "genome_size", "genome_size_source")


def repeatable_part(receipt: Fields) -> Fields:
    """Return what of a receipt is the same whenever the genome is made."""
    return {key: value for key, value in receipt.items() if key not in OF_ONE_TIME}


def to_metadata(receipt: Fields) -> dict[str, str]:
    """Return the rest as metadata of the tarball's object.

    Addresses and checksums of very many runs do not fit; of such an input less is kept.
    """
    rest = {key: receipt[key] for key in OF_ONE_TIME}
    room = METADATA_BYTES - len(METADATA_PREFIX) - len(METADATA_NAME)
    for kept in _iter_shorter(receipt["input"], receipt["identity"]):
        text = _pack(rest | kept)
        if len(text) <= room:
            break
    return {METADATA_NAME: text}


def _iter_shorter(given: Fields, identity: Fields | None) -> Iterator[Fields]:
    """Yield all of an input; one checksum a file; no files; what the table shows.

    The identity goes with the files: its runs and checksums first, as it is whole without them.
    """
    short = identity and identity | {"runs": [], "md5": []}
    yield {"input": given, "identity": identity}
    runs = [run | {"files": _with_one_checksum(run["files"])} for run in given.get("runs", [])]
    files = _with_one_checksum(given.get("files", []))
    fewer = given | ({"runs": runs} if runs else {}) | ({"files": files} if files else {})
    yield {"input": fewer, "identity": short}
    fewest = {key: value for key, value in given.items() if key not in ("runs", "files")}
    yield {"input": fewest, "identity": short}
    yield {"input": {key: given[key] for key in INPUT_SHOWN if key in given}, "identity": None}


def _with_one_checksum(files: list[Fields]) -> list[Fields]:
    """Leave out the SHA-256 where there is the MD5 that the archive gave, and that was compared."""
    return [
        {key: value for key, value in file.items() if key != "sha256" or "md5" not in file}
        for file in files
    ]


def rebuild(sample: str, url: str, head: bytes, metadata: Mapping[str, str]) -> Fields:
    """Return the receipt of the tarball at `url`, from its first `HEAD_BYTES` and its metadata.

    Raises `ValueError` with the reason if it has none that belongs to `sample`.
    """
    if METADATA_NAME not in metadata:
        raise ValueError(f"its metadata has no {METADATA_NAME!r}")
    parts = read_first_file(sample, head) | _unpack(metadata[METADATA_NAME])
    if missing := [key for key in KEYS if key not in parts and key not in OF_LATE]:
        raise ValueError(f"its receipt has no {', '.join(missing)}")
    if parts["sample"] != sample:
        raise ValueError(f"its receipt belongs to another sample, {str(parts['sample'])[:64]!r}")
    found = {key: parts[key] for key in KEYS if key in parts}
    try:
        found["tarball"] = parts["tarball"] | {"path": url}
        check_fields(found)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"its receipt cannot be read: {describe(error)}") from error
    return found


def _pack(data: Any) -> str:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    # Metadata are fields of HTTP, so ASCII alone.
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _unpack(text: str) -> Fields:
    try:
        return dict(json.loads(zlib.decompress(base64.b64decode(text, validate=True))))
    except (ValueError, TypeError, RecursionError, zlib.error) as error:
        raise ValueError(f"its metadata {METADATA_NAME!r} cannot be read: {error}") from error


def read_first_file(sample: str, head: bytes) -> Fields:
    """Return the first file of a sample's tarball, from the tarball's first `HEAD_BYTES`.

    Raises `ValueError` with the reason if it has none.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(head), mode="r|gz") as tar:
            member = tar.next()
            if member is None or member.name != f"{sample}/{FILE}" or not member.isreg():
                raise ValueError(f"its first file is not {sample}/{FILE}")
            content = tar.extractfile(member)
            return dict(json.loads(content.read() if content else b""))
    except (tarfile.TarError, EOFError, TypeError, RecursionError, zlib.error) as error:
        raise ValueError(f"it does not begin as a tarball of bactofleet does: {error}") from error
