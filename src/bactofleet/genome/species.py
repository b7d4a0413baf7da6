"""Which species a genome is, and whether it is only one, from what Mash finds.

The references are a sketch and a table of its genomes: `genome`, as the sketch calls it, `species`
and `length` (bp).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bactofleet.records.receipt import Found

# Length of the k-mers of the references.
K = 21
# Genomes of one species are at most this far apart, which is an identity of 95 %: Ondov et al.
# 2016, https://doi.org/10.1186/s13059-016-0997-x
SPECIES_DISTANCE = 0.05
# A part of a genome as small as a plasmid shares few hashes with the genome; fewer are chance.
MIN_SHARED = 10
# Reads contain a second species if they have a third of the k-mers of one of its genomes. Plasmids
# and other regions that two species share are less.
SECOND_IDENTITY = 1 - SPECIES_DISTANCE
# Assemblies of one species differ from each other in size; those of other sizes are incomplete or
# more than one genome.
SIZE_TOLERANCE = 0.2

AS_EXPECTED, FOUND, OTHER, MIXED, UNKNOWN = "as expected", "found", "other", "mixed", "unknown"


class Reference(NamedTuple):
    """A genome of the references."""

    species: str
    length: int


class Neighbour(NamedTuple):
    """A reference, and how far the assembly is from it."""

    reference: Reference
    distance: float
    shared: str
    """Hashes that both have, of those compared: `990/1000`."""

    @property
    def hashes(self) -> int:
        """Number of hashes that both have."""
        return int(self.shared.split("/")[0])

    @property
    def is_same_species(self) -> bool:
        """Whether the assembly is of this species."""
        return self.distance <= SPECIES_DISTANCE and self.hashes >= MIN_SHARED


class Contained(NamedTuple):
    """A reference of which the reads contain a part."""

    reference: Reference
    identity: float
    depth: float
    """Median number of times that the reads have the k-mers in common."""


def read_references(table: Path) -> dict[str, Reference]:
    """Read the table of the references; the keys are the names of genomes in the sketch."""
    with table.open(encoding="utf-8", newline="") as file:
        return {
            row["genome"]: Reference(row["species"], int(row["length"]))
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        }


def list_sketches(folder: Path) -> list[Path]:
    """Return the sketches in a folder, without what macOS puts beside each file (`._refs.msh`)."""
    return sorted(path for path in folder.rglob("*.msh") if not path.name.startswith("."))


def find_sketch_fault(folder: Path) -> str:
    """Describe what is wrong with a folder that should have a sketch with its table; "" if not."""
    sketches = list_sketches(folder)
    if len(sketches) != 1:
        return f"it has {len(sketches)} sketches (.msh), not one"
    try:
        return "" if read_references(sketches[0].with_suffix(".tsv")) else "its table has no genome"
    except (OSError, ValueError, KeyError, csv.Error) as error:
        return f"the table of its sketch (.tsv) cannot be read: {error}"


def read_distances(path: Path, references: Mapping[str, Reference], length: int) -> list[Neighbour]:
    """Read the output of `mash dist REFERENCES ASSEMBLY`, nearest first.

    `length` (bp) is the assembly's.
    """
    neighbours = [
        Neighbour(references[name], distance(shared, length, references[name].length), shared)
        for name, _, _, _, shared in _rows(path)
        if name in references
    ]
    return sorted(neighbours, key=lambda one: (one.distance, one.reference))


def distance(shared: str, one: int, other: int) -> float:
    """Return the distance of two genomes from the hashes that they share, and their lengths (bp).

    Mash's distance also grows with the difference of the lengths: part of a genome would be far
    from the whole. Here the k-mers in common, J (n + m) / (1 + J) for a Jaccard index J, are
    compared with those of the shorter genome only: Koslicki and Zabeti 2019,
    https://doi.org/10.1016/j.amc.2019.02.018
    """
    in_common, compared = map(int, shared.split("/"))
    if not in_common or not one:
        return 1.0
    jaccard = in_common / compared
    contained = min(1.0, jaccard * (one + other) / (1 + jaccard) / min(one, other))
    return min(1.0, abs(math.log(contained)) / K)


def read_screen(path: Path, references: Mapping[str, Reference]) -> list[Contained]:
    """Read the output of `mash screen -w REFERENCES READS`, most of it contained first."""
    contained = [
        Contained(references[row[4]], float(row[0]), float(row[2]))
        for row in _rows(path)
        if row[4] in references
    ]
    return sorted(contained, key=lambda one: (-one.identity, one.reference))


def identify(
    expected: str,
    neighbours: list[Neighbour],
    contained: list[Contained],
    references: Collection[Reference],
) -> Found:
    """Decide which species a genome is, from its assembly and its reads (if there are any).

    `neighbours` are all references, nearest first; `contained` those that the reads contain.
    """
    within = [one for one in neighbours if one.is_same_species]
    if not within:
        return _describe_unnamed(neighbours, contained)
    nearest = within[0]
    species = nearest.reference.species
    lengths = [one.length for one in references if one.species == species]
    second, share = _find_second({one.reference.species for one in within}, contained)
    return Found(
        MIXED if second else _compare(expected, within, references),
        species=species,
        nearest=species,
        distance=round(nearest.distance, 4),
        shared_hashes=nearest.shared,
        smallest=round(min(lengths) * (1 - SIZE_TOLERANCE)),
        largest=round(max(lengths) * (1 + SIZE_TOLERANCE)),
        second=second,
        second_share=share,
    )


def _describe_unnamed(neighbours: list[Neighbour], contained: list[Contained]) -> Found:
    """Return what is known of an assembly that is near no reference, as one of too few bases."""
    # A few hashes shared by chance are a large part of a tiny reference.
    nearest = max(neighbours, key=lambda one: one.hashes)
    name = nearest.reference.species if nearest.hashes else None
    # Its reads may tell what it is, and whether it is one.
    of_reads = [one.reference.species for one in contained if one.identity >= SECOND_IDENTITY]
    own = name if name in of_reads else next(iter(of_reads), "")
    second, share = _find_second({own}, contained)
    return Found(
        MIXED if second else UNKNOWN,
        nearest=name,
        distance=round(nearest.distance, 4),
        shared_hashes=nearest.shared,
        second=second,
        second_share=share,
    )


def _compare(expected: str, within: list[Neighbour], references: Collection[Reference]) -> str:
    """Return the verdict on a genome that is one species.

    The expected one need not be the nearest: *Shigella* is within *E. coli*. A name that the
    references do not know cannot be compared.
    """
    wanted = _binomial(expected)
    if not wanted or wanted not in {_binomial(one.species) for one in references}:
        return FOUND
    is_near = wanted in {_binomial(one.reference.species) for one in within}
    return AS_EXPECTED if is_near else OTHER


def _find_second(
    own: set[str], contained: list[Contained]
) -> tuple[str, float] | tuple[None, None]:
    """Return another species in the reads and its share of their depth."""
    others = [one for one in contained if one.reference.species not in own]
    if not others or others[0].identity < SECOND_IDENTITY:
        return None, None
    depths = [one.depth for one in contained if one.reference.species in own]
    first, second = max(depths, default=0.0), others[0].depth
    return others[0].reference.species, round(second / (first + second), 3)


def _binomial(species: str) -> str:
    """Return genus and species without strain or case: a name of one word names a genus only."""
    words = species.split()
    return " ".join(words[:2]).lower() if len(words) > 1 else ""


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        yield from csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
