"""What genomes took is read from their receipts, as far as these can be trusted."""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.pilots import PARAMETERS, make_receipt, write_receipts
from support.usage import MIDNIGHT

from bactofleet.cost import genomes
from bactofleet.cost.genomes import PastGenomes, read_past_genomes

RECEIPT = make_receipt("S1", 500.0)
BAD_SECONDS: list[Any] = ["1", None, -5, 0, 1e300, math.nan, math.inf, []]


def learn(results: Path, *receipts: dict[str, Any]) -> PastGenomes:
    write_receipts(results, receipts)
    return read_past_genomes(results, PARAMETERS)


def test_seconds_bytes_and_time_are_those_of_the_receipt(tmp_path: Path):
    past = learn(tmp_path, RECEIPT)

    assert past.seconds.tolist() == [pytest.approx(500)]
    assert past.bytes.tolist() == [pytest.approx(9_571_000)]
    assert past.finished.tolist() == [MIDNIGHT + 3600]


@pytest.mark.parametrize("option", [{"assembler": "spades"}, {"coverage": 50}, {"keep": ["bam"]}])
def test_genomes_made_with_options_that_change_the_time_do_not_count(
    tmp_path: Path, option: dict[str, Any]
):
    other = RECEIPT | {"sample": "S2", "parameters": PARAMETERS | option}

    assert len(learn(tmp_path, RECEIPT, other).seconds) == 1


def test_genomes_made_with_other_limits_count(tmp_path: Path):
    other = RECEIPT | {"sample": "S2", "parameters": PARAMETERS | {"min_reads": 5}}

    assert len(learn(tmp_path, RECEIPT, other).seconds) == 2


def test_genomes_made_before_there_was_an_option_count_as_made_without_it(tmp_path: Path):
    write_receipts(tmp_path, [RECEIPT])

    now = PARAMETERS | {"amrfinder": "", "assembler_options": None, "polish": True}

    assert len(read_past_genomes(tmp_path, now).seconds) == 1


def test_an_excluded_genome_counts_too_whatever_it_lacks(tmp_path: Path):
    excluded = RECEIPT | {"status": "excluded", "metrics": {}, "tarball": {}}

    past = learn(tmp_path, excluded)

    assert past.seconds.tolist() == [pytest.approx(500)]
    assert np.isnan(past.bytes).all()


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "{}", "\x80", '{"parameters": null}', "[" * 100_000]
    + [json.dumps(RECEIPT | {"stages": {"qc": {"seconds": seconds}}}) for seconds in BAD_SECONDS]
    + [json.dumps(RECEIPT | {"finished": when}) for when in (None, "", "yesterday", 5)],
)
def test_a_receipt_that_is_damaged_or_implausible_does_not_count(tmp_path: Path, text: str):
    write_receipts(tmp_path, [RECEIPT])
    (tmp_path / "receipts" / "S2.json").write_text(text, encoding="latin-1")

    assert len(read_past_genomes(tmp_path, PARAMETERS).seconds) == 1


@pytest.mark.parametrize("size", [-1, 0, 1e14, None])
def test_a_tarball_of_a_size_that_none_has_is_not_known(tmp_path: Path, size: object):
    past = learn(tmp_path, RECEIPT | {"tarball": {"bytes": size}})

    assert past.seconds.tolist() == [pytest.approx(500)]
    assert np.isnan(past.bytes).all()


def test_only_the_newest_receipts_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(genomes, "MAX_PAST_GENOMES", 2)
    receipts = [make_receipt(f"S{i}", 100.0 * (i + 1)) for i in range(4)]
    write_receipts(tmp_path, receipts)
    os.utime(tmp_path / "receipts" / "S0.json")

    past = read_past_genomes(tmp_path, PARAMETERS)

    assert sorted(past.seconds) == pytest.approx([100, 400])


def test_without_receipts_there_are_no_past_genomes(tmp_path: Path):
    assert len(read_past_genomes(tmp_path, PARAMETERS).seconds) == 0
