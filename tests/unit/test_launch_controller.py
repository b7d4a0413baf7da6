"""A run has one controller, however often it is launched."""

import gzip
import io
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.launches import SETTINGS, FakeBatch

from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import write_json
from bactofleet.launch import controller, controller_job
from bactofleet.launch.controller import Keeper, LaunchedAgainError, has_failed
from bactofleet.launch.controller_job import find_controller, get_job_name
from bactofleet.launch.place import Place, parse_place, place_of
from bactofleet.launch.project import pack_project, unpack_project
from bactofleet.launch.record import Record, TakenError, read_record, write_record
from bactofleet.launch.shards import Shards, read_shards, write_shards
from bactofleet.launch.start import find_standing, start
from bactofleet.launch.state import list_state

RUN = Place("genomes", "cohort")
PLACE = Place("genomes", "cohort", "12345678-0")
SAMPLES = [f"S{i}" for i in range(67_000)]
LATER_S = controller_job.GRACE_S + 1


class Batch(FakeBatch):
    """A Batch that may forget to say what it knows."""

    def __init__(self) -> None:
        super().__init__()
        self.is_forgetful = False
        self.loses_answers = False

    def submit_job(self, **request: Any) -> dict[str, Any]:
        reply = super().submit_job(**request)
        if self.loses_answers:
            raise ConnectionError
        return reply

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        return super().describe_jobs([] if self.is_forgetful else jobs)

    def list_jobs(self, jobQueue: str, filters: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        return {"jobSummaryList": []} if self.is_forgetful else super().list_jobs(jobQueue, filters)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setattr(controller_job, "LOOKUP_PAUSES_S", (0.0, 0.0))
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=PLACE.bucket)
        yield client


