"""Run many small requests in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

WORKERS = 16

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    action: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with the result of `action`, in the order in which the actions end.

    An exception of an action is raised here. Then, or if the caller stops iterating, no further
    actions are started.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(action, item): item for item in items}
        try:
            for future in as_completed(futures):
                yield futures.pop(future), future.result()
        finally:
            pool.shutdown(cancel_futures=True)
