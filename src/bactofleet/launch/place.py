"""Where a launched run is: `s3://BUCKET/runs/NAME`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bactofleet.core.destination import bucket_and_prefix, is_s3, on_s3
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import fingerprint

FOLDER = "runs/"
# Folder of a run with a folder for each of its shards.
SHARDS = "shards"
# Part of the name of a job, of at most 128 characters:
# https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/runs/(?P<name>[^/]+)/?")


@dataclass(frozen=True)
class Place:
    """A launched run, or one of its shards: its bucket and its name."""

    bucket: str
    name: str
    shard: str = ""
    """Name of the shard in the run; "" is the run itself."""

    @property
    def address(self) -> str:
        """The address that `--run` takes."""
        return f"s3://{self.bucket}/{FOLDER}{self.name}"

    def key(self, *parts: str) -> str:
        """Return the key of an object of the run, or of the shard."""
        folder = [SHARDS, self.shard] if self.shard else []
        return f"{FOLDER}{'/'.join([self.name, *folder, *parts])}"

    @property
    def run(self) -> Place:
        """The run that a shard is of."""
        return Place(self.bucket, self.name)


def parse_place(address: str) -> Place:
    """Return the run at an address; raise `ConfigurationError` if it is not the address of one."""
    found = _ADDRESS.fullmatch(address)
    if not (found and _NAME.fullmatch(found["name"])):
        raise ConfigurationError(
            [
                f"--run must be s3://BUCKET/{FOLDER}NAME, as `bactofleet launch` shows it, "
                f"not {address!r}"
            ]
        )
    return Place(found["bucket"], found["name"])


def place_of(results: str, bucket: str) -> Place:
    """Return the run that makes these results; there is only one, so that it has only one name.

    `s3://BUCKET/results/cohort` gives `cohort`; other addresses get a checksum, so that no two
    share a name.
    """
    if not is_s3(results):
        raise ConfigurationError(
            [f"results is the folder {results!r}; set results: s3://{bucket}/results/NAME"]
        )
    of_bucket, prefix = bucket_and_prefix(results)
    folder, _, cohort = prefix.rstrip("/").partition("/")
    if of_bucket == bucket and folder == "results" and _NAME.fullmatch(cohort or folder):
        return Place(bucket, cohort or folder)
    words = _UNFIT.sub("-", cohort or folder or of_bucket)[:60]
    return Place(bucket, f"{words}-{fingerprint(on_s3(results))[:8]}")
