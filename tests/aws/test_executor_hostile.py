"""Hostile names and settings change nothing but a clear error."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws.controller import WAIT_S, PretendGenomes, wait_until
from aws.emulator.client import EmulatedAWS

# Characters that a shell, a path, a URL, CSV or JSON would take for its own.
STRANGE_NAMES = [
    "a b;touch pwned",
    "$(touch pwned)`touch pwned`",
    "quote'and\"quote",
    "-rf",
    "Müller-大腸菌",
    # 200 letters, and not periodic, which Snakemake refuses by itself.
    "".join(chr(ord("a") + (i * i // 7) % 26) for i in range(200)),
]
REFUSED_NAMES = {
    "..": "cannot travel between controller and container",
    "comma,name=other": "leave out commas",
    "".join(chr(ord("a") + (i * i // 7) % 26) for i in range(251)): "at most 255 bytes",
}
PLANTED = "planted code runs"
# Of what test_batch_settings.py refuses one, and what only AWS knows.
REFUSED_SETTINGS = [
    ("bucket", "s3://genomes-bucket", "a bucket's name, without s3://"),
    ("bucket", "no-such-bucket", "AWS refuses what the executor needs"),
    ("job_queue", "no-such-queue", "there is no job queue 'no-such-queue'"),
]


@pytest.fixture(scope="module")
def stub_aws() -> Iterator[EmulatedAWS]:
    """An emulated AWS in which no job that is submitted would do anything."""
    with EmulatedAWS(stub="aws.stub_functions:succeed") as aws:
        yield aws


def test_strange_names_are_names(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path, STRANGE_NAMES)

    assert controller.run() == 0, controller.log

    assert set(controller.get_receipts()) == set(STRANGE_NAMES)
    assert controller.get_keys() == sorted(f"results/{name}.tar.gz" for name in STRANGE_NAMES)
    assert not list(tmp_path.rglob("pwned"))


def test_names_that_cannot_be_handed_over_are_refused_before_anything_is_submitted(
    stub_aws: EmulatedAWS, tmp_path: Path
) -> None:
    for number, (name, message) in enumerate(REFUSED_NAMES.items()):
        controller = PretendGenomes(stub_aws, tmp_path / str(number), ["good", name])

        assert controller.run() == 1

        assert message in controller.log, name
        assert controller.count("batch", "SubmitJob").total() == 0


def test_settings_that_cannot_work_are_refused_before_anything_is_submitted(
    stub_aws: EmulatedAWS, tmp_path: Path
) -> None:
    for number, (name, value, message) in enumerate(REFUSED_SETTINGS):
        controller = PretendGenomes(stub_aws, tmp_path / str(number))
        controller.settings[name] = value

        assert controller.run() == 1

        assert message in controller.log, name
        assert "Traceback" not in controller.log
    assert controller.count("batch", "SubmitJob").total() == 0


def test_all_missing_settings_are_named_at_once(stub_aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(stub_aws, tmp_path)
    for name in ("bucket", "job_queue", "job_role"):
        del controller.settings[name]

    assert controller.run() == 1

    for name in ("bucket", "job-queue", "job-role"):
        assert f"--aws-batch-array-{name}" in controller.log


def test_a_command_before_the_jobs_is_refused(stub_aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(stub_aws, tmp_path)

    assert controller.run("--precommand", "touch pwned") == 1

    assert "--precommand is not run" in controller.log


def make_planted_bundle(number: int) -> bytes:
    """Return a bundle that leaves a trace in the log of whoever unpacks and runs it."""
    code = f"print('{PLANTED}', {number}, flush=True)\n".encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("Snakefile", "sitecustomize.py", "scripts/assemble.py"):
            member = tarfile.TarInfo(name)
            member.size = len(code)
            archive.addfile(member, io.BytesIO(code))
    return buffer.getvalue()


def test_a_bundle_that_was_exchanged_is_not_run(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path, ["one", "two"])
    s3, before = controller.get_owner("s3"), controller.get_keys()
    aws.hold("batch:SubmitJob")
    with controller.started() as process:
        wait_until(lambda: aws.count_held() > 0 or process.poll() is not None)
        assert process.poll() is None, controller.log
        bundles = [key for key in controller.get_keys() if key.endswith("bundle.tar.gz")]
        for number, key in enumerate(set(bundles) - set(before)):
            s3.put_object(Bucket=aws.bucket, Key=key, Body=make_planted_bundle(number))
        aws.clear_faults()

        assert process.wait(WAIT_S) == 1

    assert len(set(bundles) - set(before)) == 1
    assert controller.get_receipts() == {}
    assert controller.count_in_logs(PLANTED) == 0
    assert "the bundle in the bucket is not the one that the controller sent" in controller.log
