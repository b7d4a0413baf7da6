"""Take the references for species out of BactInspectorMax's wheel: `species.py WHEEL FOLDER`.

Writes a Mash sketch, and a table of its genomes with the columns that genome/species.py reads.
"""

import csv
import io
import sys
import zipfile
from pathlib import Path

DATA = "bactinspector/data/all_complete_bacteria_refseq.k21s1000"


def main(wheel: str, folder: Path) -> None:
    """Write `refseq.msh` and `refseq.tsv` into the folder."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        (folder / "refseq.msh").write_bytes(archive.read(f"{DATA}.msh"))
        text = archive.read(f"{DATA}.species.tsv").decode()
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    with (folder / "refseq.tsv").open("w", encoding="utf-8") as table:
        table.write("genome\tspecies\tlength\n")
        for row in rows:
            # Subspecies and serovars are one species.
            species = " ".join(row["curated_organism_name"].split()[:2])
            table.write(f"{row['filename']}\t{species}\t{row['length']}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
