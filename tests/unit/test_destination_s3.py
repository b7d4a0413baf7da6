"""Tarballs go to S3 whole, with a checksum, in as few requests as they need."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from bactofleet.core.destination import deliver
from bactofleet.core.errors import TemporaryFailure


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


def test_an_upload_that_fails_is_worth_another_attempt(s3: Any, tmp_path: Path) -> None:
    (tmp_path / "S1.tar.gz").write_bytes(b"data")

    with pytest.raises(TemporaryFailure, match="s3://no-such-bucket"):
        deliver(tmp_path / "S1.tar.gz", "s3://no-such-bucket/run", {})
