"""The sample sheet as a file: its text, its header, and that all faults are told at once."""

from pathlib import Path
from typing import Any

import pytest
from support.sheets import HEADER, SCHEMA, check, problems_of, problems_of_text

from bactofleet.core import samples
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.frozen_samples import FrozenSamples, freeze_samples
from bactofleet.core.samples import COLUMNS, Samples, check_samples, cut_sheet, read_samples


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, which holds reads."""
    for name in ("a_1.fq.gz", "b_1.fq.gz"):
        (tmp_path / name).write_text("some data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- the file itself ------------------------------------------------------------------------------


def test_a_sheet_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no\.tsv does not exist"):
        check_samples(Path("no.tsv"), SCHEMA)
    with pytest.raises(ConfigurationError, match=r"no\.tsv does not exist"):
        read_samples(Path("no.tsv"))


def test_a_folder_as_the_sheet_is_reported_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder; name the file"):
        check_samples(tmp_path, SCHEMA)


def test_a_sheet_that_is_saved_while_it_is_checked_is_used_as_it_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sheet = Path("samples.tsv")
    sheet.write_text("sample\taccession\nS1\tSRR2838702\n")
    find_problems = samples._find_problems

    def save_meanwhile(*arguments: Any) -> list[str]:
        problems = find_problems(*arguments)
        sheet.write_text("sample\taccession\n../x\tnone\n")
        return problems

    monkeypatch.setattr(samples, "_find_problems", save_meanwhile)

    assert list(check_samples(sheet, SCHEMA)) == ["S1"]


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "\r\n", "# only a comment\n"])
def test_an_empty_file_is_refused(text: str) -> None:
    assert (
        "line 1: the file is empty; its first line names the columns" in problems_of_text(text)[-1]
    )


@pytest.mark.parametrize("text", [HEADER, f"{HEADER}\n", f"{HEADER}\n\n# comment\n"])
def test_a_header_alone_is_refused(text: str) -> None:
    assert problems_of_text(text) == ["samples.tsv, line 1: there are no samples below the header"]


PLAIN = "sample\tr1\tspecies\nS1\ta_1.fq.gz\tStaphylococcus aureus\nS2\tb_1.fq.gz\t\n"


def read_as(content: bytes, name: str = "samples.tsv") -> Samples:
    """Check a sheet of these bytes; every reader of it must find the same."""
    sheet = Path(name)
    sheet.write_bytes(content)
    samples = check_samples(sheet, SCHEMA)
    assert dict(read_samples(sheet)) == dict(samples)
    cut_sheet(sheet, lambda _: True)
    assert dict(check_samples(sheet, SCHEMA)) == dict(samples)
    return samples


def test_a_plain_sheet_has_no_notes() -> None:
    assert read_as(PLAIN.encode()).notes == ()


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (PLAIN.encode("utf-8-sig"), "it starts with a byte order mark, which is ignored"),
        (PLAIN.replace("\n", "\r\n").encode(), "it has Windows line ends"),
        (PLAIN.encode("utf-16"), "it is UTF-16, as Excel saves 'Unicode Text'"),
        (b"\xfe\xff" + PLAIN.encode("utf-16-be"), "it is UTF-16, as Excel saves 'Unicode Text'"),
        (
            PLAIN.replace("\n", "\t\n").encode(),
            "it has empty columns at its end, which are ignored",
        ),
        (
            PLAIN.replace("aureus\n", "aureus\t\t\n").encode(),
            "it has empty columns at its end, which are ignored",
        ),
        (
            PLAIN.replace("a_1.fq.gz", '"a_1.fq.gz"').encode(),
            "it has quoted cells (line 2), which are read without them",
        ),
    ],
)
def test_what_spreadsheets_save_is_understood_and_told(content: bytes, note: str) -> None:
    samples = read_as(content)

    assert samples["S1"].r1 == ["a_1.fq.gz"]
    assert [sample.species for sample in samples.values()] == ["Staphylococcus aureus", ""]
    assert samples.notes == (note,)


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("name", ["samples.csv", "SAMPLES.CSV"])
def test_a_file_called_csv_has_commas_or_the_semicolons_of_other_languages(
    separator: str, name: str
) -> None:
    cells = '"a_1.fq.gz;b_1.fq.gz"'
    header, row = separator.join(("sample", "r1")), separator.join(("S1", cells))

    samples = read_as(f"{header}\r\n{row}\r\n{separator}\r\n".encode("utf-8-sig"), name)

    assert samples["S1"].r1 == ["a_1.fq.gz", "b_1.fq.gz"]
    assert f"its cells are separated by {separator!r}" in samples.notes


def test_a_name_with_quotes_in_it_is_read_as_it_is() -> None:
    Path('it\'s "mine".fq').write_text("some data")

    assert read_as(b'sample\tr1\nS1\tit\'s "mine".fq\n')["S1"].r1 == ['it\'s "mine".fq']


@pytest.mark.parametrize(("cell", "line"), [('"a_1.fq.gz', 3), ('"a_1".fq.gz', 3)])
def test_quotes_that_do_not_match_are_named_with_their_line(cell: str, line: int) -> None:
    problems = problems_of_text(f"sample\tr1\nS1\tb_1.fq.gz\nS2\t{cell}\nS3\tb_1.fq.gz\n")

    assert problems[0].startswith(f"samples.tsv, line {line}: its quotes do not match")


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_a_workbook_is_refused_with_what_to_do(start: bytes) -> None:
    Path("samples.xlsx").write_bytes(start + bytes(20))

    with pytest.raises(ConfigurationError, match="'CSV UTF-8' or 'Text \\(Tab delimited\\)'"):
        check_samples(Path("samples.xlsx"), SCHEMA)


def test_line_ends_of_an_old_mac_are_an_unknown_column() -> None:
    problems = problems_of_text("sample\taccession\rS1\tSRR2838702")

    assert "column 'accession\\rS1': unknown" in problems[0]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
def test_a_file_that_is_not_utf8_is_refused(encoding: str) -> None:
    sheet = Path("samples.tsv")
    sheet.write_bytes(f"{HEADER}\nS1\tSRR2838702\t\t\t\t\tStaphylococcus é\n".encode(encoding))

    with pytest.raises(ConfigurationError) as caught:
        check_samples(sheet, SCHEMA)

    assert any("it is not UTF-8" in problem for problem in caught.value.problems)


OWN_COLUMNS = (
    *("country", "collection date", "date", "source", "patient_group", "host", "ST", "biosample"),
    *("strain", "lat", "year", "notes", "Ward / unit", "München", "sample_type", "id"),
)


@pytest.mark.parametrize("column", OWN_COLUMNS)
def test_a_column_of_the_users_own_is_taken_and_told(column: str) -> None:
    header = f"sample\taccession\t{column}"
    samples = check("S1\tSRR2838702\t001", "S2\tSRR2838703", header=header)

    assert samples.own_cells() == {"S1": {column: "001"}}
    assert samples.notes == (f"your own columns go to cohort.tsv as sheet_{column}",)


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("specie", "species"),
        ("Species", "species"),
        ("genome size", "genome_size"),
        ("genomesize", "genome_size"),
        ("assembley", "assembly"),
        ("Sample", "sample"),
        ("acession", "accession"),
        ("R1", "r1"),
        ("r-2", "r2"),
        ("fastq_1", "fastq"),
    ],
)
def test_a_column_that_looks_like_a_misspelt_one_is_refused(column: str, meant: str) -> None:
    (problem,) = problems_of("S1\tSRR2838702\tx", header=f"sample\taccession\t{column}")

    assert problem.startswith(
        f"samples.tsv, line 1, column {column!r}: unknown; do you mean {meant!r}?"
    )
    assert "known columns are sample, accession" in problem


def test_a_column_without_a_name_is_refused() -> None:
    (problem,) = problems_of("S1\t\tSRR2838702", header="sample\t\taccession")

    assert "column '': it has no name" in problem


def test_the_known_columns_are_those_of_the_schema() -> None:
    assert list(COLUMNS) == list(SCHEMA["properties"])


def test_the_users_own_columns_are_the_same_in_the_frozen_sheet(tmp_path: Path) -> None:
    header = "country\tsample\taccession\tdate"
    samples = check("NA\tS1\tSRR2838702\t1e5", "\tS2\tSRR2838703", header=header)

    freeze_samples(tmp_path / "frozen", samples, {})

    frozen = FrozenSamples(tmp_path / "frozen")
    assert frozen.own_cells() == samples.own_cells() == {"S1": {"country": "NA", "date": "1e5"}}


@pytest.mark.parametrize("separator", [",", "    ", ";"])
def test_a_sheet_without_tabs_is_refused_as_columns_are_separated_by_tabs(separator: str) -> None:
    header, row = separator.join(("sample", "accession")), separator.join(("S1", "SRR2838702"))

    problems = problems_of(row, header=header)

    assert f"column {header!r}: unknown" in problems[0]
    assert "separated by tabs" in problems[0]


def test_a_column_that_is_there_twice_is_named() -> None:
    (problem,) = problems_of("S1\tSRR2838702\tS1", header="sample\taccession\tsample")

    assert "line 1, column 'sample': it occurs more than once" in problem


def test_a_sheet_without_names_or_without_input_is_refused_once_and_not_for_every_row() -> None:
    (no_input,) = problems_of("S1\t2800000", "S2\t2800000", header="sample\tgenome_size")
    (no_name,) = problems_of("a_1.fq.gz", "b_1.fq.gz", header="r1")

    assert "none of the columns accession, r1, ont, hifi and assembly is there" in no_input
    assert "column 'sample': it is missing" in no_name


def test_cells_beyond_the_header_are_named() -> None:
    (problem,) = problems_of("S1\tSRR2838702\tmore", header="sample\taccession")

    assert problem.startswith("samples.tsv, line 2, 'more' is after the last column")


# --- all at once ----------------------------------------------------------------------------------


def test_all_problems_are_reported_at_once_each_with_file_line_and_column() -> None:
    text = (
        f"\ufeff{HEADER}\tspecie\r\n"
        "S 1\tSRR2838702\ta_1.fq.gz\r\n"
        "S2\t\tno.fq\t\t\tbig\r\n"
        "s2\tSRR2838703\r\n"
    )

    problems = problems_of_text(text)

    expected = [
        "line 1, column 'specie': unknown",
        "line 2, column sample: 'S 1'",
        "line 2, columns accession and r1",
        "line 3, column genome_size: 'big'",
        "line 3, column r1: there is no file 'no.fq'",
        "line 4, column sample: 's2' is the sample of line 3 too",
    ]
    assert len(problems) == len(expected)
    for problem, start in zip(problems, expected, strict=True):
        assert problem.startswith(f"samples.tsv, {start}")


def test_thousands_of_problems_are_shown_as_fifty_and_a_count() -> None:
    problems = problems_of(*(f"S {i}\tSRR2838702" for i in range(1200)))

    assert len(problems) == 51
    assert problems[-1] == "and 1,150 more"
