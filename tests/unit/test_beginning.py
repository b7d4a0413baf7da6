"""A launch tries each genome once, however often Batch has to start its controller again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.failures import write_failure

from bactofleet.records.folder import FAILED, list_records
from bactofleet.run.beginning import TOKEN
from bactofleet.run.workflow import WorkflowRun

SCHEMAS = Path(__file__).parents[2] / "workflow/schemas"
RESULTS = Path("results")


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two genomes, of which none is made."""
    monkeypatch.chdir(tmp_path)
    rows = "S1\tSRR2838702\nS2\tSRR2838703\n"
    (tmp_path / "samples.tsv").write_text("sample\taccession\n" + rows)
    monkeypatch.setenv(TOKEN, "first")


def begin() -> WorkflowRun:
    """Start Snakemake in the controller, up to its jobs."""
    run = WorkflowRun({"samples": "samples.tsv"}, SCHEMAS, is_main=True)
    run.start(runs_here=False)
    run._lock.close()
    return run


def fail(sample: str, following: str = "final", ago_s: float = 0) -> None:
    """Have the executor write that a job failed."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=ago_s)
    write_failure(RESULTS, sample, at.isoformat(), following)


def test_what_failed_under_a_lost_controller_is_not_tried_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begin()
    fail("S1")

    run = begin()

    assert run.plan.todo == ["S2"]
    assert list_records(RESULTS / FAILED) == ["S1"]
    assert "1 genome failed earlier in this run and is not tried again in it (S1)" in (
        capsys.readouterr().err
    )


def test_what_was_tried_again_under_a_lost_controller_is_still_to_do() -> None:
    begin()
    fail("S1", following="retried")

    assert begin().plan.todo == ["S1", "S2"]


def test_another_launch_tries_all_failed_genomes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    begin()
    fail("S1")
    begin()

    monkeypatch.setenv(TOKEN, "second")

    assert begin().plan.todo == ["S1", "S2"]
    assert list_records(RESULTS / FAILED) == []


def test_failures_before_the_launch_are_none_of_it() -> None:
    fail("S1", ago_s=5)
    begin()

    assert begin().plan.todo == ["S1", "S2"]


def test_a_run_without_a_launch_tries_failed_genomes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN)
    begin()
    fail("S1")

    assert begin().plan.todo == ["S1", "S2"]
    assert not (RESULTS / "launch.json").exists()


def test_a_note_that_was_cut_off_counts_as_none() -> None:
    begin()
    fail("S1")
    (RESULTS / "launch.json").write_text('{"token": "fir')

    assert begin().plan.todo == ["S1", "S2"]
