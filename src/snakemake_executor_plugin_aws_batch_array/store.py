"""Objects of a run in S3, and what they are called."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

from botocore.exceptions import ClientError

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MAX_DELETED_AT_ONCE = 1000


@dataclass(frozen=True)
class RunFolder:
    """Keys of the objects of one run, below `prefix` (no slash at its end)."""

    prefix: str

    @property
    def bundle(self) -> str:
        """Sources, configuration and options."""
        return f"{self.prefix}/bundle.tar.gz"

    def get_manifest(self, array: str) -> str:
        """One line for each child of an array."""
        return f"{self.prefix}/{array}.manifest"

    def get_input(self, path: str) -> str:
        """A local input of some job."""
        return f"{self.prefix}/inputs/{path}"

    def get_returned(self, array: str, index: int) -> str:
        """What child `index` of an array sends back."""
        return f"{self.prefix}/{array}/{index}.tar.gz"


class Store:
    """One bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def put(self, key: str, body: bytes) -> None:
        """Write one object."""
        self._client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def put_file(self, key: str, path: str) -> None:
        """Write one object from a file, in parts if it is large."""
        self._client.upload_file(path, self.bucket, key)

    def open(self, key: str, byte_range: str | None = None) -> IO[bytes]:
        """Read one object, or a range of it, with one request.

        Raises:
            KeyError: there is no such object.
        """
        extra = {"Range": byte_range} if byte_range else {}
        try:
            reply = self._client.get_object(Bucket=self.bucket, Key=key, **extra)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise KeyError(key) from error
            raise
        return cast(IO[bytes], reply["Body"])

    def check(self) -> None:
        """Ask whether the bucket can be reached."""
        self._client.head_bucket(Bucket=self.bucket)

    def remove(self, folder: RunFolder) -> None:
        """Delete all objects of a run."""
        for keys in self._iter_pages(f"{folder.prefix}/"):
            self._client.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})

    def _iter_pages(self, prefix: str) -> Iterator[list[dict[str, str]]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket,
            Prefix=prefix,
            PaginationConfig={"PageSize": MAX_DELETED_AT_ONCE},
        )
        for page in pages:
            if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
                yield keys
