"""What the children of the benchmark would do, without containers: deliver the declared outputs."""

import io
import json
import re
import tarfile
from functools import lru_cache

from emulator.batch.stubs import StubChild
from emulator.provision import BUCKET
from executors import PEER_PREFIX
from moto.s3.models import S3Backend

from snakemake_executor_plugin_aws_batch_array import environment
from snakemake_executor_plugin_aws_batch_array.manifest import parse_line
from snakemake_executor_plugin_aws_batch_array.returns import RECORD_FILE
from snakemake_executor_plugin_aws_batch_array.store import RunFolder

RESULT = b"{}\n"
GENOME = re.compile(r"genome=(\d+)")


def return_outputs(child: StubChild) -> int:
    """Do as a child of the executor aws-batch-array: read its line, put one archive."""
    variables = child.environment
    folder, array = RunFolder(variables[environment.RUN_PREFIX]), variables[environment.ARRAY]
    bucket, index = variables[environment.BUCKET], child.index or 0
    manifest = _read_manifest(child.s3, bucket, folder.get_manifest(array))
    width = int(variables[environment.LINE_BYTES])
    line = parse_line(manifest[index * width : (index + 1) * width])
    record = json.dumps({"attempt": child.attempt}).encode()
    archive = _pack({RECORD_FILE: record} | dict.fromkeys(line.outputs, RESULT))
    child.put_object(bucket, folder.get_returned(array, index), archive)
    return 0


def store_output(child: StubChild) -> int:
    """Do as a job of the executor aws-batch: put the output to the default storage."""
    genome = GENOME.search(child.command[-1])
    if genome is None:
        raise ValueError(f"no genome in {child.command[-1]}")
    child.put_object(BUCKET, f"{PEER_PREFIX}/results/{genome[1]}.json", RESULT)
    return 0


@lru_cache(maxsize=16)
def _read_manifest(s3: S3Backend, bucket: str, key: str) -> bytes:
    """Read a whole manifest, once for all stubs, where a child would read its own line."""
    manifest = s3.get_object(bucket, key)
    if manifest is None:
        raise KeyError(key)
    content: bytes = manifest.value
    return content


def _pack(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
