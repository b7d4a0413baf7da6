"""Lists that users have become rows: by header, checked as the sheet is, errors by line."""

from pathlib import Path

import pytest
from support.archives import RUNINFO, make_run, to_runinfo

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


def test_a_fofn_of_the_first_versions_has_long_reads_in_other_columns() -> None:
    rows = rows_of(
        "sample\truntype\tr1\tr2\textra\n"
        "S1\tont\ta_1.fq\n"
        "S2\thybrid\ta_1.fq\ta_2.fq\tb_1.fq\n"
        "S3\tshort_polish-merge-pe\ta_1.fq,a_2.fq\tb_1.fq,b_2.fq\tx.fna\n"
    )

    assert rows == [
        "sample\tr1\tr2\tont",
        "S1\t\t\ta_1.fq",
        "S2\ta_1.fq\ta_2.fq\tb_1.fq",
        "S3\ta_1.fq;a_2.fq\tb_1.fq;b_2.fq\tx.fna",
    ]


def test_long_reads_of_a_fofn_are_taken_alone_and_beside_pairs() -> None:
    rows = rows_of(
        f"{FOFN}\nS1\tont\t0\t\t\t\t\ta_1.fq\nS2\thybrid\t0\t\ta_1.fq\ta_2.fq\t\tb_1.fq\n"
    )

    assert rows == [
        "sample\tr1\tr2\tont",
        "S1\t\t\ta_1.fq",
        "S2\ta_1.fq\ta_2.fq\tb_1.fq",
    ]


def test_accessions_of_nanopore_reads_are_taken() -> None:
    rows = rows_of("accession\truntype\nSRX1390623\tont\n")

    assert rows == ["sample\taccession", "SRX1390623\tSRX1390623"]


