"""Run many small requests in parallel."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

WORKERS = 16
# Actions that may have ended before an earlier one, whose results wait for it.
AHEAD = 2 * WORKERS

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


def in_order(
    action: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with the result of `action`, in the order of the items; else as above.

    At most `AHEAD` results wait for an earlier one.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        begun: deque[tuple[Item, Future[Result]]] = deque()
        try:
            for item in items:
                begun.append((item, pool.submit(action, item)))
                if len(begun) > AHEAD:
                    yield _take_first(begun)
            while begun:
                yield _take_first(begun)
        finally:
            pool.shutdown(cancel_futures=True)


def _take_first(begun: deque[tuple[Item, Future[Result]]]) -> tuple[Item, Result]:
    item, future = begun.popleft()
    return item, future.result()
