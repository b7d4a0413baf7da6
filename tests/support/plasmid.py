"""The demo's reads of a plasmid, as a run that the archives have."""

import gzip
import re
from pathlib import Path

DEMO = Path(__file__).parents[2] / "demo" / "reads"
SPOTS = 5460
ORPHANS = 60
FILES = [(f"_{m}.fastq.gz", (DEMO / f"plasmid_R{m}.fastq.gz").read_bytes()) for m in (1, 2)]
"""End of the name and contents, as ENA has them."""


def plain_reads(mate: int) -> str:
    """Return the reads as latf-load takes them: without other bases than ACGTN.

    The first `ORPHANS` of the second mates are lost.
    """
    lines = gzip.decompress(FILES[mate - 1][1]).decode().splitlines()
    records = list(zip(lines[::4], lines[1::4], lines[3::4], strict=True))
    return "".join(
        f"{name.split()[0].removesuffix(f'/{mate}')}\n{re.sub('[^ACGT]', 'N', bases)}\n+\n{quals}\n"
        for name, bases, quals in records[ORPHANS if mate == 2 else 0 :]
    )
