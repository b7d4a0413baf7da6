"""Which jobs are submitted together. This module does not depend on AWS."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from .requirements import Requirements
from .tasks import Task

# https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html
MAX_ARRAY_SIZE = 10_000


@dataclass(frozen=True)
class Array:
    """Tasks of the same size for one queue; task i is child i of the array job."""

    name: str
    queue: str
    requirements: Requirements
    tasks: list[Task]


def iter_arrays(tasks: list[Task], prefix: str, first: int) -> Iterator[Array]:
    """Group tasks by queue and size, in arrays of at most 10,000.

    Args:
        tasks: In the order in which they should run.
        prefix: Start of the names of the arrays.
        first: Number of the first array, so that names stay unique in a run.
    """
    groups: dict[tuple[str, Requirements], list[Task]] = defaultdict(list)
    for task in tasks:
        groups[task.queue, task.requirements].append(task)
    number = first
    for (queue, requirements), members in groups.items():
        for start in range(0, len(members), MAX_ARRAY_SIZE):
            chunk = members[start : start + MAX_ARRAY_SIZE]
            yield Array(f"{prefix}-{number:04d}", queue, requirements, chunk)
            number += 1
