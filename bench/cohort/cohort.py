"""A small cohort of parts of complete genomes, good ones and such as go wrong, to look at a report.

    apt-get download ragout-examples kleborate-examples
    for deb in *.deb; do dpkg-deb -x $deb genomes; done
    bactofleet init cohort
    .venv/bin/python bench/cohort/cohort.py genomes cohort
    bactofleet run --directory cohort

Each isolate is the first part of the chromosome of a complete genome, where resistance genes of
*S. aureus* are, with its plasmids and with substitutions of its own. Reads are simulated. The
species are found by a sketch of the same parts, so that their sizes are the usual ones.
"""

from __future__ import annotations

import argparse
import gzip
import lzma
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

sys.path.extend(
    str(Path(__file__).parents[up] / name) for up, name in ((1, "mixture"), (2, "tests"))
)

from mixture import find_genomes
from support.long_reads import COMPLEMENT, LETTERS, write_long_reads

PART, READ_LENGTH, FRAGMENT, SPREAD = 250_000, 150, 400, 50
DIVERGENCE = 0.0002  # substitutions of an isolate
IMAGE = "bactofleet:latest"
SKETCH = "references/parts.msh"
OWN = ("country", "source", "year")
COUNTRIES, SOURCES = ("Denmark", "Kenya", "Peru"), ("blood", "carrier", "food", "water")
STRAINS = {
    "S. aureus": ("COL", "JKD6008", "N315", "RF122", "USA300_FPR3757"),
    "K. pneumoniae": ("Klebs_HS11286", "MGH78578", "NTUH-K2044", "Klebs_Kp1084"),
    "V. cholerae": ("O395", "O1_biovar", "H1"),
    "H. pylori": ("G27", "ELS37", "Puno120"),
}
COUNTS = {"S. aureus": 20, "K. pneumoniae": 4, "V. cholerae": 3, "H. pylori": 3}
ERROR_RATES = 10 ** (np.arange(41) / -10)
COMPLEMENT_OF = np.frombuffer(COMPLEMENT, np.uint8)
Bases = npt.NDArray[np.uint8]
Mates = tuple[Bases, Bases]
"""Reads and their qualities, a row a read."""


class Strain(NamedTuple):
    """A species, and the replicons of a part of a complete genome."""

    species: str
    replicons: list[bytes]


def read_strain(path: Path, species: str) -> Strain:
    """Return the beginning of the chromosome, and the plasmids that are no longer than it."""
    opener = lzma.open if path.suffix == ".xz" else gzip.open
    with opener(path, "rt") as file:
        records = file.read().upper().split(">")[1:]
    sequences = ["".join(record.split("\n")[1:]).encode() for record in records]
    plasmids = [sequence for sequence in sequences[1:] if len(sequence) <= PART]
    return Strain(species, [sequences[0][:PART], *plasmids])


def mutate(replicons: Iterable[bytes], chance: np.random.Generator) -> list[Bases]:
    """Return the replicons of an isolate, with substitutions."""
    isolate = []
    for replicon in replicons:
        bases = np.frombuffer(replicon, np.uint8).copy()
        places = chance.random(len(bases)) < DIVERGENCE
        bases[places] = chance.choice(LETTERS, places.sum())
        isolate.append(bases)
    return isolate


def draw_pairs(replicon: Bases, depth: float, chance: np.random.Generator) -> Iterator[Mates]:
    """Yield the first and the second mates of fragments; qualities fall towards the end."""
    count = round(depth * len(replicon) / (2 * READ_LENGTH))
    lengths = chance.normal(FRAGMENT, SPREAD, count).clip(READ_LENGTH, len(replicon)).astype(int)
    starts = chance.integers(0, len(replicon) - lengths + 1)
    along = np.arange(READ_LENGTH)
    left = replicon[starts[:, None] + along]
    right = COMPLEMENT_OF[replicon[(starts + lengths - 1)[:, None] - along]]
    is_turned = (chance.random(count) < 0.5)[:, None]
    for worse, reads in enumerate(
        (np.where(is_turned, right, left), np.where(is_turned, left, right))
    ):
        usual = 37 - 2 * worse - 9 * (along / READ_LENGTH) ** 2
        noise = 3 * chance.standard_normal(reads.shape, np.float32)
        qualities = (usual + noise).clip(2, 40).astype(np.uint8)
        is_wrong = chance.random(reads.shape, np.float32) < ERROR_RATES[qualities]
        reads[is_wrong] = chance.choice(LETTERS, is_wrong.sum())
        yield reads, qualities + 33


def write_pairs(
    folder: Path, sample: str, parts: Iterable[tuple[list[Bases], float]]
) -> dict[str, str]:
    """Write the reads of replicons, each with its depth; return the cells of the sheet."""
    chance = np.random.default_rng(zlib.crc32(sample.encode()))
    drawn = [draw_pairs(bases, depth, chance) for bases_of, depth in parts for bases in bases_of]
    cells = {}
    for mate, mates in enumerate(zip(*drawn, strict=True), 1):
        name = f"{sample}_S1_L001_R{mate}_001.fastq.gz"
        with gzip.open(folder / name, "wb", 1) as file:
            for number, (read, quality) in enumerate(_rows(mates)):
                file.write(b"@%d %d:N:0\n%b\n+\n%b\n" % (number, mate, read, quality))
        cells[f"r{mate}"] = f"reads/{name}"
    return cells


