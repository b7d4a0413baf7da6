"""Mixtures of two genomes in known shares, and pure genomes: what the typing stage says of them.

    apt-get download ragout-examples kleborate-examples
    for deb in *.deb; do dpkg-deb -x $deb genomes; done
    docker run --rm --init --network none -v $PWD:/w -w /w --entrypoint python3 bactofleet:latest \
        bench/mixture/mixture.py genomes {mixtures,pure} [NAME ...]

Reads are drawn from the complete genomes (150 bp, 0.3 % wrong bases). The assembly is taken to be
the genome that has the larger share. Writes a table with one line for each set of reads; names
choose pairs by their first genome, or pure genomes.
"""

from __future__ import annotations

import gzip
import lzma
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bactofleet.core.versions import SKETCH
from bactofleet.genome import species
from bactofleet.records.receipt import Found

READ_LENGTH, ERROR_RATE, SEED = 150, 0.003, 42
SHARES = (0.01, 0.05, 0.1, 0.5)
# Of a pure genome, deeper reads only repeat the k-mers.
DEPTH, PURE_DEPTH = 50, 5
# Two pairs of species, and two strains of one: the first one is the genome.
PAIRS = (
    ("USA300_FPR3757", "MG1655-K12"),
    ("MG1655-K12", "Klebs_HS11286"),
    ("N315", "USA300_FPR3757"),
)
SPECIES = {
    "S.Aureus": "Staphylococcus aureus",
    "V.Cholerae": "Vibrio cholerae",
    "E.Coli": "Escherichia coli",
    "H.Pylori": "Helicobacter pylori",
    "data": "Klebsiella pneumoniae",
}
Bases = npt.NDArray[np.uint8]


def find_genomes(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return the complete genomes by name, each with its species."""
    found = [*folder.rglob("references/*.fasta.gz"), *folder.rglob("kleborate/examples/data/*.xz")]
    return {
        path.name.split(".")[0]: (
            path,
            SPECIES[path.parent.name if path.suffix == ".xz" else path.parents[1].name],
        )
        for path in sorted(found)
    }


def read_bases(path: Path) -> Bases:
    """Return all sequences of a genome one after the other."""
    opener = lzma.open if path.suffix == ".xz" else gzip.open
    with opener(path, "rt") as file:
        text = "".join(line.strip().upper() for line in file if not line.startswith(">"))
    return np.frombuffer(text.encode(), dtype=np.uint8)


def draw_reads(genome: Bases, depth: float, chance: np.random.Generator) -> Bases:
    """Return reads as rows, at a mean depth."""
    count = round(depth * len(genome) / READ_LENGTH)
    starts = chance.integers(0, len(genome) - READ_LENGTH, count)
    reads = genome[starts[:, None] + np.arange(READ_LENGTH)]
    is_wrong = chance.random(reads.shape) < ERROR_RATE
    reads[is_wrong] = chance.choice(np.frombuffer(b"ACGT", dtype=np.uint8), is_wrong.sum())
    return reads


def write_fasta(path: Path, reads: Bases) -> None:
    """Write reads; Mash takes FASTA as it takes FASTQ."""
    path.write_bytes(b"".join(b">r\n" + row.tobytes() + b"\n" for row in reads))


def identify(assembly: Bases, reads: Bases, expected: str, folder: Path) -> tuple[Found, float]:
    """Return what the typing stage finds, and the seconds that Mash takes for the reads."""
    references = species.read_references(SKETCH.with_suffix(".tsv"))
    write_fasta(folder / "assembly.fna", assembly[None, :])
    write_fasta(folder / "reads.fna", reads)
    run("mash", "dist", SKETCH, folder / "assembly.fna", output=folder / "distances.tsv")
    begun = time.monotonic()
    run("mash", "screen", "-w", SKETCH, folder / "reads.fna", output=folder / "screen.tsv")
    seconds = time.monotonic() - begun
    neighbours = species.read_distances(folder / "distances.tsv", references, len(assembly))
    contained = species.read_screen(folder / "screen.tsv", references)
    return species.identify(expected, neighbours, contained, references.values()), seconds


def run(*command: object, output: Path) -> None:
    """Run a command with its output in a file."""
    with output.open("wb") as file:
        subprocess.run(list(map(str, command)), stdout=file, stderr=subprocess.DEVNULL, check=True)


def mixtures(
    genomes: dict[str, tuple[Path, str]], names: Sequence[str], folder: Path
) -> Iterator[list[object]]:
    """Yield pair, true share, verdict, second species and the share that is reported."""
    yield ["first", "second", "share", "verdict", "found_second", "found_share", "seconds"]
    for one, other in (pair for pair in PAIRS if pair[0] in names):
        (path, expected), (other_path, _) = genomes[one], genomes[other]
        first, second = read_bases(path), read_bases(other_path)
        for share in SHARES:
            chance = np.random.default_rng(SEED)
            parts = (
                draw_reads(first, DEPTH * (1 - share), chance),
                draw_reads(second, DEPTH * share, chance),
            )
            found, seconds = identify(first, np.concatenate(parts), expected, folder)
            told = (found.verdict, found.second, found.second_share)
            yield [one, other, share, *told, round(seconds, 1)]


def pure(
    genomes: dict[str, tuple[Path, str]], names: Sequence[str], folder: Path
) -> Iterator[list[object]]:
    """Yield genome, species, and what was found; a second species is a false alarm."""
    yield ["genome", "species", "verdict", "found_second", "seconds"]
    for name in names:
        path, expected = genomes[name]
        bases = read_bases(path)
        reads = draw_reads(bases, PURE_DEPTH, np.random.default_rng(SEED))
        found, seconds = identify(bases, reads, expected, folder)
        yield [name, expected, found.verdict, found.second, round(seconds, 1)]


def main(folder: str, what: str, *names: str) -> None:
    """Print the table."""
    make = {"mixtures": mixtures, "pure": pure}[what]
    genomes = find_genomes(Path(folder))
    with tempfile.TemporaryDirectory() as work:
        for row in make(genomes, names or list(genomes), Path(work)):
            print(*row, sep="\t", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
