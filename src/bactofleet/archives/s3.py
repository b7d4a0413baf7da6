"""Objects on S3: found with HEAD, copied by key in parallel ranges, verified.

AWS_ENDPOINT_URL, AWS_CA_BUNDLE and the other settings of boto3 are respected.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import boto3.exceptions
import botocore
import botocore.exceptions
from botocore.config import Config

from bactofleet.archives.disk import check_space
from bactofleet.archives.https import Fetched
from bactofleet.archives.retry import Denied, NotFound, Say, retry
from bactofleet.core.destination import S3_SCHEME
from bactofleet.core.errors import TemporaryFailure
from bactofleet.core.files import CHUNK_BYTES

MISSING = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")
DENIED = ("401", "403", "AccessDenied", "AllAccessDisabled")
# An ETag is an MD5 if the object was uploaded in one part and is not encrypted with KMS:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
MD5_ETAG = re.compile(r'"([0-9a-f]{32})"')
SUPPORTS_MD5_ETAG = (None, "AES256")


@dataclass(frozen=True)
class S3Object:
    """What HEAD says about an object."""

    bucket: str
    key: str
    bytes: int
    md5: str
    """"" if S3 does not know it."""

    @property
    def url(self) -> str:
        """The object's address."""
        return f"s3://{self.bucket}/{self.key}"


def make_client(*, signed: bool, region: str | None = None) -> Any:
    """Return a client of S3; an unsigned one has the rights of the public."""
    # botocore itself retries after throttling and broken connections.
    options: dict[str, Any] = {"retries": {"mode": "standard", "max_attempts": 5}}
    if not signed:
        options["signature_version"] = botocore.UNSIGNED
    return boto3.client("s3", region_name=region, config=Config(**options))


def has_credentials() -> bool:
    """Say whether the environment, a file or the instance's role gives credentials."""
    return boto3.Session().get_credentials() is not None


def look_up(url: str, say: Say) -> tuple[Any, S3Object]:
    """Return a client with the user's rights, or else the public's, and the object of a URL.

    Raises as `find_object`, and `TemporaryFailure` if the user's settings of AWS cannot be read.
    """
    with _named(url):
        client = make_client(signed=has_credentials())
    bucket, _, key = url.removeprefix(S3_SCHEME).partition("/")
    return client, find_object(client, bucket, key, say)


def find_object(client: Any, bucket: str, key: str, say: Say) -> S3Object:
    """Look up an object; raise `NotFound`, `Denied`, or `TemporaryFailure` after all attempts."""

    def ask() -> S3Object:
        with _named(f"s3://{bucket}/{key}"):
            head = client.head_object(Bucket=bucket, Key=key)
        match = MD5_ETAG.fullmatch(head["ETag"])
        is_md5 = match and head.get("ServerSideEncryption") in SUPPORTS_MD5_ETAG
        return S3Object(bucket, key, head["ContentLength"], match[1] if match and is_md5 else "")

    return retry(ask, say)


def download(client: Any, found: S3Object, target: Path, say: Say) -> Fetched:
    """Copy an object to `target` and compare its size and MD5 with those from HEAD."""

    def copy() -> str:
        check_space(target.parent, found.bytes, found.url)
        with _named(found.url):
            client.download_file(found.bucket, found.key, str(target))
        return _verify(found, target)

    return Fetched(found.url, target, found.bytes, found.md5, retry(copy, say))


def _verify(found: S3Object, target: Path) -> str:
    """Return the SHA-256 of the file, if its size and MD5 match those from HEAD.

    The parts arrive in any order, so the file is read once more for its checksums.
    """
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = 0
    with target.open("rb") as handle:
        while block := handle.read(CHUNK_BYTES):
            size += len(block)
            sha256.update(block)
            if found.md5:
                md5.update(block)
    if size != found.bytes:
        raise TemporaryFailure(f"{found.url} has {size:,} bytes, not {found.bytes:,}")
    if found.md5 and md5.hexdigest() != found.md5:
        raise TemporaryFailure(f"{found.url} has the MD5 {md5.hexdigest()}, not {found.md5}")
    return sha256.hexdigest()


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Translate boto3's errors into ours, which name the object."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        said = f"S3 answers {code} for {url}"
        if code in MISSING:
            raise NotFound(said) from error
        if code in DENIED:
            raise Denied(said) from error
        raise TemporaryFailure(said) from error
    except (botocore.exceptions.BotoCoreError, boto3.exceptions.Boto3Error) as error:
        raise TemporaryFailure(f"{url}: {error}") from error
