"""Rows of the sample sheet: what is taken, and that every fault is named with its remedy."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from snakemake.io import PeriodicityDetector
from support.sheets import HEADER, SCHEMA, check, problems_of, write_sheet

from bactofleet.core.errors import ConfigurationError
from bactofleet.core.samples import shown, to_bp, to_sample

COHORT = 67_000


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, which holds reads and an assembly."""
    for name in ("a_1.fq.gz", "a_2.fq.gz", "b_1.fq.gz", "b_2.fq.gz", "x.fna"):
        (tmp_path / name).write_text("some data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- what is taken --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "kind", "runtype"),
    [
        ("S1\tSRX1390622", "accession", "sra_accession"),
        ("S1\t\ta_1.fq.gz\ta_2.fq.gz", "reads", "paired-end"),
        ("S1\t\ta_1.fq.gz", "reads", "single-end"),
        ("S1\t\t\t\tx.fna", "assembly", "assembly"),
    ],
)
def test_each_kind_of_input_is_taken(row: str, kind: str, runtype: str) -> None:
    sample = check(row)["S1"]

    assert (sample.kind, sample.runtype) == (kind, runtype)


def test_optional_columns_are_read() -> None:
    sample = check("S1\t\ta_1.fq.gz\t\t\t2800000\tStaphylococcus aureus")["S1"]

    assert (sample.genome_size, sample.species) == (2_800_000, "Staphylococcus aureus")


def test_optional_columns_may_be_left_out_and_columns_come_in_any_order() -> None:
    sample = check("a_2.fq.gz\tS1\ta_1.fq.gz", header="r2\tsample\tr1")["S1"]

    assert (sample.r1, sample.r2) == (["a_1.fq.gz"], ["a_2.fq.gz"])


@pytest.mark.parametrize("prefix", ["Candidatus", "Ca."])
def test_a_species_that_was_never_cultured_has_its_genus_first(prefix: str) -> None:
    sample = check(f"S1\t\ta_1.fq.gz\t\t\t\t{prefix} Liberibacter asiaticus")["S1"]

    assert sample.species == "Liberibacter asiaticus"


def test_a_missing_sample_is_named_after_its_accession() -> None:
    assert list(check("\tSRR2838702")) == ["SRR2838702"]
    assert list(check("SRR2838702", header="accession")) == ["SRR2838702"]


@pytest.mark.parametrize(
    "accession",
    ["SRR2838702", "ERX1390622", "DRS110978", "SAMN04216817", "SAMEA104216817", "SAMD00000550"],
)
def test_runs_experiments_and_samples_of_the_three_archives_are_accessions(accession: str) -> None:
    assert check(f"S1\t{accession}")["S1"].accession == accession


def test_files_of_several_runs_keep_their_order() -> None:
    sample = check("S1\t\tb_1.fq.gz;a_1.fq.gz\tb_2.fq.gz;a_2.fq.gz")["S1"]

    assert sample.r1 == ["b_1.fq.gz", "a_1.fq.gz"]
    assert sample.sources == ["b_1.fq.gz", "a_1.fq.gz", "b_2.fq.gz", "a_2.fq.gz"]


def test_empty_lines_and_comments_are_passed_over_and_lines_still_counted() -> None:
    problems = problems_of("", "# a comment", "S1\tSRR2838702", "", "S 2\tSRR2838703")

    assert problems[0].startswith("samples.tsv, line 6, column sample: 'S 2'")


def test_samples_keep_the_order_of_the_sheet() -> None:
    assert list(check("S2\tSRR2838702", "S1\tSRR2838703")) == ["S2", "S1"]


@pytest.mark.parametrize("name", ['it\'s "mine" $(x).fq', "-rf", "é ü.fq", "a|b&c.fq"])
def test_a_path_may_hold_any_character_that_a_file_name_can(folder: Path, name: str) -> None:
    (folder / name).write_text("some data")

    assert check(f"S1\t\t{name}")["S1"].r1 == [name]


# --- names ----------------------------------------------------------------------------------------

