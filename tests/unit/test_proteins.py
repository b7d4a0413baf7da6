"""The file of proteins is looked at before anything runs."""

import gzip
from pathlib import Path

import pytest

from bactofleet.core.proteins import find_fault


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is not FASTA"),
        (b"MKVLA", "is not FASTA"),
        (b">a\n>b\n", "holds no sequence"),
        (b">a\nACGTACGTNN\nacgt\n", "holds nucleotides"),
        (gzip.compress(b">a\nMKVL\n", mtime=0), "is compressed"),
    ],
)
def test_what_prokka_would_fail_of_or_take_for_proteins_is_named(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    path = tmp_path / "p.faa"
    path.write_bytes(content)

    assert fault in find_fault(path)
    assert str(path) in find_fault(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert find_fault(tmp_path / "no.faa") == f"there is no file '{tmp_path}/no.faa'"


def test_a_folder_is_reported_as_such(tmp_path: Path) -> None:
    assert find_fault(tmp_path) == f"'{tmp_path}' is a folder; name a file"


@pytest.mark.parametrize("content", [b">a product\r\nMKVLACGT\r\n", b">a\nACGT\n>b\nMKV*\n"])
def test_proteins_are_good(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trusted proteins.faa").write_bytes(content)

    assert find_fault(tmp_path / "trusted proteins.faa") == ""
