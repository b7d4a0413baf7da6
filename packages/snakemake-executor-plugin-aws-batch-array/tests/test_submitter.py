"""Arrays go to Batch once their inputs are in the bucket and they are on record themselves."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from snakemake_interface_common.exceptions import WorkflowError

from snakemake_executor_plugin_aws_batch_array import environment
from snakemake_executor_plugin_aws_batch_array.bundle import DIGEST, Bundle
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger
from snakemake_executor_plugin_aws_batch_array.live import LiveArray
from snakemake_executor_plugin_aws_batch_array.manifest import parse_manifest
from snakemake_executor_plugin_aws_batch_array.queues import Queues
from snakemake_executor_plugin_aws_batch_array.requirements import Platform, Requirements
from snakemake_executor_plugin_aws_batch_array.settings import ExecutorSettings
from snakemake_executor_plugin_aws_batch_array.store import RunFolder, Store
from snakemake_executor_plugin_aws_batch_array.submitter import Submitter
from snakemake_executor_plugin_aws_batch_array.tasks import Task

FOLDER = RunFolder("batch/runs/one")
BUNDLE = Bundle(b"the bundle", "code", "digest", {})
SMALL, LARGE = Requirements(1, 2000), Requirements(8, 60_000)


class FakeBatch:
    """Keeps what is registered and submitted; fails at a submission when told to."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.definitions: list[dict[str, Any]] = []
        self.submitted: list[dict[str, Any]] = []
        self.on_record: list[list[str]] = []
        self.error: Exception | None = None

    def register_job_definition(self, **request: Any) -> dict[str, str]:
        self.definitions.append(request)
        return {"jobDefinitionArn": f"{request['jobDefinitionName']}:1"}

    def submit_once(self, **request: Any) -> str:
        self.on_record.append([array.name for array in self.ledger.get_open_arrays()])
        if self.error:
            raise self.error
        self.submitted.append(request)
        return f"job-{len(self.submitted)}"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


@pytest.fixture
def batch(ledger: Ledger) -> FakeBatch:
    return FakeBatch(ledger)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="genomes-bucket")
        yield Store(client, "genomes-bucket")


def make_submitter(batch: FakeBatch, store: Store, ledger: Ledger, **options: Any) -> Submitter:
    given: dict[str, Any] = {
        "region": "us-east-1",
        "job_queue": "genomes",
        "job_role": "arn:aws:iam::123456789012:role/genomes-job",
        "bucket": "genomes-bucket",
        "prefix": "batch",
        "image": "bactofleet:0.1.0",
    }
    shared = frozenset({"shared"})
    queues = Queues(Platform.EC2, {"genomes": 64, "shared": 64}, shared)
    settings = ExecutorSettings(**given | options)
    return Submitter("one", settings, queues, batch, store, ledger)  # type: ignore[arg-type]


@pytest.fixture
def submitter(batch: FakeBatch, store: Store, ledger: Ledger) -> Submitter:
    return make_submitter(batch, store, ledger, share_identifier="lab7")


def task(
    name: str, *inputs: str, queue: str = "genomes", requirements: Requirements = SMALL
) -> Task:
    return Task(
        job=None,
        key=f"key of {name}",
        arguments=["--target-jobs", name],
        inputs=list(inputs),
        outputs=[f"{name}.json"],
        queue=queue,
        requirements=requirements,
    )


def submit(submitter: Submitter, *tasks: Task) -> list[LiveArray]:
    return [submitter.submit(array, BUNDLE) for array in submitter.iter_arrays(list(tasks))]


def environment_of(request: dict[str, Any]) -> dict[str, str]:
    pairs = request["containerOverrides"]["environment"]
    return {pair["name"]: pair["value"] for pair in pairs}


