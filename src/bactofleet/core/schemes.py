"""Schemes of multilocus sequence typing (MLST) in a folder of the user, in PubMLST's layout.

Each scheme is a folder, `SCHEME/SCHEME.txt` with the profiles and a FASTA file for each locus, as
`mlst` keeps them: https://github.com/tseemann/mlst#adding-a-new-scheme
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bactofleet.core.files import sha256_of

FASTA_ENDINGS = (".tfa", ".fasta", ".fas", ".fsa", ".fa")
# Columns of profiles that are no loci, in lower case.
OTHER_COLUMNS = frozenset(("st", "clonal_complex", "cc", "mlst_clade", "lineage", "species"))
# Tools and tables end a name at a space, and a file is in the scheme's own folder.
LOCUS = re.compile(r"[^\s/]+")
# `>arcC_12` or `>arcC-12`
ALLELE = re.compile(r">\S*[_-](\d+)\s*$|>\S*[_-](\d+)\s")


# Which schemes are for which species, as `mlst` says it: scheme, genus and species in columns. A
# line without a species is for the whole genus.
SPECIES_MAP = "scheme_species_map.tab"


class Scheme(NamedTuple):
    """A scheme; profiles map the alleles of its loci, in their order, to sequence types."""

    name: str
    loci: dict[str, Path]
    """Files with the alleles."""
    profiles: dict[tuple[str, ...], str]


def list_schemes(folder: Path) -> list[Path]:
    """Return the tables of profiles in a folder, one of each scheme."""
    tables = (path / f"{path.name}.txt" for path in sorted(folder.iterdir()) if path.is_dir())
    return [table for table in tables if table.is_file()]


def choose_tables(folder: Path, species: str) -> list[Path]:
    """Return the tables of the schemes of a species or its genus; all, if none is known."""
    tables = list_schemes(folder)
    known = read_species_map(folder)
    words = species.split()
    names = {*known.get(" ".join(words[:2]), ()), *known.get(" ".join(words[:1]), ())}
    return [table for table in tables if table.parent.name in names] or tables


def read_species_map(folder: Path) -> dict[str, list[str]]:
    """Return the names of schemes by species or genus; nothing if the folder does not say it."""
    path = folder / SPECIES_MAP
    schemes: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        scheme, *words = line.split("\t")
        if words and not line.startswith("#"):
            schemes.setdefault(" ".join(filter(None, words[:2])), []).append(scheme)
    return schemes


def read_scheme(table: Path) -> Scheme:
    """Read a scheme from its profiles; raise `ValueError` if it is not whole."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = [name.strip() for name in next(rows, [])]
        if "ST" not in header:
            raise ValueError(f"{table}: the first line has no column ST")
        lines = [[cell.strip() for cell in row] for row in rows]
        places = [i for i, name in enumerate(header) if not _is_other(table, i, name, lines)]
        if not places:
            raise ValueError(f"{table}: the first line has no locus")
        loci = {header[i]: _find_fasta(table.parent, header[i]) for i in places}
        number = header.index("ST")
        profiles = {
            tuple(row[i] for i in places): row[number]
            for row in lines
            if len(row) > max(number, *places)
        }
    return Scheme(table.parent.name, loci, profiles)


def _is_other(table: Path, place: int, name: str, lines: list[list[str]]) -> bool:
    """Say whether a column is no locus: by its name, or as it has text and no alleles.

    A column of numbers without a file of alleles is a locus whose file is missing.
    """
    if name.lower() in OTHER_COLUMNS:
        return True
    if name and (not _is_name(name) or _find_alleles(table.parent, name)):
        return False
    cells = {row[place] for row in lines if len(row) > place} - {""}
    if not name:
        return not cells  # what spreadsheets leave at the end
    return bool(cells) and not any(cell.isdecimal() for cell in cells)


def _is_name(locus: str) -> bool:
    return bool(LOCUS.fullmatch(locus)) and locus.isprintable()


def _find_alleles(folder: Path, locus: str) -> Path | None:
    found = (folder / f"{locus}{ending}" for ending in FASTA_ENDINGS)
    return next(filter(Path.is_file, found), None)


def _find_fasta(folder: Path, locus: str) -> Path:
    if not _is_name(locus):
        raise ValueError(f"{folder / folder.name}.txt: {locus!r} is no name of a locus")
    path = _find_alleles(folder, locus)
    if path is None:
        raise ValueError(f"{folder / folder.name}.txt: there is no file of alleles for {locus!r}")
    return path


def iter_alleles(path: Path) -> Iterator[tuple[str, str]]:
    """Yield number and sequence of each allele; raise `ValueError` for a name without a number."""
    for record in path.read_text(encoding="utf-8").split(">")[1:]:
        name, *lines = record.splitlines() or [""]
        if not (found := ALLELE.match(f">{name}")):
            raise ValueError(f"{path}: {name!r} does not end with the number of an allele")
        yield found[1] or found[2], "".join(lines)


def find_scheme_fault(folder: Path) -> str:
    """Describe what is wrong with a folder of schemes; "" if nothing is."""
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r}"
    try:
        for table in (tables := list_schemes(folder)):
            for path in read_scheme(table).loci.values():
                sequences = [sequence for _, sequence in iter_alleles(path)]
                if not sequences:
                    return f"{path} has no allele"
                if not all(sequences):
                    return f"{path} has an allele without a sequence"
    except (OSError, ValueError) as error:
        return str(error)
    except csv.Error as error:
        return f"{table}: {error}"
    return "" if tables else f"{str(folder)!r} has no scheme: none of SCHEME/SCHEME.txt"


def checksum_of(folder: Path) -> str:
    """Return a checksum of all files of the schemes and their names."""
    digest = hashlib.sha256()
    for table in list_schemes(folder):
        for path in (table, *read_scheme(table).loci.values()):
            digest.update(f"{path.relative_to(folder)} {sha256_of(path)}\n".encode())
    if (path := folder / SPECIES_MAP).is_file():
        digest.update(f"{SPECIES_MAP} {sha256_of(path)}\n".encode())
    return digest.hexdigest()
