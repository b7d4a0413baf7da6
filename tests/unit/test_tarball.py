"""A tarball's bytes depend on the contents of its files alone, and it unpacks safely."""

import os
import tarfile
from pathlib import Path

import pytest

from bactofleet.genome.tarball import write_tarball


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    """Return three files by their names in the tarball; one name is longer than tar's field."""
    names = ["S1/b.txt", "S1/a/c.txt", "S1/" + "long" * 60]
    files = {name: tmp_path / f"source{i}" for i, name in enumerate(names)}
    for name, path in files.items():
        path.write_text(f"contents of {name}")
    return files


def test_everything_unpacks_with_its_contents(sources: dict[str, Path], tmp_path: Path) -> None:
    write_tarball(tmp_path / "x.tar.gz", sources)

    with tarfile.open(tmp_path / "x.tar.gz") as tar:
        tar.extractall(tmp_path / "out", filter="data")
    for name, path in sources.items():
        assert (tmp_path / "out" / name).read_bytes() == path.read_bytes()


def test_bytes_are_the_same_whatever_order_time_owner_mode_and_name_of_the_tarball(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    write_tarball(tmp_path / "one.tar.gz", sources)
    for path in sources.values():
        os.utime(path, (10**9, 10**9))
        path.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(path, 12345, 54321)

    write_tarball(tmp_path / "two.tar.gz", dict(reversed(sources.items())))

    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_bytes_differ_when_contents_differ(sources: dict[str, Path], tmp_path: Path) -> None:
    write_tarball(tmp_path / "one.tar.gz", sources)
    next(iter(sources.values())).write_text("other contents")

    write_tarball(tmp_path / "two.tar.gz", sources)

    assert (tmp_path / "one.tar.gz").read_bytes() != (tmp_path / "two.tar.gz").read_bytes()


@pytest.mark.parametrize("name", ["../x", "S1/../../x", "/etc/passwd", ".."])
def test_a_name_outside_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    source = tmp_path / "source"
    source.touch()

    with pytest.raises(ValueError, match="would unpack outside"):
        write_tarball(tmp_path / "x.tar.gz", {name: source})


def test_links_and_folders_and_what_is_missing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")

    for name in ("link", ".", "missing"):
        with pytest.raises(ValueError, match="is not a regular file"):
            write_tarball(tmp_path / "x.tar.gz", {"S1/x": tmp_path / name})
