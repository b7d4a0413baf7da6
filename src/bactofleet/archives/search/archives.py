"""Ask one archive after the other, and go on in the next where one stops answering."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Protocol

from bactofleet.archives.accessions import Query, kind_of
from bactofleet.archives.search.experiments import Experiment
from bactofleet.archives.search.http import Unavailable

Progress = Callable[[int, int], None]
"""Is told how many experiments are done, and of how many."""


class Archive(Protocol):
    """A service that names the experiments of a query, and describes them in batches."""

    name: str
    batch_size: int

    def find(self, query: Query) -> set[str]:
        """Return a key of every experiment that a query is about."""

    def describe(self, keys: list[str]) -> list[Experiment]:
        """Return the experiments of keys, each with all of its runs."""


class Search:
    """The experiments of a query in batches, in the order of their keys or a random one.

    What an archive does not have, or did not come to say, is asked of the next. `missing` is what
    none of them has, once all are through.
    """

    def __init__(
        self, archives: Sequence[Archive], query: Query, random: Random | None, progress: Progress
    ) -> None:
        self._archives = archives
        self._random = random
        self._progress = progress
        self.missing = query

    def __iter__(self) -> Iterator[list[Experiment]]:
        """Yield batches; raises `Unavailable` where the last archive stops answering."""
        for archive in self._archives:
            try:
                yield from self._ask(archive)
            except Unavailable as error:
                if archive is self._archives[-1]:
                    raise
                print(f"{error}; asking the next archive", file=sys.stderr)
            if not self.missing:
                return

    def _ask(self, archive: Archive) -> Iterator[list[Experiment]]:
        # Archives promise no order; the same seed is to give the same subset.
        keys = sorted(archive.find(self.missing))
        if self._random:
            self._random.shuffle(keys)
        unseen = set(self.missing.accessions)
        for start in range(0, len(keys), archive.batch_size):
            end = start + archive.batch_size
            batch = keys[start:end]
            experiments = sorted(archive.describe(batch), key=lambda found: found.accession)
            if self._random:
                self._random.shuffle(experiments)
            unseen.update(filter(kind_of, batch))
            for experiment in experiments:
                unseen -= experiment.names
            self.missing = Query(accessions=tuple(dict.fromkeys((*keys[end:], *sorted(unseen)))))
            self._progress(min(end, len(keys)), len(keys))
            yield experiments
