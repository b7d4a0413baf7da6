"""Genomes on AWS Batch: from what the executor has on record, and from Batch when it is asked."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bactofleet.core.errors import ConfigurationError
from bactofleet.monitor.batch import Submitted, ask_batch, read_submitted
from bactofleet.monitor.tables import AttemptTable, FailedJobs
from bactofleet.records.folder import sample_of
from snakemake_executor_plugin_aws_batch_array import api
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild
from snakemake_executor_plugin_aws_batch_array.paths import LEDGER
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


def usage_row(**values: Any) -> UsageRow:
    row = dict.fromkeys(UsageRow.__dataclass_fields__, "") | values
    return UsageRow(**row)  # type: ignore[arg-type]


def failure_row(**values: Any) -> FailureRow:
    row = dict.fromkeys(FailureRow.__dataclass_fields__, "") | values
    return FailureRow(**row)  # type: ignore[arg-type]


def test_genomes_that_were_submitted_and_not_settled_are_reported(tmp_path: Path):
    (tmp_path / LEDGER).parent.mkdir()
    ledger = Ledger(tmp_path / LEDGER)
    ledger.open_run("prefix/runs/1", "definition:1")
    ledger.open_array("run-0000", "prefix/runs/1", "genomes", CHILDREN)
    ledger.close_children("run-0000", [1])

    submitted = read_submitted(tmp_path)

    assert submitted.samples == {"s0", "s2"}
    assert submitted.count_left({"s0", "s1"}) == 0
    assert submitted.count_left({"s0", "s1", "s2"}) == 1


def test_a_ledger_that_is_none_is_named(tmp_path: Path):
    (tmp_path / LEDGER).parent.mkdir()
    (tmp_path / LEDGER).write_text("no database, but long enough to be taken for one" * 9)

    with pytest.raises(ConfigurationError, match=r"ledger\.sqlite cannot be read"):
        read_submitted(tmp_path)


def test_what_aws_refuses_is_said_with_a_remedy():
    error = ClientError({"Error": {"Code": "ExpiredToken", "Message": ""}}, "DescribeJobs")

    with pytest.raises(ConfigurationError, match="expired; renew it"):
        ask_batch(
            FakeClient({"a": error}), Submitted(api.OpenJobs(("t",), ("a",)), frozenset(), {})
        )


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
    usage = AttemptTable(tmp_path / "usage.tsv")
    usage.look()
    table.append([usage_row(outcome="exit 1")])

    usage.look()

    assert (usage.attempts.total, usage.attempts.reclaimed) == (4, 2)
    assert usage.attempts.lost_s == 1800
    assert usage.spans == [(1.8e9, 1.8e9 + 1800, 0), (1.8e9, 1.8e9 + 1800, 4)]


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
