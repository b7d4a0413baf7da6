"""The public interface: what is asked of the record of submissions, the tables, and Batch."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from snakemake_executor_plugin_aws_batch_array.api import (
    RECLAIMED,
    FailureRow,
    JobCounts,
    LedgerError,
    OpenJobs,
    TableReader,
    UsageRow,
    count_jobs,
    get_runs_folder,
    parse_time,
    read_open_jobs,
    read_runs,
)
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild
from snakemake_executor_plugin_aws_batch_array.paths import LEDGER
from snakemake_executor_plugin_aws_batch_array.settings import ExecutorSettings

CHILDREN = [OpenChild(f"key{i}", f"results/receipts/s{i}.json") for i in range(3)]


class FakeClient:
    """Batch's answers to DescribeJobs, by the id of the job."""

    def __init__(self, jobs: dict[str, Any]) -> None:
        self.jobs = jobs

    def iter_described(self, job_ids: Sequence[str]) -> Iterable[dict[str, Any]]:
        return [self.jobs[job_id] for job_id in job_ids if job_id in self.jobs]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    (tmp_path / LEDGER).parent.mkdir()
    ledger = Ledger(tmp_path / LEDGER)
    ledger.open_run("prefix/runs/1", "definition:1")
    ledger.open_array("run-0000", "prefix/runs/1", "genomes", CHILDREN)
    ledger.record_job("run-0000", "array-1")
    return ledger


def test_without_a_ledger_nothing_is_submitted(tmp_path: Path):
    assert read_open_jobs(tmp_path) == OpenJobs()


def test_an_array_that_was_cancelled_is_not_at_work(tmp_path: Path, ledger: Ledger):
    ledger.record_cancelled("run-0000")

    assert read_open_jobs(tmp_path) == OpenJobs()


def test_a_run_is_on_record_with_what_it_waits_for_until_it_is_forgotten(
    tmp_path: Path, ledger: Ledger
):
    ledger.open_run("prefix/runs/2", "definition:2")
    ledger.close_children("run-0000", [1])
    waited_for = {CHILDREN[0].target, CHILDREN[2].target}

    assert read_runs(tmp_path) == {"prefix/runs/1": waited_for, "prefix/runs/2": set()}
    ledger.record_cancelled("run-0000")
    assert read_runs(tmp_path) == {"prefix/runs/1": set(), "prefix/runs/2": set()}
    ledger.forget_run("prefix/runs/1")
    assert read_runs(tmp_path) == {"prefix/runs/2": set()}


def test_without_a_ledger_no_run_is_on_record(tmp_path: Path):
    assert read_runs(tmp_path) == {}


@pytest.mark.parametrize("is_open", [True, False], ids=["during a run", "after it"])
def test_reading_the_ledger_leaves_no_trace(tmp_path: Path, ledger: Ledger, is_open: bool):
    if not is_open:
        ledger._connection.close()
    folder = (tmp_path / LEDGER).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    jobs = read_open_jobs(tmp_path)

    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(jobs.targets) == 3
    assert after.keys() == before.keys()
    assert after["ledger.sqlite"] == before["ledger.sqlite"]


def test_batch_tells_what_is_queued_and_what_runs():
    """The parent counts children that were settled before; those are not to be collected."""
    summary = {"RUNNABLE": 4, "STARTING": 1, "RUNNING": 2, "SUCCEEDED": 90, "FAILED": 3}
    client = FakeClient(
        {
            "array": {"status": "PENDING", "arrayProperties": {"statusSummary": summary}},
            "single": {"status": "RUNNING"},
        }
    )

    counts = count_jobs(client, OpenJobs(("target",) * 10, ("array", "single")))

    assert counts == JobCounts(queued=4, running=4, ended=2)


def test_jobs_that_batch_does_not_describe_are_told_apart():
    client = FakeClient({"known": {"status": "RUNNING"}})

    counts = count_jobs(client, OpenJobs(("target",) * 5, ("known", "forgotten")))

    assert counts == JobCounts(queued=0, running=1, ended=4, unknown=1)


