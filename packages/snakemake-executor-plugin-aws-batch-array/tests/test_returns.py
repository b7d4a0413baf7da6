"""What a child sends back, and what of it is taken."""

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from snakemake_executor_plugin_aws_batch_array.returns import Salvage, pack_outputs, unpack_outputs


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


def make_archive(*names: str) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 3
            archive.addfile(member, io.BytesIO(b"new"))
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

    with pytest.raises(FileNotFoundError):
        unpack_outputs(make_archive("other.json"), ["b.json"], [], Path("staging"))

    assert Path("b.json").read_text() == "old"


def test_a_member_cannot_leave_the_folder(folders, monkeypatch):
    _, controller = folders
    monkeypatch.chdir(controller)

    with pytest.raises(tarfile.FilterError):
        unpack_outputs(make_archive("out/../../evil"), ["out"], [], Path("staging"))

    assert not (controller.parent / "evil").exists()


def test_what_a_failed_group_has_made_comes_to_its_place_when_it_is_restored(folders, monkeypatch):
    _, controller = folders
    monkeypatch.chdir(controller)

    salvage = Salvage(Path("staging"))
    salvage.add_returned(make_archive("a.json", "a.log"), ["a.json", "b.json"], ["a.log"])

    assert salvage.outputs == ["a.json"]
    assert not Path("a.json").exists()
    salvage.restore()
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
    salvage = Salvage(Path("staging"))

    salvage.keep([str(path)])
    assert Path(name).read_text() == "precious"
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    salvage.restore()

    assert Path(name).read_text() == "precious"
