"""Sequence types (MLST) of an assembly, by BLAST, in notation and scores of `mlst`.

https://github.com/tseemann/mlst#missing-data
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bactofleet.core.schemes import Scheme, choose_tables, iter_alleles, read_scheme
from bactofleet.genome.blast import search
from bactofleet.genome.stage import Stage
from bactofleet.records.receipt import Mlst

COLUMNS = (
    "qseqid",
    "nident",
    "length",
    "qstart",
    "qend",
    "qlen",
    "sseqid",
    "sstart",
    "send",
    "slen",
)
HEADER = ("FILE", "SCHEME", "ST", "STATUS", "SCORE", "ALLELES")
# A similar allele has this identity, a partial one this part of its length.
MIN_IDENTITY, MIN_COVERAGE = 0.95, 0.5
# BLAST ends before a difference in the last bases of an allele.
UNALIGNED_END = 10
# Points for all loci together, if all are of this kind, and for a known combination.
EXACT, NOVEL, PARTIAL, KNOWN = 90, 63, 18, 10
MIN_SCORE = 50
E_VALUE = 1e-10
NONE = "NONE"


class Hit(NamedTuple):
    """An allele in the assembly, or a part of it."""

    allele: str
    identical: int
    length: int
    """Of the alignment."""
    start: int
    end: int
    """In the allele, from 1."""
    size: int
    """Of the allele."""
    contig: str
    left: int
    right: int
    """In the contig, from 1; left of right on both strands."""
    room: int
    """Bases that the contig has beyond the alignment, where it has fewer."""

    @property
    def is_exact(self) -> bool:
        """Whether the whole allele is there, without a difference."""
        return self.identical == self.length == self.size

    @property
    def is_whole(self) -> bool:
        """Whether the allele is there from end to end, with differences."""
        unaligned = self.size - (self.end - self.start + 1)
        return unaligned <= min(UNALIGNED_END, self.room)

    @property
    def is_similar(self) -> bool:
        """Whether it is near and long enough to be told at all."""
        covered = (self.end - self.start + 1) / self.size
        return self.identical / self.length >= MIN_IDENTITY and covered >= MIN_COVERAGE


class Typed(NamedTuple):
    """An assembly by one scheme."""

    scheme: Scheme
    calls: dict[str, str]
    """By locus: `3`, `~3`, `3?`, `3,4` or `-`."""
    score: int

    @property
    def st(self) -> str | None:
        """The sequence type, if the combination is known."""
        return self.scheme.profiles.get(tuple(self.calls.values()))

    @property
    def status(self) -> str:
        """What the calls are, the worst first."""
        calls = self.calls.values()
        if any("," in call for call in calls):
            return "MIXED"
        if any(call == "-" or call.endswith("?") for call in calls):
            return "MISSING"
        if any(call.startswith("~") for call in calls):
            return "OK"
        return "PERFECT" if self.st else "NOVEL"


def find_type(stage: Stage, fasta: str, species: str) -> Mlst:
    """Type an assembly, of which there is a BLAST database, by the scheme that fits best."""
    tables = choose_tables(stage.find_reference("mlst_schemes"), species)
    schemes = [read_scheme(table) for table in tables]
    typed = [_type(stage, fasta, scheme) for scheme in _choose(stage, fasta, schemes)]
    best = max(typed, key=lambda one: one.score, default=None)
    if best is None or best.score < MIN_SCORE:
        _publish(stage, (fasta, "-", "-", NONE, "0", ""))
        return Mlst(status=NONE)
    alleles = ";".join(f"{locus}({call})" for locus, call in best.calls.items())
    row = (fasta, best.scheme.name, best.st or "-", best.status, str(best.score), alleles)
    _publish(stage, row)
    return Mlst(status=best.status, scheme=best.scheme.name, st=best.st, alleles=alleles)


def _publish(stage: Stage, row: tuple[str, ...]) -> None:
    text = "\n".join("\t".join(cells) for cells in (HEADER, row)) + "\n"
    stage.publish(f"{stage.sample}.tsv", "tools/mlst").write_text(text)


def _choose(stage: Stage, fasta: str, schemes: list[Scheme]) -> list[Scheme]:
    """Return the schemes of which most loci are there, by one allele of each."""
    probes = (
        (f"{i}:{locus}", next(iter_alleles(path))[1])
        for i, scheme in enumerate(schemes)
        for locus, path in scheme.loci.items()
    )
    there = {hit.allele for hit in _blast(stage, fasta, "probes", probes)}
    shares = {
        i: sum(f"{i}:{locus}" in there for locus in scheme.loci) / len(scheme.loci)
        for i, scheme in enumerate(schemes)
    }
    most = max(shares.values())
    return [schemes[i] for i, share in shares.items() if share == most > 0]


def _type(stage: Stage, fasta: str, scheme: Scheme) -> Typed:
    alleles = (
        (f"{locus}:{number}", sequence)
        for locus, path in scheme.loci.items()
        for number, sequence in iter_alleles(path)
    )
    hits: dict[str, list[Hit]] = {locus: [] for locus in scheme.loci}
    for hit in _blast(stage, fasta, "alleles", alleles):
        locus, _, number = hit.allele.rpartition(":")
        hits[locus].append(hit._replace(allele=number))
    called = {locus: call(found) for locus, found in hits.items()}
    points = sum(points for _, points in called.values()) / len(called)
    typed = Typed(scheme, {locus: name for locus, (name, _) in called.items()}, round(points))
    return typed._replace(score=typed.score + KNOWN) if typed.st else typed


def call(hits: Iterable[Hit]) -> tuple[str, int]:
    """Return the call of a locus from BLAST's hits of its alleles, and its points."""
    similar = [hit for hit in hits if hit.is_similar]
    exact = [hit for hit in similar if hit.is_exact]
    # An allele may be a part of another one.
    outermost = [one for one in exact if not any(_is_within(one, other) for other in exact)]
    if outermost:
        numbers = sorted({int(hit.allele) for hit in outermost})
        return ",".join(map(str, numbers)), EXACT
    if not similar:
        return "-", 0
    best = max(similar, key=lambda hit: (hit.is_whole, hit.identical, -int(hit.allele)))
    return (f"~{best.allele}", NOVEL) if best.is_whole else (f"{best.allele}?", PARTIAL)


def _is_within(one: Hit, other: Hit) -> bool:
    return (
        one.size < other.size
        and one.contig == other.contig
        and other.left <= one.left <= one.right <= other.right
    )


def _blast(
    stage: Stage, fasta: str, name: str, sequences: Iterable[tuple[str, str]]
) -> Iterator[Hit]:
    query = stage.work / f"{name}.fna"
    query.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in sequences))
    for cells in search(stage, fasta, query.name, E_VALUE, COLUMNS, "-dust", "no"):
        allele, *numbers, contig, sstart, send, slen = cells
        identical, length, start, end, size = map(int, numbers)
        left, right = sorted((int(sstart), int(send)))
        room = min(left - 1, int(slen) - right)
        yield Hit(allele, identical, length, start, end, size, contig, left, right, room)
