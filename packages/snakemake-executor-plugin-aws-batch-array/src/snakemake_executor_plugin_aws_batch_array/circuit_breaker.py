"""Stops a fleet whose jobs would all fail as the first ones did."""

import re
from collections import defaultdict

from .monitor import EndedChild
from .status import Cause
from .tasks import Task

# If this many children fail in the same way and none succeeds, it is not by chance.
FIRST = 20
# A single job says nothing about the others.
FEWEST = 2
# These have their own remedies: another host, another queue, more memory.
REMEDIED_CAUSES = frozenset(
    {Cause.RECLAIMED, Cause.OUT_OF_MEMORY, Cause.ILLEGAL_INSTRUCTION, Cause.TERMINATED}
)


class CircuitBreaker:
    """Counts how jobs of a kind (the same rules) end, until one of them succeeds."""

    def __init__(self) -> None:
        self._begun: defaultdict[str, set[str]] = defaultdict(set)
        self._failed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._succeeded: set[str] = set()
        self._has_tripped = False

    def has_tripped(self) -> bool:
        """Whether no more jobs may be started."""
        return self._has_tripped

    def record_begin(self, task: Task) -> None:
        """Note that a job was started; in a small run, all jobs must fail alike."""
        self._begun[task.kind].add(task.key)

    def record_success(self, task: Task) -> None:
        """Note that jobs of this kind can succeed; they are never held back afterwards."""
        self._succeeded.add(task.kind)

    def record_failure(
        self, ended: EndedChild, cause: Cause, reason: str, *, is_final: bool
    ) -> bool:
        """Note why a child failed; return True once, when all of its kind seem to fail alike.

        Batch may know of successful children before they are listed and collected. In a small run,
        jobs that are retried do not count yet.
        """
        task = ended.array.open[ended.index]
        if ended.array.succeeded:
            self.record_success(task)
        if task.kind in self._succeeded or cause in REMEDIED_CAUSES:
            return False
        alike = self._failed[task.kind, _hide_names(reason, task)]
        alike.add(task.key)
        enough = min(FIRST, max(FEWEST, len(self._begun[task.kind]))) if is_final else FIRST
        trips = not self._has_tripped and len(alike) >= enough
        self._has_tripped |= trips
        return trips


def _hide_names(reason: str, task: Task) -> str:
    """The reason without the words that are specific to this job."""
    names = sorted(task.names, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, names)), "*", reason) if names else reason