UNSAFE_NAMES = [
    "../S1",
    "a/b",
    "..",
    ".hidden",
    "ends.",
    "_first",
    "two words",
    " S1",
    "S1 ",
    "-S1",
    "S1-",
    "it's",
    'a"b',
    "$(touch x)",
    "`id`",
    "a;b",
    "a|b",
    "a&b",
    "a>b",
    "a*",
    "a\\b",
    "a{b}",
    "Ünïcode",
    "S\uff11",
    "S\u200b1",
    "S\x071",
    "x" * 65,
    "x" * 200,
]


@pytest.mark.parametrize("name", UNSAFE_NAMES)
def test_an_unsafe_name_is_refused_and_the_safe_form_shown(name: str) -> None:
    (problem,) = problems_of(f"{name}\tSRR2838702")

    shown = name if len(name) <= 60 else name[:60] + "…"
    assert problem.startswith(f"samples.tsv, line 2, column sample: {shown!r} is not a name of")
    assert "1 to 64 letters, digits, '_', '.' and '-'" in problem


@given(name=st.text(st.characters(exclude_characters="\n\t", exclude_categories=["Cs"])))
@example(name="S" * 64)
@example(name="a..b")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_name_that_is_taken_is_safe_as_part_of_a_path_and_of_a_command(name: str) -> None:
    try:
        names = list(check(f"{name}\tSRR2838702"))
    except ConfigurationError:
        return

    safe = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
    for taken in names:
        assert set(taken) <= safe
        assert 1 <= len(taken) <= 64
        assert taken[0] not in "._-"
        assert taken[-1] not in ".-"


@example(name="my-sample")
@example(name="2024-05-01")
@given(name=st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?", fullmatch=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_every_safe_name_is_taken(name: str) -> None:
    assert list(check(f"{name}\tSRR2838702")) == [name]


@pytest.mark.parametrize("second", ["S1", "s1"])
def test_a_name_that_is_there_twice_is_refused_also_in_another_case(second: str) -> None:
    (problem,) = problems_of("S1\tSRR2838702", f"{second}\tSRR2838703")

    assert "line 3, column sample" in problem
    assert f"{second!r} is the sample of line 2 too" in problem


def test_two_rows_of_one_accession_without_names_are_duplicates() -> None:
    (problem,) = problems_of("\tSRR2838702", "\tSRR2838702")

    assert "line 3, column sample: 'SRR2838702' is the sample of line 2 too" in problem


def test_rows_without_a_name_are_named_as_such_and_not_as_duplicates() -> None:
    problems = problems_of("\t\ta_1.fq.gz", "\t\tb_1.fq.gz")

    assert problems == [f"samples.tsv, line {n}, column sample: it is empty" for n in (2, 3)]


# --- kinds of input and files ---------------------------------------------------------------------


LONG_READS = "sample\taccession\tr1\tr2\tont\thifi\tassembly"


@pytest.mark.parametrize(
    ("row", "runtype", "files"),
    [
        ("S1\t\t\t\ta_1.fq.gz", "ont", ["a_1.fq.gz"]),
        ("S1\t\t\t\t\ta_1.fq.gz;b_1.fq.gz", "hifi", ["a_1.fq.gz", "b_1.fq.gz"]),
        (
            "S1\t\ta_1.fq.gz\ta_2.fq.gz\ts3://bucket/x.fq.gz",
            "short_polish",
            ["a_1.fq.gz", "a_2.fq.gz", "s3://bucket/x.fq.gz"],
        ),
        ("S1\t\ta_1.fq.gz\t\t\tb_1.fq.gz", "short_polish", ["a_1.fq.gz", "b_1.fq.gz"]),
    ],
)
def test_long_reads_are_taken_alone_or_beside_short_ones(
    row: str, runtype: str, files: list[str]
) -> None:
    sample = check(row, header=LONG_READS)["S1"]

    assert (sample.kind, sample.runtype, sample.files) == ("reads", runtype, files)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("S1\t\t\t\ta_1.fq.gz\tb_1.fq.gz", "columns ont and hifi: both are given"),
        ("S1\tSRR2838702\t\t\ta_1.fq.gz", "columns accession and ont: 'SRR2838702' and"),
        ("S1\t\t\t\ta_1.fq.gz\t\tx.fna", "columns ont and assembly: 'a_1.fq.gz' and"),
        ("S1\t\ta_1.fq.gz\t\ta_1.fq.gz", "columns r1 and ont: 'a_1.fq.gz' occurs more than"),
        ("S1\t\t\ta_1.fq.gz\tb_1.fq.gz", "column r2: 'a_1.fq.gz' has no r1"),
        ("S1\t\t\t\tno.fq.gz", "column ont: there is no file 'no.fq.gz'"),
        ("S1\t\t\t\thttp://host/x.fq.gz", "column ont: 'http://host/x.fq.gz' is not a file"),
    ],
)
def test_long_reads_that_cannot_be_used_are_refused(row: str, problem: str) -> None:
    (found,) = problems_of(row, header=LONG_READS)

    assert found.startswith(f"samples.tsv, line 2, {problem}")


