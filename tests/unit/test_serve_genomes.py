"""Rows of genomes: a page that was there before fetches those that have changed."""

import time

import pytest

from bactofleet.monitor.page.genomes import GenomeStatus, Rows, compare_rows

GENOMES = [
    GenomeStatus("a", "complete", minutes=12.5),
    GenomeStatus("b", "failed", "qc"),
    GenomeStatus("c", "waiting"),
]
FIRST = compare_rows(GENOMES, Rows(), now=100.0)


def change(*genomes: GenomeStatus, now: float = 200.0) -> Rows:
    return compare_rows(genomes, FIRST, now)


def test_a_page_that_has_nothing_gets_all_rows_with_their_numbers_in_the_sheet():
    rows = [
        (0, "a", "complete", None, None, 12.5, None),
        (1, "b", "failed", "qc", None, None, None),
        (2, "c", "waiting", None, None, None, None),
    ]
    assert FIRST.since(0) == rows


def test_a_page_gets_only_rows_that_have_changed_since():
    now = change(GENOMES[0], GenomeStatus("b", "running", "qc"), GENOMES[2])

    assert [row[:3] for row in now.since(FIRST.version)] == [(1, "b", "running")]
    assert len(now.since(0)) == 3
    assert now.since(now.version) == []


def test_rows_that_the_sheet_had_added_or_moved_have_changed():
    now = change(GENOMES[1], GENOMES[0], GENOMES[2], GenomeStatus("d", "waiting"))

    assert [row[:2] for row in now.since(FIRST.version)] == [(0, "b"), (1, "a"), (3, "d")]


def test_a_sheet_that_became_shorter_leaves_no_more_rows_than_it_has():
    now = change(GENOMES[0])

    assert (len(now.genomes), len(now.changed)) == (1, 1)
    assert now.since(FIRST.version) == []


@pytest.mark.parametrize("now", [99.0, 100.0, 101.0])
def test_changes_are_reported_where_the_clock_was_set_back(now: float):
    rows = change(GENOMES[0], GenomeStatus("b", "waiting"), GENOMES[2], now=now)

    assert [row[0] for row in rows.since(FIRST.version)] == [1]


def test_67_000_rows_are_compared_in_no_time():
    genomes = [GenomeStatus(f"SRX{number}", "waiting") for number in range(67_000)]
    begun = time.process_time()

    rows = compare_rows(genomes, compare_rows(genomes, Rows(), 1.0), 2.0)

    assert rows.since(1.0) == []
    assert time.process_time() - begun < 1
