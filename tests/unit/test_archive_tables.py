"""Tables that archives answer with are read completely, or not at all."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactofleet.archives.retry import Unavailable
from bactofleet.archives.search.lists import read_list
from bactofleet.archives.tables import Tsv, read_table
from bactofleet.core.errors import ConfigurationError

FIELDS = ("Run", "bases")


def read(text: str) -> list[dict[str, str]]:
    return read_table(text.encode(), "SRA", FIELDS, csv.excel)


def test_columns_are_found_by_name_whatever_else_there_is() -> None:
    assert read("bases,x,Run\r\n5,,SRR1\r\n") == [{"bases": "5", "x": "", "Run": "SRR1"}]


def test_a_header_alone_is_an_answer_without_rows() -> None:
    assert read("Run,bases\n") == []


def test_repeated_headers_and_empty_lines_are_no_rows() -> None:
    text = "\nRun,bases\nSRR1,5\n\nRun,bases\nSRR2,6\n\n"

    assert [row["Run"] for row in read(text)] == ["SRR1", "SRR2"]


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_a_line_ends_at_a_line_end_only(character: str) -> None:
    assert read(f"Run,bases,name\nSRR1,5,a{character}b\n")[0]["name"] == f"a{character}b"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "<html><body>Bad gateway</body></html>",
        '<?xml version="1.0"?><ERROR>none</ERROR>',
        "Run\nSRR1\n",
        "Run,bases\nSRR1,5\nSRR2",
        "Run,bases\nSRR1,5,6\n",
        "Run,bases\nSRR1,5\rSRR2,6\n",
    ],
)
def test_what_is_not_whole_is_no_answer(text: str) -> None:
    with pytest.raises(Unavailable, match="SRA"):
        read(text)


@given(answer=st.binary(), mark=st.sampled_from([csv.excel, Tsv]))
def test_whatever_comes_is_a_table_or_no_answer(answer: bytes, mark: type[csv.Dialect]) -> None:
    try:
        rows = read_table(answer, "SRA", FIELDS, mark)
    except Unavailable:
        return
    assert all(row.keys() >= set(FIELDS) for row in rows)


@given(text=st.one_of(st.text(), st.text().map(lambda rest: f"Run,Experiment\n{rest}")))
def test_whatever_a_user_has_is_a_list_or_refused(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("list") / "list"
    path.write_bytes(text.encode(errors="surrogatepass"))
    try:
        rows = list(read_list(path))
    except ConfigurationError:
        return
    assert all(all(cells.values()) for _, cells in rows)