@pytest.fixture
def batch() -> Batch:
    return Batch()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some time passes between a launch and what follows."""
    monkeypatch.setattr(controller_job, "GRACE_S", -1.0)


def launch(s3: Any, batch: Batch, results: Path = Path("none"), project: bytes = b"") -> str:
    """Launch with one controller, and return the id of its job."""
    session = SimpleNamespace(client=lambda name, **_: {"s3": s3, "batch": batch}[name])
    queue = SETTINGS["controller-queue"]
    archive = project or pack_nothing()
    with find_standing(session, RUN, archive, results, queue) as standing:
        (job_id,) = start(session, standing, archive, SAMPLES, 1, SETTINGS)
    return job_id


def pack_nothing() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz"):
        pass
    return buffer.getvalue()


def get_shard_place(s3: Any) -> Place:
    shards, _ = read_shards(s3, RUN)
    assert shards is not None
    return shards.get_places(RUN)[0]


def test_a_launch_submits_one_job_under_the_controllers_role(s3: Any, batch: Batch) -> None:
    job_id = launch(s3, batch)

    (job,) = batch.jobs.values()
    container = batch.definitions[job["jobDefinition"]]["containerProperties"]
    assert (job["jobId"], job["jobQueue"]) == (job_id, "fleet-controllers")
    assert container["jobRoleArn"] == SETTINGS["controller-role"]
    needs = {need["type"]: int(need["value"]) for need in container["resourceRequirements"]}
    assert needs["VCPU"] == 2
    assert needs["MEMORY"] < 16_384 * 0.9  # fits on an instance of the stack
    assert (container["privileged"], container["readonlyRootFilesystem"]) == (False, True)


def test_a_second_launch_starts_nothing(s3: Any, batch: Batch) -> None:
    launch(s3, batch)
    batch.is_forgetful = True  # as Batch is about new jobs

    with pytest.raises(ConfigurationError, match=r"job-0 is SUBMITTED\. Nothing was started"):
        launch(s3, batch)
    assert len(batch.jobs) == 1


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("status", ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING"])
def test_a_controller_at_work_is_not_started_again(s3: Any, batch: Batch, status: str) -> None:
    batch.jobs[launch(s3, batch)]["status"] = status

    with pytest.raises(ConfigurationError, match=status):
        launch(s3, batch)


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_controller_that_has_ended_is_followed_by_another(
    s3: Any, batch: Batch, status: str
) -> None:
    batch.jobs[launch(s3, batch)]["status"] = status

    assert launch(s3, batch) == "job-1"


@pytest.mark.usefixtures("later")
def test_a_job_whose_id_was_never_known_is_found_by_its_name(s3: Any, batch: Batch) -> None:
    batch.loses_answers = True
    with pytest.raises(ConnectionError):
        launch(s3, batch)

    with pytest.raises(ConfigurationError, match="job-0 is RUNNABLE"):
        launch(s3, batch)


@pytest.mark.usefixtures("later")
def test_a_launch_that_died_before_it_submitted_is_followed_by_another(
    s3: Any, batch: Batch
) -> None:
    write_shards(s3, RUN, shards := Shards(1), "")
    write_record(s3, shards.get_places(RUN)[0], Record(), "")

    assert launch(s3, batch) == "job-0"


def test_of_two_launches_at_the_same_time_one_wins(s3: Any) -> None:
    _, version = read_record(s3, PLACE)
    write_record(s3, PLACE, Record("first"), version)

    with pytest.raises(TakenError):
        write_record(s3, PLACE, Record("second"), version)
    record, version = read_record(s3, PLACE)
    assert record is not None
    assert record.token == "first"
    write_record(s3, PLACE, Record("third"), version)
    with pytest.raises(TakenError):
        write_record(s3, PLACE, Record("fourth"), version)


def test_a_controller_ends_when_the_run_was_launched_again(s3: Any, tmp_path: Path) -> None:
    version = write_record(s3, PLACE, Record("first"), "")
    keeper = Keeper(s3, PLACE, "first")
    keeper.check()
    keeper.restore(tmp_path)
    write_record(s3, PLACE, Record("second"), version)

    with pytest.raises(LaunchedAgainError):
        keeper.save()
    assert list_state(s3, PLACE) == []


def test_the_first_launch_takes_along_what_this_folder_has_finished(
    s3: Any, batch: Batch, tmp_path: Path
) -> None:
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts/a.json").write_text("{}")
    launch(s3, batch, tmp_path)

    assert len(list_state(s3, get_shard_place(s3))) == 1


def test_nothing_secret_is_in_the_job(s3: Any, batch: Batch) -> None:
    launch(s3, batch, project=gzip.compress(b"https://host/reads?X-Amz-Signature=secret"))

    assert "secret" not in f"{batch.jobs} {batch.definitions}"


def test_a_run_that_was_never_launched_has_no_controller(batch: Batch) -> None:
    assert find_controller(batch, PLACE, None, "fleet-controllers") is None


def test_the_project_has_workflow_configuration_sheet_and_settings_and_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = ["workflow/.env", "workflow/keys/id_rsa"]
    files = [
        "workflow/Snakefile",
        "workflow/__pycache__/x.pyc",
        "config/config.yaml",
        "my.yaml",
        "my.tsv",
        "profiles/aws/config.yaml",
        "profiles/aws/account.yaml",
        "results/receipts/a.json",
    ]
    for name in (*files, *secrets):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)

    archive = pack_project(Path("my.yaml"), {"samples": "my.tsv", "proteins": ""}, SETTINGS)

    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        names = set(tar.getnames())
    assert names == {*files, ".launched-config"} - {files[1], files[-1]}
    assert [f"Not sent, as it may hold secrets: {name}" for name in secrets] == caplog.messages
    unpack_project(archive, tmp_path / "there")
    assert "controller-role" in (tmp_path / "there/profiles/aws/account.yaml").read_text()


@pytest.mark.parametrize("name", ["/etc/passwd", "../config.yaml"])
def test_files_outside_of_the_folder_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="outside of this folder"):
        pack_project(Path(name), {"samples": "my.tsv", "proteins": ""}, SETTINGS)


def test_results_have_one_run_each() -> None:
    assert place_of("s3://genomes/results/cohort/", "genomes") == RUN
    assert place_of("s3://genomes/results", "genomes").address == "s3://genomes/runs/results"
    others = ["s3://other/results/cohort", "s3://genomes/results/a/b", "s3://genomes/results/a-b"]
    names = {place_of(results, "genomes").name for results in others}
    assert len(names | {"cohort"}) == 4
    assert all(parse_place(f"s3://genomes/runs/{name}").name == name for name in names)


def test_results_in_a_folder_cannot_be_launched() -> None:
    with pytest.raises(ConfigurationError, match="set results: s3://genomes/results"):
        place_of("results", "genomes")


@pytest.mark.parametrize("address", ["s3://genomes/results/x", "runs/x", "s3://genomes/runs/a/b"])
def test_other_addresses_are_no_runs(address: str) -> None:
    with pytest.raises(ConfigurationError, match="must be s3://BUCKET/runs/NAME"):
        parse_place(address)


def test_the_name_of_a_job_fits() -> None:
    run = place_of(f"s3://genomes/results/{'x' * 200}", "genomes")
    place = Shards(1000).get_places(run)[-1]

    assert len(get_job_name(place, Record().token)) <= 128


def test_only_failures_of_genomes_in_the_sheet_end_a_launch_as_failed(tmp_path: Path) -> None:
    for name in ("taken-out", "S2"):
        write_json(tmp_path / "failed" / f"{name}.json", {})

    assert not has_failed(tmp_path, ["S1"])
    assert has_failed(tmp_path, ["S1", "S2"])


@pytest.mark.parametrize(
    "fault", [sqlite3.OperationalError("database or disk is full"), OSError("full")]
)
def test_snakemake_goes_on_while_the_disk_takes_no_copy_of_the_state(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    saved: list[str] = []

    def save() -> None:
        saved.append("tried")
        if len(saved) == 1:
            raise fault

    monkeypatch.setattr(controller, "LOOK_S", 0.0)
    ends: Any = SimpleNamespace(poll=iter([None, None, 0]).__next__)
    keeper: Any = SimpleNamespace(is_pressing=lambda: True, save=save)

    controller._accompany(ends, keeper)

    assert len(saved) == 2
