"""Rows are put below a sheet that is its user's: nothing that is there changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sheets import SCHEMA

from bactofleet.archives.search.sheet import append_rows, read_known
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.samples import check_samples

COLUMNS = ("sample", "accession", "runs", "spots", "bases")
ROW = {
    "sample": "SRX2000001",
    "accession": "SRX2000001",
    "runs": "SRR1000001",
    "spots": "500000",
    "bases": "150000000",
}


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """Return the name of a sheet that is not there."""
    return tmp_path / "config" / "samples.tsv"


def write(sheet: Path, text: str) -> None:
    sheet.parent.mkdir()
    sheet.write_text(text)


def test_a_sheet_is_made_where_there_is_none(sheet: Path) -> None:
    append_rows(sheet, COLUMNS, [ROW])

    assert check_samples(sheet, SCHEMA)["SRX2000001"].spots == [500_000]


def test_rows_and_comments_of_the_user_stay_as_they_are(sheet: Path) -> None:
    mine = "# my genomes\n\naccession\tsample\nSRX1\tmine\n#SRX9\tlater\nSRX2"
    write(sheet, mine)

    append_rows(sheet, COLUMNS, [ROW])

    assert sheet.read_text() == (
        "# my genomes\n\naccession\tsample\truns\tspots\tbases\nSRX1\tmine\n#SRX9\tlater\nSRX2\n"
        "SRX2000001\tSRX2000001\tSRR1000001\t500000\t150000000\n"
    )


def test_a_second_append_finds_its_columns_and_leaves_the_header(sheet: Path) -> None:
    append_rows(sheet, COLUMNS, [ROW])
    before = sheet.read_text()

    append_rows(sheet, COLUMNS, [ROW | {"sample": "other"}])

    assert sheet.read_text() == before + "other\tSRX2000001\tSRR1000001\t500000\t150000000\n"


@given(lines=st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"))))
def test_whatever_a_user_wrote_stays(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    sheet = tmp_path_factory.mktemp("project") / "samples.tsv"
    rest = "".join(f"\n{line}" for line in lines).encode()
    sheet.write_bytes(b"# mine\raccession\naccession" + rest)

    append_rows(sheet, ("accession", "runs"), [{"accession": "SRX2000001", "runs": "SRR1000001"}])

    assert sheet.read_bytes().startswith(b"# mine\raccession\naccession\truns" + rest)
    assert sheet.read_bytes().endswith(b"\nSRX2000001\tSRR1000001\n")


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_a_sheet_without_header_gets_one(sheet: Path, text: str) -> None:
    write(sheet, text)

    append_rows(sheet, COLUMNS, [ROW])

    assert list(check_samples(sheet, SCHEMA)) == ["SRX2000001"]
    assert text in sheet.read_text()


def test_a_sheet_is_never_half_written(sheet: Path) -> None:
    write(sheet, "sample\taccession\n")

    def fail() -> Iterator[dict[str, str]]:
        yield ROW
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        append_rows(sheet, COLUMNS, fail())

    assert sheet.read_text() == "sample\taccession\n"
    assert list(sheet.parent.iterdir()) == [sheet]


def test_a_link_to_a_sheet_stays_a_link_and_the_mode_stays(sheet: Path) -> None:
    write(sheet, "sample\taccession\n")
    sheet.chmod(0o660)
    link = sheet.with_name("link.tsv")
    link.symlink_to(sheet)

    append_rows(link, COLUMNS, [ROW])

    assert link.is_symlink()
    assert sheet.stat().st_mode & 0o777 == 0o660
    assert "SRX2000001" in sheet.read_text()


# --- what a sheet has -----------------------------------------------------------------------------


def test_samples_accessions_and_runs_are_known(sheet: Path) -> None:
    append_rows(sheet, COLUMNS, [ROW | {"sample": "Mine", "runs": "SRR1;SRR2"}])

    assert read_known(sheet) == {"mine", "srx2000001", "srr1", "srr2"}


def test_a_sheet_that_is_not_right_yet_can_be_added_to(sheet: Path) -> None:
    write(sheet, "sample\tgenome_size\tr1\nMine\tabout 3 Mb\n")

    assert read_known(sheet) == {"mine"}


def test_nothing_is_known_where_there_is_no_sheet(sheet: Path) -> None:
    assert read_known(sheet) == set()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b">contig\nACGT\n", "columns '>contig'"),
        (
            b"sample\taccession\r\n",
            "Windows line ends; rows are added only to plain tab-separated UTF-8",
        ),
        (b"sample\taccession\nS1\tK\xfcche\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused(sheet: Path, content: bytes, problem: str) -> None:
    sheet.parent.mkdir()
    sheet.write_bytes(content)

    with pytest.raises(ConfigurationError, match=problem):
        read_known(sheet)
