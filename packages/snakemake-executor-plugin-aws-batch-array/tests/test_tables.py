"""Tables that are written on a disk that may be full."""

import errno
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from snakemake_executor_plugin_aws_batch_array.tables import FailureRow, Table, TableReader


def make_row(target: str) -> FailureRow:
    words = dict.fromkeys(FailureRow.__dataclass_fields__, "word")
    return FailureRow(**{**words, "target": target, "exit_code": 1, "reclaimed": 0})  # type: ignore[arg-type]


@contextmanager
def limit_size(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes: what is written reaches it only in part."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_rows_that_a_full_disk_took_in_part_are_written_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "failures.tsv"
    Table(path, FailureRow).append([make_row("first.json")])
    size = path.stat().st_size

    def ask(call: Callable[[], None]) -> None:
        with limit_size(size + 100), pytest.raises(OSError, match="No space left") as raised:
            call()
        assert raised.value.errno == errno.ENOSPC
        assert path.stat().st_size == size
        call()

    Table(path, FailureRow, ask).append([make_row(f"{n}.json") for n in range(10)])

    targets = [row.target for row in TableReader(path, FailureRow).iter_new()]
    assert targets == ["first.json", *(f"{n}.json" for n in range(10))]


def test_a_spreadsheet_computes_nothing_that_a_job_says(tmp_path: Path) -> None:
    path = tmp_path / "failures.tsv"
    Table(path, FailureRow).append([replace(make_row("a.json"), reason='\x9b31m=HYPERLINK("x")')])

    [row] = TableReader(path, FailureRow).iter_new()
    assert row.reason == '\'=HYPERLINK("x")'
