"""inputs.tsv: a line a file, in the order of the sheet, whatever receipts hold."""

import random
import re
from pathlib import Path
from typing import Any

from support.synthetic_cohort import make_receipt, write_genomes, write_receipt

from bactofleet.report.cohort import read_cohort
from bactofleet.report.provenance.inputs import COLUMNS, write_inputs
from bactofleet.report.rows import InputFile

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "provenance.md"


def write_table(results: Path, inputs: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Write the table of genomes with these inputs; return its cells."""
    write_genomes(results, [])
    for sample, given in inputs.items():
        write_receipt(results, make_receipt(sample, random.Random(1)) | {"input": given})
    write_inputs(read_cohort(results, list(inputs)).inputs, results / "inputs.tsv")
    return [line.split("\t") for line in (results / "inputs.tsv").read_text().splitlines()]


def test_files_of_the_sheet_and_of_runs_are_reported_with_where_they_came_from(
    tmp_path: Path,
) -> None:
    own = {"source": "/data/a.fq.gz", "bytes": 7, "sha256": "ab"}
    run = {"source": "https://ena/SRR1_1.fastq.gz", "bytes": 8, "md5": "cd", "sha256": "ef"}
    runs = [{"run": "SRR1", "provider": "ena", "files": [run]}]

    header, *rows = write_table(tmp_path, {"S2": {"files": [own]}, "S1": {"runs": runs}})

    assert header == [column.name for column in COLUMNS] == list(InputFile._fields)
    assert rows == [
        ["S2", "", "", "/data/a.fq.gz", "7", "", "ab"],
        ["S1", "SRR1", "ena", "https://ena/SRR1_1.fastq.gz", "8", "cd", "ef"],
    ]


def test_a_receipt_that_was_pulled_without_its_files_has_no_lines(tmp_path: Path) -> None:
    assert len(write_table(tmp_path, {"S1": {"kind": "accession"}})) == 1


def test_a_spreadsheet_computes_nothing_of_it(tmp_path: Path) -> None:
    evil = {"source": '=HYPERLINK("https://evil.example")', "bytes": -7, "sha256": "\t@x"}

    _, row = write_table(tmp_path, {"S1": {"files": [evil]}})

    assert row[3:] == [f"'{evil['source']}", "-7", "", "'@x"]


def test_hostile_text_keeps_to_its_cell(tmp_path: Path) -> None:
    evil = {"source": "a\tb\nc\u2028d", "bytes": None, "sha256": None}

    _, *rows = write_table(tmp_path, {"S1": {"files": [evil]}})

    assert rows == [["S1", "", "", "a b c d", "", "", ""]]


def test_files_of_another_form_make_the_receipt_unreadable(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "S1": {"files": ["x"]},
        "S2": {"runs": [{"files": [{"bytes": "many"}]}]},
    }
    write_table(tmp_path, given)

    statuses = read_cohort(tmp_path, list(given)).genomes["status"]

    assert statuses.tolist() == ["unreadable", "unreadable"]


def test_the_documentation_lists_the_columns_with_units_and_meaning() -> None:
    section = DOCUMENTATION.read_text().partition("## inputs.tsv")[2].partition("\n## ")[0]

    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", section, flags=re.MULTILINE)

    assert rows == [(column.name, column.unit, column.meaning) for column in COLUMNS]