def test_a_row_without_input_is_refused() -> None:
    (problem,) = problems_of("S1")

    assert "line 2, columns accession, r1, ont, hifi and assembly: all are empty" in problem


@pytest.mark.parametrize(
    ("row", "columns", "values"),
    [
        ("S1\tSRR2838702\ta_1.fq.gz", "accession and r1", "'SRR2838702' and 'a_1.fq.gz'"),
        ("S1\tSRR2838702\t\t\tx.fna", "accession and assembly", "'SRR2838702' and 'x.fna'"),
        ("S1\t\ta_1.fq.gz\ta_2.fq.gz\tx.fna", "r1 and assembly", "'a_1.fq.gz' and 'x.fna'"),
    ],
)
def test_two_kinds_of_input_in_a_row_are_refused(row: str, columns: str, values: str) -> None:
    (problem,) = problems_of(row)

    assert problem.startswith(f"samples.tsv, line 2, columns {columns}: {values} are given")


def test_r2_alone_is_refused() -> None:
    problems = problems_of("S1\t\t\ta_2.fq.gz")

    assert any("column r2: 'a_2.fq.gz' has no r1" in problem for problem in problems)


def test_different_numbers_of_files_of_the_mates_are_refused() -> None:
    (problem,) = problems_of("S1\t\ta_1.fq.gz;b_1.fq.gz\ta_2.fq.gz")

    assert "columns r1 and r2: 2 and 1 files" in problem


def test_one_file_as_both_mates_is_refused() -> None:
    (problem,) = problems_of("S1\t\ta_1.fq.gz\ta_1.fq.gz")

    assert "columns r1 and r2: 'a_1.fq.gz' occurs more than once" in problem


@pytest.mark.parametrize(
    ("r1", "r2"),
    [
        ("a_1.fq.gz", "./a_1.fq.gz"),
        ("a_1.fq.gz", "link.fq.gz"),
        ("a_1.fq.gz", "hard.fq.gz"),
        ("a_1.fq.gz;a_1.fq.gz", "a_2.fq.gz;b_1.fq.gz"),
        ("https://host/a;https://host/a", ""),
    ],
)
def test_one_file_however_it_is_spelt_is_not_read_twice(r1: str, r2: str) -> None:
    Path("link.fq.gz").symlink_to("a_1.fq.gz")
    Path("hard.fq.gz").hardlink_to("a_1.fq.gz")

    (problem,) = problems_of(f"S1\t\t{r1}\t{r2}")

    assert "occurs more than once" in problem


@pytest.mark.parametrize("name", ["X" + 20 * "0", 30 * "a", "S_" + 21 * "AB"])
def test_a_name_that_snakemake_would_end_the_run_for_is_refused_with_its_line(name: str) -> None:
    (problem,) = problems_of(f"{name}\tSRR2838702")

    assert problem.startswith("samples.tsv, line 2, column sample: ")
    assert "20 times or more" in problem
    assert PeriodicityDetector().is_periodic(name)


