"""Local inputs arrive in the container as they are here."""

import io
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from snakemake_executor_plugin_aws_batch_array.inputs import (
    get_version,
    place_input,
    send_input,
)


class FakeStore:
    """Objects in memory."""

    def put_file(self, key: str, path: str, metadata: Mapping[str, str]) -> None:
        self.body, self.metadata = Path(path).read_bytes(), metadata


@pytest.fixture
def send(tmp_path: Path):
    """Send one input to a child; returns where it has it."""
    (tmp_path / "child").mkdir()

    def send(path: Path) -> Path:
        store = FakeStore()
        send_input(store, "key", path)  # type: ignore[arg-type]
        arrived = tmp_path / "child" / "deep" / "in"
        place_input(io.BytesIO(store.body), store.metadata, arrived)
        return arrived

    return send


def test_a_file_keeps_its_time_and_may_be_executed(send, tmp_path):
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o755)
    os.utime(tmp_path / "tool", ns=(7, 7_000_000_001))

    arrived = send(tmp_path / "tool")

    assert arrived.read_text() == "#!/bin/sh\n"
    assert os.access(arrived, os.X_OK)
    assert arrived.stat().st_mtime_ns == 7_000_000_001


def test_a_protected_file_can_be_sent_again(send, tmp_path):
    (tmp_path / "precious").write_text("old")
    (tmp_path / "precious").chmod(0o444)

    assert send(tmp_path / "precious").read_text() == "old"
    assert send(tmp_path / "precious").read_text() == "old"


def test_a_folder_arrives_with_all_that_is_in_it(send, tmp_path):
    folder = tmp_path / "folder"
    (folder / "empty").mkdir(parents=True)
    (folder / "a b.txt").write_text("a")
    (folder / "link").symlink_to("a b.txt")

    arrived = send(folder)

    assert arrived.joinpath("empty").is_dir()
    assert arrived.joinpath("link").read_text() == "a"
    assert sorted(path.name for path in arrived.iterdir()) == ["a b.txt", "empty", "link"]


def test_a_folder_has_another_version_when_a_file_deep_in_it_has_changed(tmp_path):
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "file").write_text("a")
    before = get_version(tmp_path / "folder")

    os.utime(tmp_path / "folder" / "deep" / "file", ns=(1, 1))

    assert get_version(tmp_path / "folder") != before
