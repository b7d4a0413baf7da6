"""What a container does, from its start to its exit code, with S3 and Snakemake played."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from snakemake_executor_plugin_aws_batch_array import environment, exit_codes, worker
from snakemake_executor_plugin_aws_batch_array.bundle import CONFIG_FILE, RUN_FILE
from snakemake_executor_plugin_aws_batch_array.manifest import ManifestLine, build_manifest
from snakemake_executor_plugin_aws_batch_array.returns import RECORD_FILE
from snakemake_executor_plugin_aws_batch_array.store import RunFolder
from snakemake_executor_plugin_aws_batch_array.versions import format_versions

RUN = RunFolder("snakemake/runs/1")
INDEX = 1


class FakeS3:
    """A bucket in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.ranges: list[str] = []

    def get_object(self, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        content = self.objects[Key]
        if Range:
            self.ranges.append(Range)
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            content = content[first : last + 1]
        return {"Body": io.BytesIO(content), "Metadata": self.metadata.get(Key, {})}

    def upload_file(self, path: str, bucket: str, key: str, ExtraArgs: object) -> None:  # noqa: N803
        self.objects[key] = Path(path).read_bytes()


class Container:
    """A container of the second child of an array; `script` stands for its Snakemake."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.s3 = FakeS3()
        self.seen = folder / "seen"
        self._python = folder / "python"
        self._patch = patch
        self.snakemake("")
        self.give(ManifestLine([], [], [], "key"))
        self.put_bundle({"samples.tsv": b"S1\n"})
        for name, value in {
            environment.ATTEMPT: "2",
            environment.SCRATCH: str(self.scratch),
            environment.VERSIONS: format_versions(),
            environment.BUCKET: "genomes",
            environment.RUN_PREFIX: RUN.prefix,
            environment.ARRAY: "array",
            environment.ARRAY_INDEX: str(INDEX),
        }.items():
            patch.setenv(name, value)
        patch.setattr(boto3, "client", lambda *_, **__: self.s3)
        patch.setattr(worker, "describe_host", lambda: {"zone": "eu-west-1a"})
        patch.setattr(exit_codes, "_MEMORY_EVENTS", [folder / "memory.events"])

    def snakemake(self, script: str) -> None:
        """Say what Snakemake does; its arguments are in "$@"."""
        self._python.write_text(f"#!/bin/sh\n{script}\n")
        self._python.chmod(0o755)

    def give(self, line: ManifestLine) -> None:
        """Say what the child has to do."""
        manifest, width = build_manifest(
            [ManifestLine(["longer than the other line"], [], [], ""), line]
        )
        self.s3.objects[RUN.get_manifest("array")] = manifest
        self._patch.setenv(environment.LINE_BYTES, str(width))

    def put_bundle(self, files: dict[str, bytes], **options: Any) -> None:
        """Say what is in the bundle."""
        run = {"arguments": ["--cores", "4"], "environment": {}, "config": {"coverage": 9}}
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in {**files, RUN_FILE: json.dumps(run | options).encode()}.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        self.s3.objects[RUN.bundle] = buffer.getvalue()
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        self._patch.setenv(environment.BUNDLE_SHA256, digest)

    def run(self) -> int:
        """Run it; return its exit code."""
        with self._patch.context() as patch:
            patch.setattr(sys, "executable", str(self._python))
            return worker.main()

    def returned(self) -> dict[str, bytes]:
        """What the child has sent back, by name; nothing if it has sent nothing."""
        content = self.s3.objects.get(RUN.get_returned("array", INDEX))
        if content is None:
            return {}
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            files = {m.name: archive.extractfile(m) for m in archive.getmembers() if m.isfile()}
            return {name: file.read() for name, file in files.items() if file}


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)
    yield Container(tmp_path, monkeypatch)
    signal.signal(signal.SIGTERM, handler)


def test_outputs_logs_and_the_record_of_the_attempt_go_back_in_one_object(
    container: Container,
) -> None:
    container.give(ManifestLine([], [], ["results/a.json"], "key", logs=["a.log", "b.log"]))
    container.snakemake("mkdir results; echo made >results/a.json; echo log >a.log")

    assert container.run() == 0

    returned = container.returned()
    record = json.loads(returned.pop(RECORD_FILE))
    assert returned == {"results/a.json": b"made\n", "a.log": b"log\n"}
    assert (record["attempt"], record["zone"]) == (2, "eu-west-1a")
    assert record["started"] == pytest.approx(time.time() * 1000, abs=60_000)


def test_the_log_begins_with_where_the_attempt_runs(
    container: Container, capsys: pytest.CaptureFixture[str]
) -> None:
    container.run()

    first = capsys.readouterr().out.splitlines()[0]
    assert json.loads(first.removeprefix(environment.HOST_LINE))["zone"] == "eu-west-1a"


def test_a_child_reads_its_own_line_and_no_other(container: Container) -> None:
    container.run()

    width = int(os.environ[environment.LINE_BYTES])
    assert container.s3.ranges == [f"bytes={width}-{2 * width - 1}"]


def test_snakemake_gets_the_arguments_of_the_child_before_those_of_the_run(
    container: Container,
) -> None:
    container.give(ManifestLine(["--target", "a b"], [], [], "key"))
    container.snakemake(f'printf "%s\\n" "$@" >{container.seen}')

    container.run()

    module = "snakemake_executor_plugin_aws_batch_array.inner"
    expected = ["-m", module, "--target", "a b", "--cores", "4"]
    assert container.seen.read_text().splitlines() == expected


def test_snakemake_works_among_the_sources_and_inputs_with_the_configuration(
    container: Container,
) -> None:
    key = RUN.get_input("reads/S1.fq")
    container.s3.objects[key] = b"@r1\n"
    container.s3.metadata[key] = {"mode": "755", "modified-ns": "1000000000"}
    container.give(ManifestLine([], ["reads/S1.fq"], [], "key"))
    container.snakemake(
        f"(cat samples.tsv reads/S1.fq {CONFIG_FILE}; stat -c '%a %Y' reads/S1.fq) "
        f">{container.seen}"
    )

    assert container.run() == 0

    assert container.seen.read_text() == 'S1\n@r1\n{"coverage": 9}755 1\n'


def test_home_cache_and_temporary_files_are_beside_the_working_directory(
    container: Container,
) -> None:
    container.put_bundle({}, environment={"NCBI_API_KEY": "given"})
    container.snakemake(
        'touch $TMPDIR/x; echo "$HOME $XDG_CACHE_HOME $TMPDIR $PWD $NCBI_API_KEY" '
        f">{container.seen}"
    )

    assert container.run() == 0

    *folders, given = container.seen.read_text().split()
    assert given == "given"
    assert all(folder.startswith(f"{container.scratch}/") for folder in folders)
    assert not folders[0].startswith(folders[3])


def test_the_inner_snakemake_is_told_the_inputs_that_the_controller_saw(
    container: Container,
) -> None:
    container.give(ManifestLine([], [], [], "key", digests=["abc"]))
    container.snakemake(f'cat "${environment.EXPECTED_INPUTS}" >{container.seen}')

    container.run()

    assert container.seen.read_text() == '["abc"]'


@pytest.mark.parametrize("script", ["true", "exit 1"])
def test_nothing_stays_on_the_host_however_it_ends(container: Container, script: str) -> None:
    container.snakemake(f"echo data >large; {script}")

    container.run()

    assert list(container.scratch.iterdir()) == []


# --- failures -------------------------------------------------------------------------------------


def test_the_code_and_the_reason_that_a_rule_left_are_those_of_the_container(
    container: Container, capsys: pytest.CaptureFixture[str]
) -> None:
    container.snakemake(
        f'printf "75\\nS1: the disk is full" >"${environment.EXIT_CODE_FILE}"; exit 1'
    )

    assert container.run() == 75

    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"{environment.REASON_LINE}S1: the disk is full"


def test_a_code_that_batch_takes_for_a_lost_host_is_shifted(container: Container) -> None:
    container.snakemake(f'echo 137 >"${environment.EXIT_CODE_FILE}"; exit 1')

    assert container.run() == 237


def test_a_failed_child_sends_what_was_made_and_its_logs(container: Container) -> None:
    container.give(ManifestLine([], [], ["a.json", "b.json"], "key", logs=["a.log"]))
    container.snakemake("echo made >b.json; echo failed >a.log; exit 1")

    assert container.run() == 1

    returned = container.returned()
    del returned[RECORD_FILE]
    assert returned == {"b.json": b"made\n", "a.log": b"failed\n"}


def test_a_failed_child_that_made_nothing_sends_nothing(container: Container) -> None:
    container.give(ManifestLine([], [], ["a.json"], "key", logs=["a.log"]))
    container.snakemake("exit 1")

    assert container.run() == 1
    assert container.returned() == {}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("true", "declared output 'a.json' was not made"),
        ("mkdir a.json; ln -s /no/such/file a.json/link", "link"),
    ],
)
def test_an_output_that_is_not_whole_is_a_failure_with_its_name(
    container: Container, capsys: pytest.CaptureFixture[str], script: str, reason: str
) -> None:
    container.give(ManifestLine([], [], ["a.json"], "key"))
    container.snakemake(script)

    assert container.run() == 1

    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(environment.REASON_LINE)
    assert reason in last
    assert "a.json" in last


def test_an_input_that_is_not_in_the_bucket_is_final_and_named(
    container: Container, capsys: pytest.CaptureFixture[str]
) -> None:
    container.give(ManifestLine([], ["reads/S1.fq"], [], "key"))

    assert container.run() == exit_codes.MISCONFIGURED

    key = RUN.get_input("reads/S1.fq")
    reason = f"{environment.REASON_LINE}staging in failed: there is no object {key!r}\n"
    assert capsys.readouterr().out.endswith(reason)


def test_a_line_of_another_version_is_final(container: Container) -> None:
    width = int(os.environ[environment.LINE_BYTES])
    container.s3.objects[RUN.get_manifest("array")] = b'{"words": []}'.ljust(width) * 2

    assert container.run() == exit_codes.MISCONFIGURED


# --- the host goes away ---------------------------------------------------------------------------


def test_on_sigterm_snakemake_and_all_that_it_started_end_at_once(
    container: Container, capsys: pytest.CaptureFixture[str]
) -> None:
    container.snakemake(
        f"sleep 60 & echo $! >{container.seen}.new; mv {container.seen}.new {container.seen}; wait"
    )

    def stop() -> None:
        while not container.seen.exists():
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop, daemon=True).start()
    begun = time.monotonic()

    assert container.run() == exit_codes.TERMINATED

    assert time.monotonic() - begun < 30
    assert capsys.readouterr().out.endswith(f"{environment.REASON_LINE}stopped by SIGTERM\n")
    assert not is_running(int(container.seen.read_text()))
    assert list(container.scratch.iterdir()) == []


def test_a_sigterm_while_snakemake_is_started_ends_it_too(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            os.kill(os.getpid(), signal.SIGTERM)

    container.snakemake("sleep 60")
    monkeypatch.setattr(worker.subprocess, "Popen", Popen)

    assert container.run() == exit_codes.TERMINATED
    assert not is_running(started[0].pid)


def is_running(pid: int) -> bool:
    """Whether a process does anything; one that has ended may wait for its parent to notice."""
    for _ in range(400):  # a killed process ends when the kernel gets to it
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.005)
    return True
