"""The objects of a run in S3, and their names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, cast

from botocore.exceptions import ClientError

from .retrying import Retrier

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MAX_DELETED_AT_ONCE = 1000


@dataclass(frozen=True)
class RunFolder:
    """Keys of the objects of one run, below `prefix` (no slash at its end)."""

    prefix: str

    @property
    def name(self) -> str:
        """Id of the run, the prefix of its jobs' names."""
        return self.prefix.rpartition("/")[2]

    @property
    def bundle(self) -> str:
        """Sources, configuration and options."""
        return f"{self.prefix}/bundle.tar.gz"

    def get_manifest(self, array: str) -> str:
        """One line for each child of an array."""
        return f"{self.prefix}/{array}.manifest"

    def get_input(self, path: str) -> str:
        """A local input of a job."""
        return f"{self.prefix}/inputs/{path}"

    def get_returned(self, array: str, index: int) -> str:
        """What child `index` of an array sends back."""
        return f"{self.prefix}/{array}/{index}.tar.gz"


class Store:
    """One bucket.

    Its methods raise errors that waiting does not solve; without a retrier, every error.
    """

    def __init__(self, client: Any, bucket: str, retrier: Retrier | None = None) -> None:
        self._client = client
        self.bucket = bucket
        self.retrier = retrier or Retrier.none()

    def put(self, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """Write one object."""
        self.retrier.ask(
            lambda: self._client.put_object(
                Bucket=self.bucket, Key=key, Body=body, Metadata=metadata or {}
            )
        )

    def put_file(self, key: str, path: str, metadata: Mapping[str, str] | None = None) -> None:
        """Write one object from a file, in parts if it is large."""
        extra = {"Metadata": metadata or {}}
        self.retrier.ask(lambda: self._client.upload_file(path, self.bucket, key, ExtraArgs=extra))

    def open(self, key: str, byte_range: str | None = None) -> IO[bytes]:
        """Read one object, or a range of it, with one request.

        Raises:
            KeyError: there is no such object.
        """
        return self.open_described(key, byte_range)[0]

    def open_if_allowed(self, key: str) -> IO[bytes]:
        """Like `open`, but an object that S3 refuses to read counts as missing."""
        try:
            return self.open(key)
        except ClientError as error:
            raise KeyError(key) from error

    def open_described(
        self, key: str, byte_range: str | None = None
    ) -> tuple[IO[bytes], Mapping[str, str]]:
        """Like `open`, but also returns the metadata of the object."""
        extra = {"Range": byte_range} if byte_range else {}
        try:
            reply = self.retrier.ask(
                lambda: self._client.get_object(Bucket=self.bucket, Key=key, **extra)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise KeyError(key) from error
            raise
        return cast(IO[bytes], reply["Body"]), cast(Mapping[str, str], reply["Metadata"])

    def get_metadata(self, key: str) -> Mapping[str, str]:
        """Return the metadata of an object; none if there is no such object."""
        try:
            reply = self.retrier.ask(lambda: self._client.head_object(Bucket=self.bucket, Key=key))
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                return {}
            raise
        return cast(Mapping[str, str], reply["Metadata"])

    def list_folders(self, prefix: str) -> list[str]:
        """Return the folders directly below a prefix that ends with a slash, without their own."""
        pages = self._list(prefix, Delimiter="/")
        found = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
        return [folder.rstrip("/") for folder in found]

    def list_returned(self, folder: RunFolder, array: str) -> set[int]:
        """Return the indices of the children of an array that have sent something back."""
        keys = [
            item["Key"]
            for page in self._list(folder.get_returned(array, 0).removesuffix("0.tar.gz"))
            for item in page.get("Contents", [])
        ]
        names = [key.rpartition("/")[2].removesuffix(".tar.gz") for key in keys]
        return {int(name) for name in names if name.isdecimal()}

    def remove(self, folder: RunFolder) -> None:
        """Delete all objects of a run."""
        for keys in self._iter_pages(f"{folder.prefix}/"):
            self._delete(keys)

    def _delete(self, keys: list[dict[str, str]]) -> None:
        request = {"Objects": keys, "Quiet": True}
        self.retrier.ask(lambda: self._client.delete_objects(Bucket=self.bucket, Delete=request))

    def _iter_pages(self, prefix: str) -> Iterator[list[dict[str, str]]]:
        for page in self._list(prefix, PaginationConfig={"PageSize": MAX_DELETED_AT_ONCE}):
            if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
                yield keys

    def _list(self, prefix: str, **options: Any) -> list[dict[str, Any]]:
        """Pages of a listing."""
        paginator = self._client.get_paginator("list_objects_v2")
        return self.retrier.ask(
            lambda: list(paginator.paginate(Bucket=self.bucket, Prefix=prefix, **options))
        )
