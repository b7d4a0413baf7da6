"""What a controller that has ended left is ended and removed by another program."""

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from snakemake_executor_plugin_aws_batch_array import api, successor
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild

RUN = "20261124T130000-abcdef"
PREFIX = f"snakemake/runs/{RUN}"


class Batch:
    """The jobs of a run by name, with their states."""

    def __init__(self, states: dict[str, str]) -> None:
        self.states = states
        self.terminated: list[str] = []
        self.deregistered: list[str] = []

    def describe_named(self, queue: str, prefix: str) -> dict[str, dict[str, Any]]:
        names = [name for name in self.states if queue == "spot" and name.startswith(prefix)]
        return {f"id-{name}": {"status": self.states[name]} for name in names}

    def terminate(self, job_id: str, reason: str) -> None:
        assert reason == "enough"
        self.terminated.append(job_id)

    def deregister_job_definition(self, jobDefinition: str) -> None:  # noqa: N803
        self.deregistered.append(jobDefinition)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """One array on record, with one open child."""
    api.get_ledger(tmp_path).parent.mkdir()
    ledger = Ledger(api.get_ledger(tmp_path))
    ledger.open_run(PREFIX, "definition:1")
    ledger.open_array(f"{RUN}-0000", PREFIX, "spot", [OpenChild("key", "a.json")])
    return ledger


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> Batch:
    """An array that is on record, one that is not, one that has ended, and one of another run."""
    names = [f"{RUN}-0000", f"{RUN}-0001", f"{RUN}-0002", "20261124T140000-fedcba-0000"]
    batch = Batch(dict(zip(names, ["PENDING", "RUNNING", "SUCCEEDED", "RUNNING"], strict=True)))
    monkeypatch.setattr(successor, "ArrayBatchClient", lambda _: batch)
    return batch


def test_jobs_are_terminated_whether_they_are_on_record_or_not(
    tmp_path: Path, ledger: Ledger, batch: Batch
) -> None:
    ended = api.terminate_jobs(tmp_path, None, ["spot", "on-demand"], "enough")

    assert ended == 2
    assert batch.terminated == [f"id-{RUN}-0000", f"id-{RUN}-0001"]
    assert [array.cancelled for array in ledger.get_open_arrays()] == [1]


def test_only_runs_without_open_jobs_are_removed(
    tmp_path: Path, ledger: Ledger, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    store = SimpleNamespace(remove=lambda folder: removed.append(folder.prefix))
    monkeypatch.setattr(successor, "Store", lambda *_: store)
    session = SimpleNamespace(client=lambda _: None)

    api.remove_leftovers(tmp_path, session, "genomes", None)
    assert removed == []
    ledger.close_children(f"{RUN}-0000", [0])
    api.remove_leftovers(tmp_path, session, "genomes", None)

    assert (removed, batch.deregistered) == ([PREFIX], ["definition:1"])
    assert api.read_runs(tmp_path) == {}


def test_without_a_record_there_is_nothing_to_remove(tmp_path: Path) -> None:
    api.remove_leftovers(tmp_path, None, "genomes", None)

    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_the_record_is_that_of_one_moment(tmp_path: Path, ledger: Ledger) -> None:
    copy = tmp_path / "copy.sqlite"
    assert api.copy_ledger(tmp_path, copy)
    ledger.close_children(f"{RUN}-0000", [0])

    assert [array.name for array in Ledger(copy).get_open_arrays()] == [f"{RUN}-0000"]
    assert (Ledger(copy).is_copy(), ledger.is_copy()) == (True, False)
    assert not api.copy_ledger(tmp_path / "nowhere", tmp_path / "other.sqlite")
    with pytest.raises(sqlite3.OperationalError):
        sqlite3.connect(f"file:{tmp_path}/other.sqlite?mode=ro", uri=True).execute("SELECT 1")
