"""Entry point of a container: `python3 -m snakemake_executor_plugin_aws_batch_array.worker`.

It unpacks the bundle, runs its line of the manifest, sends the declared outputs back and exits with
the code by which Batch decides on another attempt.
"""

import errno
import hashlib
import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import boto3
import urllib3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from . import environment, exit_codes
from .bundle import CONFIG_FILE, RUN_FILE
from .inputs import place_input
from .instance import describe_host
from .manifest import ManifestLine, get_byte_range, parse_line
from .retrying import Retrier
from .returns import pack_outputs
from .store import RunFolder, Store
from .trees import DanglingLinkError
from .versions import find_mismatch

# Errors of a network, a disk or a busy service: another attempt can succeed.
STAGING_ERRORS = (
    *(BotoCoreError, ClientError, Boto3Error, urllib3.exceptions.HTTPError),
    *(KeyError, ValueError, OSError, tarfile.TarError),
)
# A child's results are worth more than some minutes of waiting for S3.
STAGING_PATIENCE_S = 900.0
# S3's errors for a request that it will never grant.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
REFUSALS = frozenset(
    {
        *("AccessDenied", "AllAccessDisabled", "InvalidObjectState", "MethodNotAllowed"),
        *("NoSuchBucket", "NoSuchKey", "PermanentRedirect", "AuthorizationHeaderMalformed"),
    }
)
# Errors of a file's name or location that occur on every host.
PATH_ERRNOS = frozenset(
    {
        *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EINVAL),
    }
)


class Interrupted(Exception):
    """SIGTERM: the host is going away, or the job was terminated."""


def main() -> int:
    """Run one child; the working directory is removed whatever happens."""
    signal.signal(signal.SIGTERM, _interrupt)
    attempt = int(os.environ[environment.ATTEMPT])
    record = {"attempt": attempt, "started": int(time.time() * 1000), **describe_host()}
    print(environment.HOST_LINE + json.dumps(record), flush=True)
    folder = Path(tempfile.mkdtemp(dir=os.environ[environment.SCRATCH]))
    try:
        ending = run_child(folder, record)
    except Interrupted:
        ending = exit_codes.ExitStatus(exit_codes.TERMINATED, "stopped by SIGTERM")
    finally:
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)
    if ending.reason:
        print(environment.REASON_LINE + ending.reason, flush=True)
    return ending.code


def run_child(folder: Path, record: dict[str, Any]) -> exit_codes.ExitStatus:
    """Stage in, run Snakemake, stage out, in an empty folder."""
    if mismatch := find_mismatch(os.environ.get(environment.VERSIONS, "{}")):
        reason = f"{mismatch}: use an image with the controller's versions"
        return exit_codes.ExitStatus(exit_codes.MISCONFIGURED, reason)
    store, run, array, index = _connect()
    work, private = folder / "work", folder / "private"
    work.mkdir()
    private.mkdir()
    os.chdir(work)
    try:
        with store.retrier.limited(STAGING_PATIENCE_S):
            options, line = store.retrier.ask(lambda: stage_in(store, run, array, index))
    except STAGING_ERRORS as error:
        return get_staging_exit_status("in", error)
    code = run_snakemake(options, line, private)
    key = run.get_returned(array, index)
    logs = [path for path in line.logs if Path(path).exists()]
    if code == 0:
        return stage_out(store, key, [*line.outputs, *logs], record, private)
    # In a group of several genomes, one failure must not lose the others' results.
    if made := [*(path for path in line.outputs if Path(path).exists()), *logs]:
        stage_out(store, key, made, record, private)
    ending = exit_codes.get_exit_status(code, private / "exit-code")
    return ending._replace(code=exit_codes.to_container(ending.code))


