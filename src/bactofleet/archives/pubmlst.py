"""MLST schemes from PubMLST, or from another server of BIGSdb, by its REST API.

https://bigsdb.readthedocs.io/en/latest/rest.html. No address in an answer is followed; addresses
are made from names and numbers that have the expected form.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from bactofleet.archives.retry import Unavailable
from bactofleet.archives.web import Client
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import write_atomically
from bactofleet.core.schemes import LOCUS, SPECIES_MAP, find_scheme_fault, read_species_map

SERVERS = {"pubmlst": "https://rest.pubmlst.org", "pasteur": "https://bigsdb.pasteur.fr/api"}
DEFINITIONS = " sequence/profile definitions"
DATABASE = re.compile(r"[a-z]+_([a-z0-9_]{1,60})_seqdef")
# "MLST", "MLST (Achtman)"; not cgMLST, rMLST and others, which have hundreds of loci.
MLST = re.compile(r"MLST\b.*")
MAX_LOCI = 20


class Database(NamedTuple):
    """The definitions of a species or genus."""

    species: str
    """`Staphylococcus aureus` or `Bordetella spp.`"""
    name: str
    label: str
    """The part of the name that says which species: `saureus`."""


class PubMlst:
    """Asks one of the servers; `BACTOFLEET_PUBMLST_URL` sets another address."""

    def __init__(self, client: Client, server: str) -> None:
        self._url = os.environ.get("BACTOFLEET_PUBMLST_URL", SERVERS[server]).rstrip("/")
        self._client = client

    def find(self, species: str) -> Database:
        """Return the definitions of a species, or else of its genus.

        Raises `ConfigurationError` with those of the same genus if there are none.
        """
        found = {one.species.lower(): one for one in self._databases()}
        genus = species.split(maxsplit=1)[0]
        for name in (species, f"{genus} spp.", genus):
            if database := found.get(name.lower()):
                return database
        near = sorted(one.species for key, one in found.items() if key.startswith(genus.lower()))
        has = f"it has {', '.join(near)}" if near else f"nor any other {genus}"
        raise ConfigurationError([f"{self._url} has no definitions of {species!r}; {has}"])

    def fetch(self, species: str, database: Database, folder: Path) -> list[str]:
        """Write all MLST schemes of a species below a folder; return their names.

        A scheme that is there already is replaced once the new one is whole.
        """
        chosen = self._schemes(database)
        if not chosen:
            raise ConfigurationError([f"{self._url}: {database.species} has no MLST scheme"])
        names = []
        for number in chosen:
            name = database.label if len(chosen) == 1 else f"{database.label}_{number}"
            self._fetch_scheme(database.name, number, folder, name)
            names.append(name)
        _note_species(folder, species, names)
        return names

    def _databases(self) -> Iterator[Database]:
        for group in _list_of(self._ask("db")):
            for one in _list_of(_get(group, "databases")):
                description, name = str(_get(one, "description")), str(_get(one, "name"))
                is_named = DATABASE.fullmatch(name)
                if is_named and description.endswith(DEFINITIONS):
                    yield Database(description.removesuffix(DEFINITIONS), name, is_named[1])

    def _schemes(self, database: Database) -> list[int]:
        """Return the numbers of the MLST schemes."""
        answer = _list_of(_get(self._ask(f"db/{database.name}/schemes"), "schemes"))
        classic = [one for one in answer if MLST.fullmatch(str(_get(one, "description")))]
        numbers = (str(_get(one, "scheme")).rpartition("/")[2] for one in classic)
        return [int(number) for number in numbers if number.isascii() and number.isdigit()]

    def _fetch_scheme(self, database: str, number: int, folder: Path, name: str) -> None:
        place = f"db/{database}/schemes/{number}"
        addresses = _list_of(_get(self._ask(place), "loci"))
        loci = [unquote(str(address).rpartition("/")[2]) for address in addresses]
        if not (0 < len(loci) <= MAX_LOCI):
            raise Unavailable(f"{self._url}/{place} has {len(loci)} loci, not 1 to {MAX_LOCI}")
        if wrong := [one for one in loci if not (LOCUS.fullmatch(one) and one.isprintable())]:
            raise Unavailable(f"{self._url}/{place}: {wrong[0]!r} is no name of a locus")
        made = folder / f".{name}.part" / name
        shutil.rmtree(made.parent, ignore_errors=True)
        made.mkdir(parents=True)
        try:
            (made / f"{name}.txt").write_bytes(self._download(f"{place}/profiles_csv"))
            for locus in loci:
                address = f"db/{database}/loci/{quote(locus, safe='')}/alleles_fasta"
                (made / f"{locus}.tfa").write_bytes(self._download(address))
            if fault := find_scheme_fault(made.parent):
                raise Unavailable(f"{self._url}/{place}: {fault.replace(f'{made.parent}/', '')}")
            shutil.rmtree(folder / name, ignore_errors=True)
            made.rename(folder / name)
        finally:
            shutil.rmtree(made.parent)

    def _download(self, place: str) -> bytes:
        return self._client.ask(f"{self._url}/{place}") or b""

    def _ask(self, place: str) -> Any:
        try:
            return json.loads(self._download(place))
        except (ValueError, RecursionError) as error:
            raise Unavailable(f"{self._url}/{place} answers in an undocumented form") from error


def _note_species(folder: Path, species: str, names: list[str]) -> None:
    """Write which schemes are a species' own, beside what the folder says of others."""
    known = read_species_map(folder) | {species: names}
    lines = ["#SCHEME\tGENUS\tSPECIES"]
    for name, schemes in sorted(known.items()):
        genus, _, epithet = name.partition(" ")
        lines += [f"{scheme}\t{genus}\t{epithet}" for scheme in schemes]
    write_atomically(folder / SPECIES_MAP, "\n".join(lines) + "\n")


def _get(answer: Any, key: str) -> Any:
    return answer.get(key) if isinstance(answer, dict) else None


def _list_of(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else []