@pytest.mark.parametrize("name", ["X" + 19 * "0", 20 * "0" + "X", 19 * "AB"])
def test_other_names_that_repeat_themselves_are_good(name: str) -> None:
    assert list(check(f"{name}\tSRR2838702")) == [name]
    assert PeriodicityDetector().is_periodic(name) is None


@pytest.mark.parametrize("cell", [";", "a_1.fq.gz;", ";a_1.fq.gz", "a_1.fq.gz;;b_1.fq.gz"])
def test_nothing_between_separators_is_refused(cell: str) -> None:
    problems = problems_of(f"S1\t\t{cell}")

    assert any(f"column r1: {cell!r} is not a FASTQ file" in problem for problem in problems)


@pytest.mark.parametrize(
    ("row", "column", "name"),
    [
        ("S1\t\tno.fq\ta_2.fq.gz", "r1", "no.fq"),
        ("S1\t\ta_1.fq.gz\tno.fq", "r2", "no.fq"),
        ("S1\t\t\t\tno.fna", "assembly", "no.fna"),
        ("S1\t\tx.fna/under-a-file", "r1", "x.fna/under-a-file"),
        (f"S1\t\t{'n' * 190}" + "n" * 110, "r1", "n" * 200 + "…"),
    ],
)
def test_a_file_that_is_not_there_is_named(row: str, column: str, name: str) -> None:
    (problem,) = problems_of(row)

    assert problem == f"samples.tsv, line 2, column {column}: there is no file {name!r}"


@pytest.mark.parametrize("name", ["folder", "pipe"])
def test_what_is_there_and_no_file_is_reported_as_such(folder: Path, name: str) -> None:
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")

    assert problems_of(f"S1\t\t{name}") == [
        f"samples.tsv, line 2, column r1: {name!r} is a folder or a pipe, no file"
    ]


def test_a_file_that_may_not_be_read_is_refused_before_its_genome_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of permissions themselves root, as whom tests may run, sees nothing.
    monkeypatch.setattr(os, "access", lambda name, mode: name != "a_2.fq.gz")

    assert problems_of("S1\t\ta_1.fq.gz\ta_2.fq.gz") == [
        "samples.tsv, line 2, column r2: you may not read 'a_2.fq.gz'; see `ls -l`"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/reads/a_1.fq.gz",
        "s3://bucket/a name with spaces.fq",
        "https://host.example/a_1.fq.gz",
        "https://host.example:8443/a_1.fq.gz?version=2&part=1",
    ],
)
def test_files_may_be_named_by_url_and_are_not_looked_for_on_the_machine(url: str) -> None:
    assert check(f"S1\t\t{url}")["S1"].r1 == [url]
    assert check(f"S1\t\t\t\t{url}")["S1"].assembly == url


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://host.example/a.fq", "s3:// or https:// (encrypted transfers only)"),
        ("ftp://host.example/a.fq", "s3:// or https:// (encrypted transfers only)"),
        ("file:///etc/passwd", "s3:// or https:// (encrypted transfers only)"),
        ("https://host.example", "https://host/path"),
        ("https:///a.fq", "https://host/path"),
        ("https://host.example/a b.fq", "https://host/path, without spaces"),
        ("https://[::1]/a.fq", "https://host/path"),
        ("s3://bucket", "s3://bucket/key"),
        ("s3://bucket/", "s3://bucket/key"),
        ("s3:///key", "s3://bucket/key"),
    ],
)
def test_other_urls_are_refused_and_the_allowed_form_shown(url: str, allowed: str) -> None:
    (problem,) = problems_of(f"S1\t\t{url}")

    assert problem.startswith(f"samples.tsv, line 2, column r1: {url!r} is not ")
    assert allowed in problem


