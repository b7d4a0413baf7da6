"""Lists that users have become rows: by header, checked as the sheet is, errors by line."""

from pathlib import Path

import pytest

from bactofleet.cli.main import main

REPOSITORY = Path(__file__).parents[2]
FOFN = "sample\truntype\tgenome_size\tspecies\tr1\tr2\tse\tont\tassembly"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory: a project without a sheet, with reads and an assembly."""
    (tmp_path / "workflow").symlink_to(REPOSITORY / "workflow")
    for name in ("a_1.fq", "a_2.fq", "b_1.fq", "b_2.fq", "x.fna"):
        (tmp_path / name).write_text("data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_import(text: str) -> int:
    Path("list").write_text(text)
    return main(["import", "list", "--output", "samples.tsv"])


def rows_of(text: str) -> list[str]:
    """Return the sheet, header first, that a list makes."""
    assert run_import(text) == 0
    return Path("samples.tsv").read_text().splitlines()


def left_out() -> list[str]:
    return Path("samples-left-out.tsv").read_text().splitlines()[1:]


def test_a_list_has_an_accession_a_line() -> None:
    assert rows_of("# mine\nSRX1390622\r\n\nSAMN04216817\n") == [
        "sample\taccession",
        "SRX1390622\tSRX1390622",
        "SAMN04216817\tSAMN04216817",
    ]


@pytest.mark.parametrize(
    "table",
    [
        "accession\truntype\tspecies\tgenome_size\nSRX1390622\tillumina\tEscherichia coli\t5000000",
        "accession\truntype\tgenome_size\tspecies\nSRX1390622\tillumina\t5000000\tEscherichia coli",
    ],
)
def test_bactopias_tables_of_accessions_are_read_by_header(table: str) -> None:
    assert rows_of(table) == [
        "sample\taccession\tgenome_size\tspecies",
        "SRX1390622\tSRX1390622\t5000000\tEscherichia coli",
    ]


def test_a_fofn_has_reads_in_pairs_single_reads_merged_reads_and_assemblies() -> None:
    rows = rows_of(
        f"{FOFN}\n"
        "pe\tpaired-end\t0\tUNKNOWN_SPECIES\ta_1.fq\ta_2.fq\n"
        "se\tsingle-end\t2800000\tStaphylococcus aureus\t\t\ta_1.fq\n"
        "me\tmerge-pe\t0\tUNKNOWN_SPECIES\ta_1.fq,b_1.fq\ta_2.fq,b_2.fq\n"
        "as\tassembly\t0\tUNKNOWN_SPECIES\t\t\t\t\tx.fna\n"
    )

    assert rows == [
        "sample\tr1\tr2\tassembly\tgenome_size\tspecies",
        "pe\ta_1.fq\ta_2.fq\t\t\t",
        "se\ta_1.fq\t\t\t2800000\tStaphylococcus aureus",
        "me\ta_1.fq;b_1.fq\ta_2.fq;b_2.fq\t\t\t",
        "as\t\t\tx.fna\t\t",
    ]


def test_a_fofn_of_the_first_versions_has_assemblies_in_another_column() -> None:
    rows = rows_of(
        "sample\truntype\tr1\tr2\textra\nse\tsingle-end\ta_1.fq\nas\tassembly\t\t\tx.fna"
    )

    assert rows == ["sample\tr1\tassembly", "se\ta_1.fq\t", "as\t\tx.fna"]


def test_what_is_not_made_here_is_left_out_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of(
        "accession\truntype\nSRX1390622\tillumina\nSRX1390623\tont\nGCF_000013425\tassembly\n"
    )

    assert rows[1:] == ["SRX1390622\tSRX1390622"]
    assert [line.split(",")[0] for line in left_out()] == [
        "SRX1390623\tline 3: runtype is ont",
        "GCF_000013425\tline 4: give the assembly's file in the column assembly",
    ]
    assert "left out: runtype" in capsys.readouterr().out


def test_what_the_sheet_or_the_list_has_is_not_repeated() -> None:
    rows_of("SRX1390622\n")

    rows = rows_of("SRX1390622\nSRX1390623\nSRX1390623\n")

    assert rows == ["sample\taccession", "SRX1390622\tSRX1390622", "SRX1390623\tSRX1390623"]
    assert [line.split("\t")[1].split(":")[0] for line in left_out()] == ["line 1", "line 3"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("SRX1390622\nSRX1\n", "list, line 2, column accession: 'SRX1' is given, allowed is a run"),
        (f"{FOFN}\nS-1\tpaired-end\t0\t\ta_1.fq\ta_2.fq\n", "list, line 2, column sample: 'S-1'"),
        (f"{FOFN}\nS1\tpaired-end\t0\t\tno.fq\ta_2.fq\n", "list, line 2, column r1: there is no"),
        (f"{FOFN}\nS1\tpaired-end\t0\n", "list, line 2, columns accession, r1 and assembly: all"),
        ("SRX1390622 illumina\n", "list, line 1, column accession: 'SRX1390622 illumina'"),
        ("SRX1390622\tillumina\n", "list, line 1: 2 cells are given for the columns accession;"),
        ("sample\taccession\nS1\t$(id)\n", "list, line 2, column accession: '$(id)' is given"),
    ],
)
def test_wrong_lines_are_named_and_nothing_is_appended(
    text: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_import(text) == 1

    assert problem in capsys.readouterr().err
    assert not Path("samples.tsv").exists()


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "absent"]) == 1
    assert "absent: there is no such file" in capsys.readouterr().err
