"""What a child sends back, and what of it is taken."""

import gzip
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from snakemake_executor_plugin_aws_batch_array import gunzip
from snakemake_executor_plugin_aws_batch_array.returns import (
    RECORD_FILE,
    LeftFiles,
    MalformedReturnError,
    pack_outputs,
    unpack_outputs,
)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Working directories of the child and of the controller."""
    child, controller = tmp_path / "child", tmp_path / "controller"
    child.mkdir()
    (controller / "staging").mkdir(parents=True)
    monkeypatch.chdir(child)
    return child, controller


def test_files_and_folders_arrive_with_the_record(folders, monkeypatch):
    child, controller = folders
    (child / "out" / "folder").mkdir(parents=True)
    (child / "out" / "a.json").write_text("{}")
    (child / "out" / "folder" / "b.txt").write_text("b")
    outputs = ["out/a.json", "out/folder"]
    pack_outputs(child / "returned.tar.gz", outputs, {"attempt": 2})
    monkeypatch.chdir(controller)

    with (child / "returned.tar.gz").open("rb") as stream:
        record = unpack_outputs(stream, outputs, [], Path("staging"))

    assert record == {"attempt": 2}
    assert Path("out/a.json").read_text() == "{}"
    assert Path("out/folder/b.txt").read_text() == "b"
    assert not list(Path("staging").iterdir())


def test_an_output_that_was_not_made_is_an_error(folders):
    child, _ = folders

    with pytest.raises(FileNotFoundError):
        pack_outputs(child / "returned.tar.gz", ["missing.json"], {})


def make_archive(*names: str, record: bytes | None = None) -> io.BytesIO:
    stream = io.BytesIO()
    contents = dict.fromkeys(names, b"new")
    if record is not None:
        contents[RECORD_FILE] = record
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    stream.seek(0)
    return stream


def test_what_was_not_declared_is_left_out(folders, monkeypatch):
    _, controller = folders
    monkeypatch.chdir(controller)

    unpack_outputs(make_archive("a.json", ".bashrc"), ["a.json"], [], Path("staging"))

    assert sorted(path.name for path in controller.iterdir()) == ["a.json", "staging"]


def test_an_archive_without_a_declared_output_changes_nothing(folders, monkeypatch):
    _, controller = folders
    monkeypatch.chdir(controller)
    Path("b.json").write_text("old")

    with pytest.raises(MalformedReturnError, match=r"'b\.json' is not in it"):
        unpack_outputs(make_archive("other.json"), ["b.json"], [], Path("staging"))

    assert Path("b.json").read_text() == "old"


def test_a_member_cannot_leave_the_folder(folders, monkeypatch):
    _, controller = folders
    monkeypatch.chdir(controller)

    with pytest.raises(MalformedReturnError, match="outside"):
        unpack_outputs(make_archive("out/../../evil"), ["out"], [], Path("staging"))

    assert not (controller.parent / "evil").exists()


def test_what_a_failed_group_has_made_comes_to_its_place_when_it_is_restored(folders, monkeypatch):
    _, controller = folders
    monkeypatch.chdir(controller)

    left = LeftFiles(Path("staging"))
    left.add_returned(make_archive("a.json", "a.log"), ["a.json", "b.json"], ["a.log"])

    assert left.outputs == ["a.json"]
    assert not Path("a.json").exists()
    left.restore()
    assert Path("a.json").read_text() == "new"
    assert Path("a.log").read_text() == "new"
    assert not list(Path("staging").iterdir())


def test_a_log_that_was_not_written_is_not_asked_for(folders, monkeypatch):
    _, controller = folders
    monkeypatch.chdir(controller)

    unpack_outputs(make_archive("a.json", "a.log"), ["a.json"], ["a.log", "b.log"], Path("staging"))

    assert sorted(path.name for path in controller.iterdir()) == ["a.json", "a.log", "staging"]


def test_a_log_inside_an_output_comes_with_it(folders, monkeypatch):
    _, controller = folders
    monkeypatch.chdir(controller)

    unpack_outputs(make_archive("out/a.log"), ["out"], ["out/a.log"], Path("staging"))

    assert Path("out/a.log").read_text() == "new"


@pytest.mark.parametrize("name", ["table.txt", "folder/deep/table.txt"])
def test_what_a_failed_job_was_to_update_is_as_it_was(folders, monkeypatch, name):
    _, controller = folders
    monkeypatch.chdir(controller)
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("precious")
    path = Path(Path(name).parts[0])
    left = LeftFiles(Path("staging"))

    left.keep([str(path)])
    assert Path(name).read_text() == "precious"
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    left.restore()

    assert Path(name).read_text() == "precious"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<html>not found</html>", id="a page"),
        pytest.param(b"", id="nothing"),
        pytest.param(gzip.compress(b"text"), id="no archive"),
        pytest.param(make_archive("a.json").getvalue()[:-40], id="cut off"),
        pytest.param(make_archive("a.json", record=b"no JSON").getvalue(), id="no JSON"),
        pytest.param(make_archive("a.json", record=b"\xff").getvalue(), id="no text"),
        pytest.param(make_archive("a.json", record=b"[" * 100_000).getvalue(), id="deep JSON"),
        pytest.param(
            make_archive("a.json", record=b"[" * 1000 + b"]" * 1000).getvalue(), id="deep"
        ),
        pytest.param(make_archive("a.json", record=b"[1]").getvalue(), id="a list"),
        pytest.param(make_archive("a.json", record=b'{"attempt": "1"}').getvalue(), id="a word"),
        pytest.param(make_archive("a.json", "a.json/b").getvalue(), id="a file as a folder"),
        pytest.param(make_archive("a.json", "a.json/" + "b" * 300).getvalue(), id="a long name"),
    ],
)
def test_an_object_that_is_not_what_it_should_be_is_called_that(folders, monkeypatch, content):
    _, controller = folders
    monkeypatch.chdir(controller)
    Path("a.json").write_text("old")

    with pytest.raises(MalformedReturnError):
        unpack_outputs(io.BytesIO(content), ["a.json"], [], Path("staging"))

    assert Path("a.json").read_text() == "old"
    assert not list(Path("staging").iterdir())
    left = LeftFiles(Path("staging"))
    with pytest.raises(MalformedReturnError):
        left.add_returned(io.BytesIO(content), ["a.json"], [])
    assert left.outputs == []
    left.remove()
    assert not list(Path("staging").iterdir())


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"type": tarfile.LNKTYPE, "linkname": "nothing"}, id="link to no member"),
        pytest.param({"name": "b", "pax_headers": {"size": "9" * 18}}, id="an endless file"),
        pytest.param(
            {"pax_headers": {"GNU.sparse.map": "0,3", "GNU.sparse.size": "9" * 18}}, id="holes"
        ),
    ],
)
def test_a_member_that_no_child_packs_is_refused(folders, monkeypatch, changed):
    _, controller = folders
    monkeypatch.chdir(controller)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a.json")
        member.size = 3
        for name, value in changed.items():
            setattr(member, name, value)
        archive.addfile(member, io.BytesIO(b"new"))
    stream.seek(0)

    with pytest.raises(MalformedReturnError):
        unpack_outputs(stream, ["a.json"], [], Path("staging"))

    assert not Path("a.json").exists()


def test_an_object_that_unpacks_to_far_more_than_it_has_is_called_that(folders, monkeypatch):
    _, controller = folders
    monkeypatch.chdir(controller)
    monkeypatch.setattr(gunzip, "ALWAYS_ALLOWED_BYTES", 1_000_000)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.json")
        member.size = 50_000_000
        archive.addfile(member, io.BytesIO(bytes(member.size)))
    stream.seek(0)

    with pytest.raises(MalformedReturnError, match="bytes unpack to more than"):
        unpack_outputs(stream, ["a.json"], [], Path("staging"))

    assert not Path("a.json").exists()
    assert not list(Path("staging").iterdir())


@pytest.fixture
def other_disk(folders) -> Iterator[Path]:
    """A folder on another file system than that of the working directory."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    assert folder.stat().st_dev != folders[1].stat().st_dev
    yield folder
    shutil.rmtree(folder)


