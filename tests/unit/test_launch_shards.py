"""A run with several shards is one run: each genome in one shard, each controller once."""

import csv
import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from support.launches import SETTINGS, FakeBatch

from bactofleet.core.config import read_config
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.samples import read_samples
from bactofleet.launch import controller_job, shards
from bactofleet.launch.ending import End, Ends
from bactofleet.launch.gathering import COPIES, Gathering
from bactofleet.launch.place import Place
from bactofleet.launch.project import cut_project, pack_project, unpack_project
from bactofleet.launch.record import Record, TakenError, read_record, write_record
from bactofleet.launch.shards import (
    MAX_GENOMES,
    Shards,
    choose_number,
    count_genomes,
    get_shard,
    read_shards,
)
from bactofleet.launch.start import choose_shards, find_standing, start
from bactofleet.launch.state import Writer
from snakemake_executor_plugin_aws_batch_array import api

REPOSITORY = Path(__file__).parents[2]
RUN = Place("genomes", "cohort")
SAMPLES = [f"S{number:03}" for number in range(60)]


class Batch(FakeBatch):
    """A Batch whose jobs run at once, and that refuses those above a number."""

    status = "RUNNING"

    def __init__(self) -> None:
        super().__init__()
        self.refuses_after = 1000

    def submit_job(self, **request: Any) -> dict[str, Any]:
        if len(self.jobs) == self.refuses_after:
            raise ConnectionError
        return super().submit_job(**request)

    def end(self, *job_ids: str) -> None:
        for job_id in job_ids or self.jobs:
            self.jobs[job_id]["status"] = "SUCCEEDED"


