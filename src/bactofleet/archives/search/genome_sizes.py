"""The expected size of a species' genome, from the table by which NCBI checks assemblies.

https://www.ncbi.nlm.nih.gov/genbank/genome-size-check/, which bactopia-search uses too. It has
some thousands of species: those with enough genomes.
"""

from __future__ import annotations

import csv
import gzip
import os
import sys

from bactofleet.archives.search.http import Http, Unavailable

SIZES_URL = "https://ftp.ncbi.nlm.nih.gov/genomes/ASSEMBLY_REPORTS/species_genome_size.txt.gz"


def fetch_genome_sizes() -> dict[str, int]:
    """Return sizes in bp by the number of the species, or none where NCBI does not answer.

    `BACTOFLEET_GENOME_SIZES_URL` names another address of the table. A search goes on without it:
    the workflow estimates what a sheet does not say.
    """
    try:
        return _parse(Http().get(os.environ.get("BACTOFLEET_GENOME_SIZES_URL", SIZES_URL)))
    except Unavailable as error:
        print(f"no genome sizes, so that depth is not known: {error}", file=sys.stderr)
        return {}


def _parse(table: bytes) -> dict[str, int]:
    try:
        lines = gzip.decompress(table).decode().splitlines()
        return {
            row["#species_taxid"]: int(row["expected_ungapped_length"])
            for row in csv.DictReader(lines, delimiter="\t")
        }
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"NCBI's table of genome sizes has another form: {error}") from error
