"""Which job is the controller of a shard: an object, replaced only by whoever has read it last.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from bactofleet.aws.faults import error_code
from bactofleet.launch.place import Place

OBJECT = "controller.json"
# Answers to a write that came too late.
CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


class TakenError(Exception):
    """Somebody else has changed the record since it was read."""


@dataclass(frozen=True)
class Record:
    """The last launch of a shard."""

    token: str = field(default_factory=lambda: secrets.token_hex(4))
    """Part of the name of its job, so that the job is found even if its id was never known."""
    job_id: str = ""
    """Empty until Batch has accepted the job."""
    written: float = field(default_factory=time.time)
    """Seconds since the epoch."""


def read_record(s3: Any, place: Place) -> tuple[Record | None, str]:
    """Return the record and its version; None and "" if the shard was never launched."""
    found, version = read_object(s3, place, OBJECT)
    return (None if found is None else Record(**found)), version


def write_record(s3: Any, place: Place, record: Record, version: str) -> str:
    """Replace that version of the record, and return the new one; raise `TakenError`."""
    return write_object(s3, place, OBJECT, asdict(record), version)


def read_object(s3: Any, place: Place, name: str) -> tuple[Any, str]:
    """Return a JSON object and its version; None and "" if there is none."""
    try:
        reply = s3.get_object(Bucket=place.bucket, Key=place.key(name))
    except s3.exceptions.NoSuchKey:
        return None, ""
    return json.loads(reply["Body"].read()), str(reply["ETag"])


def write_object(s3: Any, place: Place, name: str, content: Any, version: str) -> str:
    """Replace that version of a JSON object ("" for none), and return the new version.

    Raises `TakenError` if the object has another version by now.
    """
    condition = {"IfMatch": version} if version else {"IfNoneMatch": "*"}
    body = json.dumps(content).encode()
    try:
        reply = s3.put_object(Bucket=place.bucket, Key=place.key(name), Body=body, **condition)
    except ClientError as error:
        if error_code(error) not in CONFLICTS:
            raise
        # A write whose answer was lost has been repeated by boto3, and meets itself.
        found, version = read_object(s3, place, name)
        if found == content:
            return version
        raise TakenError from error
    return str(reply["ETag"])
