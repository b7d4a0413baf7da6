"""The European Nucleotide Archive, asked by its Portal API.

https://www.ebi.ac.uk/ena/portal/api/doc: `search` gives all of an answer in one stream, 100,000
rows unless `limit` is 0. There is no page to go on from: ENA dropped `offset` from what it
documents, promises no order, and advised a single request to a project whose pages ended at a
million (https://github.com/TRON-Bioinformatics/covigator/pull/5). So a search is one short request
for the names of the experiments (12 bytes each), then requests that describe some thousands of
them each. A connection that breaks costs the request that it broke, and no more.
"""

from __future__ import annotations

import csv
import json
import os
from urllib.parse import quote

from bactofleet.archives.accessions import TAXON_ID, Query, iter_groups
from bactofleet.archives.search.experiments import FIELDS, Experiment, group_runs
from bactofleet.archives.search.http import Http, Unavailable

ENA_URL = "https://www.ebi.ac.uk/ena"
EXPERIMENT = "experiment_accession"
NO_TAXON = b"No results."
PROKARYOTES = ("Bacteria", "Archaea")


class Ena:
    """Searches ENA; `BACTOFLEET_ENA_URL` names another address of it."""

    name = "ENA"
    batch_size = 2000

    def __init__(self) -> None:
        self._url = os.environ.get("BACTOFLEET_ENA_URL", ENA_URL).rstrip("/")
        self._http = Http()

    def resolve(self, query: Query) -> Query:
        """Return a query with the number of the taxon that it names, if ENA knows the name.

        A number finds what is below a taxon too: the subspecies and strains of a species. ENA's
        example: https://ena-docs.readthedocs.io/en/latest/retrieval/programmatic-access/taxon-api.html
        """
        if not query.taxon or TAXON_ID.fullmatch(query.taxon):
            return query
        answer = self._http.get(f"{self._url}/taxonomy/rest/any-name/{quote(query.taxon, safe='')}")
        if not answer or answer.strip() == NO_TAXON:
            return query
        try:
            return Query(taxon=_choose_taxon(json.loads(answer)))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise Unavailable(f"ENA describes the taxon {query.taxon!r} in another form") from error

    def find(self, query: Query) -> set[str]:
        """Return the accessions of all experiments that a query is about.

        Raises `Unavailable`.
        """
        if query.taxon:
            by_number = TAXON_ID.fullmatch(query.taxon)
            # By a name ENA finds what has exactly this name.
            taxon = f"tax_tree({query.taxon})" if by_number else f'tax_name("{query.taxon}")'
            return {row[EXPERIMENT] for row in self._search([EXPERIMENT], query=taxon)}
        found: set[str] = set()
        # Accessions of one kind a request, as bactopia-search asks.
        for accessions in iter_groups(query.accessions, self.batch_size):
            rows = self._search([EXPERIMENT], includeAccessions=",".join(accessions))
            found.update(row[EXPERIMENT] for row in rows)
        return found

    def describe(self, experiments: list[str]) -> list[Experiment]:
        """Return what ENA says of experiments; raises `Unavailable`."""
        rows = self._search(list(FIELDS), includeAccessions=",".join(experiments))
        try:
            return group_runs(rows)
        except ValueError as error:
            raise Unavailable(f"ENA gives a count that is none: {error}") from error

    def _search(self, fields: list[str], **condition: str) -> list[dict[str, str]]:
        form = {
            "result": "read_run",
            "dataPortal": "ena",
            "format": "tsv",
            "limit": "0",
            "fields": ",".join(fields),
            **condition,
        }
        text = self._http.post(f"{self._url}/portal/api/search", form).decode(errors="replace")
        rows = list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
        if any(row.get(field) is None for row in rows for field in fields):
            raise Unavailable("ENA's answer is cut short, or lacks a column that was asked for")
        return rows


def _choose_taxon(taxa: list[dict[str, str]]) -> str:
    """Return the number of a taxon; of several with one name, the prokaryote's.

    `Bacillus` is a genus of stick insects too.
    """
    prokaryotes = [taxon for taxon in taxa if taxon.get("lineage", "").startswith(PROKARYOTES)]
    return str(int((prokaryotes or taxa)[0]["taxId"]))