def test_an_assembly_of_ncbi_is_an_address_and_needs_its_version() -> None:
    sample = to_sample("S1", {"assembly": "GCF_000013425.1"})

    assert sample.assembly.startswith("https://api.ncbi.nlm.nih.gov/datasets/v2/")
    assert shown(sample.assembly).endswith("/GCF_000013425.1/download")
    assert check("S1\t\t\t\tGCA_000013425.12")
    (problem,) = problems_of("S1\t\t\t\tGCF_000013425")
    assert "there is no file 'GCF_000013425'" in problem


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    (problem,) = problems_of("S1\t\thttps://me:secret@host.example/a.fq")

    assert "names a user" in problem
    assert "secret" not in problem


@pytest.mark.parametrize("accession", ["SRR1", "GCF_000017085", "srr2838702", "SRR2838702;x", "x"])
def test_what_is_no_accession_of_reads_is_refused_with_examples(accession: str) -> None:
    (problem,) = problems_of(f"S1\t{accession}")

    assert f"column accession: {accession!r} is not a run" in problem
    assert "SRR2838702" in problem


@pytest.mark.parametrize(
    "size",
    ["2.8", "2.8g", "m", "9999m", "0.0001m", "2800000.0", "0", "-5", "999", "1e6", "9999999999"],
)
def test_a_genome_size_is_a_whole_number_of_base_pairs(size: str) -> None:
    (problem,) = problems_of(f"S1\tSRR2838702\t\t\t\t{size}")

    assert f"column genome_size: {to_bp(size)!r} is not a whole number" in problem


@pytest.mark.parametrize("size", ["2.8m", "2.8M", "2.8 Mb", "2.8Mbp", "2800k", "2800 kb"])
def test_a_genome_size_may_have_a_unit_and_how_it_was_read_is_told(size: str) -> None:
    samples = check(f"S1\tSRR2838702\t\t\t\t{size}", "S2\tSRR2838703\t\t\t\t3000000")

    assert [sample.genome_size for sample in samples.values()] == [2_800_000, 3_000_000]
    assert samples.notes == (
        f"genome_size is read with its unit: {size!r} as 2,800,000 bp (line 2)",
    )


@pytest.mark.parametrize("species", ["aureus", "S. aureus; rm", "--help", "Staph\u00ff"])
def test_a_species_is_a_name_that_is_safe_on_a_command_line(species: str) -> None:
    (problem,) = problems_of(f"S1\tSRR2838702\t\t\t\t\t{species}")

    assert f"column species: {species!r} is not a genus" in problem


# --- what the archives say of an accession --------------------------------------------------------

ARCHIVE_HEADER = "sample\taccession\truns\tlayout\tspots\tbases\tfastq\tfastq_md5\tfastq_bytes"
FASTQ = "ftp.sra.ebi.ac.uk/vol1/fastq/SRR283/002/SRR2838702/SRR2838702"
MD5 = "0123456789abcdef0123456789abcdef"
DESCRIBED = {
    "sample": "S1",
    "accession": "SRX1390622",
    "runs": "SRR2838702",
    "layout": "paired",
    "spots": "1000",
    "bases": "300000",
    "fastq": f"{FASTQ}_1.fastq.gz;{FASTQ}_2.fastq.gz",
    "fastq_md5": f"{MD5};{MD5}",
    "fastq_bytes": "100;200",
}


def described(**changes: str) -> str:
    return "\t".join((DESCRIBED | changes).values())


def test_what_the_archives_say_is_read_with_the_accession() -> None:
    sample = check(described(), header=ARCHIVE_HEADER)["S1"]

    assert (sample.runs, sample.layout, sample.spots) == (["SRR2838702"], "paired", [1000])
    assert sample.fastq == [f"{FASTQ}_1.fastq.gz", f"{FASTQ}_2.fastq.gz"]
    assert (sample.fastq_md5, sample.fastq_bytes) == ([MD5, MD5], [100, 200])


