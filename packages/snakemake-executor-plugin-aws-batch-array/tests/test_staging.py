"""Which failures to bring files in and out are tried again, and which are final."""

import errno
import hashlib
import io
import json
import logging
import math
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import IO

import pytest
import urllib3
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, ConnectTimeoutError, IncompleteReadError

from snakemake_executor_plugin_aws_batch_array import environment, worker
from snakemake_executor_plugin_aws_batch_array.bundle import RUN_FILE
from snakemake_executor_plugin_aws_batch_array.exit_codes import ExitStatus
from snakemake_executor_plugin_aws_batch_array.manifest import ManifestLine, build_manifest
from snakemake_executor_plugin_aws_batch_array.retrying import Retrier
from snakemake_executor_plugin_aws_batch_array.store import RunFolder
from snakemake_executor_plugin_aws_batch_array.versions import format_versions

RUN = RunFolder("snakemake/runs/1")
TEMPORARY, FINAL = 75, 78


def refuse(code: str, status: int) -> ClientError:
    """An answer of S3."""
    reply = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(reply, "GetObject")  # type: ignore[arg-type]


def fail_upload(code: str, status: int) -> S3UploadFailedError:
    """What boto3 makes of such an answer to an upload."""
    try:
        try:
            raise refuse(code, status)
        except ClientError:
            raise S3UploadFailedError("Failed to upload")  # noqa: B904 - as boto3 does
    except S3UploadFailedError as error:
        return error


class FakeStore:
    """Objects of one run, or what is raised instead while an outage lasts; pauses take no time."""

    def __init__(self, objects: dict[str, bytes | Exception], outage_s: float) -> None:
        self._objects = objects
        self._outage_s = outage_s
        self._now = 0.0
        logger = logging.getLogger(__name__)
        self.retrier = Retrier(logger, clock=lambda: self._now, pause=self._pause)

    def open(self, key: str, byte_range: str | None = None) -> IO[bytes]:
        return io.BytesIO(self.retrier.ask(lambda: self._get(key, self._objects[key])))

    def put_file(self, key: str, path: str) -> None:
        self.retrier.ask(lambda: self._get(key, self._objects.get(key, b"")))

    def _get(self, key: str, content: bytes | Exception) -> bytes:
        if isinstance(content, bytes):
            return content
        if self._now < self._outage_s:
            raise content
        return pack() if key == RUN.bundle else b""

    def _pause(self, seconds: float) -> None:
        self._now += seconds


def pack(name: str = RUN_FILE, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A bundle with one member."""
    buffer = io.BytesIO()
    options = json.dumps({"arguments": [], "environment": {}, "config": {}}).encode()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/data/samples.tsv"
        member.size = len(options) if kind == tarfile.REGTYPE else 0
        archive.addfile(member, io.BytesIO(options))
    return buffer.getvalue()


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Child":
    return Child(tmp_path, monkeypatch)


class Child:
    """A child whose Snakemake makes its output and succeeds."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        manifest, width = build_manifest([ManifestLine([], [], ["a.json"], "key")])
        self.objects: dict[str, bytes | Exception] = {
            RUN.bundle: pack(),
            RUN.get_manifest("array"): manifest,
        }
        self.outage_s = math.inf
        self.sent: bytes | None = None
        """The bundle that the controller sent, if not the one in the bucket."""
        monkeypatch.setenv(environment.LINE_BYTES, str(width))
        monkeypatch.setenv(environment.VERSIONS, format_versions())

    def run(self) -> ExitStatus:
        """Run it in an empty folder."""
        store = FakeStore(self.objects, self.outage_s)
        found = self.objects.get(RUN.bundle)
        sent = self.sent or (found if isinstance(found, bytes) else pack())
        digest = hashlib.sha256(sent).hexdigest()
        self._monkeypatch.setenv(environment.BUNDLE_SHA256, digest)
        self._monkeypatch.chdir(self._folder)
        self._monkeypatch.setattr(worker, "_connect", lambda: (store, RUN, "array", 0))
        self._monkeypatch.setattr(worker, "run_snakemake", self._make_output)
        return worker.run_child(self._folder, {"attempt": 1})

    @staticmethod
    def _make_output(*_: object) -> int:
        Path("a.json").write_text("{}")
        return 0


def test_a_child_whose_files_come_and_go_succeeds(child: Child) -> None:
    assert child.run() == (0, "")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(refuse("AccessDenied", 403), id="rights denied"),
        pytest.param(refuse("NoSuchBucket", 404), id="no bucket"),
        pytest.param(KeyError("bundle.tar.gz"), id="no object"),
        pytest.param(b"not an archive", id="not an archive"),
        pytest.param(pack("config/samples.tsv", tarfile.SYMTYPE), id="link to another machine"),
        pytest.param(pack("other"), id="no options"),
    ],
)
def test_a_bundle_that_cannot_be_had_or_unpacked_is_final(
    child: Child, fault: bytes | Exception
) -> None:
    child.objects[RUN.bundle] = fault

    code, reason = child.run()

    assert code == FINAL
    assert reason.startswith("staging in failed: ")


