"""The European Nucleotide Archive, queried through its Portal API.

https://www.ebi.ac.uk/ena/portal/api/doc: `search` returns the whole answer in one stream, at most
100,000 rows unless `limit` is 0. There is no paging: ENA no longer documents `offset`, guarantees
no order, and advised a project whose pages ended at a million rows to use a single request
(https://github.com/TRON-Bioinformatics/covigator/pull/5). Therefore a search is one short request
for the accessions of the experiments (12 bytes each), followed by requests that each describe some
thousands of them. A broken connection costs only one request.
"""

from __future__ import annotations

import json
import os
import re
from urllib.parse import quote

from bactofleet.archives.accessions import TAXON_ID, Query, iter_groups
from bactofleet.archives.retry import Unavailable
from bactofleet.archives.runs import FIELDS, FILE_FIELDS, Run, read_runs
from bactofleet.archives.tables import Cells, Tsv, read_table
from bactofleet.archives.web import Client

ENA_URL = "https://www.ebi.ac.uk/ena"
EXPERIMENT, RUN = "experiment_accession", "run_accession"
NO_TAXON = b"No results."
PROKARYOTES = ("Bacteria", "Archaea")
# A plain number, a number below a header, or a value of JSON.
COUNT = re.compile(rb"(\d+)\W*$")


class Ena:
    """Queries ENA; `BACTOFLEET_ENA_URL` sets another address."""

    name = "ENA"
    batch_size = 2000

    def __init__(self, client: Client) -> None:
        self._url = os.environ.get("BACTOFLEET_ENA_URL", ENA_URL).rstrip("/")
        self._client = client

    def resolve(self, query: Query) -> Query:
        """Return a query with the number of its taxon in place of the name, if ENA knows it.

        A number also finds the taxa below: the subspecies and strains of a species. ENA's example:
        https://ena-docs.readthedocs.io/en/latest/retrieval/programmatic-access/taxon-api.html
        """
        if not query.taxon or TAXON_ID.fullmatch(query.taxon):
            return query
        name = quote(query.taxon, safe="")
        answer = self._client.ask(f"{self._url}/taxonomy/rest/any-name/{name}")
        if answer is None or answer.strip() == NO_TAXON:
            return query
        try:
            return Query(taxon=_choose_taxon(json.loads(answer)))
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise Unavailable(
                f"ENA describes the taxon {query.taxon!r} in an undocumented form"
            ) from error

    def find(self, query: Query) -> set[str]:
        """Return the accessions of all experiments that match a query; raises `Unavailable`."""
        if query.taxon:
            by_number = TAXON_ID.fullmatch(query.taxon)
            # By name, ENA finds only runs of exactly this taxon.
            taxon = f"tax_tree({query.taxon})" if by_number else f'tax_name("{query.taxon}")'
            return self._find_taxon(taxon)
        found: set[str] = set()
        # Accessions of one kind per request, as bactopia-search does.
        for accessions in iter_groups(query.accessions, self.batch_size):
            found |= _names(self._search([EXPERIMENT, RUN], includeAccessions=",".join(accessions)))
        return found

    def describe(self, accessions: list[str], *more_fields: str) -> list[Run]:
        """Return the runs of accessions; raises `Unavailable`."""
        fields = [*FIELDS, *FILE_FIELDS, *more_fields]
        return read_runs(self._search(fields, includeAccessions=",".join(accessions)))

    def _find_taxon(self, taxon: str) -> set[str]:
        """Return the experiments of a taxon, if ENA lists as many runs as it counts.

        Without this check, an answer that ends early between two rows would look complete.
        """
        answer = self._post("count", query=taxon) or b"0"
        announced = COUNT.search(answer)
        if not announced:
            raise Unavailable("ENA counts runs in an undocumented form")
        rows = self._search([EXPERIMENT, RUN], query=taxon)
        if len(rows) < int(announced[1]):
            raise Unavailable(f"ENA names {len(rows):,} of {int(announced[1]):,} runs")
        return _names(rows)

    def _search(self, fields: list[str], **condition: str) -> list[Cells]:
        form = {"format": "tsv", "limit": "0", "fields": ",".join(fields), **condition}
        answer = self._post("search", **form)
        return [] if answer is None else read_table(answer, "ENA", fields, Tsv)

    def _post(self, tool: str, **form: str) -> bytes | None:
        form |= {"result": "read_run", "dataPortal": "ena"}
        return self._client.ask(f"{self._url}/portal/api/{tool}", form)


def _names(rows: list[Cells]) -> set[str]:
    """Return the experiments of runs; a run without one stands for itself."""
    return {row[EXPERIMENT] or row[RUN] for row in rows}


def _choose_taxon(taxa: list[dict[str, str]]) -> str:
    """Return the number of a taxon; if several share a name, that of the prokaryote.

    `Bacillus` is also a genus of stick insects.
    """
    prokaryotes = [taxon for taxon in taxa if taxon.get("lineage", "").startswith(PROKARYOTES)]
    return str(int((prokaryotes or taxa)[0]["taxId"]))
