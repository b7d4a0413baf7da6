"""What the executor tells of failed jobs becomes the record that a stage would have left."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.failures import write_failure

from bactofleet.report.rows import read_record
from bactofleet.run.failed_jobs import record_failed_jobs
from bactofleet.run.plan import describe_failures, read_failures

BEGUN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def fail(results: Path, sample: str, following: str = "final", at: str = "12:00:00") -> None:
    """Have the executor write that a job failed."""
    write_failure(results, sample, f"2026-01-01T{at}+00:00", following)


def recorded(results: Path, samples: list[str]) -> set[str]:
    record_failed_jobs(results, samples, BEGUN)
    return {path.stem for path in (results / "failed").glob("*.json")}


def test_a_job_that_failed_for_good_is_reported_last_and_shown_in_the_table(tmp_path: Path) -> None:
    fail(tmp_path, "S1")

    assert recorded(tmp_path, ["S1"]) == {"S1"}

    row = read_record(tmp_path, "S1").row
    assert (row["status"], row["reason_message"]) == (
        "failed",
        "exit code 1; skesa ended with exit status 1",
    )
    told = describe_failures(read_failures(tmp_path, ["S1"]))
    assert told[0].startswith("FAILED S1 at genome: exit code 1")
    assert "https://console.example/log" in told[1]


@pytest.mark.parametrize("following", ["retried on genomes-fallback", "retried"])
def test_a_job_that_was_tried_again_after_its_last_failure_is_none(
    tmp_path: Path, following: str
) -> None:
    fail(tmp_path, "S1", "final")
    fail(tmp_path, "S1", following)

    assert recorded(tmp_path, ["S1"]) == set()


def test_failures_of_earlier_runs_and_of_other_samples_are_none_of_this_run(tmp_path: Path) -> None:
    fail(tmp_path, "before", at="11:59:59")
    fail(tmp_path, "other")

    assert recorded(tmp_path, ["before"]) == set()


def test_a_genome_that_was_made_after_all_has_not_failed(tmp_path: Path) -> None:
    fail(tmp_path, "S1")
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts/S1.json").write_text("{}")

    assert recorded(tmp_path, ["S1"]) == set()


def test_what_a_stage_wrote_itself_stays(tmp_path: Path) -> None:
    fail(tmp_path, "S1")
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed/S1.json").write_text("by the stage")

    recorded(tmp_path, ["S1"])

    assert (tmp_path / "failed/S1.json").read_text() == "by the stage"


def test_a_run_without_such_an_executor_has_no_table(tmp_path: Path) -> None:
    assert recorded(tmp_path, ["S1"]) == set()
