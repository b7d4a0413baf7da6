"""Files are written whole or not at all, wherever results go."""

import hashlib
from pathlib import Path

import pytest

from bactofleet.core.destination import deliver, is_s3, local_folder
from bactofleet.core.files import read_json, sha256_of, write_atomically, write_json


def test_a_checksum_is_that_of_the_whole_file(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    (tmp_path / "x").write_bytes(data)

    assert sha256_of(tmp_path / "x") == hashlib.sha256(data).hexdigest()


def test_json_is_read_back_as_it_was_written_in_a_new_folder(tmp_path: Path) -> None:
    data = {"name": "Stämme", "counts": [1, 2.5, None]}

    write_json(tmp_path / "new/x.json", data)

    assert read_json(tmp_path / "new/x.json") == data
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.json"]


def test_a_write_that_fails_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomically(tmp_path / "x", "old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bactofleet.core.files.os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "x", "new")

    assert (tmp_path / "x").read_text() == "old"


def test_a_tarball_is_delivered_to_a_folder_under_its_own_name_alone(tmp_path: Path) -> None:
    (tmp_path / "S1.tar.gz").write_bytes(b"data")
    results = tmp_path / "new/results"

    where = deliver(tmp_path / "S1.tar.gz", str(results), {})

    assert where == str(results / "S1.tar.gz")
    assert [path.name for path in results.iterdir()] == ["S1.tar.gz"]
    assert Path(where).read_bytes() == b"data"


def test_a_delivery_that_fails_leaves_the_tarball_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tarball, results = tmp_path / "S1.tar.gz", tmp_path / "results"
    tarball.write_bytes(b"old")
    deliver(tarball, str(results), {})
    tarball.write_bytes(b"new")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bactofleet.core.destination.os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        deliver(tarball, str(results), {})

    assert (results / "S1.tar.gz").read_bytes() == b"old"


def test_results_on_s3_have_their_receipts_in_a_local_folder() -> None:
    assert is_s3("s3://bucket/prefix")
    assert not is_s3("results")
    assert local_folder("s3://bucket/prefix") == Path("results")
    assert local_folder("/data/out") == Path("/data/out")