class User:
    """Somebody who launches a project again and again."""

    def __init__(self, s3: Any, folder: Path) -> None:
        self.s3, self.batch = s3, Batch()
        self._session = SimpleNamespace(
            client=lambda name, **_: {"s3": s3, "batch": self.batch}[name]
        )
        self._project = pack_project(
            Path("config/config.yaml"), read_config(Path("config/config.yaml")), SETTINGS
        )
        self.results = folder / "results"

    def launch(self, wanted: int | None = None) -> list[str]:
        queue = SETTINGS["controller-queue"]
        with find_standing(self._session, RUN, self._project, Path("results"), queue) as standing:
            number = choose_shards(standing, SAMPLES, wanted)
            return start(self._session, standing, self._project, SAMPLES, number, SETTINGS)

    @property
    def places(self) -> list[Place]:
        found, _ = read_shards(self.s3, RUN)
        assert found is not None
        return found.get_places(RUN)

    def save(self, number: int, files: dict[str, str], prefix: str = "") -> Writer:
        """Save a state of a shard, as its controller does."""
        folder = write(self.results / str(number), files)
        if prefix:
            add_job(folder, prefix)
        writer = Writer(self.s3, self.places[number], folder)
        writer.save()
        return writer

    def gather(self, folder: Path) -> Gathering:
        found, _ = read_shards(self.s3, RUN)
        assert found is not None
        gathering = Gathering(self.s3, RUN, found, folder / "results", folder / COPIES)
        gathering.read()
        return gathering


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a project with 60 genomes."""
    folder = tmp_path / "project"
    write(
        folder,
        {
            "config/config.yaml": "results: s3://genomes/results/cohort\nmax_cost: 30\n"
            f"redo: {SAMPLES[0]},{SAMPLES[1]}\n",
            "config/samples.tsv": "".join(
                ["# all of them\n", "accession\tsample\n", *(f"SRX1\t{name}\n" for name in SAMPLES)]
            ),
            "profiles/aws/config.yaml": "executor: aws-batch-array\n",
        },
    )
    schemas = REPOSITORY / "workflow/schemas"
    for path in schemas.iterdir():
        write(folder, {f"workflow/schemas/{path.name}": path.read_text()})
    monkeypatch.chdir(folder)
    monkeypatch.setattr(controller_job, "GRACE_S", -1.0)
    monkeypatch.setattr(controller_job, "LOOKUP_PAUSES_S", (0.0,))
    return folder


@pytest.fixture
def user(s3: Any, project: Path, tmp_path: Path) -> User:
    return User(s3, tmp_path)


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def add_job(results: Path, prefix: str) -> None:
    """Record a submitted job."""
    ledger = api.get_ledger(results)
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(ledger)) as connection, connection:
        for table, row in (
            ("runs (prefix, definition)", (prefix, "definition")),
            (
                "arrays (name, prefix, queue, size, job_id, submitted, cancelled)",
                (f"{prefix}-0", prefix, "spot", 1, f"id-{prefix}", 0, 0),
            ),
            ("children (array, position, key, target)", (f"{prefix}-0", 0, "key", "x.json")),
        ):
            connection.execute(f"CREATE TABLE {table}")
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608


def usage(*samples: str) -> str:
    lines = [f"run\tresults/receipts/{name}.json\tsucceeded\n" for name in samples]
    return "".join(["run\ttarget\toutcome\n", *lines])


def read_names(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "results/receipts").iterdir()}


def read_targets(path: Path) -> list[str]:
    with path.open() as handle:
        return [row["target"] for row in csv.DictReader(handle, dialect="excel-tab")]


def test_no_controller_plans_more_than_it_should_and_small_runs_have_one() -> None:
    large = [f"SAMN{number}" for number in range(67_000)]

    assert choose_number(SAMPLES) == 1
    number = choose_number(large)
    assert number == 7
    assert max(count_genomes(large, number)) <= MAX_GENOMES
    assert sum(count_genomes(large, number)) == len(large)


def test_new_rows_move_no_genome_to_another_shard() -> None:
    # Fixed values: another version of this program has to divide the run in the same way.
    assert [get_shard(name, 5) for name in SAMPLES[:6]] == [4, 0, 3, 1, 1, 1]


def test_shards_have_all_genomes_once_and_share_the_money(project: Path, tmp_path: Path) -> None:
    config = read_config(Path("config/config.yaml"))
    whole = pack_project(Path("config/config.yaml"), config, SETTINGS)
    names: list[str] = []
    redo: list[str] = []
    money = 0.0
    for shard in range(3):
        folder = tmp_path / str(shard)
        unpack_project(cut_project(whole, shard, 3), folder)
        names += read_samples(folder / "config/samples.tsv")
        part = read_config(folder / "config/config.yaml")
        money += part["max_cost"]
        redo += [] if part["redo"] == "none" else part["redo"]
        assert (folder / "profiles/aws/account.yaml").is_file()

    assert sorted(names) == SAMPLES
    assert money == pytest.approx(30)
    assert sorted(redo) == SAMPLES[:2]


def test_each_shard_has_one_controller_with_a_name_of_its_own(user: User) -> None:
    assert user.launch(3) == ["job-0", "job-1", "job-2"]

    assert len({job["jobName"] for job in user.batch.jobs.values()}) == 3
    with pytest.raises(ConfigurationError, match=r"job-0 is RUNNING, .* Nothing was started"):
        user.launch(3)
    with pytest.raises(ConfigurationError, match="Nothing was started"):
        user.launch()


def test_a_launch_that_died_halfway_is_completed_by_the_next(user: User) -> None:
    user.batch.refuses_after = 2
    with pytest.raises(ConnectionError):
        user.launch(3)
    user.batch.refuses_after = 1000

    assert user.launch(3) == ["job-2"]


def test_only_controllers_that_have_ended_are_started_again(user: User) -> None:
    user.launch(3)
    user.batch.end("job-1")

    assert user.launch() == ["job-3"]


def test_the_number_of_shards_is_not_changed_while_a_controller_is_at_work(user: User) -> None:
    user.launch(3)
    user.batch.end("job-1", "job-2")

    with pytest.raises(ConfigurationError, match="3 shards, and controllers at work"):
        user.launch(2)


def test_the_number_of_shards_is_not_changed_while_results_wait_to_be_collected(
    user: User,
) -> None:
    user.launch(3)
    user.save(1, {"receipts/a.json": "{}"}, prefix="left")
    user.batch.end()

    with pytest.raises(ConfigurationError, match=r"not collected.*--shards 3"):
        user.launch(2)
    assert user.launch() == ["job-3", "job-4", "job-5"]


def test_jobs_of_this_folder_are_not_forgotten_by_several_shards(user: User) -> None:
    add_job(Path("results"), "local")

    with pytest.raises(ConfigurationError, match=r"results has submitted jobs.*--shards 1"):
        user.launch(2)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_with_another_number_of_shards_everything_that_is_known_stays(
    user: User, number: int, tmp_path: Path
) -> None:
    user.launch(3)
    for shard in range(3):
        mine = [name for name in SAMPLES if get_shard(name, 3) == shard]
        files = {f"receipts/{name}.json": "{}" for name in mine[1:]}
        logs = {f"failed/{mine[0]}.json": "{}", f"logs/{mine[0]}/qc.log": "log"}
        user.save(shard, {**files, **logs, "usage.tsv": usage(*mine), "cohort.tsv": "old"})
    before = user.places
    user.batch.end()

    assert len(user.launch(number)) == number

    user.gather(tmp_path / "after")
    after = tmp_path / "after/results"
    assert len(read_names(tmp_path / "after")) == len(SAMPLES) - 3
    assert len(list((after / "failed").iterdir())) == len(list((after / "logs").iterdir())) == 3
    targets = sorted(f"results/receipts/{name}.json" for name in SAMPLES)
    assert sorted(read_targets(after / "usage.tsv")) == targets
    for shard, copy in enumerate(user.gather(tmp_path / "again").copies):
        names = {path.stem for path in (copy.folder / "receipts").iterdir()}
        assert {get_shard(name, number) for name in names} == {shard}
    keys = user.s3.list_objects_v2(Bucket=RUN.bucket, Prefix=RUN.key("shards", ""))["Contents"]
    assert not any(place.shard in item["Key"] for place in before for item in keys)


def test_of_two_that_divide_a_run_at_the_same_time_one_is_refused(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.launch(3)
    user.batch.end()
    divide = shards.write_shards

    def be_second(*words: Any) -> None:
        divide(user.s3, RUN, Shards(4), read_shards(user.s3, RUN)[1])
        divide(*words)

    monkeypatch.setattr("bactofleet.launch.start.write_shards", be_second)
    with pytest.raises(ConfigurationError, match=r"another launch .* was faster"):
        user.launch(2)
    assert len(user.places) == 4


def test_a_controller_that_was_launched_meanwhile_is_not_divided_away(user: User) -> None:
    user.launch(3)
    user.batch.end()
    queue = SETTINGS["controller-queue"]
    with find_standing(user._session, RUN, user._project, Path("results"), queue) as standing:
        user.launch(3)
        with pytest.raises(ConfigurationError, match=r"another launch .* was faster"):
            start(user._session, standing, user._project, SAMPLES, 2, SETTINGS)
    assert len(user.places) == 3


def test_a_shard_without_genomes_is_refused(user: User) -> None:
    with pytest.raises(ConfigurationError, match="500 shards are too many for 60 genomes"):
        user.launch(500)


def test_all_shards_are_read_as_one(user: User, tmp_path: Path) -> None:
    user.launch(2)
    first = user.save(0, {"receipts/a.json": "{}", "usage.tsv": usage("a")}, prefix="one")
    user.save(1, {"receipts/b.json": "{}", "usage.tsv": usage("b")}, prefix="two")
    gathering = user.gather(tmp_path)
    results = tmp_path / "results"
    assert read_names(tmp_path) == {"a", "b"}
    assert api.read_open_jobs(results).job_ids == ("id-one", "id-two")
    inode = (results / "receipts/a.json").stat().st_ino

    folder = write(user.results / "0", {"receipts/a.json": '{"again": 1}', "receipts/c.json": "{}"})
    with (folder / "usage.tsv").open("a") as table:
        table.write("run\tresults/receipts/c.json\tsucceeded\n")
    first.save()
    gathering.read()

    assert json.loads((results / "receipts/a.json").read_text()) == {"again": 1}
    assert (results / "receipts/a.json").stat().st_ino != inode
    (folder / "receipts/c.json").unlink()
    first.save()
    gathering.read()

    assert read_names(tmp_path) == {"a", "b"}
    targets = [f"results/receipts/{name}.json" for name in "abc"]
    assert read_targets(results / "usage.tsv") == targets


def test_a_reader_of_shards_that_are_no_more_is_told(user: User, tmp_path: Path) -> None:
    user.launch(2)
    gathering = user.gather(tmp_path)
    user.batch.end()
    user.launch(3)

    with pytest.raises(ConfigurationError, match="another number of shards"):
        gathering.read()


@pytest.fixture
def ends(user: User) -> Ends:
    """The list of a run of three shards."""
    user.launch(3)
    return Ends(user.s3, RUN, user.places)


@pytest.fixture
def tokens(user: User, ends: Ends) -> list[str]:
    return [record.token for p in user.places if (record := read_record(user.s3, p)[0])]


def test_the_last_controller_to_end_writes_the_report(ends: Ends, tokens: list[str]) -> None:
    for token in tokens:
        assert not any(ends.is_last(each) for each in tokens)
        ends.add(End(token, 0))

    assert [ends.is_last(token) for token in tokens] == [False, False, True]
    assert not ends.is_reported()
    ends.set_reported(tokens[2])
    assert ends.is_reported()


def test_of_controllers_that_end_at_the_same_time_one_writes_the_report(
    user: User, tokens: list[str]
) -> None:
    barrier = threading.Barrier(len(tokens))
    session = boto3.Session(region_name="us-east-1")

    def end(token: str) -> None:
        mine = Ends(session.client("s3"), RUN, user.places)
        barrier.wait()
        mine.add(End(token, 0))

    threads = [threading.Thread(target=end, args=[t]) for t in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ends = Ends(user.s3, RUN, user.places)
    assert sum(ends.is_last(token) for token in tokens) == 1


def test_a_controller_that_was_killed_before_its_report_finds_its_task_again(
    ends: Ends, tokens: list[str]
) -> None:
    for token in tokens:
        ends.add(End(token, 1))

    found = ends.find(tokens[2])
    assert found is not None
    assert found.status == 1
    assert ends.is_last(tokens[2])


def test_a_shard_that_was_launched_again_has_not_ended(
    user: User, ends: Ends, tokens: list[str]
) -> None:
    for token in tokens:
        ends.add(End(token, 0))
    ends.set_reported(tokens[2])
    _, version = read_record(user.s3, user.places[0])
    write_record(user.s3, user.places[0], Record("again"), version)

    assert not ends.is_reported()
    assert not ends.is_last(tokens[2])
    ends.add(End("again", 0))
    assert ends.is_last("again")


def test_a_write_whose_answer_was_lost_meets_itself(user: User) -> None:
    user.launch(1)
    _, version = read_record(user.s3, user.places[0])
    record = Record("mine")
    written = write_record(user.s3, user.places[0], record, version)

    assert write_record(user.s3, user.places[0], record, version) == written
    with pytest.raises(TakenError):
        write_record(user.s3, user.places[0], Record("other"), version)
