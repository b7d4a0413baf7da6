"""Arrays that Batch works on, as the controller follows them."""

from dataclasses import dataclass, field

from .status import Counts
from .store import RunFolder
from .tasks import Task


@dataclass
class LiveArray:
    """An array and its children that were not settled yet.

    Attributes:
        name: Unique name of the Batch job.
        job_id: Its id.
        folder: Where its children put what they return.
        queue: Where it was submitted.
        size: Number of its children, settled or not.
        submitted: Seconds since the epoch.
        open: Tasks by index of the child.
        counts: Finished children that were listed, by status.
        was_seen: Whether Batch has described it.
        blocked_since: When Batch first said that it can never be placed.
    """

    name: str
    job_id: str
    folder: RunFolder
    queue: str
    size: int
    submitted: float
    open: dict[int, Task]
    counts: dict[str, Counts] = field(default_factory=dict)
    was_seen: bool = False
    blocked_since: float | None = None

    def __post_init__(self) -> None:
        self.counts = {status: Counts(0, self.submitted) for status in ("SUCCEEDED", "FAILED")}

    def get_child_id(self, index: int) -> str:
        """Id of a child: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html."""
        return f"{self.job_id}:{index}" if self.size > 1 else self.job_id
