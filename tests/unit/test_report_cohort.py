"""cohort.tsv: a row a genome, the documented columns, numbers as they were."""

import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.report_pages import unpack_columns
from support.synthetic_cohort import write_genomes

from bactofleet.core.errors import ConfigurationError
from bactofleet.report import build, write_report
from bactofleet.report.cohort import read_cohort, tabulate, write_parquet, write_tsv
from bactofleet.report.columns import COLUMNS, TIMING_COLUMNS, TIMINGS
from bactofleet.report.ranks import SizeLimits

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "outputs.md"


@pytest.fixture
def table(tmp_path):
    """Return a function that writes rows as cohort.tsv and gives its lines, split into cells."""

    def write(rows):
        path = tmp_path / "cohort.tsv"
        write_tsv(tabulate(rows), path)
        header, *lines = [line.split("\t") for line in path.read_text().splitlines()]
        return [dict(zip(header, line, strict=True)) for line in lines]

    return write


def test_rows_are_in_the_order_of_the_sheet(tmp_path):
    samples = write_genomes(tmp_path, ["complete", "failed", "waiting", "excluded"])[::-1]

    genomes = read_cohort(tmp_path, samples).genomes

    assert genomes["sample"].tolist() == samples
    assert genomes["status"].tolist() == ["excluded", "waiting", "failed", "complete"]


def test_receipts_of_samples_that_are_not_in_the_sheet_are_ignored(tmp_path):
    samples = write_genomes(tmp_path, ["complete", "complete"])

    assert read_cohort(tmp_path, samples[:1]).genomes["sample"].tolist() == samples[:1]


def test_every_documented_column_is_there_even_without_a_value(table):
    [row] = table([{"sample": "a", "status": "waiting"}])

    assert list(row) == [column.name for column in (*COLUMNS, *TIMINGS)]


def test_a_metric_that_is_not_documented_follows_the_others(table):
    [row] = table([{"sample": "a", "status": "complete", "qc_final_read_std": 3.5}])

    assert list(row)[-1] == "qc_final_read_std"
    assert row["qc_final_read_std"] == "3.5"


def test_whole_numbers_stay_whole_where_others_are_missing(table):
    rows = table([{"sample": "a", "assembler_total_contig": 28}, {"sample": "b"}])

    assert [row["assembler_total_contig"] for row in rows] == ["28", ""]


def test_names_that_programs_take_for_something_else_stay_as_they_are(tmp_path):
    names = ["001", "1e5", "NA", "NaN", "null", "TRUE", "2024-05-01", "my-sample", "0x1F", "1_000"]

    paths = write_report(tmp_path, names)

    lines = paths.table.read_text().splitlines()[1:]
    assert [line.split("\t")[0] for line in lines] == names
    assert pq.read_table(paths.parquet)["sample"].to_pylist() == names
    assert unpack_columns(paths.page.read_text())["sample"]["values"] == names


def test_the_users_own_columns_are_in_every_table_by_a_name_that_says_so(tmp_path):
    own = {"a": {"status": "vaccinated", "Ward / unit": "001"}, "c": {"date": "2024-05-01"}}

    paths = write_report(tmp_path, ["a", "b", "c"], own=own)

    expected = {
        "sheet_status": ["vaccinated", None, None],
        "sheet_Ward / unit": ["001", None, None],
        "sheet_date": [None, None, "2024-05-01"],
    }
    header, *lines = [line.split("\t") for line in paths.table.read_text().splitlines()]
    assert header[-3:] == list(expected)
    assert [line[-3] for line in lines] == ["vaccinated", "", ""]
    parquet = pq.read_table(paths.parquet)
    assert {name: parquet[name].to_pylist() for name in expected} == expected
    assert all(parquet.schema.field(name).type == pa.large_string() for name in expected)
    columns = unpack_columns(paths.page.read_text())
    assert {name: columns[name]["values"] for name in expected} == expected
    assert columns["sheet_status"]["heading"] == "sheet_status"
    assert columns["sheet_status"]["meaning"] == "column status of the sample sheet"
    assert columns["status"]["values"] == ["waiting"] * 3


def test_a_spreadsheet_computes_no_text_and_gets_numbers_as_they_are(table):
    [row] = table([{"sample": "a", "reason_message": "=1+1", "reason_exit_code": -9}])

    assert (row["reason_message"], row["reason_exit_code"]) == ("'=1+1", "-9")


