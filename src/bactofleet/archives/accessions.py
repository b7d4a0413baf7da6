"""What a user may ask for: a taxon, or accessions of studies, samples, experiments and runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bactofleet.archives.search.lists import read_list
from bactofleet.core.errors import ConfigurationError

# https://ena-docs.readthedocs.io/en/latest/submit/general-guide/accessions.html
KINDS = {
    "study": re.compile(r"PRJ(NA|EB|DB)[0-9]{1,9}|[SED]RP[0-9]{6,9}"),
    "sample": re.compile(r"SAM(N|EA|D)[0-9]{5,12}|[SED]RS[0-9]{6,9}"),
    "experiment": re.compile(r"[SED]RX[0-9]{6,9}"),
    "run": re.compile(r"[SED]RR[0-9]{6,9}"),
}
TAXON_ID = re.compile(r"[1-9][0-9]{0,8}")
# Words with a dot at their ends only: `sp. nov.` is a name, `list.txt` a file that is not there.
TAXON_NAME = re.compile(
    r"(?=.{2,100}$)[\[']?[A-Za-z][\w()\[\]':,-]*\.?( [\w()\[\]':,-]+\.?)*", re.A
)
ALLOWED = (
    "the name or number of a taxon, the accession of a study, sample, experiment or run, "
    "or a file that lists accessions"
)


@dataclass(frozen=True)
class Query:
    """What to ask the archives for: one taxon, or accessions, or nothing."""

    taxon: str = ""
    """A number of NCBI's taxonomy, or a name."""
    accessions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.taxon or self.accessions)


def kind_of(accession: str) -> str:
    """Return what an accession names: `study`, `sample`, `experiment`, `run`; or an empty text."""
    return next((kind for kind, form in KINDS.items() if form.fullmatch(accession)), "")


def iter_groups(accessions: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield accessions in groups of one kind and no more than a size, for a request each."""
    by_kind: dict[str, list[str]] = {}
    for accession in accessions:
        by_kind.setdefault(kind_of(accession), []).append(accession)
    for group in by_kind.values():
        yield from (group[start : start + size] for start in range(0, len(group), size))


def parse_query(text: str) -> Query:
    """Understand what a user asks for.

    Raises `ConfigurationError` for what is none of it, and for a file with a line that is none.
    """
    text = text.strip()
    if Path(text).is_file():
        return Query(accessions=_read_accessions(Path(text)))
    if kind_of(text.upper()):
        return Query(accessions=(text.upper(),))
    if TAXON_ID.fullmatch(text) or TAXON_NAME.fullmatch(text):
        return Query(taxon=text)
    raise ConfigurationError([f"{text!r} is given and no file, allowed is {ALLOWED}"])


def _read_accessions(path: Path) -> tuple[str, ...]:
    listed = {number: row.get("accession", "") for number, row in read_list(path)}
    problems = [
        f"{path}, line {number}: {accession!r} is given, allowed is the accession of a study, "
        "sample, experiment or run"
        for number, accession in listed.items()
        if not kind_of(accession.upper())
    ]
    if problems or not listed:
        raise ConfigurationError(problems or [f"{path}: it lists no accessions"])
    return tuple(dict.fromkeys(accession.upper() for accession in listed.values()))
