"""Arrays on Batch, as the controller follows them."""

import math
from dataclasses import dataclass, field

from .ledger import get_child_id
from .status import ENDED, Counts
from .store import RunFolder
from .tasks import Task


@dataclass
class LiveArray:
    """An array and its children that are not closed yet.

    Attributes:
        name: Unique name of the Batch job.
        job_id: Its id.
        folder: Where its children put what they return.
        queue: Where it was submitted.
        size: Number of its children, closed or not.
        submitted: Seconds since the epoch.
        open: Tasks by index of the child.
        counts: Finished children that were listed, by status.
        succeeded: Number of its children that have succeeded, collected or not.
        missing_since: Since when Batch has not known it, or a child that has ended.
        missed: In how many polls in a row.
        blocked_since: When Batch first said that it can never be placed.
        searched: When it was last searched for the reason why its children do not start.
        stuck_child: Id of the child that had the reason.
    """

    name: str
    job_id: str
    folder: RunFolder
    queue: str
    size: int
    submitted: float
    open: dict[int, Task]
    counts: dict[str, Counts] = field(default_factory=dict)
    succeeded: int = 0
    missing_since: float | None = None
    missed: int = 0
    blocked_since: float | None = None
    searched: float = -math.inf
    stuck_child: str | None = None

    def __post_init__(self) -> None:
        self.counts = {status: Counts(0, self.submitted) for status in ENDED}

    def get_child_id(self, index: int) -> str:
        """Id of a child."""
        return get_child_id(self.job_id, index, self.size)
