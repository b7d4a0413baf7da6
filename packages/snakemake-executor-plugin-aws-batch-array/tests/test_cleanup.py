"""What finished runs have left is removed, and forgotten only when it is."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from fakes import Logger

from snakemake_executor_plugin_aws_batch_array.cleanup import remove_finished_runs
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild
from snakemake_executor_plugin_aws_batch_array.store import RunFolder


class Aws:
    """Store and client in one: what was removed, and what is refused with which code."""

    def __init__(self, refused: dict[str, str] | None = None) -> None:
        self.refused = refused or {}
        self.removed: list[str] = []

    def remove(self, folder: RunFolder) -> None:
        self._take(folder.prefix)

    def deregister_job_definition(self, *, jobDefinition: str) -> None:  # noqa: N803
        self._take(jobDefinition)

    def _take(self, name: str) -> None:
        if code := self.refused.get(name):
            raise ClientError({"Error": {"Code": code, "Message": f"no {name}"}}, "Remove")
        self.removed.append(name)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two finished runs, and one with an open child."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for run in ("1", "2", "3"):
        ledger.open_run(f"runs/{run}", f"definition:{run}")
    ledger.open_array("array", "runs/3", "genomes", [OpenChild("key", "a.json")])
    return ledger


def remove(ledger: Ledger, aws: Aws) -> list[str]:
    """Remove them; returns the warnings."""
    logger = Logger()
    remove_finished_runs(ledger, aws, aws, logger)  # type: ignore[arg-type]
    return logger.warnings


def test_what_finished_runs_have_left_is_removed_and_open_runs_are_kept(ledger: Ledger):
    aws = Aws()

    assert remove(ledger, aws) == []

    assert aws.removed == ["runs/1", "definition:1", "runs/2", "definition:2"]
    assert ledger.get_runs() == {"runs/3"}


@pytest.mark.parametrize("refused", ["runs/2", "definition:2"])
def test_what_aws_refuses_to_remove_is_reported_and_left_to_the_next(ledger: Ledger, refused: str):
    (warning,) = remove(ledger, Aws({refused: "AccessDenied"}))

    assert f"no {refused}" in warning
    assert "the next start tries again" in warning
    assert ledger.get_runs() == {"runs/2", "runs/3"}
    assert remove(ledger, Aws()) == []
    assert ledger.get_runs() == {"runs/3"}


def test_a_definition_that_batch_does_not_know_is_gone(ledger: Ledger):
    assert remove(ledger, Aws({"definition:1": "ClientException"})) == []

    assert ledger.get_runs() == {"runs/3"}
