"""Tarballs go to S3 whole, with a checksum, in as few requests as they need."""

import base64
import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import S3Transfer
from botocore.exceptions import ClientError

from bactofleet.core.destination import deliver
from bactofleet.core.errors import RETRYABLE_EXIT_CODES, DeliveryRefused, TemporaryFailure


def test_a_tarball_of_the_usual_size_is_one_request_with_its_sha256(
    s3: Any, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 80_000  # 20 MB
    (tmp_path / "S1.tar.gz").write_bytes(content)

    where = deliver(tmp_path / "S1.tar.gz", "s3://genomes/run/1/", {"note": "kept"})

    assert where == "s3://genomes/run/1/S1.tar.gz"
    stored = s3.head_object(Bucket="genomes", Key="run/1/S1.tar.gz", ChecksumMode="ENABLED")
    assert "-" not in stored["ETag"]  # of an upload in parts it ends with their number
    assert stored["Metadata"] == {"note": "kept"}
    assert base64.b64decode(stored["ChecksumSHA256"]) == hashlib.sha256(content).digest()


def test_a_bucket_alone_is_a_destination(s3: Any, tmp_path: Path) -> None:
    (tmp_path / "S1.tar.gz").write_bytes(b"data")

    assert deliver(tmp_path / "S1.tar.gz", "s3://genomes", {}) == "s3://genomes/S1.tar.gz"


def test_an_upload_to_a_bucket_that_does_not_exist_is_final(s3: Any, tmp_path: Path) -> None:
    (tmp_path / "S1.tar.gz").write_bytes(b"data")

    with pytest.raises(DeliveryRefused, match="s3://no-such-bucket") as raised:
        deliver(tmp_path / "S1.tar.gz", "s3://no-such-bucket/run", {})

    assert raised.value.exit_code not in RETRYABLE_EXIT_CODES


@pytest.mark.parametrize("code", ["SlowDown", "ExpiredToken", "RequestTimeout", "AccessDenied"])
def test_an_upload_that_fails_is_worth_another_attempt_unless_it_is_denied(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    (tmp_path / "S1.tar.gz").write_bytes(b"data")
    monkeypatch.setattr(S3Transfer, "upload_file", partial(answer_with, code))

    with pytest.raises(DeliveryRefused if code == "AccessDenied" else TemporaryFailure, match=code):
        deliver(tmp_path / "S1.tar.gz", "s3://genomes/run", {})


def answer_with(code: str, *_arguments: object, **_options: object) -> None:
    """Raise what boto3 raises if S3 answers an upload with this code."""
    try:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "PutObject")
    except ClientError as error:
        raise S3UploadFailedError(f"Failed to upload: {error}")  # noqa: B904 - as boto3 does it