def test_a_bundle_that_another_than_the_controller_sent_is_not_unpacked(child: Child) -> None:
    child.sent, child.objects[RUN.bundle] = pack(), pack("Snakefile")

    code, reason = child.run()

    assert code == FINAL
    assert reason.endswith("the bundle in the bucket is not the one that the controller sent")
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(refuse("InternalError", 500), id="500"),
        pytest.param(refuse("SlowDown", 503), id="throttled"),
        pytest.param(refuse("ExpiredToken", 400), id="token expired"),
        pytest.param(refuse("RequestTimeTooSkewed", 403), id="clock off"),
        pytest.param(ConnectTimeoutError(endpoint_url="https://s3"), id="connection"),
        pytest.param(IncompleteReadError(actual_bytes=1, expected_bytes=2), id="cut off"),
        pytest.param(urllib3.exceptions.ProtocolError("reset"), id="reset"),
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), id="disk full"),
    ],
)
def test_what_a_network_or_a_host_does_is_tried_again(child: Child, fault: Exception) -> None:
    child.objects[RUN.bundle] = fault

    assert child.run().code == TEMPORARY


@pytest.mark.parametrize(
    ("fault", "code"),
    [(fail_upload("AccessDenied", 403), FINAL), (fail_upload("SlowDown", 503), TEMPORARY)],
)
def test_an_upload_is_judged_by_what_s3_said(child: Child, fault: Exception, code: int) -> None:
    child.objects[RUN.get_returned("array", 0)] = fault

    assert child.run().code == code


@pytest.mark.parametrize("key", [RUN.bundle, RUN.get_returned("array", 0)])
def test_an_outage_of_ten_minutes_costs_no_attempt(child: Child, key: str) -> None:
    child.objects[key] = refuse("InternalError", 500)
    child.outage_s = 600.0

    assert child.run() == (0, "")


def test_an_image_of_another_version_refuses_before_it_asks_for_anything(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {**json.loads(format_versions()), "snakemake": "9.1"}
    monkeypatch.setenv(environment.VERSIONS, json.dumps(versions))
    child.objects.clear()

    code, reason = child.run()

    assert code == FINAL
    assert "the controller has 9.1" in reason


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("boto3", f"the image has boto3 {version('boto3')}, the controller has 0.0.9"),
        ("no-such-package", "the image has no-such-package (none), the controller has 0.0.9"),
    ],
)
def test_packages_that_the_workflow_names_are_compared_too(
    child: Child, monkeypatch: pytest.MonkeyPatch, package: str, said: str
) -> None:
    monkeypatch.setenv(environment.VERSIONS, format_versions(["boto3"]))
    assert child.run() == (0, "")
    versions = json.loads(format_versions()) | {package: "0.0.9"}
    monkeypatch.setenv(environment.VERSIONS, json.dumps(versions))

    code, reason = child.run()

    assert (code, reason) == (FINAL, f"{said}: use an image with the controller's versions")
