"""What a genome is made of: its row of the sheet, the options that count, and the image.

Each stage's record and the receipt hold it. Before an earlier result is used (a receipt, a stage's
folder in scratch), its identity is compared with the current one.
"""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from bactofleet.core.files import fingerprint
from bactofleet.core.samples import Sample, is_remote, shown
from bactofleet.core.times import format_time

# These parameters of a URL say who may read a file and until when, not which file it is.
_SIGNATURE = re.compile(
    # S3 and Google Cloud Storage, CloudFront, Azure
    r"x-(amz|goog)-.*|signature|expires|awsaccesskeyid|googleaccessid|key-pair-id|policy"
    r"|sv|ss|srt|sp|se|st|spr|sig|sr|sip|skoid|sktid|skt|ske|sks|skv",
    re.IGNORECASE,
)


class File(Struct, frozen=True, omit_defaults=True):
    """A file that a row names."""

    source: str
    """A path, or a URL without its query."""
    query: str | None = None
    """Checksum of what a URL's query says but for its signature."""
    bytes: int | None = None
    """Of a file on this machine; None where it is not here."""
    modified: int | None = None
    """In whole seconds since the epoch: what copies of a file keep."""


class Identity(Struct, frozen=True, omit_defaults=True):
    """What a genome is made of. Equal identities make the same genome."""

    accession: str
    files: tuple[File, ...]
    runs: tuple[str, ...]
    """As the sheet names them; empty where it leaves them to the archives."""
    md5: tuple[str, ...]
    species: str
    genome_size: int
    """As the sheet gives it (bp); 0 where it is estimated."""
    parameters: str
    """Checksum of the options that decide what a genome becomes."""
    image: str | None
    """Checksum of the tools' versions; None where they are not known."""
    long_reads: str = ""
    """The column of the sheet that names long reads: `ont` or `hifi`."""
    mates: tuple[int, int] | None = None
    """How many of the files are in `r1` and `r2`; older records do not say it."""

    def key(self) -> str:
        """Return a checksum of what is fixed at the start of a run: no file times, no image."""
        files = [(file.source, file.query) for file in self.files]
        rest = [self.accession, self.runs, self.md5, self.species, self.genome_size]
        long_reads = [self.long_reads] if self.long_reads else []
        return fingerprint([files, *rest, self.parameters, self.mates, *long_reads])

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored in records."""
        return msgspec.json.decode(msgspec.json.encode(self))  # type: ignore[no-any-return]


def identify(sample: Sample, parameters: str, image: str | None) -> Identity:
    """Return the identity of a genome made now from a row and the current files."""
    return Identity(
        accession=sample.accession,
        files=tuple(map(_describe, sample.files)),
        runs=tuple(sample.runs),
        md5=tuple(sample.fastq_md5),
        species=sample.species,
        genome_size=sample.genome_size,
        parameters=parameters,
        image=image,
        long_reads=sample.long_reads,
        mates=(len(sample.r1), len(sample.r2)),
    )


def read_identity(data: object) -> Identity | None:
    """Return the identity in a record; None if it has none."""
    try:
        return msgspec.convert(data, Identity)
    except msgspec.ValidationError:
        return None


def find_other_input(made: Identity, now: Identity) -> str:
    """Describe how the input of a genome differed from the current one; "" if it did not.

    A value that only one of them has is no difference: the runs of an accession, or the size of a
    file that is not on this machine.
    """
    for name in ("accession", "species", "genome_size"):
        before, after = getattr(made, name), getattr(now, name)
        if before != after:
            return f"{name} was {before or 'empty'}, is {after or 'empty'}"
    if made.long_reads != now.long_reads:
        names = (made.long_reads or "none", now.long_reads or "none")
        return "the column of long reads was {}, is {}".format(*names)
    for name in ("runs", "md5"):
        before, after = getattr(made, name), getattr(now, name)
        if before and after and before != after:
            return f"{name} were {';'.join(before)}, are {';'.join(after)}"
    if difference := _find_other_files(made.files, now.files):
        return difference
    if made.mates and now.mates and made.mates != now.mates:
        had, has = ("{} and {}".format(*mates) for mates in (made.mates, now.mates))
        return f"r1 and r2 had {had} files, have {has}"
    return ""


def is_made_alike(made: Identity, now: Identity) -> bool:
    """Say whether stages made for one identity may be reused for the other."""
    is_same_image = made.image == now.image or None in (made.image, now.image)
    is_alike = made.parameters == now.parameters and is_same_image
    return is_alike and not find_other_input(made, now)


def _find_other_files(made: tuple[File, ...], now: tuple[File, ...]) -> str:
    names = [";".join(file.source for file in files) for files in (made, now)]
    if names[0] != names[1]:
        return f"files were {names[0] or 'none'}, are {names[1] or 'none'}"
    for before, after in zip(made, now, strict=True):
        if before.query != after.query:
            return f"{before.source} was another query of that URL"
        if before.bytes is None or after.bytes is None:
            continue
        if before.bytes != after.bytes:
            return f"{before.source} had {before.bytes:,} bytes, has {after.bytes:,}"
        if before.modified != after.modified:
            return f"{before.source} was changed: {_time(before)} then, {_time(after)} now"
    return ""


def _time(file: File) -> str:
    return "unknown" if file.modified is None else format_time(file.modified)


def _describe(source: str) -> File:
    if is_remote(source):
        return File(shown(source), query=_query_checksum(source.partition("?")[2]))
    try:
        stat = os.stat(source)  # noqa: PTH116  # quick: a sheet may name 134,000 of them
    except OSError:
        return File(source)
    return File(source, bytes=stat.st_size, modified=int(stat.st_mtime))


def _query_checksum(query: str) -> str | None:
    said = [pair for pair in parse_qsl(query, keep_blank_values=True) if not _is_signed(pair[0])]
    return fingerprint(said) if said else None


def _is_signed(name: str) -> bool:
    return _SIGNATURE.fullmatch(name) is not None
