"""NCBI's Sequence Read Archive, asked by the E-utilities, for when ENA does not answer.

https://www.ncbi.nlm.nih.gov/books/NBK25499/: `esearch` finds numbers, each of an experiment, and
`efetch` describes the runs of such numbers as a table (`rettype=runinfo`).
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator

from bactofleet.archives.accessions import TAXON_ID, Query, iter_groups
from bactofleet.archives.search.experiments import FIELDS, Experiment, group_runs
from bactofleet.archives.search.http import Http, Unavailable

EUTILS_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
# NCBI allows three requests a second without a key, and ten with one: chapter 2 of the same book.
PAUSE_S, PAUSE_WITH_KEY_S = 0.35, 0.11
MAX_NUMBERS = 10_000
TERMS_A_QUESTION = 200
# SRA's own accessions are all in one field.
SEARCH_FIELDS = {"PRJ": "BioProject", "SAM": "BioSample"}
# What ENA calls the columns of a table of runs; the others are told apart below.
COLUMNS = {
    "run_accession": "Run",
    "experiment_accession": "Experiment",
    "sample_accession": "BioSample",
    "secondary_sample_accession": "Sample",
    "study_accession": "BioProject",
    "secondary_study_accession": "SRAStudy",
    "tax_id": "TaxID",
    "scientific_name": "ScientificName",
    "instrument_platform": "Platform",
    "library_layout": "LibraryLayout",
    "library_source": "LibrarySource",
    "library_strategy": "LibraryStrategy",
    "library_selection": "LibrarySelection",
    "read_count": "spots",
    "base_count": "bases",
}


class Sra:
    """Searches SRA; `BACTOFLEET_EUTILS_URL` names another address, `NCBI_API_KEY` is one's key."""

    name = "SRA"
    batch_size = 500

    def __init__(self) -> None:
        self._url = os.environ.get("BACTOFLEET_EUTILS_URL", EUTILS_URL).rstrip("/")
        key = os.environ.get("NCBI_API_KEY")
        self._form = {"db": "sra", "tool": "bactofleet"} | ({"api_key": key} if key else {})
        self._http = Http(PAUSE_WITH_KEY_S if key else PAUSE_S)

    def find(self, query: Query) -> set[str]:
        """Return NCBI's numbers of all experiments that a query is about; raises `Unavailable`."""
        return {number for term in _to_terms(query) for number in self._search(term)}

    def describe(self, numbers: list[str]) -> list[Experiment]:
        """Return what SRA says of experiments; raises `Unavailable`."""
        table = self._post("efetch", rettype="runinfo", retmode="text", id=",".join(numbers))
        try:
            return group_runs(_read_runs(table))
        except (ValueError, KeyError) as error:
            raise Unavailable(f"SRA describes runs in another form: {error}") from error

    def _search(self, term: str) -> Iterator[str]:
        start, count = 0, 1
        while start < count:
            page = {"retstart": str(start), "retmax": str(MAX_NUMBERS), "retmode": "json"}
            try:
                result = json.loads(self._post("esearch", term=term, **page))["esearchresult"]
                count, numbers = int(result["count"]), result["idlist"]
            except (ValueError, KeyError) as error:
                raise Unavailable("SRA answers a search in another form") from error
            if not numbers and start < count:
                raise Unavailable(f"SRA names {start:,} of {count:,} experiments")
            yield from numbers
            start += len(numbers)

    def _post(self, tool: str, **form: str) -> str:
        return self._http.post(f"{self._url}/{tool}.fcgi", self._form | form).decode(
            errors="replace"
        )


def _to_terms(query: Query) -> Iterator[str]:
    """Yield what to ask esearch for; a taxon includes what is below it."""
    if query.taxon:
        by_number = TAXON_ID.fullmatch(query.taxon)
        yield f"txid{query.taxon}[Organism:exp]" if by_number else f'"{query.taxon}"[Organism]'
    for accessions in iter_groups(query.accessions, TERMS_A_QUESTION):
        yield " OR ".join(
            f"{accession}[{SEARCH_FIELDS.get(accession[:3], 'Accession')}]"
            for accession in accessions
        )


def _read_runs(table: str) -> Iterator[dict[str, str]]:
    """Yield the public runs of a table by ENA's fields; a header that it repeats is none."""
    for row in csv.DictReader(line for line in table.splitlines() if line.strip()):
        if row["Run"] and row["Consent"] in ("", "public"):
            known = {field: row[column] for field, column in COLUMNS.items()}
            yield dict.fromkeys(FIELDS, "") | known