def test_an_accession_without_files_of_ena_is_taken() -> None:
    row = described(fastq="", fastq_md5="", fastq_bytes="")

    assert check(row, header=ARCHIVE_HEADER)["S1"].fastq == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("runs", "SRX1390622"),
        ("layout", "PAIRED"),
        ("spots", "-1"),
        ("bases", "3e5"),
        ("fastq", f"ftp://{FASTQ}_1.fastq.gz;{FASTQ}_2.fastq.gz"),
        ("fastq", f"host.example/SRR2838702_1.fastq.gz;{FASTQ}_2.fastq.gz"),
        ("fastq", f"{FASTQ}/../x.gz;{FASTQ}_2.fastq.gz"),
        ("fastq_md5", f"{MD5};x"),
        ("fastq_bytes", "100;many"),
    ],
)
def test_what_the_archives_say_has_its_form(column: str, value: str) -> None:
    problems = problems_of(described(**{column: value}), header=ARCHIVE_HEADER)

    assert any(f"column {column}: {value[:60]!r}"[:-1] in problem for problem in problems)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"accession": ""}, "they describe the runs of an accession"),
        ({"runs": ""}, "they describe the runs of an accession"),
        ({"spots": "1000;2000"}, "columns runs and spots: 1 and 2 values"),
        ({"bases": ""}, "columns runs and bases: 1 and 0 values"),
        ({"fastq_md5": MD5}, "columns fastq and fastq_md5: 2 and 1 values"),
        ({"fastq_bytes": ""}, "columns fastq and fastq_bytes: 2 and 0 values"),
        ({"runs": "SRR2838703"}, "belongs to none of the runs"),
        (
            {"runs": "SRR2838702;SRR2838702", "spots": "1;1", "bases": "1;1"},
            "column runs: SRR2838702 occurs more than once",
        ),
    ],
)
def test_what_the_archives_say_fits_together(changes: dict[str, str], problem: str) -> None:
    problems = problems_of(described(**changes), header=ARCHIVE_HEADER)

    assert any(problem in found for found in problems)


# --- a cohort of 67,000 ---------------------------------------------------------------------------


def write_cohort(header: str, rows: Iterable[str]) -> Path:
    return write_sheet("\n".join((header, *rows)) + "\n")


@pytest.fixture
def files() -> Path:
    """Return a sheet of 67,000 genomes: half of them accessions, half pairs of files that exist."""
    rows = (
        f"S{i}\tSRR{i:07d}" if i % 2 else f"S{i}\t\ta_1.fq.gz\ta_2.fq.gz" for i in range(COHORT)
    )
    return write_cohort(HEADER, rows)


@pytest.fixture
def accessions() -> Path:
    """Return a sheet of 67,000 accessions with what the archives say of them."""
    rows = (described(sample=f"S{i}") for i in range(COHORT))
    return write_cohort(ARCHIVE_HEADER, rows)


# Prints seconds of CPU, which other work on the machine does not change: of reading the sheet as a
# table, which is the yardstick; of checking it; and of reading it again.
MEASURE = """
import csv, json, sys, time
from pathlib import Path
from bactofleet.core.samples import check_samples, read_samples

sheet, schema = Path(sys.argv[1]), json.loads(sys.argv[2])
moments = [time.process_time()]
with sheet.open(newline="") as handle:
    rows = [dict(row) for row in csv.DictReader(handle, dialect="excel-tab")]
moments.append(time.process_time())
samples = check_samples(sheet, schema)
moments.append(time.process_time())
assert read_samples(sheet).keys() == samples.keys() == {row["sample"] for row in rows}
moments.append(time.process_time())
print(*(later - earlier for earlier, later in zip(moments, moments[1:])))
"""


@pytest.mark.parametrize("kind", ["files", "accessions"])
def test_67000_genomes_are_checked_in_seconds_and_read_in_less(
    kind: str, request: pytest.FixtureRequest
) -> None:
    cohort = request.getfixturevalue(kind)

    # A process of its own: the measurement of coverage would slow this one down.
    measured = subprocess.check_output(
        [sys.executable, "-c", MEASURE, cohort, json.dumps(SCHEMA)], env={}, text=True
    )

    as_a_table, checked, read = map(float, measured.split())
    assert checked < 25 * as_a_table
    assert read < 8 * as_a_table
