"""Jobs on AWS Batch: from the executor's ledger and tables, and from Batch when it is asked."""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bactofleet.core.errors import ConfigurationError
from bactofleet.monitor.batch import LEDGER, Submitted, ask_batch, read_submitted
from bactofleet.monitor.tables import FailedJobs, Usage
from bactofleet.run.failed_jobs import sample_of
from snakemake_executor_plugin_aws_batch_array import executor
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild
from snakemake_executor_plugin_aws_batch_array.tables import (
    FailureRow,
    Table,
    UsageRow,
    format_time,
)
from snakemake_executor_plugin_aws_batch_array.usage import get_outcome

CHILDREN = [OpenChild(f"key{i}", f"results/receipts/s{i}.json") for i in range(3)]


class FakeClient:
    """Batch's answers to DescribeJobs, by the id of the job."""

    def __init__(self, jobs: dict[str, Any]) -> None:
        self.jobs = jobs

    def iter_described(self, job_ids: Sequence[str]) -> Iterable[dict[str, Any]]:
        for job_id in job_ids:
            if isinstance(self.jobs[job_id], Exception):
                raise self.jobs[job_id]
            yield self.jobs[job_id]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    (tmp_path / LEDGER).parent.mkdir()
    ledger = Ledger(tmp_path / LEDGER)
    ledger.open_run("prefix/runs/1", "definition:1")
    ledger.open_array("run-0000", "prefix/runs/1", "genomes", CHILDREN)
    ledger.record_job("run-0000", "array-1")
    return ledger


def usage_row(**values: Any) -> UsageRow:
    row = dict.fromkeys(UsageRow.__dataclass_fields__, "") | values
    return UsageRow(**row)  # type: ignore[arg-type]


def failure_row(**values: Any) -> FailureRow:
    row = dict.fromkeys(FailureRow.__dataclass_fields__, "") | values
    return FailureRow(**row)  # type: ignore[arg-type]


def test_the_ledger_is_where_the_executor_keeps_it():
    assert Path(executor.STATE_FOLDER) / "ledger.sqlite" == LEDGER


def test_without_a_ledger_nothing_is_submitted(tmp_path: Path):
    assert read_submitted(tmp_path) == Submitted(0, frozenset(), ())


def test_what_was_submitted_and_not_settled_is_told(tmp_path: Path, ledger: Ledger):
    ledger.close_children("run-0000", [1])

    assert read_submitted(tmp_path) == Submitted(2, frozenset({"s0", "s2"}), ("array-1",))


def test_an_array_that_was_cancelled_is_not_at_work(tmp_path: Path, ledger: Ledger):
    ledger.record_cancelled("run-0000")

    assert read_submitted(tmp_path).jobs == 0


@pytest.mark.parametrize("is_open", [True, False], ids=["during a run", "after it"])
def test_reading_the_ledger_leaves_no_trace(tmp_path: Path, ledger: Ledger, is_open: bool):
    if not is_open:
        ledger._connection.close()
    folder = (tmp_path / LEDGER).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    submitted = read_submitted(tmp_path)

    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert submitted.jobs == 3
    assert after.keys() == before.keys()
    assert after["ledger.sqlite"] == before["ledger.sqlite"]


def test_a_ledger_that_is_none_is_named(tmp_path: Path):
    (tmp_path / LEDGER).parent.mkdir()
    (tmp_path / LEDGER).write_text("no database, but long enough to be taken for one" * 9)

    with pytest.raises(ConfigurationError, match=r"ledger\.sqlite cannot be read"):
        read_submitted(tmp_path)


def test_batch_tells_what_is_queued_and_what_runs():
    """The parent counts children that were settled before; those are not to be collected."""
    summary = {"RUNNABLE": 4, "STARTING": 1, "RUNNING": 2, "SUCCEEDED": 90, "FAILED": 3}
    client = FakeClient(
        {
            "array": {"status": "PENDING", "arrayProperties": {"statusSummary": summary}},
            "single": {"status": "RUNNING"},
        }
    )

    counts = ask_batch(client, Submitted(10, frozenset(), ("array", "single")))

    assert (counts.queued, counts.running, counts.ended) == (4, 4, 2)


def test_what_aws_refuses_is_said_with_a_remedy():
    error = ClientError({"Error": {"Code": "ExpiredToken", "Message": ""}}, "DescribeJobs")

    with pytest.raises(ConfigurationError, match="expired; renew it"):
        ask_batch(FakeClient({"a": error}), Submitted(1, frozenset(), ("a",)))


def test_reclaimed_attempts_are_counted_with_the_time_that_was_lost(tmp_path: Path):
    table = Table(tmp_path / "usage.tsv", UsageRow)
    started, stopped = format_time(1_800_000_000_000), format_time(1_800_001_800_000)
    reclaimed = get_outcome({"statusReason": "Host EC2 (instance i-1) terminated."})
    table.append(
        [
            usage_row(outcome=reclaimed, started=started, stopped=stopped),
            usage_row(outcome=reclaimed, started=format_time(None)),
            usage_row(outcome="succeeded", started=started, stopped=stopped, vcpus=4),
        ]
    )
    usage = Usage(tmp_path / "usage.tsv")
    usage.look()
    table.append([usage_row(outcome="exit 1")])

    usage.look()

    assert (usage.attempts.total, usage.attempts.reclaimed) == (4, 2)
    assert usage.attempts.lost_s == 1800
    assert usage.spans == [(1.8e9, 1.8e9 + 1800, 0), (1.8e9, 1.8e9 + 1800, 4)]


def test_a_row_that_is_being_written_is_read_when_it_is_whole(tmp_path: Path):
    path = tmp_path / "usage.tsv"
    path.write_text("run\toutcome\nr1\trecl")
    usage = Usage(path)
    usage.look()
    assert usage.attempts.total == 0

    with path.open("a") as handle:
        handle.write("aimed\n")
    usage.look()

    assert usage.attempts.reclaimed == 1


def test_a_job_that_failed_for_good_is_a_failure_and_one_that_is_retried_is_none(tmp_path: Path):
    table = Table(tmp_path / "failures.tsv", FailureRow)
    jobs = FailedJobs(tmp_path / "failures.tsv")
    target = "results/receipts/s0.json"
    table.append([failure_row(target=target, next="final", cause="failed", reason="no contigs")])
    jobs.look()
    assert jobs.final["s0"].message == "no contigs"

    table.append([failure_row(target=target, next="retried on ondemand", cause="host reclaimed")])
    jobs.look()

    assert not jobs.final


@pytest.mark.parametrize(
    ("target", "sample"),
    [
        ("results/receipts/s.1.json", "s.1"),
        ("results/s1.json", ""),
        ("results/receipts/s1.txt", ""),
        ("", ""),
    ],
)
def test_the_sample_of_a_job_is_that_of_its_receipt(target: str, sample: str):
    assert sample_of(target) == sample


def test_the_ledger_can_be_read_while_it_is_written(tmp_path: Path, ledger: Ledger):
    writer = sqlite3.connect(tmp_path / LEDGER, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM children")

    assert read_submitted(tmp_path).jobs == 3
    writer.execute("COMMIT")
    assert read_submitted(tmp_path).jobs == 0
