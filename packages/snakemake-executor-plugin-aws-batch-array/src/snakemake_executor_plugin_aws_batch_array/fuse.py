"""Stops a fleet of which every job would end as the first ones did."""

import re
from collections import defaultdict

from .monitor import Ended
from .status import Cause
from .tasks import Task

# So many children that end in the same way, with none that succeeds, are no chance.
FIRST = 20
# A single job says nothing about others.
FEWEST = 2
# These have a remedy of their own: another host, another queue, more memory.
REMEDIED_CAUSES = frozenset(
    {Cause.RECLAIMED, Cause.OUT_OF_MEMORY, Cause.ILLEGAL_INSTRUCTION, Cause.TERMINATED}
)


class Fuse:
    """Counts how jobs of a kind (the same rules) end, until one of them succeeds."""

    def __init__(self) -> None:
        self._begun: defaultdict[str, set[str]] = defaultdict(set)
        self._failed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._succeeded: set[str] = set()
        self._has_blown = False

    def has_blown(self) -> bool:
        """Whether nothing more shall be started."""
        return self._has_blown

    def record_begin(self, task: Task) -> None:
        """Note that a job is under way; of a small run, all jobs must end alike."""
        self._begun[task.kind].add(task.key)

    def record_success(self, task: Task) -> None:
        """Note that jobs of this kind can succeed: they are never held back."""
        self._succeeded.add(task.kind)

    def record_failure(self, ended: Ended, cause: Cause, reason: str, *, is_final: bool) -> bool:
        """Note why a child failed; return True once, when all others of its kind seem to fail so.

        Batch may know of children that succeeded before they are listed and collected. What is
        tried again in a small run is no sign yet.
        """
        task = ended.array.open[ended.index]
        if ended.array.succeeded:
            self.record_success(task)
        if task.kind in self._succeeded or cause in REMEDIED_CAUSES:
            return False
        alike = self._failed[task.kind, _hide_names(reason, task)]
        alike.add(task.key)
        enough = min(FIRST, max(FEWEST, len(self._begun[task.kind]))) if is_final else FIRST
        blows = not self._has_blown and len(alike) >= enough
        self._has_blown |= blows
        return blows


def _hide_names(reason: str, task: Task) -> str:
    """The reason without the words that tell this job from its like."""
    names = sorted(task.names, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, names)), "*", reason) if names else reason
