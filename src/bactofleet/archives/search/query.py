"""Parse what a user searches for: a taxon, an accession, or a file of accessions."""

from __future__ import annotations

import re
from pathlib import Path

from bactofleet.archives.accessions import TAXON_ID, Query, kind_of
from bactofleet.archives.search.lists import read_list
from bactofleet.core.errors import ConfigurationError

# Dots only at the ends of words: `sp. nov.` is a name, `list.txt` is a missing file.
TAXON_NAME = re.compile(
    r"(?=.{2,100}$)[\[']?[A-Za-z][\w()\[\]':,-]*\.?( [\w()\[\]':,-]+\.?)*", re.A
)
ALLOWED = (
    "the name or number of a taxon, the accession of a study, sample, experiment or run, "
    "or a file that lists accessions"
)


def parse_query(text: str) -> Query:
    """Return the query that a text stands for.

    Raises `ConfigurationError` for any other text, and for a file with any other line.
    """
    text = text.strip()
    if Path(text).is_file():
        return Query(accessions=_read_accessions(Path(text)))
    if kind_of(text.upper()):
        return Query(accessions=(text.upper(),))
    if TAXON_ID.fullmatch(text) or TAXON_NAME.fullmatch(text):
        return Query(taxon=text)
    raise ConfigurationError([f"{text!r} is not {ALLOWED}"])


def _read_accessions(path: Path) -> tuple[str, ...]:
    listed = {number: row.get("accession", "") for number, row in read_list(path)}
    problems = [
        f"{path}, line {number}: {accession!r} is not the accession of a study, sample, "
        "experiment or run"
        for number, accession in listed.items()
        if not kind_of(accession.upper())
    ]
    if problems or not listed:
        raise ConfigurationError(problems or [f"{path}: it lists no accessions"])
    return tuple(dict.fromkeys(accession.upper() for accession in listed.values()))
