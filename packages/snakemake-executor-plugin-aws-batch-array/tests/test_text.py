"""Text of others is shown and written so that no terminal and no spreadsheet obeys it."""

import time

import pytest

from snakemake_executor_plugin_aws_batch_array.api import clean, clean_lines, to_cell


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07done", "done"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9d0;title\x9cdone", "done"),
        ("\x1bP+q544e\x1b\\done", "done"),
        ("\x1bcdone", "done"),
        ("\x1b(0done", "done"),
        ("cut off \x1b]0;title", "cut off 0;title"),
        ("\x1b\x1b[m[31m", "[31m"),
        ("a\x85b\x00c\x7fd", "a b c d"),
        ("a\tb\r\nc\u2028d", "a b c d"),
        ("gpj\u202efasta.exe\u202c", "gpjfasta.exe"),
        ("\u2066a\u2069\u200f\u061cb", "ab"),
        ("\ud800", "?"),
        ("Ærø, 細菌, µ\xa0m", "Ærø, 細菌, µ\xa0m"),
    ],
)
def test_a_terminal_shows_text_and_obeys_nothing_in_it(text, shown):
    assert clean(text) == shown


def test_lines_stay_lines_with_their_indentation():
    assert clean_lines("a\x1b[2J\n  b\r\n\nc") == "a\n  b\n\nc"


@pytest.mark.parametrize("text", ["\x9d", "\x1b]", "\x1b[", "\x1b(", "\x90;"])
def test_long_text_is_cleaned_at_once(text):
    begin = time.process_time()
    clean(text * 200_000)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("https://evil.example","open")',
        "+1+1",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(A1)",
        '"=1+1"',
        "\uff1d1+1",
    ],
)
def test_a_spreadsheet_takes_a_formula_for_text(text):
    assert to_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["\t=1+1", "\r=1+1", "\x1b[m=1+1", "\u202e=1+1"])
def test_what_is_left_out_hides_no_formula(text):
    assert to_cell(text) == "'=1+1"


@pytest.mark.parametrize("cell", [-5, -0.5, 1e-9, "-5", "+3.5", "-1e-9", "a=b", "S1", ""])
def test_numbers_and_other_text_stay_as_they_are(cell):
    assert to_cell(cell) == str(cell)


def test_nothing_is_an_empty_cell():
    assert to_cell(None) == ""
