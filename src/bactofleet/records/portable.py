"""How a receipt travels with its tarball, so that receipts can be restored if they are lost.

The part of a receipt that depends only on the genome's input and parameters is the first file of
the tarball. The tarball must be identical to the byte whenever and wherever it is made, so the rest
(addresses and checksums of reads, seconds, image, host, date) is stored in the metadata of the S3
object. One request for the start of the object returns both.

The file also has `multiqc`, the part of the tools' results that MultiQC shows (report/multiqc.py).
It is most of the file's size, and receipts do not need it.
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

# In the tarball, below the sample's folder, it sorts before Bactopia's `main`.
FILE = "bactofleet.json"
METADATA_NAME = "receipt"
# Limit of an object's user-defined metadata, names and values together:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
METADATA_BYTES = 2048
METADATA_PREFIX = "x-amz-meta-"
# Compressed receipts of real genomes take at most 2.5 kB; this is still one request.
HEAD_BYTES = 16 * 1024

# Includes the image, because a rebuild from the same packages makes the same tarballs.
OF_ONE_TIME = ("input", "identity", "stages", "tarball", "image", "host", "finished")
# Fields that older receipts lack.
OF_LATE = ("identity", "found", "resistance", "amrfinder", "mlst")
# The part of the input that the cohort's table shows: kept if the whole is too long.
INPUT_SHOWN = ("runtype", "layout", "species", "genome_size", "genome_size_source")


def repeatable_part(receipt: Fields) -> Fields:
    """Return the part of a receipt that is the same whenever the genome is made."""
    return {key: value for key, value in receipt.items() if key not in OF_ONE_TIME}


def to_metadata(receipt: Fields) -> dict[str, str]:
    """Return the rest as metadata of the tarball's object on S3.

    Addresses and checksums of very many runs do not fit; less of such an input is kept.
    """
    rest = {key: receipt[key] for key in OF_ONE_TIME}
    room = METADATA_BYTES - len(METADATA_PREFIX) - len(METADATA_NAME)
    for kept in _iter_shorter(receipt["input"], receipt["identity"]):
        text = _pack(rest | kept)
        if len(text) <= room:
            break
    return {METADATA_NAME: text}


def _iter_shorter(given: Fields, identity: Fields | None) -> Iterator[Fields]:
    """Yield an input in full; with one checksum per file; without files; as the table shows it.

    The identity is shortened along with the files: its runs and checksums go first, because it is
    complete without them.
    """
    short = identity and identity | {"runs": [], "md5": []}
    yield {"input": given, "identity": identity}
    runs = [run | {"files": _with_one_checksum(run["files"])} for run in given.get("runs", [])]
    files = _with_one_checksum(given.get("files", []))
    fewer = given | ({"runs": runs} if runs else {}) | ({"files": files} if files else {})
    yield {"input": fewer, "identity": short}
    fewest = {key: value for key, value in given.items() if key not in ("runs", "files")}
    yield {"input": fewest, "identity": short}
    yield {
        "input": {key: given[key] for key in ("kind", *INPUT_SHOWN) if key in given},
        "identity": None,
    }


def _with_one_checksum(files: list[Fields]) -> list[Fields]:
    """Leave out the SHA-256 if there is the archive's MD5, which was verified."""
    return [
        {key: value for key, value in file.items() if key != "sha256" or "md5" not in file}
        for file in files
    ]


def rebuild(sample: str, url: str, head: bytes, metadata: Mapping[str, str]) -> Fields:
    """Return the receipt of the tarball at `url`, from its first `HEAD_BYTES` and its metadata.

    Raises `ValueError` with the reason if it has no receipt of `sample`.
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
    # Metadata are HTTP header fields, so only ASCII.
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
            # The holes of a sparse file take nothing there, and memory here.
            if member.issparse():
                raise ValueError("its first file has holes")
            content = tar.extractfile(member)
            return dict(json.loads(content.read() if content else b""))
    except (tarfile.TarError, EOFError, TypeError, RecursionError, zlib.error) as error:
        raise ValueError(f"it does not begin as a tarball of bactofleet does: {error}") from error
