"""NCBI's Sequence Read Archive, queried through the E-utilities.

https://www.ncbi.nlm.nih.gov/books/NBK25499/: `esearch` finds the numbers of experiments, and
`efetch` describes the runs of such numbers as a table (`rettype=runinfo`).
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Iterator

from bactofleet.archives.accessions import TAXON_ID, Query, iter_groups
from bactofleet.archives.retry import Unavailable
from bactofleet.archives.runs import MODEL_FIELD, Run, read_runs
from bactofleet.archives.tables import Cells, read_table
from bactofleet.archives.web import Client

EUTILS_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
# NCBI allows three requests a second without a key, and ten with one: chapter 2 of the same book.
PAUSE_S, PAUSE_WITH_KEY_S = 0.35, 0.11
MAX_NUMBERS = 10_000
# Of one search: 1,000 answers of that many. A server could otherwise announce more without end.
MAX_EXPERIMENTS = 10_000_000
TERMS_A_QUESTION = 200
# SRA's own accessions are all in the field `Accession`.
SEARCH_FIELDS = {"PRJ": "BioProject", "SAM": "BioSample"}
# ENA's names of the columns of SRA's table of runs; `access` has none: ENA lists public runs only.
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
    "access": "Consent",
}


class Sra:
    """Queries SRA; `BACTOFLEET_EUTILS_URL` sets another address, `NCBI_API_KEY` a key."""

    name = "SRA"
    batch_size = 500

    def __init__(self, client: Client) -> None:
        self._url = os.environ.get("BACTOFLEET_EUTILS_URL", EUTILS_URL).rstrip("/")
        key = os.environ.get("NCBI_API_KEY")
        self._form = {"db": "sra", "tool": "bactofleet"} | ({"api_key": key} if key else {})
        self._pause_s = PAUSE_WITH_KEY_S if key else PAUSE_S
        self._client = client

    def find(self, query: Query) -> set[str]:
        """Return NCBI's numbers of all experiments that match a query; raises `Unavailable`."""
        return set().union(*map(self._search, _to_terms(query)))

    def describe(self, numbers: list[str]) -> list[Run]:
        """Return the runs of experiments, public or not; raises `Unavailable`."""
        table = self._post("efetch", rettype="runinfo", retmode="text", id=",".join(numbers))
        rows = read_table(table, "SRA", COLUMNS.values(), csv.excel)
        return read_runs(map(_to_record, rows))

    def _search(self, term: str) -> set[str]:
        """Return the numbers that a search term finds, if SRA returns as many as it announces."""
        found: set[str] = set()
        count = 1
        while len(found) < count:
            page = {"retstart": str(len(found)), "retmax": str(MAX_NUMBERS), "retmode": "json"}
            try:
                answer = json.loads(self._post("esearch", term=term, **page))
                result = answer.get("esearchresult", {})
                # `error` is of NCBI's gateway, such as "API rate limit exceeded".
                if fault := answer.get("error") or result.get("ERROR"):
                    raise Unavailable(f"SRA cannot search: {fault}")
                count, numbers = int(result["count"]), set(result["idlist"])
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise Unavailable("SRA's answer does not have the documented form") from error
            if count > MAX_EXPERIMENTS:
                raise Unavailable(f"SRA announces {count:,} experiments; narrow the search")
            known = len(found)
            found |= numbers
            # An answer is full unless it is the last, and names others than those before.
            if len(found) < count and (len(numbers) < MAX_NUMBERS or len(found) == known):
                raise Unavailable(f"SRA names {len(found):,} of {count:,} experiments")
        return found

    def _post(self, tool: str, **form: str) -> bytes:
        time.sleep(self._pause_s)
        return self._client.ask(f"{self._url}/{tool}.fcgi", self._form | form) or b""


def _to_record(row: Cells) -> Cells:
    """Return a row with ENA's column names."""
    known = {name: row[column] for name, column in COLUMNS.items()}
    return known | {MODEL_FIELD: row.get("Model", "")}


def _to_terms(query: Query) -> Iterator[str]:
    """Yield the search terms of a query; a taxon includes everything below it."""
    if query.taxon:
        by_number = TAXON_ID.fullmatch(query.taxon)
        yield f"txid{query.taxon}[Organism:exp]" if by_number else f'"{query.taxon}"[Organism]'
    for accessions in iter_groups(query.accessions, TERMS_A_QUESTION):
        yield " OR ".join(
            f"{accession}[{SEARCH_FIELDS.get(accession[:3], 'Accession')}]"
            for accession in accessions
        )
