"""Rows of genomes: filtered, sorted and given a page at a time."""

import time

import pytest

from bactofleet.monitor.page.filters import parse_filter
from bactofleet.monitor.page.genomes import MAX_ROWS, Choice, Genome, Genomes

ROWS = [
    Genome("isolate_10", "complete", minutes=12.5, time="2026-11-23 00:00:10"),
    Genome("isolate_2", "failed", "qc", "tool: fastp ended with exit status 2"),
    Genome("Isolate_1", "excluded", "qc", "low-read-count: 10 reads", 3.0, "2026-11-22 00:00:00"),
    Genome("b", "waiting"),
]


def read(rows: list[Genome] = ROWS, sort: str = "", *, down: bool = False, **filters: str):
    choice = Choice(tuple(filters.items()), sort, is_descending=down)
    return Genomes(rows).read(choice, 0, MAX_ROWS)


def names(*args, **kwargs) -> list[str]:
    return [row.sample for row in read(*args, **kwargs).rows]


def test_without_a_choice_rows_are_those_of_the_sheet_in_its_order():
    assert names() == [row.sample for row in ROWS]


def test_numbers_in_names_sort_as_a_reader_counts_and_capitals_are_as_small_letters():
    assert names(sort="sample") == ["b", "Isolate_1", "isolate_2", "isolate_10"]


@pytest.mark.parametrize("down", [False, True])
def test_rows_without_a_value_are_last_in_both_directions(down: bool):
    assert names(sort="minutes", down=down)[2:] == ["isolate_2", "b"]


def test_names_of_digits_only_and_of_other_digits_sort_too():
    rows = [Genome(name, "waiting") for name in ("10", "9", "٣", "a٣b", "", "007", "7")]

    assert len(names(rows, sort="sample")) == len(rows)
    assert names(rows[:2], sort="sample") == ["9", "10"]


def test_filters_of_several_columns_hold_together():
    assert names(stage="q", status="FAIL") == ["isolate_2"]


def test_a_filter_that_is_not_understood_is_named_and_hides_nothing():
    page = read(minutes="many")

    assert (page.invalid, page.count) == (["minutes"], 4)


def test_a_text_of_a_pattern_is_a_text():
    assert names(sample=".*") == []
    assert names(sample="(") == []


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(0, 2, [0, 1]), (998, 2_000, [998, 999]), (1_000, 1_010, []), (5, 2, [])],
)
def test_a_page_has_the_rows_asked_for_that_there_are(first: int, last: int, expected: list[int]):
    genomes = Genomes([Genome(str(number), "waiting") for number in range(1_000)])

    page = genomes.read(Choice(), first, last)

    assert [int(row.sample) for row in page.rows] == expected
    assert page.count == 1_000


def test_a_page_is_never_longer_than_the_most():
    genomes = Genomes([Genome(str(number), "waiting") for number in range(1_000)])

    assert len(genomes.read(Choice(), 0, 999_999_999).rows) == MAX_ROWS


def test_a_choice_does_not_stay_for_another():
    genomes = Genomes(ROWS)

    assert genomes.read(Choice((("status", "failed"),)), 0, 9).count == 1
    assert genomes.read(Choice(), 0, 9).count == 4


def test_67_000_rows_are_searched_and_sorted_while_a_reader_types():
    genomes = Genomes(
        [Genome(f"SRX{number}", "complete", None, None, 1.0) for number in range(67_000)]
    )
    begun = time.process_time()

    page = genomes.read(Choice((("sample", "6699"),), "sample"), 0, 50)

    assert page.count == 17
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("text", "value", "passes"),
    [
        (">100", 100, False),
        (">=1,000", 1_000, True),
        ("< 5", 4.9, True),
        ("2.5..3", 3, True),
        ("=7", 7, True),
        ("7", 8, False),
        ("-1", None, False),
    ],
)
def test_numbers_are_compared(text: str, value: float | None, passes: bool):
    test = parse_filter(text, numeric=True)

    assert test
    assert test(value) is passes


@pytest.mark.parametrize("text", ["", "many", ">", "1..", "1e", "٣", "nan", "=="])
def test_what_is_no_number_is_not_understood(text: str):
    assert parse_filter(text, numeric=True) is None
