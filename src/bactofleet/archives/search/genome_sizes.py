"""The expected genome size of a species, from the table that NCBI uses to check assemblies.

https://www.ncbi.nlm.nih.gov/genbank/genome-size-check/, which bactopia-search uses too. It has a
few thousand species: those with enough genomes.
"""

from __future__ import annotations

import gzip
import os
import zlib

from bactofleet.archives.retry import Unavailable
from bactofleet.archives.tables import Tsv, read_table
from bactofleet.archives.web import Client

SIZES_URL = "https://ftp.ncbi.nlm.nih.gov/genomes/ASSEMBLY_REPORTS/species_genome_size.txt.gz"
SOURCE = "NCBI's table of genome sizes"
SPECIES, SIZE = "#species_taxid", "expected_ungapped_length"


def fetch_genome_sizes(client: Client) -> dict[str, int]:
    """Return sizes in bp by the taxon number of the species; none if NCBI does not answer.

    `BACTOFLEET_GENOME_SIZES_URL` sets another address of the table. A search continues without the
    table, because the workflow estimates sizes that the sheet does not give.
    """
    try:
        return _parse(client.ask(os.environ.get("BACTOFLEET_GENOME_SIZES_URL", SIZES_URL)) or b"")
    except Unavailable as error:
        client.say(f"no genome sizes, so that depth is not known: {error}")
        return {}


def _parse(table: bytes) -> dict[str, int]:
    try:
        rows = read_table(gzip.decompress(table), SOURCE, (SPECIES, SIZE), Tsv)
        return {row[SPECIES]: int(row[SIZE]) for row in rows}
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise Unavailable(f"{SOURCE} has another form: {error}") from error
