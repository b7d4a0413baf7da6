"""Objects of a run: what is stored comes back, what is not there is told, others' stay."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from snakemake_executor_plugin_aws_batch_array import store as module
from snakemake_executor_plugin_aws_batch_array.store import RunFolder, Store

RUN = RunFolder("runs/one")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="genomes")
        yield Store(client, "genomes")


def test_what_was_put_is_read_whole_or_in_part_with_its_metadata(store: Store, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"0123456789")
    store.put_file(RUN.bundle, str(tmp_path / "file"), {"kind": "file"})

    body, metadata = store.open_described(RUN.bundle)
    assert (body.read(), metadata) == (b"0123456789", {"kind": "file"})
    assert store.open(RUN.bundle, "bytes=2-4").read() == b"234"
    assert store.get_metadata(RUN.bundle) == {"kind": "file"}


def test_what_is_not_there_has_no_metadata_and_cannot_be_opened(store: Store):
    assert store.get_metadata("nothing") == {}
    with pytest.raises(KeyError, match="nothing"):
        store.open("nothing")


def test_any_other_refusal_is_not_taken_for_what_is_not_there(store: Store):
    elsewhere = Store(store._client, "no-such-bucket")

    with pytest.raises(ClientError, match="NoSuchBucket"):
        elsewhere.open(RUN.bundle)


def test_children_that_have_sent_something_back_are_listed_by_index(store: Store):
    for index in (0, 7, 12):
        store.put(RUN.get_returned("one-0000", index), b"")
    store.put(RUN.get_returned("one-00001", 3), b"")
    store.put("runs/one/one-0000/notes.txt", b"")

    assert store.list_returned(RUN, "one-0000") == {0, 7, 12}


def test_runs_are_the_folders_below_the_prefix(store: Store):
    for key in ("runs/one/bundle.tar.gz", "runs/two/bundle.tar.gz", "runs/stray"):
        store.put(key, b"")

    assert sorted(store.list_folders("runs/")) == ["runs/one", "runs/two"]


def test_all_objects_of_a_run_are_removed_and_no_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MAX_DELETED_AT_ONCE", 2)
    for index in range(5):
        store.put(RUN.get_returned("one-0000", index), b"")
    store.put("runs/one-more/bundle.tar.gz", b"kept")

    store.remove(RUN)

    listed = store._client.list_objects_v2(Bucket="genomes")["Contents"]
    assert [item["Key"] for item in listed] == ["runs/one-more/bundle.tar.gz"]


def test_keys_of_a_run_lie_below_its_prefix():
    assert RUN.name == "one"
    assert RUN.get_manifest("one-0000") == "runs/one/one-0000.manifest"
    assert RUN.get_input("a/b.fq") == "runs/one/inputs/a/b.fq"
