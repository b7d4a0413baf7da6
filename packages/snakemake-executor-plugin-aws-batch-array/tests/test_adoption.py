"""What an earlier controller did not write down is found out when a run ends."""

import os
from pathlib import Path

import pytest

from snakemake_executor_plugin_aws_batch_array.adoption import Adopter
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild


class Logger:
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


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
