"""What a restarted controller finds of the one before."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from snakemake_interface_common.exceptions import WorkflowError

from snakemake_executor_plugin_aws_batch_array.ledger import (
    Ledger,
    OpenChild,
    lock_folder,
    read_open_jobs,
    read_runs,
)

CHILDREN = [OpenChild("key0", "a.json"), OpenChild("key1", "b.json")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def open_array(path: Path) -> Ledger:
    ledger = Ledger(path)
    ledger.open_run("prefix/runs/1", "definition:1")
    ledger.open_array("run-0000", "prefix/runs/1", "genomes", CHILDREN)
    return ledger


@pytest.mark.parametrize("tables", [[], ["runs"], ["runs", "arrays"]])
def test_a_ledger_that_a_full_disk_left_without_tables_has_no_jobs(
    path: Path, tables: list[str]
) -> None:
    with closing(sqlite3.connect(path)) as ledger:
        for name in tables:
            ledger.execute(f"CREATE TABLE {name} (one)")
        ledger.execute("PRAGMA user_version = 0")
        ledger.commit()
    path.touch()

    assert read_runs(path) == {}
    assert read_open_jobs(path).targets == ()


def test_an_intent_is_found_without_a_job_id(path: Path):
    open_array(path)

    (array,) = Ledger(path).get_open_arrays()

    assert array.job_id is None
    assert array.children == {0: CHILDREN[0], 1: CHILDREN[1]}
    assert (array.prefix, array.queue, array.size) == ("prefix/runs/1", "genomes", 2)


def test_a_submitted_array_is_found_with_what_is_open(path: Path):
    ledger = open_array(path)
    ledger.record_job("run-0000", "job-id")
    ledger.close_children("run-0000", [0])

    (array,) = Ledger(path).get_open_arrays()

    assert array.job_id == "job-id"
    assert not array.cancelled
    assert array.children == {1: CHILDREN[1]}


def test_a_cancelled_array_is_marked(path: Path):
    open_array(path).record_cancelled("run-0000")

    (array,) = Ledger(path).get_open_arrays()

    assert array.cancelled


def test_a_run_is_finished_when_no_child_is_open(path: Path):
    ledger = open_array(path)
    assert ledger.get_finished_runs() == []

    ledger.close_children("run-0000", [0, 1])

    assert ledger.get_finished_runs() == [("prefix/runs/1", "definition:1")]


def test_a_finished_run_is_on_record_until_it_is_forgotten(path: Path):
    open_array(path).close_children("run-0000", [0, 1])
    assert Ledger(path).get_finished_runs() == [("prefix/runs/1", "definition:1")]

    Ledger(path).forget_run("prefix/runs/1")

    assert Ledger(path).get_finished_runs() == []
    assert Ledger(path).get_runs() == set()


def test_a_second_controller_is_refused_until_the_first_has_ended(tmp_path: Path):
    first = lock_folder(tmp_path)
    with pytest.raises(WorkflowError, match="another Snakemake submits"):
        lock_folder(tmp_path)

    first.close()

    lock_folder(tmp_path).close()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_that_locks_nothing_is_called_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)

    with pytest.raises(WorkflowError, match="does not lock files"):
        lock_folder(tmp_path)


def test_what_a_full_disk_did_not_take_is_written_when_it_is_asked_again(path: Path):
    def ask(call: Callable[[], None]) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # a full disk, to SQLite
        with pytest.raises(sqlite3.OperationalError, match="full"):
            call()
        connection.execute("PRAGMA max_page_count = 1000000")
        call()

    open_array(path)
    ledger = Ledger(path, ask)
    connection = ledger._connection

    ledger.open_array("run-0001", "prefix/runs/1", "genomes", CHILDREN * 2000)

    sizes = {array.name: len(array.children) for array in Ledger(path).get_open_arrays()}
    assert sizes == {"run-0000": 2, "run-0001": 4000}


@pytest.mark.parametrize("content", [b"not a database, but long enough" * 100, None])
def test_a_file_or_folder_that_is_no_record_is_called_that(path: Path, content: bytes | None):
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    with pytest.raises(WorkflowError, match="is no record of submissions"):
        Ledger(path)
