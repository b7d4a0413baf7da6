"""The receipt: all that is known about a finished genome, complete or excluded.

`genome/publish.py` writes it as the last step of a genome; docs/outputs.md describes each key. Keys
that are not named here stay in the file, but nothing reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct
from msgspec.json import Decoder

from bactofleet.core.identity import Identity
from bactofleet.records.folder import RECEIPTS
from bactofleet.records.reading import Number, Unreadable, read_record

SCHEMA: Literal[1] = 1
Status = Literal["complete", "excluded"]
STATUSES: tuple[Status, ...] = get_args(Status)
# The names become columns of the cohort's table and must differ from its other columns.
_METRIC = re.compile("(qc|assembler|annotator)_[a-z0-9_]+")
_STAGE = re.compile("[a-z]+")


# All receipts have the same few names.
@lru_cache(1024)
def _is_metric(name: str) -> bool:
    return _METRIC.fullmatch(name) is not None


@lru_cache(1024)
def _is_stage(name: str) -> bool:
    return _STAGE.fullmatch(name) is not None


class Reason(Struct, frozen=True):
    """Why a genome was excluded."""

    type: str
    stage: str
    message: str


class SourceFile(Struct, frozen=True):
    """One file that the genome was made from."""

    source: str | None = None
    bytes: Number | None = None
    md5: str | None = None
    """As the source gave it."""
    sha256: str | None = None
    """Of what was read."""


class SourceRun(Struct, frozen=True):
    """A run of an archive."""

    run: str | None = None
    provider: str | None = None
    """Who delivered it."""
    files: tuple[SourceFile, ...] = ()


class Input(Struct, frozen=True):
    """What the genome was made from: files named in the sample sheet, or runs."""

    kind: str | None = None
    runtype: str | None = None
    layout: str | None = None
    species: str | None = None
    genome_size: Number | None = None
    genome_size_source: str | None = None
    files: tuple[SourceFile, ...] = ()
    runs: tuple[SourceRun, ...] = ()


class Found(Struct, frozen=True):
    """Which species the genome was found to be, by its k-mers (genome/species.py)."""

    verdict: str
    """`as expected`, `other`, `mixed`, `unknown`, or `found` if the sheet has no species."""
    species: str | None = None
    nearest: str | None = None
    """Species of the nearest reference, which may be too far to be the genome's."""
    distance: Number | None = None
    """Of the assembly from that reference."""
    shared_hashes: str | None = None
    smallest: Number | None = None
    """Smallest size (bp) of an assembly of this species."""
    largest: Number | None = None
    second: str | None = None
    """Another species in the reads."""
    second_share: Number | None = None
    """Its share of the depth (0 to 1)."""


class Resistance(Struct, frozen=True):
    """What the assembly has of resistance and plasmids (genome/resistance.py)."""

    genes: tuple[str, ...] = ()
    mutations: tuple[str, ...] | None = None
    """None if they were not searched, because PointFinder does not have the species."""
    drugs: tuple[str, ...] = ()
    """Predicted from genes and mutations."""
    replicons: tuple[str, ...] = ()
    organism: str | None = None
    """The part of PointFinder that was searched."""


class Amrfinder(Struct, frozen=True):
    """What AMRFinderPlus found in the assembly (genome/amrfinder.py)."""

    genes: tuple[str, ...] = ()
    """Of resistance, and mutations: `mecA`, `gyrA_S84L`."""
    stress: tuple[str, ...] = ()
    virulence: tuple[str, ...] = ()
    organism: str | None = None
    """Whose mutations were searched, in AMRFinderPlus's words."""


class Mlst(Struct, frozen=True):
    """The assembly's sequence type (genome/mlst.py)."""

    status: str
    """`PERFECT`, `NOVEL`, `OK`, `MISSING`, `MIXED` or `NONE`."""
    scheme: str | None = None
    st: str | None = None
    alleles: str | None = None
    """`arcC(3);aroE(~3);...`"""


class Usage(Struct, frozen=True):
    """The resources that a stage used."""

    seconds: Number
    """Wall time."""
    cpu_seconds: Number | None = None
    max_rss_mb: Number | None = None
    """Of its largest process."""


class Fingerprint(Struct, frozen=True):
    """Checksums of what decides a genome's result."""

    parameters: str | None = None
    image: str | None = None


class Tarball(Struct, frozen=True):
    """The result."""

    path: str | None = None
    bytes: Number | None = None
    sha256: str | None = None


class Image(Struct, frozen=True):
    """The container image in which the genome was made."""

    name: str | None = None
    id: str | None = None
    digest: str | None = None


class Host(Struct, frozen=True):
    """The computer that made the genome."""

    name: str | None = None
    cpu: str | None = None
    architecture: str | None = None
    cores: Number | None = None


class Receipt(Struct, frozen=True, kw_only=True):
    """One genome, in the order of the file's keys."""

    schema: Literal[1]
    sample: str
    status: Status
    reason: Reason | None
    input: Input
    found: Found | None = None
    """Older receipts, and those of genomes that were excluded before, do not say it."""
    resistance: Resistance | None = None
    """Likewise; nor if it was not asked for."""
    amrfinder: Amrfinder | None = None
    """Likewise."""
    mlst: Mlst | None = None
    """Likewise."""
    metrics: dict[str, Number]
    stages: dict[str, Usage]
    versions: dict[str, str | None]
    parameters: dict[str, Any]
    fingerprint: Fingerprint
    identity: Identity | None = None
    """What the genome was made of; older receipts do not say it."""
    tarball: Tarball
    image: Image | None = None
    host: Host
    finished: Annotated[datetime, Meta(tz=True)]

    def __post_init__(self) -> None:
        if not all(map(_is_metric, self.metrics)):
            raise ValueError("a metric has a name that is none of a metric")
        if not all(map(_is_stage, self.stages)):
            raise ValueError("a stage has a name that is none of a stage")

    @property
    def seconds(self) -> float:
        """Wall time of all stages."""
        return sum(usage.seconds for usage in self.stages.values())


KEYS = Receipt.__struct_fields__
_DECODER = Decoder(Receipt)


def read_receipt(results: Path, sample: str) -> Receipt:
    """Read the receipt of a sample.

    Raises `FileNotFoundError` if there is none, and `Unreadable`.
    """
    return read_record(results / RECEIPTS, sample, _DECODER)


def check_fields(fields: dict[str, Any]) -> None:
    """Raise `ValueError` if the fields could not be read back as a receipt."""
    _DECODER.decode(json.dumps(fields, ensure_ascii=False).encode())


def iter_receipts(results: Path, samples: Iterable[str]) -> Iterator[Receipt]:
    """Yield the receipts of the samples that have a readable one."""
    for sample in samples:
        try:
            yield read_receipt(results, sample)
        except (FileNotFoundError, Unreadable):
            continue
