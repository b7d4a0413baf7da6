"""What a lost controller submitted is taken over by what the bucket and Batch know of it."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fakes import Logger

from snakemake_executor_plugin_aws_batch_array.bundle import Bundle, Member
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild, copy_ledger
from snakemake_executor_plugin_aws_batch_array.live import LiveArray
from snakemake_executor_plugin_aws_batch_array.lost_runs import LostRuns
from snakemake_executor_plugin_aws_batch_array.manifest import ManifestLine, build_manifest
from snakemake_executor_plugin_aws_batch_array.requirements import Requirements
from snakemake_executor_plugin_aws_batch_array.settings import ExecutorSettings
from snakemake_executor_plugin_aws_batch_array.tasks import Task

SETTINGS = ExecutorSettings(
    region="us-east-1",
    job_queue="spot",
    fallback_queue="on-demand",
    job_role="arn:aws:iam::123456789012:role/genomes-job",
    bucket="genomes-bucket",
    image="worker",
)
SHEET = Path(__file__)
BUNDLE = Bundle(b"", "code", "all of it", {str(SHEET): Member(SHEET.stat().st_mtime_ns, "")})
RUN = "20261124T130000-abcdef"
PREFIX = f"snakemake/runs/{RUN}"


def make_task(number: int, inputs: tuple[str, ...] = ()) -> Task:
    outputs = [f"{number}.json"]
    return Task(None, f"key{number}", [], list(inputs), outputs, "spot", Requirements(4, 14336))


@dataclass
class Aws:
    """A bucket with runs, and a Batch with their jobs."""

    bundles: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failed: dict[str, list[int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(
        self,
        keys: list[str],
        *,
        run: str = RUN,
        number: int = 0,
        status: str = "PENDING",
        digest: str = BUNDLE.digest,
        queue: str = "spot",
        failed: tuple[int, ...] = (),
    ) -> None:
        """Add an array, a single job where there is one key."""
        name = f"{run}-{number:04d}"
        self.bundles[f"snakemake/runs/{run}"] = digest
        lines = [ManifestLine(["--cores", "1"], [], [f"{key}.json"], key) for key in keys]
        self.manifests[f"snakemake/runs/{run}/{name}.manifest"] = build_manifest(lines)[0]
        summary = {
            "jobName": name,
            "jobId": f"id-of-{name}",
            "jobDefinition": "definition:1",
            "status": status,
            "createdAt": 1_000,
        }
        if len(keys) > 1:
            summary["arrayProperties"] = {"size": len(keys)}
        self.jobs.setdefault(queue, []).append(summary)
        self.failed[f"id-of-{name}"] = list(failed)

    # As Store and ArrayBatchClient

    def list_folders(self, prefix: str) -> list[str]:
        assert prefix == "snakemake/runs/"
        return list(self.bundles)

    def get_metadata(self, key: str) -> dict[str, str]:
        self.asked.append(key)
        return {"digest": self.bundles[key.removesuffix("/bundle.tar.gz")]}

    def open(self, key: str) -> io.BytesIO:
        return io.BytesIO(self.manifests[key])

    def describe_named(self, queue: str, prefix: str) -> dict[str, dict[str, Any]]:
        self.asked.append(f"{queue}:{prefix}")
        named = (j for j in self.jobs.get(queue, []) if j["jobName"].startswith(prefix))
        return {job["jobId"]: job for job in named}

    def iter_children(self, job_id: str, status: str) -> Iterator[dict[str, Any]]:
        assert status == "FAILED"
        yield from ({"arrayProperties": {"index": index}} for index in self.failed[job_id])


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


@pytest.fixture
def logger() -> Logger:
    return Logger()


def adopt(
    aws: Aws, ledger: Ledger, logger: Logger, *tasks: Task, bundle: Bundle = BUNDLE
) -> list[LiveArray]:
    lost_runs = LostRuns(aws, aws, ledger, SETTINGS, logger)  # type: ignore[arg-type]
    return list(lost_runs.iter_adopted(list(tasks), bundle))


def test_children_that_do_the_work_of_tasks_are_taken_over_and_put_on_record(
    aws: Aws, ledger: Ledger, logger: Logger
) -> None:
    aws.add(["key0", "key1", "key2"])
    second, third = make_task(1), make_task(2)

    (array,) = adopt(aws, ledger, logger, second, third, make_task(9))

    assert array.open == {1: second, 2: third}
    assert (array.name, array.job_id, array.size) == (f"{RUN}-0000", f"id-of-{RUN}-0000", 3)
    assert (array.queue, array.folder.prefix, array.submitted) == ("spot", PREFIX, 1.0)
    (recorded,) = ledger.get_open_arrays()
    assert recorded.children == {1: OpenChild("key1", "1.json"), 2: OpenChild("key2", "2.json")}
    assert (recorded.job_id, recorded.size) == (array.job_id, 3)


def test_a_run_that_was_taken_over_is_cleared_up_like_ones_own(
    aws: Aws, ledger: Ledger, logger: Logger
) -> None:
    aws.add(["key0", "key1"])
    adopt(aws, ledger, logger, make_task(0), make_task(1))
    assert ledger.get_finished_runs() == []

    ledger.close_children(f"{RUN}-0000", [0, 1])

    assert ledger.get_finished_runs() == [(PREFIX, "definition:1")]


def test_children_that_failed_are_submitted_again(aws: Aws, ledger: Ledger, logger: Logger) -> None:
    aws.add(["key0", "key1"], failed=(0,))
    aws.add(["key2"], number=1, status="FAILED")
    tasks = [make_task(number) for number in range(3)]

    (array,) = adopt(aws, ledger, logger, *tasks)

    assert array.open == {1: tasks[1]}


def test_a_single_job_in_the_fallback_queue_is_found(
    aws: Aws, ledger: Ledger, logger: Logger
) -> None:
    aws.add(["key0"], queue="on-demand", status="RUNNING")
    task = make_task(0)

    (array,) = adopt(aws, ledger, logger, task)

    assert (array.queue, array.open, array.get_child_id(0)) == (
        "on-demand",
        {0: task},
        array.job_id,
    )


def test_the_latest_of_two_that_do_the_same_is_taken(
    aws: Aws, ledger: Ledger, logger: Logger
) -> None:
    aws.add(["key0"], run="20261101T000000-111111")
    aws.add(["key0"], run="20261102T000000-222222")

    (array,) = adopt(aws, ledger, logger, make_task(0))

    assert array.name == "20261102T000000-222222-0000"


def test_tasks_that_come_later_are_looked_for_without_asking_again(
    aws: Aws, ledger: Ledger, logger: Logger
) -> None:
    aws.add(["key0", "key1"])
    lost_runs = LostRuns(aws, aws, ledger, SETTINGS, logger)  # type: ignore[arg-type]
    first, second = make_task(0), make_task(1)

    taken = [list(lost_runs.iter_adopted([task], BUNDLE)) for task in (first, second, second)]

    assert [array.open for arrays in taken for array in arrays] == [{0: first}, {1: second}]
    assert len(aws.asked) == 3
    (recorded,) = ledger.get_open_arrays()
    assert set(recorded.children) == {0, 1}


@pytest.mark.parametrize("changed", ["digest", "key"])
def test_what_was_made_of_other_sources_or_data_is_not_taken(
    aws: Aws, ledger: Ledger, logger: Logger, changed: str
) -> None:
    aws.add(["key0"], digest="another" if changed == "digest" else BUNDLE.digest)
    task = make_task(0) if changed == "digest" else replace(make_task(0), key="another")

    assert adopt(aws, ledger, logger, task) == []


def test_jobs_with_local_files_of_their_own_are_not_taken(
    aws: Aws, ledger: Ledger, logger: Logger
) -> None:
    aws.add(["key0", "key1"])
    packed = make_task(1, inputs=(str(SHEET),))

    (array,) = adopt(aws, ledger, logger, make_task(0, inputs=("reads.fq",)), packed)

    assert array.open == {1: packed}


def test_ones_own_runs_are_not_asked_for(aws: Aws, ledger: Ledger, logger: Logger) -> None:
    aws.add(["key0"])
    ledger.open_run(PREFIX, "definition:1")

    assert adopt(aws, ledger, logger, make_task(0)) == []
    assert aws.asked == []


def test_a_run_that_goes_while_it_is_looked_at_is_passed_over(
    aws: Aws, ledger: Ledger, logger: Logger
) -> None:
    aws.add(["key0"])
    aws.manifests.clear()

    assert adopt(aws, ledger, logger, make_task(0)) == []


@pytest.mark.parametrize("manifest", [b"no JSON", b'{"words": []}', b"[" * 100_000, b"1"])
def test_a_manifest_that_cannot_be_read_is_reported_and_passed_over(
    aws: Aws, ledger: Ledger, logger: Logger, manifest: bytes
) -> None:
    aws.add(["key0"])
    aws.manifests = dict.fromkeys(aws.manifests, manifest)

    assert adopt(aws, ledger, logger, make_task(0)) == []
    assert "aws batch terminate-job" in logger.warnings[0]


def test_jobs_at_work_of_another_run_are_reported_with_the_command_that_ends_them(
    aws: Aws, ledger: Ledger, logger: Logger
) -> None:
    aws.add(["key0"], digest="another", status="RUNNING")
    aws.add(["key1"], digest="another", number=1, status="SUCCEEDED")

    adopt(aws, ledger, logger, make_task(0))

    (warning,) = logger.warnings
    assert f"aws batch terminate-job --job-id id-of-{RUN}-0000" in warning


def test_where_this_folder_has_run_before_those_of_others_are_not_reported(
    aws: Aws, ledger: Ledger, logger: Logger
) -> None:
    aws.add(["key0"], digest="another", status="RUNNING")
    ledger.open_run("snakemake/runs/mine", "definition:2")

    adopt(aws, ledger, logger, make_task(0))

    assert logger.warnings == []
    assert len(aws.asked) == 1


def test_a_copied_ledger_lacks_arrays_of_its_own_run_and_they_are_found(
    aws: Aws, ledger: Ledger, logger: Logger, tmp_path: Path
) -> None:
    aws.add(["key0"], number=0, digest="of a shorter sheet")
    aws.add(["key1"], number=1, digest="of a shorter sheet", queue="on-demand")
    ledger.open_run(PREFIX, "definition:1")
    ledger.open_array(f"{RUN}-0000", PREFIX, "spot", [OpenChild("key0", "0.json")])
    copy_ledger(tmp_path / "ledger.sqlite", tmp_path / "copy.sqlite")
    copy = Ledger(tmp_path / "copy.sqlite")

    (array,) = adopt(aws, copy, logger, make_task(0), make_task(1))

    assert (array.name, list(array.open)) == (f"{RUN}-0001", [0])
    assert copy.get_arrays() == {f"{RUN}-0000", f"{RUN}-0001"}
