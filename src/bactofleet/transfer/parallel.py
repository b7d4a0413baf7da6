"""Many small requests at a time."""

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
    """Yield each item with what `action` returns for it, in the order in which they end.

    What an action raises is raised here. Actions that were not begun then, or when the caller has
    had enough, are not begun at all.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(action, item): item for item in items}
        try:
            for future in as_completed(futures):
                yield futures.pop(future), future.result()
        finally:
            pool.shutdown(cancel_futures=True)
