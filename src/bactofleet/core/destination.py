"""Where results go: a folder, or a prefix in an S3 bucket."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bactofleet.core.errors import DeliveryRefused, TemporaryFailure
from bactofleet.core.files import fingerprint, sync

S3_SCHEME = "s3://"
# Larger tarballs (those with reads) are uploaded in parts, the others in one request, because S3
# charges for each request: https://aws.amazon.com/s3/pricing/
SINGLE_REQUEST_BYTES = 256 * 1024**2
PART_BYTES = 8 * 1024**2
# Answers that another attempt does not change:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
REFUSALS = frozenset(
    ("AccessDenied", "AllAccessDisabled", "InvalidBucketName", "MethodNotAllowed", "NoSuchBucket")
)


def is_s3(results: str) -> bool:
    """Say whether results go to S3 rather than to a folder."""
    return results.startswith(S3_SCHEME)


def local_folder(results: str) -> Path:
    """Return the controller's folder, which always holds receipts, tables and the report."""
    return Path("results" if is_s3(results) else results)


def scratch_folder(scratch: str, results: str) -> Path:
    """Return the folder below `scratch` in which the genomes of a results folder are made.

    Each results folder has its own, because two cohorts may have samples of the same name and
    `scratch` may hold files of other programs.
    """
    place = results if is_s3(results) else str(Path(results).resolve())
    return Path(scratch) / f"bactofleet-{fingerprint(place)[:8]}"


def bucket_and_prefix(results: str) -> tuple[str, str]:
    """Return the bucket and the key prefix of an S3 address; the prefix is "" or "folder/"."""
    url = urlsplit(results)
    return url.netloc, f"{url.path.strip('/')}/".lstrip("/")


def on_s3(results: str) -> str:
    """Return the start that all addresses below an S3 address share."""
    bucket, prefix = bucket_and_prefix(results)
    return f"{S3_SCHEME}{bucket}/{prefix}".rstrip("/")


def deliver(tarball: Path, results: str, metadata: Mapping[str, str]) -> str:
    """Deliver a tarball to the results, whole or not at all; return its new address.

    On S3 the object gets the `metadata`; files in a folder have none. Raises `DeliveryRefused` if
    S3 will never take it, `TemporaryFailure` if it may at another attempt.
    """
    if is_s3(results):
        return _upload(tarball, results, metadata)
    return _move(tarball, Path(results))


def _move(tarball: Path, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / tarball.name
    # Results may be on another file system, so copy, sync to disk, then rename.
    partial = folder / f".{tarball.name}.part"
    shutil.copyfile(tarball, partial)
    with partial.open("rb") as handle:
        os.fsync(handle.fileno())
    partial.replace(target)
    sync(folder)
    return str(target)


def _upload(tarball: Path, results: str, metadata: Mapping[str, str]) -> str:
    """Upload with a SHA-256 of every part, which S3 checks; a partial upload is never visible."""
    # Imported here because boto3 starts slowly and results in a folder do not need it.
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
        message = f"the upload to {results} failed: {error}"
        # boto3 raises its own error while it handles that of S3.
        answer = getattr(error.__context__, "response", {})
        if answer.get("Error", {}).get("Code") in REFUSALS:
            raise DeliveryRefused(message) from error
        raise TemporaryFailure(message) from error
    return f"{S3_SCHEME}{bucket}/{key}"
