"""Ask one archive after the other: the next one continues where one stops answering."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Protocol

from bactofleet.archives.accessions import Query, kind_of
from bactofleet.archives.retry import Unavailable
from bactofleet.archives.runs import Run
from bactofleet.archives.search.experiments import Experiment, group_runs
from bactofleet.core.text import clean

Progress = Callable[[int, int], None]
"""Takes the number of experiments done, and of all."""


class Archive(Protocol):
    """A service that lists the experiments of a query and describes them in batches."""

    name: str
    batch_size: int

    def find(self, query: Query) -> set[str]:
        """Return the keys of all experiments that match a query."""

    def describe(self, keys: list[str]) -> list[Run]:
        """Return all runs of the experiments with these keys."""


class Search:
    """The experiments of a query in batches, in the order of their keys or a random one.

    What an archive does not have or did not return is requested from the next one. After the
    search, `missing` holds what none of them has.
    """

    def __init__(
        self, archives: Sequence[Archive], query: Query, random: Random | None, progress: Progress
    ) -> None:
        self._archives = archives
        self._random = random
        self._progress = progress
        self._faults: list[str] = []
        self.missing = query

    def __iter__(self) -> Iterator[list[Experiment]]:
        """Yield batches.

        Raises `Unavailable` at the end if an archive's answer was incomplete and the next ones do
        not have the rest either: then nobody knows whether the result is complete.
        """
        for archive in self._archives:
            faults = len(self._faults)
            try:
                yield from self._ask(archive)
            except Unavailable as error:
                self._faults.append(str(error))
            new = self._faults[faults:]
            if not (self.missing or new):
                return
            if new and archive is not self._archives[-1]:
                print(clean(f"{'; '.join(new)}; asking the next archive"), file=sys.stderr)
        if self._faults:
            raise Unavailable("; ".join(self._faults))

    def _ask(self, archive: Archive) -> Iterator[list[Experiment]]:
        # Archives guarantee no order, but the same seed must give the same subset.
        keys = sorted(archive.find(self.missing))
        if self._random:
            self._random.shuffle(keys)
        unseen = set(self.missing.accessions)
        for start in range(0, len(keys), archive.batch_size):
            end = start + archive.batch_size
            batch = keys[start:end]
            experiments = group_runs(archive.describe(batch))
            experiments.sort(key=lambda found: found.accession)
            if self._random:
                self._random.shuffle(experiments)
            unseen.update(filter(kind_of, batch))
            for experiment in experiments:
                unseen -= experiment.names
            self.missing = Query(accessions=tuple(dict.fromkeys((*keys[end:], *sorted(unseen)))))
            self._progress(min(end, len(keys)), len(keys))
            if len(experiments) < len(batch):
                self._faults.append(
                    f"{archive.name} describes {len(experiments):,} of {len(batch):,} experiments"
                )
            yield experiments
