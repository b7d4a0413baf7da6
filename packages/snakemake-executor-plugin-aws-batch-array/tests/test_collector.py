"""What becomes of children of which only S3 tells."""

import io
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from snakemake_executor_plugin_aws_batch_array.collector import Collected, Collector
from snakemake_executor_plugin_aws_batch_array.live import LiveArray
from snakemake_executor_plugin_aws_batch_array.monitor import EndedChild
from snakemake_executor_plugin_aws_batch_array.requirements import Requirements
from snakemake_executor_plugin_aws_batch_array.retrying import Retrier
from snakemake_executor_plugin_aws_batch_array.returns import pack_outputs
from snakemake_executor_plugin_aws_batch_array.status import Cause, ChildFailure
from snakemake_executor_plugin_aws_batch_array.store import RunFolder, Store
from snakemake_executor_plugin_aws_batch_array.tasks import Task

OUTPUTS = ["a.json", "b.json"]


class FakeStore:
    """One object, or none."""

    def __init__(self, content: bytes | None) -> None:
        self.content = content
        self.retrier = Retrier.none()

    def open(self, key: str) -> io.BytesIO:
        if self.content is None:
            raise KeyError(key)
        return io.BytesIO(self.content)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pack(folder: Path, outputs: list[str]) -> bytes:
    """As a child sends these outputs back."""
    for path in outputs:
        (folder / path).write_text("{}")
    archive = folder / "returned.tar.gz"
    pack_outputs(archive, outputs, {"attempt": 1})
    for path in outputs:
        (folder / path).unlink()
    return archive.read_bytes()


def collect(folder: Path, content: bytes | None, *, is_forgotten: bool) -> list[Collected]:
    task = Task(None, "key", [], [], OUTPUTS, "genomes", Requirements(1, 512))
    array = LiveArray("run-0000", "parent", RunFolder("p"), "genomes", 1, 0.0, {0: task})
    ended = EndedChild(array, 0, is_forgotten=is_forgotten)
    collector = Collector(FakeStore(content), folder)  # type: ignore[arg-type]
    (portion,) = collector.iter_portions(iter([ended]))
    return portion


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_what_was_sent_back_whole_is_a_success(folder: Path, is_forgotten: bool) -> None:
    (collected,) = collect(folder, pack(folder, OUTPUTS), is_forgotten=is_forgotten)

    assert collected.ended.failure is None
    assert all((folder / path).exists() for path in OUTPUTS)


@pytest.mark.parametrize("outputs", [OUTPUTS[:1], None])
def test_a_part_may_be_of_an_attempt_that_another_follows(
    folder: Path, outputs: list[str] | None
) -> None:
    content = pack(folder, outputs) if outputs else None

    assert collect(folder, content, is_forgotten=False) == []


@pytest.mark.parametrize("outputs", [OUTPUTS[:1], None])
def test_a_job_that_was_forgotten_and_has_not_sent_all_is_made_again(
    folder: Path, outputs: list[str] | None
) -> None:
    content = pack(folder, outputs) if outputs else None

    (collected,) = collect(folder, content, is_forgotten=True)

    assert collected.ended.failure is not None
    assert collected.ended.failure.cause is Cause.FORGOTTEN


def cause_of(folder: Path, content: bytes) -> Cause | None:
    """Collect from a job of which Batch says that it has succeeded."""
    task = Task(None, "key", [], [], OUTPUTS, "genomes", Requirements(1, 512))
    array = LiveArray("run-0000", "parent", RunFolder("p"), "genomes", 1, 0.0, {0: task})
    store = FakeStore(content)
    store.retrier = Retrier(None)
    ended = iter([EndedChild(array, 0, None, {"status": "SUCCEEDED"})])
    ((collected,),) = Collector(store, folder).iter_portions(ended)  # type: ignore[arg-type]
    return collected.ended.failure.cause if collected.ended.failure else None


def test_an_object_that_is_none_of_a_child_is_the_trouble_of_that_job_alone(folder: Path) -> None:
    assert cause_of(folder, b"{" * 100_000) is Cause.NOTHING_RETURNED


def test_what_this_machine_does_not_take_is_called_that(folder: Path) -> None:
    content = pack(folder, OUTPUTS)
    (folder / "b.json").mkdir()

    assert cause_of(folder, content) is Cause.NOT_STORED


class RefusingS3:
    """The role may read no object."""

    def get_object(self, **request: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")


def collect_failed(folder: Path, outputs: list[str]) -> list[Collected]:
    """Collect a job that failed and has a log, from a bucket that may not be read."""
    task = Task(None, "key", [], [], outputs, "genomes", Requirements(1, 512), logs=["a.log"])
    array = LiveArray("run-0000", "parent", RunFolder("p"), "genomes", 1, 0.0, {0: task})
    ended = iter([EndedChild(array, 0, ChildFailure(Cause.TIMED_OUT, "exit 1"))])
    ((*portion,),) = Collector(Store(RefusingS3(), "bucket"), folder).iter_portions(ended)
    return portion


def test_a_refused_log_of_a_failed_job_does_not_end_the_run(folder: Path) -> None:
    (collected,) = collect_failed(folder, OUTPUTS[:1])

    assert collected.ended.failure == ChildFailure(Cause.TIMED_OUT, "exit 1")
    assert collected.left is not None
    assert collected.left.outputs == []


def test_refused_outputs_of_others_in_the_group_end_the_run(folder: Path) -> None:
    with pytest.raises(ClientError):
        collect_failed(folder, OUTPUTS)
