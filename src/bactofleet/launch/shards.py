"""The shards of a run: each makes a stable part of the sheet, with a controller and a state.

A genome belongs to a shard by the checksum of its name, so that new rows of the sheet move none of
the others.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from typing import Any

from bactofleet.launch.place import Place
from bactofleet.launch.record import read_object, write_object

OBJECT = "shards.json"
# More are planned by one controller only if the user says so: a plan takes 0.1 MiB a genome.
MAX_GENOMES = 10_000


@dataclass(frozen=True)
class Shards:
    """How a run is divided."""

    number: int
    generation: str = field(default_factory=lambda: secrets.token_hex(4))
    """Part of the names of the shards; another number of shards has other folders."""

    def get_places(self, run: Place) -> list[Place]:
        """Return the shards of a run in their order."""
        return [replace(run, shard=f"{self.generation}-{i}") for i in range(self.number)]


def read_shards(s3: Any, run: Place) -> tuple[Shards | None, str]:
    """Return how a run is divided, and the version of that; None and "" if it never was."""
    found, version = read_object(s3, run, OBJECT)
    return (None if found is None else Shards(**found)), version


def write_shards(s3: Any, run: Place, shards: Shards, version: str) -> None:
    """Replace that version of the division; raise `TakenError`."""
    write_object(s3, run, OBJECT, asdict(shards), version)


def get_shard(sample: str, number: int) -> int:
    """Return which of `number` shards makes a genome, from 0."""
    return _hash(sample) % number


def count_genomes(samples: Iterable[str], number: int) -> list[int]:
    """Return the number of genomes of each of `number` shards."""
    counts = Counter(get_shard(sample, number) for sample in samples)
    return [counts[shard] for shard in range(number)]


def choose_number(samples: Iterable[str]) -> int:
    """Return the smallest number of shards of which none has more than `MAX_GENOMES` genomes."""
    hashes = [_hash(sample) for sample in samples]
    first = max(1, math.ceil(len(hashes) / MAX_GENOMES))
    return next(
        number
        for number in count(first)
        if max(Counter(each % number for each in hashes).values(), default=0) <= MAX_GENOMES
    )


def _hash(sample: str) -> int:
    return int.from_bytes(hashlib.sha256(sample.encode()).digest()[:8])
