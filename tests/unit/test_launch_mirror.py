"""A launched run is looked at and stopped from any machine; fakes stand in for AWS."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.launches import SETTINGS, FakeBatch

from bactofleet.cli import cost, status, stop
from bactofleet.core.config import read_config
from bactofleet.core.errors import ConfigurationError
from bactofleet.launch import controller_job, mirror
from bactofleet.launch.mirror import open_run
from bactofleet.launch.place import Place
from bactofleet.launch.project import pack_project
from bactofleet.launch.start import choose_shards, find_standing, start

RUN = Place("genomes", "cohort")
SAMPLES = [f"S{number:02}" for number in range(12)]


class Batch(FakeBatch):
    """A Batch whose jobs run, and end when they are told to; or do not."""

    status = "RUNNING"
    obeys = True

    def terminate_job(self, jobId: str, reason: str) -> None:  # noqa: N803
        assert reason == "bactofleet stop"
        if self.obeys:
            self.jobs[jobId]["status"] = "FAILED"


@pytest.fixture
def batch() -> Batch:
    return Batch()


@pytest.fixture
def launch(
    s3: Any, batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], None]:
    """Launch a dozen genomes with a number of controllers."""
    s3.create_bucket(Bucket=RUN.bucket)
    session = SimpleNamespace(client=lambda name, **_: {"s3": s3, "batch": batch}[name])
    monkeypatch.setattr(mirror, "boto3", SimpleNamespace(Session=lambda: session))
    monkeypatch.setattr(mirror, "open_session", lambda region: session)
    monkeypatch.setattr(mirror, "POLL_S", 0.0)
    monkeypatch.setattr(controller_job, "LOOKUP_PAUSES_S", (0.0,))
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("results: s3://genomes/results/cohort\n")
    rows = "".join(f"SRX1\t{name}\n" for name in SAMPLES)
    (tmp_path / "config/samples.tsv").write_text(f"accession\tsample\n{rows}")
    monkeypatch.chdir(tmp_path)
    config_file = Path("config/config.yaml")
    project = pack_project(config_file, read_config(config_file), SETTINGS)

    def launch(controllers: int) -> None:
        queue = SETTINGS["controller-queue"]
        with find_standing(session, RUN, project, Path("results"), queue) as standing:
            number = choose_shards(standing, SAMPLES, controllers)
            start(session, standing, project, SAMPLES, number, SETTINGS)

    return launch


def options(**changed: Any) -> Namespace:
    given = {"launched": RUN.address, "config": Path("config/config.yaml"), "json": False}
    return Namespace(**given | {"watch": False, "live": False} | changed)


def test_the_run_of_this_folder_is_looked_at_where_it_is(tmp_path: Path) -> None:
    with open_run(None, tmp_path / "other.yaml") as run:
        run.refresh()
        assert (run.config, run.address, run.state) == (tmp_path / "other.yaml", "", "")


def test_a_launched_run_is_looked_at_in_a_folder_that_is_removed(
    launch: Callable[[int], None], tmp_path: Path
) -> None:
    launch(1)

    with open_run(RUN.address, Path("config/config.yaml")) as run:
        here = Path.cwd()
        assert here != tmp_path
        assert read_config(run.config)["results"] == "s3://genomes/results/cohort"
        assert run.address == RUN.address
        assert run.state == f"{RUN.address}: controller job-0 is RUNNING"

    assert Path.cwd() == tmp_path
    assert not here.exists()


def test_the_state_of_several_controllers_is_counted(
    launch: Callable[[int], None], batch: Batch
) -> None:
    launch(3)
    batch.jobs["job-1"]["status"] = "SUCCEEDED"

    with open_run(RUN.address, Path()) as run:
        assert run.state == f"{RUN.address}: 3 controllers: 2 RUNNING, 1 ended"


def test_status_of_a_launched_run_begins_with_its_controller_but_not_in_json(
    launch: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    launch(1)

    status.run(options())
    assert capsys.readouterr().out.startswith(f"{RUN.address}: controller job-0 is RUNNING\n")
    status.run(options(json=True))
    assert json.loads(capsys.readouterr().out)["genomes"]["total"] == len(SAMPLES)


def test_a_launched_run_that_has_made_nothing_has_no_bill(launch: Callable[[int], None]) -> None:
    launch(1)

    with pytest.raises(ConfigurationError, match="nothing has run on AWS Batch"):
        cost.run(options(prices=Path("mine.yaml"), offline=True, estimate=False))


def test_stop_ends_every_controller_and_says_what_is_left(
    launch: Callable[[int], None], batch: Batch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch(3)

    stop.run(options())

    assert {job["status"] for job in batch.jobs.values()} == {"FAILED"}
    said = capsys.readouterr().out
    assert "Controllers that were ended: 3; array jobs: 0." in said
    assert "Of 12 genomes 0 are complete" in said
    assert "12 are left" in said
    with open_run(RUN.address, Path()) as run:
        assert run.state == f"{RUN.address}: no controller is at work"


def test_a_controller_that_does_not_end_is_named(
    launch: Callable[[int], None], batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch(1)
    batch.obeys = False
    monkeypatch.setattr(mirror, "END_S", 0.0)

    with pytest.raises(ConfigurationError, match=r"do not end: job job-0\. The jobs of the run"):
        stop.run(options())


def test_without_a_run_at_the_address_it_is_said(launch: Callable[[int], None]) -> None:
    with pytest.raises(ConfigurationError, match="has no run"):
        stop.run(options())
