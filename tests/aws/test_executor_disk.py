"""Trouble with the files of the controller's machine is one genome's, and never the run's end."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from aws.controller import WAIT_S, StubGenomes, wait_until
from aws.emulator.client import EmulatedAWS
from aws.troubles import can_mount

STUB = "aws.stub_functions:return_outputs"
# Runs a command on a small disk of its own, mounted over results/; what is there is kept.
ON_A_SMALL_DISK = (
    'mount -t tmpfs -o size=256k none results && "$@"; code=$?; cp -r results kept; exit $code'
)

StartAWS = Callable[..., EmulatedAWS]


def wait_until_submitted(controller: StubGenomes, process: "subprocess.Popen[str]") -> None:
    wait_until(
        lambda: controller.count("batch", "SubmitJob").total() > 0 or process.poll() is not None
    )
    assert process.poll() is None, controller.log


@pytest.fixture
def other_disk() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def test_receipts_on_another_disk_arrive(
    start_aws: StartAWS, tmp_path: Path, other_disk: Path
) -> None:
    controller = StubGenomes(start_aws(stub=STUB), tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "receipts").symlink_to(other_disk)

    assert controller.run() == 0, controller.log

    assert sorted(path.name for path in other_disk.iterdir()) == [f"{n}.json" for n in range(4)]


def test_a_job_that_sends_back_no_archive_fails_alone(start_aws: StartAWS, tmp_path: Path) -> None:
    controller = StubGenomes(start_aws(stub="aws.stub_functions:return_garbage_first"), tmp_path)

    assert controller.run() == 1

    assert len(controller.get_receipts()) == 3
    (row,) = controller.get_table("failures.tsv")
    assert (row["cause"], row["next"]) == ("nothing returned", "final")
    assert "is not what was asked for" in row["reason"]
    assert "Traceback" not in controller.log


def test_what_finds_a_folder_in_its_place_is_collected_by_the_next_start(
    start_aws: StartAWS, tmp_path: Path
) -> None:
    controller = StubGenomes(start_aws(stub=STUB, stub_seconds=3), tmp_path)
    in_the_way = tmp_path / "results" / "receipts" / "0.json"
    process = controller.start()
    try:
        wait_until_submitted(controller, process)
        (in_the_way / "full").mkdir(parents=True)
        assert process.wait(WAIT_S) == 1
    finally:
        process.kill()
        process.wait()
    (row,) = controller.get_table("failures.tsv")
    assert (row["cause"], row["next"]) == ("not stored", "collected by the next start")
    shutil.rmtree(in_the_way)

    assert controller.run() == 0, controller.log

    assert len(controller.get_receipts()) == 4
    assert controller.count("batch", "SubmitJob").total() == 1
    assert controller.get_keys() == []


class SmallDisk(StubGenomes):
    """A controller whose folder `results` is a disk of 256 KiB."""

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start it in a name space of its own, in which the disk is mounted."""
        (self.folder / "results").mkdir()
        return super().start(*arguments)

    def wrap(self, command: list[str]) -> list[str]:
        """Mount the disk first."""
        return [
            "unshare",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            ON_A_SMALL_DISK,
            "sh",
            *command,
        ]


def fill(path: Path) -> None:
    """Write until there is no room for another byte."""
    with path.open("wb", buffering=0) as handle, suppress(OSError):
        while handle.write(bytes(64)):
            pass


@pytest.mark.skipif(not can_mount(), reason="a user may not mount a disk of their own here")
def test_a_full_disk_is_waited_for(start_aws: StartAWS, tmp_path: Path) -> None:
    controller = SmallDisk(start_aws(stub=STUB, stub_seconds=5), tmp_path)
    process = controller.start()
    disk = Path("/proc", str(process.pid), "root", *tmp_path.parts[1:], "results")
    try:
        wait_until_submitted(controller, process)
        fill(disk / "filler")
        wait_until(lambda: "Waiting for this machine: a disk" in controller.log)
        (disk / "filler").unlink()
        assert process.wait(WAIT_S) == 0, controller.log
    finally:
        process.kill()
        process.wait()

    assert "There is room again" in controller.log
    assert len(list((tmp_path / "kept" / "receipts").glob("*.json"))) == 4
    rows = (tmp_path / "kept" / "usage.tsv").read_text().splitlines()[1:]
    assert len(rows) == 4
    assert controller.count("batch", "SubmitJob").total() == 1