def test_tasks_of_one_size_are_one_array_whose_children_read_a_line_each(
    submitter: Submitter, batch: FakeBatch, store: Store
):
    [array] = submit(submitter, task("a"), task("b"))

    [request] = batch.submitted
    assert (request["jobName"], request["jobQueue"]) == ("one-0000", "genomes")
    assert request["arrayProperties"] == {"size": 2}
    manifest = store.open(FOLDER.get_manifest("one-0000")).read()
    lines = parse_manifest(manifest)
    assert [line.arguments[-1] for line in lines] == ["a", "b"]
    assert [line.key for line in lines] == ["key of a", "key of b"]
    assert str(len(manifest) // 2) in environment_of(request).values()
    assert (array.job_id, array.size, sorted(array.open)) == ("job-1", 2, [0, 1])


def test_a_single_task_is_a_plain_job(submitter: Submitter, batch: FakeBatch):
    submit(submitter, task("a"))

    assert "arrayProperties" not in batch.submitted[0]


def test_tasks_of_other_sizes_and_queues_are_arrays_with_names_of_their_own(
    submitter: Submitter, batch: FakeBatch
):
    submit(submitter, task("a"), task("b", requirements=LARGE), task("c", queue="shared"))
    submit(submitter, task("d"))

    names = [request["jobName"] for request in batch.submitted]
    assert names == ["one-0000", "one-0001", "one-0002", "one-0003"]


def test_only_a_shared_queue_is_told_the_share(submitter: Submitter, batch: FakeBatch):
    submit(submitter, task("a"), task("b", queue="shared"))

    shares = {request["jobQueue"]: request.get("shareIdentifier") for request in batch.submitted}
    assert shares == {"genomes": None, "shared": "lab7"}


def test_bundle_and_definition_are_made_once_a_run(
    submitter: Submitter, batch: FakeBatch, store: Store
):
    submit(submitter, task("a"))
    submit(submitter, task("b"))

    [definition] = batch.definitions
    assert definition["jobDefinitionName"] == "snakemake-one"
    assert [request["jobDefinition"] for request in batch.submitted] == ["snakemake-one:1"] * 2
    body, metadata = store.open_described(FOLDER.bundle)
    assert (body.read(), metadata[DIGEST]) == (b"the bundle", "digest")


def test_the_definition_names_the_checksum_of_the_bundle(submitter: Submitter, batch: FakeBatch):
    submit(submitter, task("a"))

    [definition] = batch.definitions
    variables = definition["containerProperties"]["environment"]
    digest = hashlib.sha256(b"the bundle").hexdigest()
    assert {"name": environment.BUNDLE_SHA256, "value": digest} in variables


def test_an_array_is_on_record_before_batch_knows_of_it(
    submitter: Submitter, batch: FakeBatch, ledger: Ledger
):
    batch.error = RuntimeError("the controller dies here")
    with pytest.raises(RuntimeError, match="dies"):
        submit(submitter, task("a"))

    assert batch.on_record == [["one-0000"]]
    [array] = ledger.get_open_arrays()
    assert (array.name, array.job_id) == ("one-0000", None)
    assert ledger.get_runs() == {FOLDER.prefix}


def test_an_input_is_sent_once_and_again_only_when_it_has_changed(
    submitter: Submitter, store: Store, tmp_path: Path
):
    reads = tmp_path / "reads.fq"
    reads.write_text("first")
    submit(submitter, task("a", "reads.fq"), task("b", "reads.fq"))
    key = FOLDER.get_input("reads.fq")
    store._client.delete_object(Bucket="genomes-bucket", Key=key)

    submit(submitter, task("c", "reads.fq"))
    with pytest.raises(KeyError):
        store.open(key)

    reads.write_text("second")
    os.utime(reads, (1000, 1000))
    submit(submitter, task("d", "reads.fq"))
    assert store.open(key).read() == b"second"


def test_the_manifest_names_the_inputs_that_are_not_in_the_bundle(
    submitter: Submitter, store: Store, tmp_path: Path
):
    (tmp_path / "reads.fq").write_text("reads")
    submit(submitter, task("a", "reads.fq"))

    line = json.loads(store.open(FOLDER.get_manifest("one-0000")).read())
    assert line["inputs"] == ["reads.fq"]


def test_a_link_to_nowhere_is_named_and_nothing_is_submitted(
    submitter: Submitter, batch: FakeBatch, tmp_path: Path
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/link").symlink_to("/nowhere/reads.fq")

    with pytest.raises(WorkflowError, match="the input 'folder' cannot be sent"):
        submit(submitter, task("a", "folder"))

    assert batch.submitted == []