def stage_in(
    store: Store, run: RunFolder, array: str, index: int
) -> tuple[dict[str, Any], ManifestLine]:
    """Fetch sources and inputs; return the options of the run and the line of this child."""
    bundle = store.open(run.bundle).read()
    if hashlib.sha256(bundle).hexdigest() != os.environ[environment.BUNDLE_SHA256]:
        raise ValueError("the bundle in the bucket is not the one that the controller sent")
    with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as archive:
        archive.extractall(filter="data")
    options = json.loads(Path(RUN_FILE).read_text())
    Path(CONFIG_FILE).write_text(json.dumps(options["config"]))
    width = int(os.environ[environment.LINE_BYTES])
    line = parse_line(store.open(run.get_manifest(array), get_byte_range(index, width)).read())
    for path in line.inputs:
        place_input(*store.open_described(run.get_input(path)), Path(path))
    return options, line


def run_snakemake(options: dict[str, Any], line: ManifestLine, private: Path) -> int:
    """Run the rules of this child; return Snakemake's exit code.

    Home, cache and temporary files are next to the working directory, because the container's own
    file system may be read-only.
    """
    temporary = private / "tmp"
    temporary.mkdir()
    expected = private / "expected-inputs.json"
    expected.write_text(json.dumps(line.digests))
    variables = {
        **os.environ,
        **options["environment"],
        "HOME": str(private),
        "XDG_CACHE_HOME": str(private / "cache"),
        "TMPDIR": str(temporary),
        environment.EXPECTED_INPUTS: str(expected),
        environment.EXIT_CODE_FILE: str(private / "exit-code"),
    }
    command = [sys.executable, "-m", f"{__package__}.inner", *line.arguments, *options["arguments"]]
    process = None
    try:
        with _uninterrupted():
            process = subprocess.Popen(command, env=variables, start_new_session=True)
        return process.wait()
    except Interrupted:
        if process:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let a SIGTERM that comes meanwhile interrupt afterwards."""
    came: list[int] = []
    handler = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
    if came:
        raise Interrupted


def stage_out(
    store: Store, key: str, outputs: list[str], record: dict[str, Any], private: Path
) -> exit_codes.ExitStatus:
    """Send outputs back, in one object."""
    archive = private / "returned.tar.gz"
    try:
        pack_outputs(archive, outputs, record)
        with store.retrier.limited(STAGING_PATIENCE_S):
            store.put_file(key, str(archive))
    except FileNotFoundError as error:
        return exit_codes.ExitStatus(1, f"declared output {error.filename!r} was not made")
    except DanglingLinkError as error:
        return exit_codes.ExitStatus(1, str(error))
    except STAGING_ERRORS as error:
        return get_staging_exit_status("out", error)
    return exit_codes.ExitStatus(0, "")


def get_staging_exit_status(direction: str, error: Exception) -> exit_codes.ExitStatus:
    """Decide whether a failed transfer of files is tried again."""
    code = exit_codes.TEMPORARY if is_temporary(error) else exit_codes.MISCONFIGURED
    detail = f"there is no object {error.args[0]!r}" if isinstance(error, KeyError) else error
    return exit_codes.ExitStatus(code, " ".join(f"staging {direction} failed: {detail}".split()))


def is_temporary(error: BaseException) -> bool:
    """Whether another attempt can succeed: not if S3 refuses or an object is invalid.

    A refused boto3 upload has S3's answer as its context.
    """
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] not in REFUSALS
    if isinstance(error, Boto3Error) and error.__context__ is not None:
        return is_temporary(error.__context__)
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno not in PATH_ERRNOS
    return isinstance(error, BotoCoreError | Boto3Error | urllib3.exceptions.HTTPError)


def _connect() -> tuple[Store, RunFolder, str, int]:
    client = boto3.client(
        "s3", config=Config(retries={"mode": "standard", "total_max_attempts": 8})
    )
    retrier = Retrier(logging.getLogger(__name__))
    return (
        Store(client, os.environ[environment.BUCKET], retrier),
        RunFolder(os.environ[environment.RUN_PREFIX]),
        os.environ[environment.ARRAY],
        int(os.environ.get(environment.ARRAY_INDEX, "0")),
    )


def _interrupt(*_: object) -> NoReturn:
    raise Interrupted


if __name__ == "__main__":
    sys.exit(main())