def test_a_row_that_is_being_written_is_read_when_it_is_whole(tmp_path: Path):
    path = tmp_path / "usage.tsv"
    path.write_text("run\toutcome\nr1\trecl")
    table = TableReader(path, UsageRow)
    assert not list(table.iter_new())

    with path.open("a") as handle:
        handle.write("aimed\n")

    assert [row.outcome for row in table.iter_new()] == [RECLAIMED]


def test_the_ledger_can_be_read_while_it_is_written(tmp_path: Path, ledger: Ledger):
    writer = sqlite3.connect(tmp_path / LEDGER, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM children")

    assert len(read_open_jobs(tmp_path).targets) == 3
    writer.execute("COMMIT")
    assert read_open_jobs(tmp_path) == OpenJobs()


def test_what_was_submitted_and_not_settled_is_open(tmp_path: Path, ledger: Ledger):
    ledger.close_children("run-0000", [1])

    jobs = read_open_jobs(tmp_path)

    assert jobs == OpenJobs((CHILDREN[0].target, CHILDREN[2].target), ("array-1",))


def test_why_no_job_of_a_queue_starts_is_known_until_one_starts(tmp_path: Path, ledger: Ledger):
    ledger.record_waiting("genomes", "UNDETERMINED")
    ledger.record_waiting("genomes", "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")

    (waiting,) = read_open_jobs(tmp_path).waiting
    assert waiting.queue == "genomes"
    assert waiting.reason == "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"

    ledger.record_waiting("genomes", None)
    assert read_open_jobs(tmp_path).waiting == ()


def test_a_reason_that_an_earlier_controller_has_heard_is_forgotten(tmp_path: Path, ledger: Ledger):
    ledger.record_waiting("genomes", "UNDETERMINED")

    ledger.forget_waiting()

    assert read_open_jobs(tmp_path).waiting == ()


def test_a_ledger_that_is_none_is_named(tmp_path: Path):
    (tmp_path / LEDGER).parent.mkdir()
    (tmp_path / LEDGER).write_text("no database, but long enough to be taken for one" * 9)

    with pytest.raises(LedgerError, match=r"ledger\.sqlite cannot be read"):
        read_open_jobs(tmp_path)


@pytest.mark.parametrize("cell", ["", "four", "nan", "inf", "1e999"])
def test_a_number_that_cannot_be_read_is_none(tmp_path: Path, cell: str):
    (tmp_path / "usage.tsv").write_text(f"outcome\tvcpus\tmemory_mib\nok\t{cell}\t1024\n")

    (row,) = TableReader(tmp_path / "usage.tsv", UsageRow).iter_new()

    assert (row.vcpus, row.memory_mib) == (None, 1024)


def test_columns_that_a_file_does_not_have_are_empty(tmp_path: Path):
    (tmp_path / "failures.tsv").write_text("target\tshade\na\tblue\n")

    (row,) = TableReader(tmp_path / "failures.tsv", FailureRow).iter_new()

    assert (row.target, row.reason, row.exit_code) == ("a", "", None)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("1970-01-01T00:00:10+00:00", 10.0),
        ("1970-01-01T01:00:10+01:00", 10.0),
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T00:00:10", None),
        ("noon", None),
        ("", None),
    ],
)
def test_a_time_without_a_zone_is_none(cell: str, seconds: float | None):
    assert parse_time(cell) == seconds


def test_runs_lie_below_the_prefix():
    assert get_runs_folder() == f"{ExecutorSettings.prefix}/runs/"


def test_to_ask_takes_neither_snakemake_nor_boto3():
    """Jobs and commands import the interface, and must not wait for them."""
    code = "import sys, snakemake_executor_plugin_aws_batch_array.api\n"
    code += "print({'snakemake', 'boto3', 'botocore'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
