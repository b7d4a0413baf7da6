"""Links in what travels hold wherever it is unpacked."""

import tarfile
from pathlib import Path

import pytest

from snakemake_executor_plugin_aws_batch_array.trees import DanglingLinkError, add_tree


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a folder that is to travel and a file that is not."""
    (tmp_path / "work" / "out" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    Path("out/inner/file.txt").write_text("inner")
    Path("given.txt").write_text("given")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file.txt").write_text("outside")
    return tmp_path / "work"


def travel(path: str, target: Path) -> Path:
    """Pack it and unpack it elsewhere, as strictly as the controller does."""
    with tarfile.open(target / "archive.tar", "w") as archive:
        add_tree(archive, Path(path), path)
    with tarfile.open(target / "archive.tar") as archive:
        archive.extractall(target, filter="data")
    return target / path


def test_a_link_into_the_same_folder_stays_a_link(work, tmp_path):
    Path("out/absolute").symlink_to(work / "out" / "inner" / "file.txt")
    Path("out/inner/relative").symlink_to("../inner")

    arrived = travel("out", tmp_path)

    assert arrived.joinpath("absolute").readlink() == Path("inner/file.txt")
    assert arrived.joinpath("absolute").read_text() == "inner"
    assert arrived.joinpath("inner/relative/file.txt").read_text() == "inner"


@pytest.mark.parametrize("destination", ["../given.txt", "{work}/given.txt"])
def test_a_link_to_another_file_becomes_that_file(work, tmp_path, destination):
    Path("out/link").symlink_to(destination.format(work=work))

    arrived = travel("out", tmp_path)

    assert not arrived.joinpath("link").is_symlink()
    assert arrived.joinpath("link").read_text() == "given"


def test_a_link_to_a_folder_elsewhere_becomes_that_folder(work, tmp_path):
    Path("out/link").symlink_to(work.parent / "outside")

    assert travel("out", tmp_path).joinpath("link/file.txt").read_text() == "outside"


def test_an_output_that_is_a_link_becomes_a_file(work, tmp_path):
    Path("made.txt").symlink_to(work / "given.txt")

    arrived = travel("made.txt", tmp_path)

    assert not arrived.is_symlink()
    assert arrived.read_text() == "given"


def test_an_output_that_is_a_link_to_a_folder_becomes_a_folder(work, tmp_path):
    Path("made").symlink_to("out")

    assert travel("made", tmp_path).joinpath("inner/file.txt").read_text() == "inner"


@pytest.mark.parametrize("destination", [".", "..", "../.."])
def test_a_link_to_a_folder_that_holds_it_has_an_end(work, tmp_path, destination):
    Path("out/inner/loop").symlink_to(destination)

    assert travel("out", tmp_path).joinpath("inner/loop").is_symlink()


def test_a_link_to_what_is_gone_stays_one_if_it_stays_inside(work, tmp_path):
    Path("out/link").symlink_to("../gone.txt")

    assert travel("out", tmp_path).joinpath("link").readlink() == Path("../gone.txt")


def test_a_link_to_what_is_gone_elsewhere_is_an_error(work, tmp_path):
    Path("out/link").symlink_to("/nowhere/gone.txt")

    with pytest.raises(DanglingLinkError, match="out/link leads to /nowhere/gone"):
        travel("out", tmp_path)