def _rows(mates: Iterable[Mates]) -> Iterator[tuple[bytes, bytes]]:
    for reads, qualities in mates:
        yield from ((r.tobytes(), q.tobytes()) for r, q in zip(reads, qualities, strict=True))


def write_isolates(strains: dict[str, Strain], folder: Path) -> Iterator[dict[str, str]]:
    """Write the reads of all isolates; yield the rows of the sheet."""
    for species, count in COUNTS.items():
        for number in range(count):
            name = STRAINS[species][number % len(STRAINS[species])]
            sample = f"{species[0]}{species[3:5]}-{number + 1:02}"
            chance = np.random.default_rng(zlib.crc32(sample.encode()))
            isolate = mutate(strains[name].replicons, chance)
            depth = chance.choice([25, 40, 60, 110], p=[0.2, 0.4, 0.3, 0.1])
            yield {
                "sample": sample,
                "species": strains[name].species,
                **write_pairs(folder, sample, [(isolate, depth)]),
            }
    yield from write_troubles(strains, folder)


def write_troubles(strains: dict[str, Strain], folder: Path) -> Iterator[dict[str, str]]:
    """Write what goes wrong in a laboratory, and long reads; yield the rows of the sheet."""
    aureus, pneumoniae = strains["USA300_FPR3757"], strains["Klebs_HS11286"]
    chance = np.random.default_rng(42)
    mine, other = mutate(aureus.replicons, chance), mutate(pneumoniae.replicons, chance)

    def row(sample: str, species: str, *parts: tuple[list[Bases], float]) -> dict[str, str]:
        cells = write_pairs(folder, sample, parts)
        return {"sample": sample, "species": species, **cells}

    yield row("mixture", aureus.species, (mine, 40), (other, 15))
    yield row("misnamed", pneumoniae.species, (mutate(strains["G27"].replicons, chance), 40))
    yield row("half-lost", aureus.species, ([mine[0][: PART // 2]], 60))
    yield row("shallow", aureus.species, (mine, 8.5))
    broken = row("broken-off", aureus.species, (mine, 30))
    reads = folder.parent / broken["r2"]
    reads.write_bytes(reads.read_bytes()[: reads.stat().st_size // 2])
    yield broken
    single = row("single-end", aureus.species, (mine, 50))
    yield {**single, "r2": ""}
    closed = [replicon.tobytes().decode() for replicon in mutate(strains["N315"].replicons, chance)]
    path = write_long_reads(folder / "nanopore.fastq.gz", closed, 60)
    yield {"sample": "nanopore", "species": aureus.species, "ont": f"reads/{path.name}"}
    hybrid = row(
        "hybrid", aureus.species, ([np.frombuffer(c.encode(), np.uint8) for c in closed], 40)
    )
    path = write_long_reads(folder / "hybrid.fastq.gz", closed, 40, seed=2)
    yield {**hybrid, "ont": f"reads/{path.name}"}


def write_sheet(path: Path, rows: list[dict[str, str]]) -> None:
    """Write the sheet with columns of the user's own."""
    chance = np.random.default_rng(7)
    columns = ["sample", "r1", "r2", "ont", "species", *OWN]
    lines = ["\t".join(columns)]
    for row in rows:
        own = (chance.choice(COUNTRIES), chance.choice(SOURCES), str(chance.integers(2019, 2026)))
        cells = row | dict(zip(OWN, own, strict=True))
        lines.append("\t".join(cells.get(column, "") for column in columns))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_sketch(strains: dict[str, Strain], folder: Path) -> None:
    """Write the sketch of the parts, by Mash in the image, with its table."""
    place = (folder / SKETCH).parent
    place.mkdir(exist_ok=True)
    table = ["genome\tspecies\tlength"]
    for name, (species, replicons) in strains.items():
        records = (b">%d\n%b\n" % record for record in enumerate(replicons))
        (place / f"{name}.fna").write_bytes(b"".join(records))
        table.append(f"{name}.fna\t{species}\t{sum(map(len, replicons))}")
    (folder / SKETCH).with_suffix(".tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
    mash = ["mash", "sketch", "-k", "21", "-o", "parts", *(f"{name}.fna" for name in strains)]
    docker = ["docker", "run", "--rm", "--init", "--network", "none", "--user", "0"]
    docker += ["--volume", f"{place.resolve()}:/parts", "--workdir", "/parts"]
    subprocess.run([*docker, IMAGE, *mash], check=True)


def main() -> None:
    """Write reads, sample sheet and references into the folder of a cohort."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("genomes", type=Path, help="where the complete genomes are")
    parser.add_argument("cohort", type=Path, help="a folder that `bactofleet init` has made")
    args = parser.parse_args()
    places = find_genomes(args.genomes)
    strains = {name: read_strain(*places[name]) for group in STRAINS.values() for name in group}
    write_sketch(strains, args.cohort)
    reads = args.cohort / "reads"
    reads.mkdir(exist_ok=True)
    write_sheet(args.cohort / "config/samples.tsv", list(write_isolates(strains, reads)))
    path = args.cohort / "config/config.yaml"
    option = "\nspecies_references: "
    config = path.read_text(encoding="utf-8").replace(f"{option}refseq\n", f"{option}{SKETCH}\n")
    path.write_text(config, encoding="utf-8")


if __name__ == "__main__":
    main()
