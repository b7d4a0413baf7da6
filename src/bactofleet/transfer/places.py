"""Storage of a cohort's tarballs: a folder, or a prefix in a bucket on S3."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Protocol

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bactofleet.aws.faults import error_code, translated
from bactofleet.aws.session import open_session
from bactofleet.core.destination import S3_SCHEME, bucket_and_prefix, is_s3
from bactofleet.core.errors import BactofleetError, ConfigurationError
from bactofleet.core.files import only_regular
from bactofleet.transfer.parallel import WORKERS

TARBALL = ".tar.gz"
# Errors of a single object; any other error of S3 would also affect the next object.
MISSING = ("404", "NoSuchKey", "InvalidRange")


class ObjectFault(BactofleetError):
    """Something is wrong with one tarball; the others are not affected."""


class Place(Protocol):
    """Storage of tarballs."""

    def iter_files(self) -> Iterator[tuple[str, int]]:
        """Yield name and size (bytes) of each file that is not in a subfolder."""

    def sha256(self, name: str) -> str | None:
        """Return the SHA-256 of a file, None if only a full download would give it.

        Raises `ObjectFault` if the file does not exist.
        """

    def reading(self, name: str) -> AbstractContextManager[tuple[int | None, IO[bytes]]]:
        """Open a file for reading; yield its size in bytes, if it is known, and the file.

        Raises `ObjectFault` if the file does not exist.
        """

    def address(self, name: str) -> str:
        """Return the path or URI of a file in the form that receipts use."""


class Folder:
    """A folder of this machine. It also holds tables and reports, so only tarballs are listed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def iter_files(self) -> Iterator[tuple[str, int]]:
        """See `Place`."""
        for path in self._path.glob(f"*{TARBALL}"):
            if path.is_file():
                yield path.name, path.stat().st_size

    def sha256(self, name: str) -> str | None:
        """See `Place`."""
        with self._open(name) as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()

    @contextmanager
    def reading(self, name: str) -> Iterator[tuple[int | None, IO[bytes]]]:
        """See `Place`."""
        with self._open(name) as handle:
            yield os.fstat(handle.fileno()).st_size, handle

    def _open(self, name: str) -> BufferedReader:
        try:
            return open(self._path / name, "rb", opener=only_regular)
        except OSError as error:
            raise ObjectFault(f"{self.address(name)}: {error.strerror}") from error

    def address(self, name: str) -> str:
        """See `Place`."""
        return str(self._path / name)


class Bucket:
    """A bucket on S3, below the prefix that `results` names."""

    def __init__(self, results: str, client: Any) -> None:
        self._bucket, self._prefix = bucket_and_prefix(results)
        self._client = client

    def is_missing(self) -> bool:
        """Say whether S3 answers that there is no such bucket; makes one request.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
        """
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            return error_code(error) == "404"
        except BotoCoreError:
            pass  # an outage says nothing about the bucket
        return False

    def iter_files(self) -> Iterator[tuple[str, int]]:
        """See `Place`; makes one request per 1,000 objects."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
        )
        with translated():
            for page in pages:
                for item in page.get("Contents", []):
                    yield item["Key"].removeprefix(self._prefix), item["Size"]

    def sha256(self, name: str) -> str | None:
        """Return the SHA-256 that S3 computed at the upload; None for a multipart upload.

        For a multipart upload S3 keeps a checksum of the parts' checksums, and the ETag ends with
        the number of parts:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
        """
        with self._about(name):
            reply = self._client.head_object(
                Bucket=self._bucket, Key=self._prefix + name, ChecksumMode="ENABLED"
            )
            if "-" in reply["ETag"] or "ChecksumSHA256" not in reply:
                return None
            return base64.b64decode(reply["ChecksumSHA256"]).hex()

    def open(self, name: str, first_bytes: int | None = None) -> dict[str, Any]:
        """Request an object, or its first bytes; return S3's answer with an unread `Body`.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        extra = {"Range": f"bytes=0-{first_bytes - 1}"} if first_bytes else {}
        with self._about(name):
            reply: dict[str, Any] = self._client.get_object(
                Bucket=self._bucket, Key=self._prefix + name, **extra
            )
        return reply

    @contextmanager
    def reading(self, name: str) -> Iterator[tuple[int | None, IO[bytes]]]:
        """See `Place`; what is not read is not transferred."""
        answer = self.open(name)
        with closing(answer["Body"]) as body:
            yield answer.get("ContentLength"), body

    def address(self, name: str) -> str:
        """See `Place`."""
        return f"{S3_SCHEME}{self._bucket}/{self._prefix}{name}"

    @contextmanager
    def _about(self, name: str) -> Iterator[None]:
        with translated():
            try:
                yield
            except ClientError as error:
                if error_code(error) not in MISSING:
                    raise
                message = f"{self.address(name)}: S3 answers {error_code(error)}"
                raise ObjectFault(message) from error
            # botocore reads the fields of an answer without looking at them.
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise ObjectFault(
                    f"{self.address(name)}: S3's answer does not have the documented form ({error})"
                ) from error


def open_place(results: str) -> Place:
    """Return the storage that the configuration's `results` names."""
    return open_bucket(results) if is_s3(results) else Folder(Path(results))


def open_bucket(results: str) -> Bucket:
    """Return the bucket that the configuration's `results` names.

    Raises `ConfigurationError` if it names a folder.
    """
    if not is_s3(results):
        raise ConfigurationError(
            [f"results: {results!r} is a folder of this machine: tarballs and receipts are there"]
        )
    config = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=WORKERS)
    with translated():
        return Bucket(results, open_session(None).client("s3", config=config))
