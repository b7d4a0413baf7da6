"""Where results go: a folder, or a bucket on S3 below a prefix."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bactofleet.core.errors import TemporaryFailure
from bactofleet.core.files import fingerprint, sync

S3_SCHEME = "s3://"
# Larger tarballs, those with reads, go up in parts; the others in one request, as requests are
# paid for: https://aws.amazon.com/s3/pricing/
SINGLE_REQUEST_BYTES = 256 * 1024**2
PART_BYTES = 8 * 1024**2


def is_s3(results: str) -> bool:
    """Say whether results go to S3 rather than to a folder."""
    return results.startswith(S3_SCHEME)


def local_folder(results: str) -> Path:
    """Return the controller's folder: receipts, tables and the report are always files here."""
    return Path("results" if is_s3(results) else results)


def scratch_folder(scratch: str, results: str) -> Path:
    """Return the folder below `scratch` where genomes of a results folder are worked on.

    Each has its own: two cohorts may have samples of the same name, and what others keep in
    `scratch` is not ours.
    """
    place = results if is_s3(results) else str(Path(results).resolve())
    return Path(scratch) / f"bactofleet-{fingerprint(place)[:8]}"


def bucket_and_prefix(results: str) -> tuple[str, str]:
    """Return the bucket of an address on S3, and what keys begin with: "" or "folder/"."""
    url = urlsplit(results)
    return url.netloc, f"{url.path.strip('/')}/".lstrip("/")


def on_s3(results: str) -> str:
    """Return an address on S3 as the addresses of what is below it begin."""
    bucket, prefix = bucket_and_prefix(results)
    return f"{S3_SCHEME}{bucket}/{prefix}".rstrip("/")


def deliver(tarball: Path, results: str, metadata: Mapping[str, str]) -> str:
    """Put a tarball to where results go, whole or not at all; return where it is now.

    On S3 the object has the `metadata`; a folder's files have none.
    """
    if is_s3(results):
        return _upload(tarball, results, metadata)
    return _move(tarball, Path(results))


def _move(tarball: Path, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / tarball.name
    # Results may lie on another file system, so: copy, make it safe, then give it its name.
    partial = folder / f".{tarball.name}.part"
    shutil.copyfile(tarball, partial)
    with partial.open("rb") as handle:
        os.fsync(handle.fileno())
    partial.replace(target)
    sync(folder)
    return str(target)


def _upload(tarball: Path, results: str, metadata: Mapping[str, str]) -> str:
    """Upload with a SHA-256 that S3 checks for every part; a partial upload is never visible."""
    # Imported here: a run whose results go to a folder does not pay for boto3's start.
    import boto3  # noqa: PLC0415
    import botocore.exceptions  # noqa: PLC0415
    from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415

    bucket, prefix = bucket_and_prefix(results)
    key = prefix + tarball.name
    try:
        boto3.client("s3").upload_file(
            str(tarball),
            bucket,
            key,
            ExtraArgs={"ChecksumAlgorithm": "SHA256", "Metadata": dict(metadata)},
            Config=TransferConfig(
                multipart_threshold=SINGLE_REQUEST_BYTES, multipart_chunksize=PART_BYTES
            ),
        )
    except (S3UploadFailedError, botocore.exceptions.BotoCoreError) as error:
        raise TemporaryFailure(f"the upload to {results} failed: {error}") from error
    return f"{S3_SCHEME}{bucket}/{key}"
