"""Receipts and failures become rows; nothing in them can stop the report."""

import json
import random

import pytest
from support.synthetic_cohort import make_receipt, write_genomes, write_receipt

from bactofleet.core.identity import identify
from bactofleet.core.samples import Sample
from bactofleet.report.rows import read_record


@pytest.fixture
def results(tmp_path):
    write_genomes(tmp_path, ["complete", "excluded", "failed", "waiting"])
    return tmp_path


@pytest.fixture
def receipt():
    return make_receipt("SRX1", random.Random(7))


def put(results, text, folder="receipts"):
    (results / folder / "SRX1.json").write_bytes(text)
    return read_record(results, "SRX1").row


def test_a_receipt_is_flattened_under_the_names_that_it_uses(results, receipt):
    write_receipt(results, receipt)

    row = read_record(results, "SRX1").row

    assert row["status"] == "complete"
    assert row["assembler_total_contig"] == receipt["metrics"]["assembler_total_contig"]
    assert row["assembly_max_rss_mb"] == receipt["stages"]["assembly"]["max_rss_mb"]
    assert row["tarball_sha256"] == receipt["tarball"]["sha256"]
    assert row["fingerprint_image"] == receipt["fingerprint"]["image"]


def test_the_accession_of_the_sheet_is_shown_and_a_path_is_none(results, receipt):
    for planned, accession in (
        (Sample("SRX1", accession="SRX1390622"), "SRX1390622"),
        (Sample("SRX1", r1=["a.fq"]), None),
    ):
        write_receipt(results, receipt | {"identity": identify(planned, "ab", "cd").to_json()})

        assert read_record(results, "SRX1").row.get("accession") == accession


def test_a_size_that_nobody_knows_is_no_size(results, receipt):
    unknown = receipt["input"] | {"genome_size": 0, "genome_size_source": None}
    write_receipt(results, receipt | {"status": "excluded", "input": unknown})

    assert "genome_size" not in read_record(results, "SRX1").row


def test_genes_and_plasmids_are_lists_in_cells_and_none_is_said(results, receipt):
    resistance = {
        "genes": ["mecA", "tet(K)"],
        "mutations": [],
        "drugs": ["cefoxitin"],
        "replicons": [],
        "organism": "staphylococcus_aureus",
    }
    write_receipt(results, receipt | {"resistance": resistance})

    row = read_record(results, "SRX1").row

    assert (row["resistance_genes"], row["resistance_mutations"]) == ("mecA; tet(K)", "none")
    assert (row["resistance_drugs"], row["plasmid_replicons"]) == ("cefoxitin", "none")
    assert row["resistance_organism"] == "staphylococcus_aureus"


def test_mutations_that_were_not_searched_are_no_cell(results, receipt):
    write_receipt(results, receipt | {"resistance": {"genes": ["sul2"], "mutations": None}})

    row = read_record(results, "SRX1").row

    assert row["resistance_genes"] == "sul2"
    assert not {"resistance_mutations", "resistance_organism"} & row.keys()


def test_what_amrfinderplus_found_is_shown_beside_it(results, receipt):
    found = {"genes": ["mecA"], "stress": [], "virulence": ["lukF-PV"], "organism": None}
    write_receipt(results, receipt | {"amrfinder": found})

    row = read_record(results, "SRX1").row

    assert (row["amrfinder_genes"], row["amrfinder_stress"]) == ("mecA", "none")
    assert row["amrfinder_virulence"] == "lukF-PV"
    assert "amrfinder_organism" not in row


def test_the_sequence_type_is_shown_with_its_scheme(results, receipt):
    typed = {"status": "PERFECT", "scheme": "saureus", "st": "8", "alleles": "arcC(3)"}
    write_receipt(results, receipt | {"mlst": typed})

    row = read_record(results, "SRX1").row

    assert {name: row[f"mlst_{name}"] for name in typed} == typed


def test_versions_and_parameters_are_kept_beside_the_row(results, receipt):
    write_receipt(results, receipt)

    record = read_record(results, "SRX1")

    assert record.versions["fastp"] == "0.24.0"
    assert record.parameters["coverage"] == "100"


def test_an_excluded_genome_keeps_its_reason_and_the_metrics_that_it_has(results, receipt):
    reason = {"type": "low-read-count", "stage": "download", "message": "12 reads"}
    metrics = {"qc_original_read_total": 12}
    write_receipt(results, receipt | {"status": "excluded", "reason": reason, "metrics": metrics})

    row = read_record(results, "SRX1").row

    assert (row["reason_type"], row["reason_stage"]) == ("low-read-count", "download")
    assert row["qc_original_read_total"] == 12
    assert "assembler_total_contig" not in row


def test_a_failure_tells_stage_kind_exit_code_and_the_end_of_the_log(results):
    failure = {
        "sample": "SRX1",
        "stage": "assembly",
        "exit_code": 137,
        "kind": "infrastructure",
        "message": "out of memory",
        "attempt": 2,
        "log": "assembly.log",
        "tail": ["one", "two"],
    }
    put(results, json.dumps(failure).encode(), "failed")

    record = read_record(results, "SRX1")

    assert record.row["status"] == "failed"
    assert record.row["reason_exit_code"] == 137
    assert record.row["reason_type"] == "infrastructure"
    assert record.tail == ["one", "two"]


def test_a_receipt_counts_more_than_an_earlier_failure(results, receipt):
    put(results, b'{"sample": "SRX1"}', "failed")
    write_receipt(results, receipt)

    assert read_record(results, "SRX1").row["status"] == "complete"


def test_a_sample_without_receipt_or_failure_is_waiting(results):
    assert read_record(results, "unknown").row == {"sample": "unknown", "status": "waiting"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"schema": 1, "sample": "SRX1", "stat', id="cut off"),
        pytest.param(b"\xff\xfe\x00", id="not UTF-8"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b"[" * 100_000, id="nested too deep"),
        pytest.param(b'{"schema": 2, "sample": "SRX1", "status": "complete"}', id="other schema"),
        pytest.param(b'{"schema": 1, "sample": "SRX2", "status": "complete"}', id="other sample"),
        pytest.param(b'{"schema": 1, "sample": "SRX1", "status": "fine"}', id="other status"),
    ],
)
def test_a_damaged_receipt_is_a_row_that_says_what_to_do(results, text):
    row = put(results, text)

    assert row["status"] == "unreadable"
    assert "receipts/SRX1.json" in row["reason_message"]
    assert "remove it" in row["reason_message"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", '"many"', "[1]"])
def test_a_metric_that_is_no_number_of_a_genome_makes_the_row_unreadable(results, number):
    text = (
        f'{{"schema": 1, "sample": "SRX1", "status": "complete", "metrics": {{"qc_x": {number}}}}}'
    )

    assert put(results, text.encode())["status"] == "unreadable"


def test_a_metric_cannot_take_the_place_of_another_column(results):
    text = b'{"schema": 1, "sample": "SRX1", "status": "complete", "metrics": {"sample": 5}}'

    assert put(results, text)["status"] == "unreadable"


def test_a_damaged_failure_is_unreadable_too(results):
    assert put(results, b"{", "failed")["status"] == "unreadable"


def test_text_is_one_line(results, receipt):
    reason = {"type": "assembly", "stage": "assembly", "message": "a\tb\nc d\u2028e\x00"}
    write_receipt(results, receipt | {"status": "excluded", "reason": reason})

    assert read_record(results, "SRX1").row["reason_message"] == "a b c d e"