@pytest.mark.parametrize(
    ("table", "columns"), [("cohort.tsv", COLUMNS), ("timings.tsv", TIMING_COLUMNS)]
)
def test_the_documentation_lists_the_columns_with_units_and_meaning(table, columns):
    section = DOCUMENTATION.read_text().partition(f"## {table}")[2].partition("\n## ")[0]

    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", section, flags=re.MULTILINE)

    assert rows == [(column.name, column.type, column.unit, column.meaning) for column in columns]


def test_time_and_memory_of_stages_are_a_table_of_their_own(tmp_path):
    cohort = read_cohort(tmp_path, write_genomes(tmp_path, ["complete", "waiting"]))

    assert list(cohort.table) == [column.name for column in COLUMNS]
    assert list(cohort.timings) == [column.name for column in TIMING_COLUMNS]
    assert cohort.timings["sample"].tolist() == cohort.table["sample"].tolist()
    assert cohort.timings["assembly_seconds"].notna().tolist() == [True, False]


def test_complete_genomes_are_ranked_and_others_are_not(tmp_path):
    samples = write_genomes(tmp_path, ["complete", "excluded", "failed", "waiting"])

    cohort = read_cohort(tmp_path, samples, SizeLimits(1, 2))

    assert cohort.genomes["rank"].fillna("").tolist() == ["exclude", "", "", ""]
    assert cohort.genomes["rank_reason"][0].startswith("assembly of ")
    assert cohort.rank_limits["assembly size"] == 1


def test_the_parquet_file_holds_the_same_as_the_table(tmp_path):
    samples = write_genomes(tmp_path, ["complete"] * 30 + ["failed", "waiting", "excluded"])
    genomes = read_cohort(tmp_path, samples).genomes
    write_tsv(genomes, tmp_path / "cohort.tsv")

    write_parquet(genomes, tmp_path / "cohort.parquet")

    parquet = pd.read_parquet(tmp_path / "cohort.parquet")
    table = pd.read_csv(tmp_path / "cohort.tsv", sep="\t")
    pd.testing.assert_frame_equal(parquet, table, check_dtype=False)


@pytest.mark.parametrize("rows", [[], [{"sample": "a", "status": "waiting"}]])
def test_the_columns_of_the_parquet_file_have_their_documented_types(tmp_path, rows):
    types = {"text": pa.large_string(), "whole": pa.int64(), "number": pa.float64()}

    write_parquet(tabulate(rows), tmp_path / "cohort.parquet")

    schema = pq.read_schema(tmp_path / "cohort.parquet")
    assert {field.name: field.type for field in schema} == {
        column.name: types[column.type] for column in (*COLUMNS, *TIMINGS)
    }


def test_a_fraction_where_a_whole_number_belongs_is_kept(tmp_path):
    table = tabulate([{"sample": "a", "assembler_total_contig": 28.5}])

    write_parquet(table, tmp_path / "cohort.parquet")

    assert pd.read_parquet(tmp_path / "cohort.parquet")["assembler_total_contig"].tolist() == [28.5]


@pytest.fixture
def without_multiqc(monkeypatch):
    monkeypatch.setattr(build, "write_multiqc", lambda *_: "not in this test")


@pytest.mark.usefixtures("without_multiqc")
def test_the_report_is_written_whole_and_leaves_nothing_else_behind(tmp_path):
    samples = write_genomes(tmp_path, ["complete", "failed"])

    paths = write_report(tmp_path, samples)

    assert len(pd.read_csv(paths.table, sep="\t")) == len(pd.read_parquet(paths.parquet)) == 2
    assert paths.page.read_text().rstrip().endswith("</html>")
    written = {path.name for path in tmp_path.iterdir()}
    provenance = {"inputs.tsv", "citations.bib", "ro-crate-metadata.json"}
    tables = {"cohort.tsv", "cohort.parquet", "timings.tsv"}
    assert written == {"receipts", "failed", "report.html"} | tables | provenance


@pytest.mark.usefixtures("without_multiqc")
def test_a_run_without_any_result_still_has_a_report(tmp_path):
    paths = write_report(tmp_path, ["a", "b"])

    assert paths.table.read_text().splitlines()[1].startswith("a\twaiting")
    assert "There are no measurements yet" in paths.page.read_text()


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "", "a\0b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match="cannot be the name of a file"):
        write_report(tmp_path, ["good", name])