def test_what_is_not_made_here_is_left_out_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of(
        "accession\truntype\nSRX1390622\tillumina\nSRX1390624\tclr\nGCF_000013425\tassembly\n"
    )

    assert rows[1:] == ["SRX1390622\tSRX1390622"]
    assert [line.split(",")[0] for line in left_out()] == [
        "SRX1390624\tline 3: runtype is clr",
        "GCF_000013425\tline 4: give it with its version in the column assembly",
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
        ("SRX1390622\nSRX1\n", "list, line 2, column accession: 'SRX1' is not a run"),
        (f"{FOFN}\nS 1\tpaired-end\t0\t\ta_1.fq\ta_2.fq\n", "list, line 2, column sample: 'S 1'"),
        (f"{FOFN}\nS1\tpaired-end\t0\t\tno.fq\ta_2.fq\n", "list, line 2, column r1: there is no"),
        (
            f"{FOFN}\nS1\tpaired-end\t0\n",
            "list, line 2, columns accession, r1, ont, hifi and assembly: all",
        ),
        ("SRX1390622 illumina\n", "list, line 1, column accession: 'SRX1390622 illumina'"),
        ("SRX1390622\tillumina\n", "list, line 1: 2 cells are given for the columns accession;"),
        ("sample\taccession\nS1\t$(id)\n", "list, line 2, column accession: '$(id)' is not a run"),
    ],
)
def test_wrong_lines_are_named_and_nothing_is_appended(
    text: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_import(text) == 1

    assert problem in capsys.readouterr().err
    assert not Path("samples.tsv").exists()


@pytest.mark.parametrize(
    ("header", "row", "problem"),
    [
        ("r1\tr2\textra", "paired-end\ta_1.fq\t\t", "paired-end, r2 is empty"),
        (
            "r1\tr2\textra",
            "paired-end\ta_1.fq\t\ta_2.fq",
            "paired-end, r2 is empty and extra is given",
        ),
        ("r1\tr2", "single-end\ta_1.fq\ta_2.fq", "single-end, r2 is given"),
        ("r1\tse", "single-end\ta_1.fq\tb_1.fq", "single-end, r1 is given"),
        ("r1\textra", "assembly\ta_1.fq\t", "assembly, assembly is empty and r1 is given"),
        ("r1\tassembly", "assembly\ta_1.fq\tx.fna", "assembly, r1 is given"),
        ("r1\tr2", "merge-pe\ta_1.fq,b_1.fq\t", "merge-pe, r2 is empty"),
        ("r1\tr2\tont", "paired-end\ta_1.fq\ta_2.fq\tb_1.fq", "paired-end, ont is given"),
        ("accession\tr1", "sra_accession\tSRX1390622\ta_1.fq", "sra_accession, r1 is given"),
    ],
)
def test_a_row_that_contradicts_its_runtype_is_refused(
    header: str, row: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_import(f"sample\truntype\t{header}\nS1\t{row}\n") == 1

    assert f"list, line 2: runtype is {problem}" in capsys.readouterr().err
    assert not Path("samples.tsv").exists()


def test_contradictions_are_named_with_what_else_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        run_import(f"{FOFN}\nS1\tpaired-end\t0\t\ta_1.fq\nS 2\tassembly\t0\t\t\t\t\t\tx.fna\n") == 1
    )

    said = capsys.readouterr().err
    assert "line 2: runtype is paired-end, r2 is empty" in said
    assert "line 3, column sample: 'S 2'" in said


def test_a_species_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_import("accession\tspecies\nSRX1390622\tsalmonella\n") == 1

    assert "list, line 2, column species: 'salmonella' is not a genus" in capsys.readouterr().err


def test_a_column_that_is_there_twice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_import("sample\tr1\tr1\nS1\ta_1.fq\tb_1.fq\n") == 1

    assert "list, line 1: the column r1 occurs more than once" in capsys.readouterr().err


def test_the_users_own_columns_of_a_sheet_are_kept() -> None:
    text = "sample\tcountry\tr1\tst\tspecie\nS1\tPeru\ta_1.fq\t\tx\nS2\t\tb_1.fq\t239\n"

    assert rows_of(text) == ["sample\tr1\tcountry\tst", "S1\ta_1.fq\tPeru\t", "S2\tb_1.fq\t\t239"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_sheet_from_a_spreadsheet_becomes_a_plain_one(encoding: str) -> None:
    Path("my.csv").write_bytes('sample,r1,genome_size\r\nS-1,"a_1.fq",2.8m\r\n'.encode(encoding))

    assert main(["import", "my.csv", "--output", "samples.tsv"]) == 0

    assert Path("samples.tsv").read_bytes() == b"sample\tr1\tgenome_size\nS-1\ta_1.fq\t2800000\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"PK\x03\x04" + bytes(20), "list is a workbook of a spreadsheet program"),
        (b"accession\tspecies\nSRX1390622\tK\xfcche\n", "list, line 2: it is not UTF-8"),
        (b'accession\tspecies\nSRX1390622\t"Kueche\n', "list, line 2: its quotes do not match"),
    ],
)
def test_what_is_no_text_is_refused(
    content: bytes, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("list").write_bytes(content)

    assert main(["import", "list", "--output", "samples.tsv"]) == 1
    assert problem in capsys.readouterr().err


RUN_SELECTOR = """\
Run,Assay Type,AvgSpotLen,BioSample,Center Name,Consent,Experiment,LibrarySource,Organism,Platform
SRR1000001,WGS,302,SAMN1,"LAB, CITY",public,SRX1390621,GENOMIC,Staphylococcus aureus,ILLUMINA
SRR1000002,RNA-Seq,302,SAMN1,LAB,public,SRX1390622,TRANSCRIPTOMIC,Staphylococcus aureus,ILLUMINA
SRR1000003,WGS,302,SAMN1,LAB,public,SRX1390623,GENOMIC,Staphylococcus aureus,OXFORD_NANOPORE
SRR1000004,WGS,302,SAMN1,LAB,phs000001,SRX1390624,GENOMIC,human metagenome,ILLUMINA
SRR1000005,WGS,302,SAMN1,LAB,public,SRX1390621,GENOMIC,Staphylococcus aureus,ILLUMINA
SRR1000006,WGS,302,SAMN1,LAB,public,SRX1390626,GENOMIC,Staphylococcus aureus,ION_TORRENT
SRR1000007,WGS,9000,SAMN1,LAB,public,SRX1390627,GENOMIC,Staphylococcus aureus,PACBIO_SMRT
"""


def test_the_run_selectors_table_is_read_and_what_is_not_made_here_listed() -> None:
    assert rows_of(RUN_SELECTOR) == [
        "sample\taccession\tspecies",
        "SRX1390621\tSRX1390621\tStaphylococcus aureus",
        "SRX1390623\tSRX1390623\tStaphylococcus aureus",
        "SRX1390627\tSRX1390627\tStaphylococcus aureus",
    ]
    assert left_out() == [
        "SRX1390622\tline 3: library source is TRANSCRIPTOMIC, must be GENOMIC",
        "SRX1390624\tline 5: access to its reads is controlled (phs000001)",
        "SRX1390621\tline 6: the sheet, or a line above, has srx1390621",
        "SRX1390626\tline 7: platform is ION_TORRENT, must be ILLUMINA or OXFORD_NANOPORE or "
        "PACBIO_SMRT",
    ]


@pytest.mark.parametrize(
    ("table", "accession", "species"),
    [
        (
            "run_accession\texperiment_accession\tsample_accession\tscientific_name\tfastq_ftp\n"
            "SRR2838702\tSRX1390622\tSAMN04216817\t[Clostridium] innocuum\tx\n",
            "SRX1390622",
            "Clostridium innocuum",
        ),
        (
            "run_accession\tsample_accession\tinstrument_platform\nSRR2838702\tSAMN1\tILLUMINA\n",
            "SRR2838702",
            "",
        ),
        (
            f"{RUNINFO}\n{to_runinfo(make_run(1))}\n\n",
            "SRX2000001",
            "Staphylococcus aureus",
        ),
        (
            "#Organism group\tStrain\tRun\tBioSample\tAssembly\n"
            "Salmonella enterica\tCFSAN\tSRR2838702\tSAMN04216817\tGCA_000013425.1\n",
            "SRR2838702",
            "Salmonella enterica",
        ),
        (
            "#label\tPlatform\tRun\tasm_acc\tbiosample_acc\tscientific_name\n"
            "x\tILLUMINA\tSRR2838702\tNULL\tSAMN04216817\tListeria monocytogenes\n",
            "SRR2838702",
            "Listeria monocytogenes",
        ),
        (
            "Organism group,Strain,BioSample,Assembly\n"
            '"E.coli and Shigella",x,SAMN04216817,GCA_000013425.1\n',
            "SAMN04216817",
            "",
        ),
    ],
    ids=[
        "ENA's report",
        "ENA's report of runs",
        "runinfo",
        "Pathogen Detection",
        "Pathogen Detection's metadata",
        "Pathogen Detection without runs",
    ],
)
def test_the_archives_tables_are_read_by_header(table: str, accession: str, species: str) -> None:
    header, row = rows_of(table)

    cells = dict(zip(header.split("\t"), row.split("\t"), strict=True))
    assert (cells["sample"], cells["accession"]) == (accession, accession)
    assert cells.get("species", "") == species


def test_an_isolate_without_reads_is_left_out() -> None:
    rows = rows_of(
        "#label\tRun\tbiosample_acc\nx\tNULL\tSAMN04216817\ny\tSRR2838702\tSAMN04216818\n"
    )

    assert rows[1:] == ["SRR2838702\tSRR2838702"]
    assert left_out() == ["\tline 2: it names no reads"]


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "absent"]) == 1
    assert "absent does not exist" in capsys.readouterr().err