def test_outputs_below_a_link_to_another_disk_arrive(folders, other_disk, monkeypatch):
    _, controller = folders
    monkeypatch.chdir(controller)
    Path("out").symlink_to(other_disk)
    (other_disk / "folder").mkdir()
    (other_disk / "folder" / "old").touch()

    unpack_outputs(
        make_archive("out/a.json", "out/folder/b.txt"),
        ["out/a.json", "out/folder"],
        [],
        Path("staging"),
    )

    assert Path("out").is_symlink()
    assert (other_disk / "a.json").read_text() == "new"
    names = sorted(str(path.relative_to(other_disk)) for path in other_disk.rglob("*"))
    assert names == ["a.json", "folder", "folder/b.txt"]


@pytest.mark.parametrize("left", [False, True])
def test_where_a_file_is_in_the_way_of_a_folder_nothing_is_lost(folders, monkeypatch, left):
    _, controller = folders
    monkeypatch.chdir(controller)
    Path("out").write_text("in the way")

    with pytest.raises(OSError, match="out"):
        if left:
            kept = LeftFiles(Path("staging"))
            kept.add_returned(make_archive("out/a.json"), ["out/a.json"], [])
            kept.restore()
        else:
            unpack_outputs(make_archive("out/a.json"), ["out/a.json"], [], Path("staging"))

    assert Path("out").read_text() == "in the way"
