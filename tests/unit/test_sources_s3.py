"""Objects on S3: copied by key and compared with what S3 says of them, signed or not."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from bactofleet.archives import retry, s3
from bactofleet.archives.files import fetch
from bactofleet.archives.retry import Denied, NotFound
from bactofleet.core.errors import MissingInput, TemporaryFailure, TooLarge

DATA = b"some reads" * 1000


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client with rights on a bucket that holds one object."""
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.001)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="reads")
        client.put_object(Bucket="reads", Key="run 1/a.fastq.gz", Body=DATA, ACL="public-read")
        yield client


@pytest.fixture
def said() -> list[str]:
    """Return the lines that go into the stage's log."""
    return []


def test_an_object_is_copied_and_its_checksums_recorded(tmp_path: Path, said: list[str]) -> None:
    fetched = fetch("s3://reads/run 1/a.fastq.gz", tmp_path / "a", said.append)

    assert (tmp_path / "a").read_bytes() == DATA
    assert fetched.describe() == {
        "source": "s3://reads/run 1/a.fastq.gz",
        "bytes": len(DATA),
        "md5": hashlib.md5(DATA).hexdigest(),  # noqa: S324
        "sha256": hashlib.sha256(DATA).hexdigest(),
    }


def test_an_object_of_more_bytes_than_a_genome_takes_is_not_copied(
    tmp_path: Path, said: list[str]
) -> None:
    with pytest.raises(TooLarge, match="has more than 9,999 bytes"):
        fetch("s3://reads/run 1/a.fastq.gz", tmp_path / "a", said.append, len(DATA) - 1)

    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("url", ["s3://reads/no.fastq.gz", "s3://no-such-bucket/a.fastq.gz"])
def test_what_is_not_there_is_the_users_to_correct(
    url: str, tmp_path: Path, said: list[str]
) -> None:
    with pytest.raises(MissingInput, match=f"for {url}; correct the sample sheet"):
        fetch(url, tmp_path / "a", said.append)

    assert said == []


def test_what_may_not_be_read_says_which_right_is_lacking(
    bucket: Any, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Stubber(bucket) as stub:
        stub.add_client_error("head_object", "403", http_status_code=403)
        monkeypatch.setattr(s3, "make_client", lambda *, signed: bucket)

        with pytest.raises(MissingInput, match="lacks the right to read it"):
            fetch("s3://reads/a", tmp_path / "a", said.append)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("404", NotFound),
        ("NoSuchBucket", NotFound),
        ("403", Denied),
        ("503", TemporaryFailure),
        ("SlowDown", TemporaryFailure),
    ],
)
def test_errors_of_s3_are_told_apart(
    code: str, expected: type[Exception], bucket: Any, said: list[str]
) -> None:
    with Stubber(bucket) as stub:
        for _ in range(retry.ATTEMPTS):
            stub.add_client_error("head_object", code)

        with pytest.raises(expected, match=f"S3 answers {code} for s3://reads/a"):
            s3.find_object(bucket, "reads", "a", said.append)


def test_a_fault_that_passes_is_overcome(bucket: Any, said: list[str]) -> None:
    with Stubber(bucket) as stub:
        stub.add_client_error("head_object", "SlowDown")
        stub.add_response("head_object", {"ETag": '"x-2"', "ContentLength": 5})

        found = s3.find_object(bucket, "reads", "a", said.append)

    assert (found.bytes, found.md5) == (5, "")
    assert "S3 answers SlowDown" in said[0]


@pytest.mark.parametrize(
    ("etag", "encryption", "known"),
    [
        (f'"{"a" * 32}"', {}, True),
        (f'"{"a" * 32}"', {"ServerSideEncryption": "AES256"}, True),
        (f'"{"a" * 32}"', {"ServerSideEncryption": "aws:kms"}, False),
        (f'"{"a" * 32}-3"', {}, False),
    ],
)
def test_an_etag_is_taken_for_an_md5_only_where_it_is_one(
    etag: str, encryption: dict[str, str], known: bool, bucket: Any, said: list[str]
) -> None:
    with Stubber(bucket) as stub:
        stub.add_response("head_object", {"ETag": etag, "ContentLength": 5, **encryption})

        found = s3.find_object(bucket, "reads", "a", said.append)

    assert bool(found.md5) == known


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"bytes": 1}, "10,000 bytes, not 1"), ({"md5": "0" * 32}, "has the MD5")],
)
def test_a_copy_that_is_not_what_was_announced_is_a_temporary_failure(
    changes: dict[str, Any], problem: str, bucket: Any, tmp_path: Path, said: list[str]
) -> None:
    announced = s3.S3Object("reads", "run 1/a.fastq.gz", bytes=len(DATA), md5="")

    with pytest.raises(TemporaryFailure, match=problem):
        s3.download(bucket, replace(announced, **changes), tmp_path / "a", said.append)

    assert len(said) == retry.ATTEMPTS - 1


def test_requests_are_signed_where_there_are_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_them = s3.has_credentials()  # moto's

    with monkeypatch.context() as context:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            context.delenv(name)
        context.setenv("AWS_EC2_METADATA_DISABLED", "true")
        context.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        context.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        without = s3.has_credentials()

    assert (with_them, without) == (True, False)


def test_an_unsigned_client_sends_no_credentials() -> None:
    sent = []
    client = s3.make_client(signed=False)
    client.meta.events.register("before-send.s3", lambda request, **_: sent.append(request))

    client.head_object(Bucket="reads", Key="run 1/a.fastq.gz")

    assert "Authorization" not in sent[0].headers
