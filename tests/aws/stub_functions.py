"""What stubbed children do in the tests."""

import io
import json
import tarfile
from collections.abc import Callable
from functools import lru_cache

from aws.emulator.batch.stubs import StubChild
from moto.s3.models import S3Backend

from snakemake_executor_plugin_aws_batch_array import environment
from snakemake_executor_plugin_aws_batch_array.manifest import parse_line
from snakemake_executor_plugin_aws_batch_array.returns import RECORD_FILE
from snakemake_executor_plugin_aws_batch_array.store import RunFolder

RESULT = b"{}\n"
# Genomes whose tool fails whatever is tried.
BROKEN = frozenset({13, 77, 150})


def succeed(child: StubChild) -> int:
    """End well."""
    return 0


def put_index(child: StubChild) -> int:
    """Put an object named by the index to the bucket that the environment names."""
    child.put_object(child.environment["BUCKET"], f"{child.index}.txt", b"done")
    return 0


def succeed_on_the_second_attempt(child: StubChild) -> int:
    """Exit 75 at first."""
    return 0 if child.attempt == 2 else 75


def return_outputs(child: StubChild) -> int:
    """Do as a job of the executor: send back the outputs that its line of the manifest names."""
    return return_files(child, lambda _: RESULT)


def return_files(child: StubChild, make: Callable[[str], bytes]) -> int:
    """Send back the outputs with contents that are made from their paths."""
    variables = child.environment
    folder, array = RunFolder(variables[environment.RUN_PREFIX]), variables[environment.ARRAY]
    record = json.dumps({"attempt": child.attempt}).encode()
    members = {RECORD_FILE: record} | {path: make(path) for path in read_outputs(child)}
    key = folder.get_returned(array, child.index or 0)
    child.put_object(variables[environment.BUCKET], key, _pack(members))
    return 0


def return_outputs_of_the_fallback_queue(child: StubChild) -> int:
    """Exit 75 on the first queue for the first child; the others return their outputs."""
    is_spot = child.environment["AWS_BATCH_JQ_NAME"] == "genomes"
    return 75 if is_spot and child.index == 0 else return_outputs(child)


def behave(child: StubChild) -> int:
    """Fail on the first queue, or for good, by the number; tell in the bucket what was made."""
    (target,) = read_outputs(child)
    number = int(target.rpartition("/")[2].removesuffix(".json"))
    if number in BROKEN:
        return 1
    is_spot = child.environment["AWS_BATCH_JQ_NAME"] == "genomes"
    if is_spot and number % 7 == 0:
        return 75
    if is_spot and number % 11 == 0:
        return 132
    key = f"made/{number}/{child.job_id}-{child.attempt}"
    child.put_object(child.environment[environment.BUCKET], key, b"")
    return return_outputs(child)


def return_garbage_first(child: StubChild) -> int:
    """Send back no archive as the first child, and outputs as the others."""
    if child.index:
        return return_outputs(child)
    variables = child.environment
    folder, array = RunFolder(variables[environment.RUN_PREFIX]), variables[environment.ARRAY]
    child.put_object(variables[environment.BUCKET], folder.get_returned(array, 0), b"[" * 100_000)
    return 0


def cannot_work(child: StubChild) -> int:
    """End as a child does that may not read the bundle."""
    return 78


def temporary(child: StubChild) -> int:
    """End as a child does whose files do not come."""
    return 75


def read_outputs(child: StubChild) -> list[str]:
    """The outputs of a child's line of the manifest."""
    variables = child.environment
    folder, width = RunFolder(variables[environment.RUN_PREFIX]), variables[environment.LINE_BYTES]
    key = folder.get_manifest(variables[environment.ARRAY])
    manifest = _read_manifest(child.s3, variables[environment.BUCKET], key)
    start = (child.index or 0) * int(width)
    return parse_line(manifest[start : start + int(width)]).outputs


@lru_cache(maxsize=16)
def _read_manifest(s3: S3Backend, bucket: str, key: str) -> bytes:
    """Read a whole manifest, once for all stubs, where a child would read its own line."""
    content: bytes = s3.get_object(bucket, key).value
    return content


def _pack(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
