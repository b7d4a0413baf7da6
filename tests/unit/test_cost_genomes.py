"""What is known of genomes: from the sheet before they are made, from receipts afterwards."""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.pilots import PARAMETERS, make_receipt, write_receipts
from support.usage import MIDNIGHT

from bactofleet.core.samples import Sample
from bactofleet.cost import genomes
from bactofleet.cost.genomes import BYTES_PER_BASE, Lessons, read_lessons, read_sheet

RECEIPT = make_receipt("S1", 287e6, 2.87e6, 500.0)


def learn(results: Path, *receipts: dict[str, Any]) -> Lessons:
    write_receipts(results, receipts)
    return read_lessons(results, PARAMETERS)


def test_the_sheet_tells_bases_of_all_runs_and_the_expected_size():
    sample = Sample("S1", accession="SRX1", runs=["SRR1", "SRR2"], bases=[10, 32], genome_size=7)

    known = read_sheet([sample])

    assert (known.bases.tolist(), known.sizes.tolist()) == ([42.0], [7.0])


def test_an_accession_of_which_the_archive_does_not_count_all_runs_is_not_known():
    known = read_sheet([Sample("S1", accession="SRX1", runs=["SRR1", "SRR2"], bases=[10, 0])])

    assert np.isnan([*known.bases, *known.sizes]).all()


def test_bases_of_reads_on_this_machine_are_told_from_the_sizes_of_their_files(tmp_path: Path):
    for name in ("r1", "r2"):
        (tmp_path / name).write_bytes(b"x" * 600)

    known = read_sheet([Sample("S1", r1=[str(tmp_path / "r1")], r2=[str(tmp_path / "r2")])])

    assert known.bases.tolist() == [1200 / BYTES_PER_BASE]


@pytest.mark.parametrize("path", ["s3://bucket/r1.fastq.gz", "gone.fastq.gz"])
def test_of_reads_elsewhere_nothing_is_known(path: str):
    assert np.isnan(read_sheet([Sample("S1", r1=[path])]).bases).all()


def test_an_assembly_has_no_reads(tmp_path: Path):
    assert read_sheet([Sample("S1", assembly="a.fna")]).bases.tolist() == [0.0]


def test_a_receipt_teaches_bases_size_seconds_bytes_and_when(tmp_path: Path):
    lessons = learn(tmp_path, RECEIPT)

    assert lessons.known.bases.tolist() == [287e6]
    assert lessons.known.sizes.tolist() == [2.87e6]
    assert lessons.seconds.tolist() == [pytest.approx(500)]
    assert lessons.bytes.tolist() == [pytest.approx(9_571_000)]
    assert lessons.finished.tolist() == [MIDNIGHT + 3600]


def test_genomes_made_with_options_that_cost_other_times_do_not_teach(tmp_path: Path):
    other = RECEIPT | {"sample": "S2", "parameters": PARAMETERS | {"assembler": "spades"}}

    assert len(learn(tmp_path, RECEIPT, other).seconds) == 1


def test_genomes_made_with_other_limits_teach(tmp_path: Path):
    other = RECEIPT | {"sample": "S2", "parameters": PARAMETERS | {"min_reads": 5}}

    assert len(learn(tmp_path, RECEIPT, other).seconds) == 2


def test_an_excluded_genome_teaches_too_whatever_it_lacks(tmp_path: Path):
    excluded = RECEIPT | {"status": "excluded", "metrics": {}, "tarball": {}}

    lessons = learn(tmp_path, excluded)

    assert lessons.seconds.tolist() == [pytest.approx(500)]
    assert np.isnan([*lessons.known.bases, *lessons.bytes]).all()


def test_an_assembly_that_was_made_had_no_reads(tmp_path: Path):
    lessons = learn(tmp_path, RECEIPT | {"metrics": {}, "input": {"kind": "assembly"}})

    assert lessons.known.bases.tolist() == [0.0]


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "{}", "\x80", '{"parameters": null}', "[" * 100_000]
    + [
        json.dumps(RECEIPT | {"stages": {"qc": {"seconds": seconds}}})
        for seconds in ("1", None, -5, 0, 1e300, math.nan, math.inf, [])
    ]
    + [json.dumps(RECEIPT | {"finished": when}) for when in (None, "", "yesterday", 5)],
)
def test_a_receipt_that_is_damaged_or_lies_teaches_nothing(tmp_path: Path, text: str):
    write_receipts(tmp_path, [RECEIPT])
    (tmp_path / "receipts" / "S2.json").write_text(text, encoding="latin-1")

    assert len(read_lessons(tmp_path, PARAMETERS).seconds) == 1


def test_numbers_that_no_genome_has_are_not_known(tmp_path: Path):
    wild = RECEIPT | {"metrics": {"qc_original_total_bp": 1e300}, "tarball": {"bytes": -1}}

    lessons = learn(tmp_path, wild | {"input": {"genome_size": "large"}})

    values = [*lessons.known.bases, *lessons.known.sizes, *lessons.bytes]
    assert np.isnan(values).all()


def test_the_newest_receipts_teach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(genomes, "MAX_LESSONS", 2)
    receipts = [make_receipt(f"S{i}", 1e8, 2e6, 100.0 * (i + 1)) for i in range(4)]
    write_receipts(tmp_path, receipts)
    os.utime(tmp_path / "receipts" / "S0.json")

    lessons = read_lessons(tmp_path, PARAMETERS)

    assert sorted(lessons.seconds) == pytest.approx([100, 400])


def test_without_receipts_there_are_no_lessons(tmp_path: Path):
    assert len(read_lessons(tmp_path, PARAMETERS).seconds) == 0
