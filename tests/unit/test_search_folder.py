"""Folders of reads as people have them become rows; what could be two things is left out."""

import gzip
from pathlib import Path

import pytest

from bactofleet.cli.main import main

REPOSITORY = Path(__file__).parents[2]
Rows = dict[str, tuple[str, str]]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory: a project without a sheet."""
    (tmp_path / "workflow").symlink_to(REPOSITORY / "workflow")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str) -> None:
    for name in names:
        path = Path("reads", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("some data")


def import_folder(*names: str) -> Rows:
    """Import a folder with files of these names; return r1 and r2 of each genome, without it."""
    write(*names)
    assert main(["import", "reads", "--output", "samples.tsv"]) == 0
    return rows()


def rows() -> Rows:
    return {
        row["sample"]: (
            row.get("r1", "").replace("reads/", ""),
            row.get("r2", "").replace("reads/", ""),
        )
        for row in read_rows()
    }


def read_rows() -> list[dict[str, str]]:
    """Return the cells of each row by column."""
    sheet = Path("samples.tsv")
    lines = sheet.read_text().splitlines() if sheet.exists() else [""]
    header = lines[0].split("\t")
    return [dict(zip(header, line.split("\t"), strict=True)) for line in lines[1:]]


def left_out() -> list[str]:
    """Return what was left out, sorted: the genome or file, and the beginning of the reason."""
    return sorted(Path("samples-left-out.tsv").read_text().splitlines()[1:])


# Names of files, and the genomes that they are: r1 and r2.
LAYOUTS: dict[str, tuple[list[str], Rows]] = {
    "bcl2fastq": (
        ["a_S1_L001_R1_001.fastq.gz", "a_S1_L001_R2_001.fastq.gz"],
        {"a": ("a_S1_L001_R1_001.fastq.gz", "a_S1_L001_R2_001.fastq.gz")},
    ),
    "bcl2fastq without lanes": (
        ["a_S12_R1_001.fastq.gz", "a_S12_R2_001.fastq.gz"],
        {"a": ("a_S12_R1_001.fastq.gz", "a_S12_R2_001.fastq.gz")},
    ),
    "several lanes": (
        [f"a_S1_L00{lane}_R{mate}_001.fastq.gz" for lane in (2, 1) for mate in (1, 2)],
        {
            "a": (
                "a_S1_L001_R1_001.fastq.gz;a_S1_L002_R1_001.fastq.gz",
                "a_S1_L001_R2_001.fastq.gz;a_S1_L002_R2_001.fastq.gz",
            )
        },
    ),
    "a folder for each lane, as BaseSpace makes them": (
        [f"a_L00{n}-ds.1f/a_S1_L00{n}_R{mate}_001.fastq.gz" for n in (1, 2) for mate in (1, 2)],
        {
            "a": (
                "a_L001-ds.1f/a_S1_L001_R1_001.fastq.gz;a_L002-ds.1f/a_S1_L002_R1_001.fastq.gz",
                "a_L001-ds.1f/a_S1_L001_R2_001.fastq.gz;a_L002-ds.1f/a_S1_L002_R2_001.fastq.gz",
            )
        },
    ),
    "Casava 1.8 with an index sequence and parts": (
        [f"a_ACGTAC_L001_R{mate}_00{part}.fastq.gz" for mate in (1, 2) for part in (1, 2)],
        {
            "a": (
                "a_ACGTAC_L001_R1_001.fastq.gz;a_ACGTAC_L001_R1_002.fastq.gz",
                "a_ACGTAC_L001_R2_001.fastq.gz;a_ACGTAC_L001_R2_002.fastq.gz",
            )
        },
    ),
    "two index sequences": (
        ["a_ACGTACGT-TTGGCCAA_L001_R1_001.fastq.gz", "a_ACGTACGT-TTGGCCAA_L001_R2_001.fastq.gz"],
        {
            "a": (
                "a_ACGTACGT-TTGGCCAA_L001_R1_001.fastq.gz",
                "a_ACGTACGT-TTGGCCAA_L001_R2_001.fastq.gz",
            )
        },
    ),
    "no index": (
        ["a_NoIndex_L001_R1_001.fastq.gz", "a_NoIndex_L001_R2_001.fastq.gz"],
        {"a": ("a_NoIndex_L001_R1_001.fastq.gz", "a_NoIndex_L001_R2_001.fastq.gz")},
    ),
    "_R1": (["a_R1.fastq.gz", "a_R2.fastq.gz"], {"a": ("a_R1.fastq.gz", "a_R2.fastq.gz")}),
    "_r1": (["a_r1.fq", "a_r2.fq"], {"a": ("a_r1.fq", "a_r2.fq")}),
    ".R1": (["a.R1.fastq.gz", "a.R2.fastq.gz"], {"a": ("a.R1.fastq.gz", "a.R2.fastq.gz")}),
    "-R1": (["a-R1.fastq", "a-R2.fastq"], {"a": ("a-R1.fastq", "a-R2.fastq")}),
    "_R1_001 alone": (
        ["a_R1_001.fastq.gz", "a_R2_001.fastq.gz"],
        {"a": ("a_R1_001.fastq.gz", "a_R2_001.fastq.gz")},
    ),
    "_L001_R1": (
        ["a_L001_R1.fastq.gz", "a_L001_R2.fastq.gz", "a_L002_R1.fastq.gz", "a_L002_R2.fastq.gz"],
        {
            "a": (
                "a_L001_R1.fastq.gz;a_L002_R1.fastq.gz",
                "a_L001_R2.fastq.gz;a_L002_R2.fastq.gz",
            )
        },
    ),
    "_R1_L001": (
        ["a_R1_L001.fastq.gz", "a_R2_L001.fastq.gz"],
        {"a": ("a_R1_L001.fastq.gz", "a_R2_L001.fastq.gz")},
    ),
    "_1": (["a_1.fastq.gz", "a_2.fastq.gz"], {"a": ("a_1.fastq.gz", "a_2.fastq.gz")}),
    ".1": (["a.1.fq.gz", "a.2.fq.gz"], {"a": ("a.1.fq.gz", "a.2.fq.gz")}),
    "-1": (["a-1.fq.gz", "a-2.fq.gz"], {"a": ("a-1.fq.gz", "a-2.fq.gz")}),
    "_read1": (["a_read1.fq.gz", "a_read2.fq.gz"], {"a": ("a_read1.fq.gz", "a_read2.fq.gz")}),
    "_F and _R": (["a_F.fq.gz", "a_R.fq.gz"], {"a": ("a_F.fq.gz", "a_R.fq.gz")}),
    "_forward": (
        ["a_forward.fq.gz", "a_reverse.fq.gz"],
        {"a": ("a_forward.fq.gz", "a_reverse.fq.gz")},
    ),
    "in capitals": (["A_R1.FASTQ.GZ", "A_R2.FASTQ.GZ"], {"A": ("A_R1.FASTQ.GZ", "A_R2.FASTQ.GZ")}),
    "SRA": (
        ["SRR2838702_1.fastq.gz", "SRR2838702_2.fastq.gz"],
        {"SRR2838702": ("SRR2838702_1.fastq.gz", "SRR2838702_2.fastq.gz")},
    ),
    "SRA's reads that passed": (
        ["SRR2838702_pass_1.fastq", "SRR2838702_pass_2.fastq"],
        {"SRR2838702": ("SRR2838702_pass_1.fastq", "SRR2838702_pass_2.fastq")},
    ),
    "SRA, single-end, of fastq-dump --split-files": (
        ["SRR2838702_1.fastq.gz", "b_1.fastq.gz", "b_2.fastq.gz"],
        {
            "SRR2838702": ("SRR2838702_1.fastq.gz", ""),
            "b": ("b_1.fastq.gz", "b_2.fastq.gz"),
        },
    ),
    "single-end": (
        ["a.fastq.gz", "SRR2838702.fastq.gz"],
        {"a": ("a.fastq.gz", ""), "SRR2838702": ("SRR2838702.fastq.gz", "")},
    ),
    "a single-end run of a sequencer": (
        ["a_S1_L001_R1_001.fastq.gz", "b_S2_L001_R1_001.fastq.gz"],
        {"a": ("a_S1_L001_R1_001.fastq.gz", ""), "b": ("b_S2_L001_R1_001.fastq.gz", "")},
    ),
    "a folder for each genome": (
        ["x/a_R1.fq.gz", "x/a_R2.fq.gz", "y/b_1.fq.gz", "y/b_2.fq.gz"],
        {"a": ("x/a_R1.fq.gz", "x/a_R2.fq.gz"), "b": ("y/b_1.fq.gz", "y/b_2.fq.gz")},
    ),
    "a folder for each mate": (
        ["R1/a_1.fq.gz", "R2/a_2.fq.gz"],
        {"a": ("R1/a_1.fq.gz", "R2/a_2.fq.gz")},
    ),
    "TrimGalore": (
        ["a_R1_val_1.fq.gz", "a_R2_val_2.fq.gz"],
        {"a": ("a_R1_val_1.fq.gz", "a_R2_val_2.fq.gz")},
    ),
    "TrimGalore of _1": (
        ["a_1_val_1.fq.gz", "a_2_val_2.fq.gz"],
        {"a": ("a_1_val_1.fq.gz", "a_2_val_2.fq.gz")},
    ),
    "Trimmomatic": (
        ["a_1P.fq.gz", "a_1U.fq.gz", "a_2P.fq.gz", "a_2U.fq.gz"],
        {"a": ("a_1P.fq.gz", "a_2P.fq.gz")},
    ),
    "paired and unpaired": (
        ["a_R1_paired.fq.gz", "a_R1_unpaired.fq.gz", "a_R2_paired.fq.gz", "a_R2_unpaired.fq.gz"],
        {"a": ("a_R1_paired.fq.gz", "a_R2_paired.fq.gz")},
    ),
    "trimmed": (
        ["a_1.trimmed.fastq.gz", "a_2.trimmed.fastq.gz"],
        {"a": ("a_1.trimmed.fastq.gz", "a_2.trimmed.fastq.gz")},
    ),
    "numbers in the name": (
        ["2024-05-01_1_R1.fq.gz", "2024-05-01_1_R2.fq.gz", "001_1.fq.gz", "001_2.fq.gz"],
        {
            "2024-05-01_1": ("2024-05-01_1_R1.fq.gz", "2024-05-01_1_R2.fq.gz"),
            "001": ("001_1.fq.gz", "001_2.fq.gz"),
        },
    ),
    "hyphens, dots and S in the name": (
        ["iso-1.v2_S3.x_R1.fq.gz", "iso-1.v2_S3.x_R2.fq.gz"],
        {"iso-1.v2_S3.x": ("iso-1.v2_S3.x_R1.fq.gz", "iso-1.v2_S3.x_R2.fq.gz")},
    ),
    "one lane of another sequencer": (
        ["a_FKDL210001-1A_HXX_L1_1.fq.gz", "a_FKDL210001-1A_HXX_L1_2.fq.gz"],
        {
            "a_FKDL210001-1A_HXX_L1": (
                "a_FKDL210001-1A_HXX_L1_1.fq.gz",
                "a_FKDL210001-1A_HXX_L1_2.fq.gz",
            )
        },
    ),
    "spaces and brackets": (
        ["my sample (2)_R1.fq.gz", "my sample (2)_R2.fq.gz"],
        {"my_sample_2_": ("my sample (2)_R1.fq.gz", "my sample (2)_R2.fq.gz")},
    ),
    "what is no genome": (
        ["a_1.fq", "a_2.fq", "README.txt", ".hidden_1.fq", "._a_1.fq", "a.bam", ".trash/b.fq"],
        {"a": ("a_1.fq", "a_2.fq")},
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_usual_names_are_understood(layout: str) -> None:
    names, expected = LAYOUTS[layout]

    assert import_folder(*names) == expected


# Names of files, what is taken of them, and what is left out, with a part of the reason.
DOUBTFUL: dict[str, tuple[list[str], list[str], list[tuple[str, str]]]] = {
    "no second mate among pairs": (
        ["a_R1.fq", "b_R1.fq", "b_R2.fq"],
        ["b"],
        [("a", "has no second mate")],
    ),
    "a number that may be a mate": (["a_1.fq"], [], [("a", "has no second mate")]),
    "no first mate": (["a_R2.fq"], [], [("a", "have no mate")]),
    "a lane without its mate": (
        ["a_S1_L001_R1_001.fq", "a_S1_L001_R2_001.fq", "a_S1_L002_R1_001.fq"],
        [],
        [("a", "have no mate")],
    ),
    "numbered genomes": (
        ["iso_1.fq", "iso_2.fq", "iso_3.fq"],
        ["iso_3"],
        [("iso", "are its files mates, or genomes as iso_3 is one?")],
    ),
    "three reads": (
        ["a_R1.fq", "a_R2.fq", "a_R3.fq"],
        ["a_R3"],
        [("a", "are its files mates, or genomes as a_R3 is one?")],
    ),
    "one name in two folders": (
        ["run1/a_R1.fq", "run1/a_R2.fq", "run2/a_R1.fq", "run2/a_R2.fq"],
        [],
        [("a", "one genome or two?")],
    ),
    "two libraries": (
        ["a_S1_R1_001.fq", "a_S1_R2_001.fq", "a_S9_R1_001.fq", "a_S9_R2_001.fq"],
        [],
        [("a", "several libraries: S1, S9")],
    ),
    "raw and trimmed": (
        ["a_R1.fq", "a_R2.fq", "a_R1_trimmed.fq", "a_R2_trimmed.fq"],
        [],
        [("a", "the same reads twice?")],
    ),
    "lanes and the same joined": (
        ["a_L001_R1.fq", "a_L001_R2.fq", "a_R1.fq", "a_R2.fq"],
        [],
        [("a", "the same reads twice?")],
    ),
    "lanes of other sequencers": (
        ["v_L01_23_1.fq", "v_L01_23_2.fq", "v_L02_23_1.fq", "v_L02_23_2.fq"],
        [],
        [("v_L01_23", "one genome or several?"), ("v_L02_23", "one genome or several?")],
    ),
    "orphans": (
        ["SRR2838702_1.fq", "SRR2838702_2.fq", "SRR2838702.fq"],
        ["SRR2838702"],
        [("reads/SRR2838702.fq", "may be its orphans")],
    ),
    "reads of no sample": (
        ["a_S1_R1_001.fq", "a_S1_R2_001.fq", "Undetermined_S0_R1_001.fq"],
        ["a"],
        [("reads/Undetermined_S0_R1_001.fq", "belong to no sample")],
    ),
    "index reads": (
        ["a_S1_R1_001.fq", "a_S1_R2_001.fq", "a_S1_I1_001.fq"],
        ["a"],
        [("reads/a_S1_I1_001.fq", "index reads")],
    ),
    "Nanopore reads without barcode or quality": (
        ["fastq_pass/unclassified/F_0.fq", "fastq_fail/barcode01/F_1.fq", "a_1.fq", "a_2.fq"],
        ["a"],
        [
            ("reads/fastq_fail/barcode01/F_1.fq", "Nanopore"),
            ("reads/fastq_pass/unclassified/F_0.fq", "Nanopore"),
        ],
    ),
    "Nanopore reads that failed, beside those that passed": (
        ["barcode01/FAX1_pass_barcode01_0a_0.fq", "barcode01/FAX1_fail_barcode01_0a_0.fq"],
        ["barcode01"],
        [("reads/barcode01/FAX1_fail_barcode01_0a_0.fq", "without barcode or quality")],
    ),
    "Nanopore reads without barcode": (
        ["fastq_pass/FAX1_pass_0.fq", "pass/b/FAX2_pass_unclassified_0.fq"],
        [],
        [
            ("reads/fastq_pass/FAX1_pass_0.fq", "in the column ont"),
            ("reads/pass/b/FAX2_pass_unclassified_0.fq", "without barcode or quality"),
        ],
    ),
    "a barcode within a name of one's own": (
        ["iso1_barcode01.fq", "iso2_barcode01.fq"],
        [],
        [
            ("reads/iso1_barcode01.fq", "in the column ont"),
            ("reads/iso2_barcode01.fq", "in the column ont"),
        ],
    ),
    "a barcode of two flow cells in one folder": (
        ["FAX1_pass_barcode01_0a_0.fq", "FAX2_pass_barcode01_0b_0.fq"],
        ["barcode01"],
        [("barcode01", "the sheet, or a genome above, has barcode01")],
    ),
    "a barcode of two runs": (
        ["run1/fastq_pass/barcode01/F_0.fq", "run2/fastq_pass/barcode01/G_0.fq"],
        ["barcode01"],
        [("barcode01", "the sheet, or a genome above, has barcode01")],
    ),
    "packed otherwise": (["a.fastq.bz2"], [], [("reads/a.fastq.bz2", ".bz2 files are not read")]),
    "a path that no cell holds": (["a;b.fq"], [], [("reads/a;b.fq", "a sheet cannot hold")]),
    "a name that no sheet takes": (["é.fq"], [], [("", "does not fit a sheet")]),
    "a name that is too long": ([f"{'ab' * 40}c.fq"], [], [(f"{'ab' * 40}c", "does not fit")]),
    "names that differ in case": (
        ["a/S_1.fq", "a/S_2.fq", "b/s_1.fq", "b/s_2.fq"],
        ["S"],
        [("s", "the sheet, or a genome above, has s")],
    ),
}


@pytest.mark.parametrize("layout", DOUBTFUL)
def test_what_could_be_two_things_is_left_out_and_told(layout: str) -> None:
    names, taken, expected = DOUBTFUL[layout]

    assert list(import_folder(*names)) == taken
    told = [line.split("\t") for line in left_out()]
    assert [name for name, _ in told] == [name for name, _ in expected]
    for (_, reason), (_, part) in zip(told, expected, strict=True):
        assert part in reason


# Names of files of Nanopore reads, and the column ont of the genomes that they are.
NANOPORE: dict[str, tuple[list[str], dict[str, str]]] = {
    "MinKNOW's folders of barcodes": (
        [f"fastq_pass/barcode{n}/F_pass_{part}.fastq.gz" for n in ("01", "02") for part in (0, 1)],
        {
            f"barcode{n}": ";".join(
                f"fastq_pass/barcode{n}/F_pass_{part}.fastq.gz" for part in "01"
            )
            for n in ("01", "02")
        },
    ),
    "folders of samples, as MinKNOW's sample sheet names them": (
        ["run/fastq_pass/iso-1/FAX1_pass_iso-1_0a_1.fq.gz", "run/fastq_pass/iso_2/FAX1_0.fq.gz"],
        {
            "iso-1": "run/fastq_pass/iso-1/FAX1_pass_iso-1_0a_1.fq.gz",
            "iso_2": "run/fastq_pass/iso_2/FAX1_0.fq.gz",
        },
    ),
    "Guppy's folders": (
        ["guppy/pass/barcode01/fastq_runid_0a1b_0_0.fastq.gz", "guppy/fail/barcode01/x.fastq.gz"],
        {"barcode01": "guppy/pass/barcode01/fastq_runid_0a1b_0_0.fastq.gz"},
    ),
    "a file for each barcode": (
        ["barcode01.fastq.gz", "barcode12.fastq.gz"],
        {"barcode01": "barcode01.fastq.gz", "barcode12": "barcode12.fastq.gz"},
    ),
    "files of MinKNOW in one folder": (
        ["FAX123_pass_barcode01_0a_1b_0.fq", "FAX123_pass_barcode01_0a_1b_1.fq"],
        {"barcode01": "FAX123_pass_barcode01_0a_1b_0.fq;FAX123_pass_barcode01_0a_1b_1.fq"},
    ),
    "dorado demux": (
        ["0a1b-2c_SQK-NBD114-24_barcode03.fastq", "0a1b-2c_SQK-NBD114-24_unclassified.fastq"],
        {"barcode03": "0a1b-2c_SQK-NBD114-24_barcode03.fastq"},
    ),
}


@pytest.mark.parametrize("layout", NANOPORE)
def test_nanopore_folders_are_genomes_of_long_reads(layout: str) -> None:
    names, expected = NANOPORE[layout]

    import_folder(*names, "a_R1.fq", "a_R2.fq")

    found = {row["sample"]: row["ont"].replace("reads/", "") for row in read_rows()}
    assert found == {"a": "", **expected}


def test_how_many_files_of_a_barcode_were_joined_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import_folder(*(f"fastq_pass/barcode01/F_pass_{part}.fastq.gz" for part in (0, 1)))

    assert "files joined: 2" in capsys.readouterr().out


NANOPORE_READ = "@0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0 runid=1a2b ch=7\nACGT\n+\nIIII\n"
HIFI_READ = "@m64011_190830_220126/1/ccs\nACGT\n+\nIIII\n"
# ENA puts the read of the run before its own name.
OF_ENA = "@ERR3152364.1 "


@pytest.mark.parametrize(
    ("read", "column"),
    [
        (NANOPORE_READ, "ont"),
        (HIFI_READ, "hifi"),
        (OF_ENA + NANOPORE_READ[1:], "ont"),
        (OF_ENA + HIFI_READ[1:], "hifi"),
    ],
)
@pytest.mark.parametrize("name", ["iso.fastq.gz", "iso.fq"])
def test_the_first_read_of_a_file_without_mates_tells_long_reads(
    read: str, column: str, name: str
) -> None:
    Path("reads").mkdir()
    write_gzip = gzip.open if name.endswith(".gz") else open
    with write_gzip(f"reads/{name}", "wt") as file:
        file.write(read)

    import_folder("short.fq")

    rows = {row["sample"]: row for row in read_rows()}
    assert rows["iso"][column] == f"reads/{name}"
    assert not rows["iso"]["r1"]
    assert rows["short"]["r1"] == "reads/short.fq"


def test_nothing_is_taken_twice() -> None:
    write("a_R1.fq", "a_R2.fq")
    Path("reads/b_R1.fq").symlink_to("a_R1.fq")
    Path("reads/b_R2.fq").hardlink_to("reads/a_R2.fq")
    first = import_folder()
    Path("reads/renamed_R1.fq").hardlink_to("reads/a_R1.fq")
    Path("reads/a_R1.fq").unlink()

    again = import_folder("c_1.fq", "c_2.fq")

    assert list(first) == ["a"]
    assert list(again) == ["a", "c"]


def test_links_to_nothing_and_empty_files_are_told() -> None:
    write("a_R1.fq")
    Path("reads/b.fq").symlink_to("nowhere")
    Path("reads/c.fq").touch()

    import_folder()

    assert left_out() == [
        "reads/b.fq\tit is a link to nothing, or no regular file",
        "reads/c.fq\tit is empty",
    ]


def test_what_was_guessed_and_what_was_not_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    import_folder("my sample_R1.fq", "my sample_R2.fq", "b_R2.fq")

    said = " ".join(capsys.readouterr().out.split())
    assert "its files are called my sample" in said
    assert "left out: mate" in said
    assert "added │ 1" in said


@pytest.mark.parametrize("names", [[], ["notes.txt"]])
def test_a_folder_without_reads_is_named(
    names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("reads").mkdir()
    write(*names)

    assert main(["import", "reads", "--output", "samples.tsv"]) == 1
    assert "reads has no FASTQ files" in capsys.readouterr().err
