"""What an earlier controller did not write down is found out when a run ends."""

import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fakes import Logger

from snakemake_executor_plugin_aws_batch_array.adoption import Adopter
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild
from snakemake_executor_plugin_aws_batch_array.manifest import ManifestLine, build_manifest
from snakemake_executor_plugin_aws_batch_array.requirements import Requirements
from snakemake_executor_plugin_aws_batch_array.tasks import Task


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "receipt.json"


@pytest.fixture
def ledger(tmp_path: Path, target: Path) -> Ledger:
    """A child that was submitted and not settled."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.open_run("runs/1", "definition:1")
    ledger.open_array("array", "runs/1", "genomes", [OpenChild("key", str(target))])
    ledger.record_job("array", "job-id")
    return ledger


def put_output(ledger: Ledger, target: Path, seconds_after_submission: float) -> None:
    (array,) = ledger.get_open_arrays()
    target.touch()
    modified = array.submitted + seconds_after_submission
    os.utime(target, (modified, modified))


def close(ledger: Ledger) -> list[str]:
    """End a run that asked for none of its jobs; returns the warnings."""
    logger = Logger()
    Adopter(None, ledger, logger).close()  # type: ignore[arg-type]
    return logger.warnings


def test_a_child_whose_output_has_come_is_settled(ledger: Ledger, target: Path):
    put_output(ledger, target, seconds_after_submission=60)

    assert close(ledger) == []

    assert ledger.get_open_arrays() == []


def test_a_child_that_makes_again_what_there_is_goes_on(ledger: Ledger, target: Path):
    put_output(ledger, target, seconds_after_submission=-60)

    (warning,) = close(ledger)

    assert "1 jobs that an earlier run submitted belong to no job of this run" in warning
    assert len(ledger.get_open_arrays()) == 1


@dataclass
class Batch:
    """An array of an earlier run, by the states of its children; also its manifest."""

    states: list[str]
    hours: float = 0.5
    knows: bool = True
    manifest: bytes | None = None
    """In place of the one that fits; b"" if it was removed."""
    terminated: list[str] = field(default_factory=list)

    def find_job(self, queue: str, name: str) -> str | None:
        assert (queue, name) == ("genomes", "array")
        return "id" if self.knows else None

    def iter_children(self, job_id: str, status: str) -> Iterator[dict[str, Any]]:
        yield from (
            {"arrayProperties": {"index": i}} for i, s in enumerate(self.states) if s == status
        )

    def describe_existing(self, job_ids: list[str]) -> dict[str, dict[str, Any]]:
        return {job_id: self._describe(job_id) for job_id in job_ids}

    def _describe(self, job_id: str) -> dict[str, Any]:
        status = self.states[int(job_id.partition(":")[2] or 0)]
        started = (
            {} if status == "RUNNABLE" else {"startedAt": (time.time() - 3600 * self.hours) * 1000}
        )
        needs = [{"type": "VCPU", "value": "4"}, {"type": "MEMORY", "value": "14336"}]
        container = {"resourceRequirements": needs}
        return {"jobId": job_id, "status": status, "container": container, **started}

    def terminate(self, job_id: str, reason: str) -> None:
        self.terminated.append(job_id)

    def open(self, key: str) -> io.BytesIO:
        assert key == "runs/1/array.manifest"
        if self.manifest == b"":
            raise KeyError(key)
        if self.manifest:
            return io.BytesIO(self.manifest)
        lines = [ManifestLine([], [], [f"{i}.json"], f"old{i}") for i in range(len(self.states))]
        return io.BytesIO(build_manifest(lines)[0])


class Restart:
    """A controller that starts after another, whose jobs `batch` has."""

    def __init__(
        self, folder: Path, batch: Batch, *, is_recorded: bool = True, is_cancelled: bool = False
    ) -> None:
        self.batch = batch
        self.ledger = Ledger(folder / "restart.sqlite")
        self.ledger.open_run("runs/1", "definition:1")
        children = [OpenChild(f"old{i}", f"{i}.json") for i in range(len(batch.states))]
        self.ledger.open_array("array", "runs/1", "genomes", children)
        if is_recorded:
            self.ledger.record_job("array", "id")
        if is_cancelled:
            self.ledger.record_cancelled("array")
        self.adopter = Adopter(batch, self.ledger, Logger())  # type: ignore[arg-type]

    def get_open(self) -> list[int]:
        """Children that are on record."""
        return [i for array in self.ledger.get_open_arrays() for i in array.children]


def make_tasks(*keys: str, more: tuple[str, ...] = ()) -> list[Task]:
    """Tasks of this run: task i makes `i.json`."""
    size = Requirements(4, 14336)
    return [
        Task(None, key, [], [], [f"{i}.json", *more], "genomes", size) for i, key in enumerate(keys)
    ]


def test_what_is_the_same_is_taken_over_in_whatever_state_it_is(tmp_path: Path):
    restart = Restart(tmp_path, Batch(["RUNNING", "SUCCEEDED"]))

    (array,) = restart.adopter.iter_adopted(make_tasks("old0", "old1"))

    assert sorted(array.open) == [0, 1]
    assert restart.get_open() == [0, 1]


def test_what_has_succeeded_is_kept_although_the_sources_have_changed(tmp_path: Path):
    restart = Restart(tmp_path, Batch(["RUNNING", "SUCCEEDED", "FAILED"]))

    (array,) = restart.adopter.iter_finished(make_tasks("new0", "new1", "new2"), restart.batch)  # type: ignore[arg-type]

    assert {i: task.key for i, task in array.open.items()} == {1: "new1"}


def test_what_has_succeeded_with_other_files_is_not_kept(tmp_path: Path):
    restart = Restart(tmp_path, Batch(["SUCCEEDED"] * 2))
    tasks = make_tasks("new0", "new1", more=("another.json",))

    assert list(restart.adopter.iter_finished(tasks, restart.batch)) == []  # type: ignore[arg-type]


def test_the_price_of_what_is_at_work_is_reported_and_nothing_is_ended(tmp_path: Path):
    restart = Restart(tmp_path, Batch(["RUNNING", "STARTING", "RUNNABLE", "FAILED"], hours=0.5))

    found = restart.adopter.find_superseded(make_tasks("new0", "new1", "new2", "new3"))

    assert [task.key for task in found.tasks] == ["new0", "new1"]
    assert found.vcpu_hours == pytest.approx(2 * 4 * 0.5, rel=0.01)
    assert len(found.children) == 4
    assert restart.batch.terminated == []


def test_an_array_that_is_superseded_as_a_whole_is_ended_with_one_call(tmp_path: Path):
    restart = Restart(tmp_path, Batch(["RUNNING"] * 3))

    restart.adopter.supersede(restart.adopter.find_superseded(make_tasks("new0", "new1", "new2")))

    assert restart.batch.terminated == ["id"]
    assert restart.get_open() == []


def test_the_end_of_some_children_leaves_those_that_were_taken_over(tmp_path: Path):
    restart = Restart(tmp_path, Batch(["RUNNING"] * 3))
    tasks = make_tasks("old0", "new1", "new2")
    assert len(list(restart.adopter.iter_adopted(tasks))) == 1

    restart.adopter.supersede(restart.adopter.find_superseded(tasks[1:]))

    assert restart.batch.terminated == ["id:1", "id:2"]
    assert restart.get_open() == [0]


def test_children_that_this_run_does_not_ask_for_go_on(tmp_path: Path):
    restart = Restart(tmp_path, Batch(["RUNNING"] * 2))

    found = restart.adopter.find_superseded(make_tasks("new0"))
    restart.adopter.supersede(found)

    assert restart.batch.terminated == ["id:0"]


def test_an_array_whose_id_was_not_recorded_is_found_by_its_name(tmp_path: Path):
    restart = Restart(tmp_path, Batch(["RUNNING"] * 2), is_recorded=False)

    (array,) = restart.adopter.iter_adopted(make_tasks("old0", "old1"))

    assert array.job_id == "id"
    assert [array.job_id for array in restart.ledger.get_open_arrays()] == ["id"]


def test_an_array_that_was_never_submitted_is_closed_and_its_jobs_are_free(tmp_path: Path):
    restart = Restart(tmp_path, Batch(["RUNNING"] * 2, knows=False), is_recorded=False)

    assert list(restart.adopter.iter_adopted(make_tasks("old0", "old1"))) == []
    assert restart.get_open() == []


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        (["SUCCEEDED", "FAILED", "SUCCEEDED"], [0, 2]),
        (["FAILED", "FAILED"], []),
        (["SUCCEEDED"], [0]),
        (["FAILED"], []),
    ],
)
def test_of_a_terminated_array_only_what_had_succeeded_is_taken_over(
    tmp_path: Path, states: list[str], kept: list[int]
):
    restart = Restart(tmp_path, Batch(states), is_cancelled=True)

    adopted = restart.adopter.iter_adopted(make_tasks(*(f"old{i}" for i in range(len(states)))))

    assert sorted(index for array in adopted for index in array.open) == kept
    assert restart.get_open() == kept


@pytest.mark.parametrize("manifest", [b"", b"of another version"])
def test_a_result_without_a_manifest_that_can_be_read_is_not_kept(tmp_path: Path, manifest: bytes):
    restart = Restart(tmp_path, Batch(["SUCCEEDED"], manifest=manifest))

    assert list(restart.adopter.iter_finished(make_tasks("new0"), restart.batch)) == []  # type: ignore[arg-type]


def test_the_manifest_of_an_array_that_makes_none_of_the_files_is_not_read(tmp_path: Path):
    restart = Restart(tmp_path, Batch(["SUCCEEDED"]))
    (other,) = make_tasks("new0")
    other = replace(other, outputs=["other.json"])

    assert list(restart.adopter.iter_finished([other], None)) == []  # type: ignore[arg-type]
