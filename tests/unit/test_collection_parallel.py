"""Requests run side by side, and end with the first thing that is wrong with all of them."""

import threading
import time

import pytest

from bactofleet.transfer.parallel import WORKERS, in_parallel


def test_every_item_comes_back_with_its_result() -> None:
    assert dict(in_parallel(lambda number: number * 2, range(100))) == {
        number: number * 2 for number in range(100)
    }


def test_as_many_as_there_are_workers_run_at_once() -> None:
    together = threading.Barrier(WORKERS, timeout=10)

    assert len(list(in_parallel(lambda _: together.wait(), range(WORKERS)))) == WORKERS


def test_after_an_error_what_was_not_begun_is_not_begun() -> None:
    begun: list[int] = []

    def fail_first(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise ValueError("refused")
        time.sleep(0.01)

    with pytest.raises(ValueError, match="refused"):
        list(in_parallel(fail_first, range(10_000)))

    assert len(begun) < 10_000
