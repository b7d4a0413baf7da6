"""Circular contigs: plasmids of several copies are cut to one, chromosomes rotated to dnaA.

Reads that are longer than a plasmid go around it more than once, and Flye then joins copies of it
to one circle. dnaA, with which chromosomes in databases begin, is found with prokka's DnaA proteins
of Swiss-Prot; contigs without it, such as plasmids, are not rotated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bactofleet.core.versions import prokka_proteins
from bactofleet.genome.fasta import Contig, write_fasta
from bactofleet.genome.stage import Stage

GENE = "dnaA"
# Ends the name of a contig that was rotated.
ROTATED = f"_{GENE}"
# Longer than the gene (1.4 kb), which may lie across the ends of a contig.
OVERHANG = 4000
E_VALUE = 1e-30
K = 31
# Plasmids have more bases, and copies are joined only of those shorter than the reads.
MIN_COPY_LENGTH, MAX_CIRCLE_LENGTH = 500, 200_000
# The length of a copy may differ by as much from that of the others.
TOLERANCE = 0.05
COMPLEMENT = str.maketrans("ACGTUNRYSWKMBDHVacgtunryswkmbdhv", "TGCAANYRSWMKVHDBtgcaanyrswmkvhdb")


def cut_copies(circle: str) -> tuple[str, int]:
    """Return one copy of a circular sequence that repeats itself, and the number of copies.

    A circle of n copies has the distinct k-mers of one: an n-th of its length. One copy reaches
    from a k-mer that occurs n times to where it occurs next.
    """
    if len(circle) > MAX_CIRCLE_LENGTH:
        return circle, 1
    around = circle + circle[: K - 1]
    places: dict[str, list[int]] = {}
    for i in range(len(circle)):
        places.setdefault(around[i : i + K], []).append(i)
    copies = round(len(circle) / max(len(places), 1))
    wanted = len(circle) / max(copies, 1)
    for found in places.values() if wanted >= MIN_COPY_LENGTH else ():
        if len(found) == copies > 1:
            ends = [*found[1:], found[0] + len(circle)]
            lengths = [end - start for start, end in zip(found, ends, strict=True)]
            if all(abs(length - wanted) <= TOLERANCE * wanted for length in lengths):
                return circle[found[0] : found[1]], copies
    return circle, 1


def rotate(stage: Stage, contigs: list[Contig]) -> list[Contig]:
    """Return circular contigs, those with dnaA rotated to it and its strand, and so named."""
    proteins = stage.work / f"{GENE}.faa"
    write_fasta(proteins, _iter_proteins(prokka_proteins()))
    if not (contigs and proteins.stat().st_size):
        return contigs
    around = [one._replace(sequence=one.sequence + one.sequence[:OVERHANG]) for one in contigs]
    write_fasta(stage.work / "circles.fasta", around)
    table = stage.work / f"{GENE}.tsv"
    stage.tools.run(
        ["tblastn", "-query", proteins, "-subject", "circles.fasta", "-evalue", E_VALUE]
        + ["-seg", "no", "-outfmt", "6 bitscore sseqid qstart sstart send"],
        stdout=table,
    )
    starts = find_starts(table.read_text())
    return [_rotate(one, *starts[one.name]) if one.name in starts else one for one in contigs]


def find_starts(table: str) -> dict[str, tuple[int, bool]]:
    """Return where the gene begins in each contig, from 0, and whether on the other strand.

    `table` has the columns bitscore, sseqid, qstart, sstart and send. The best hit counts; where it
    begins within the protein, the gene begins as many codons before.
    """
    starts: dict[str, tuple[int, bool]] = {}
    rows = (line.split("\t") for line in table.splitlines())
    for _, contig, *places in sorted(rows, key=lambda row: -float(row[0])):
        first, start, end = map(int, places)
        missing = 3 * (first - 1)
        is_reverse = start > end
        found = start + missing if is_reverse else start - 1 - missing
        starts.setdefault(contig, (found, is_reverse))
    return starts


def _rotate(contig: Contig, start: int, is_reverse: bool) -> Contig:
    """Return a circular contig that begins at a place, from 0, or ends there on its strand."""
    at = start % len(contig.sequence)
    turned = contig.sequence[at:] + contig.sequence[:at]
    sequence = turned.translate(COMPLEMENT)[::-1] if is_reverse else turned
    return Contig(contig.name + ROTATED, sequence)


def _iter_proteins(database: Path) -> Iterator[Contig]:
    """Yield the proteins of the gene: prokka's names are `ID EC~~~gene~~~product~~~COG`."""
    records = database.read_text().split(">")[1:] if database.is_file() else []
    for record in records:
        name, *lines = record.splitlines()
        if name.split("~~~")[1:2] == [GENE]:
            yield Contig(name.split()[0], "".join(lines))
