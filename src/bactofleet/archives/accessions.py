"""Queries: a taxon, or accessions of studies, samples, experiments and runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# https://ena-docs.readthedocs.io/en/latest/submit/general-guide/accessions.html
KINDS = {
    "study": re.compile(r"PRJ(NA|EB|DB)[0-9]{1,9}|[SED]RP[0-9]{6,9}"),
    "sample": re.compile(r"SAM(N|EA|D)[0-9]{5,12}|[SED]RS[0-9]{6,9}"),
    "experiment": re.compile(r"[SED]RX[0-9]{6,9}"),
    "run": re.compile(r"[SED]RR[0-9]{6,9}"),
}
TAXON_ID = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Query:
    """What to ask the archives for: one taxon, or accessions, or nothing."""

    taxon: str = ""
    """A number of NCBI's taxonomy, or a name."""
    accessions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.taxon or self.accessions)


def kind_of(accession: str) -> str:
    """Return the kind of an accession: `study`, `sample`, `experiment` or `run`; else ""."""
    return next((kind for kind, form in KINDS.items() if form.fullmatch(accession)), "")


def iter_groups(accessions: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield groups of at most `size` accessions of one kind, one group per request."""
    by_kind: dict[str, list[str]] = {}
    for accession in accessions:
        by_kind.setdefault(kind_of(accession), []).append(accession)
    for group in by_kind.values():
        yield from (group[start : start + size] for start in range(0, len(group), size))
