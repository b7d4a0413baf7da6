"""MultiQC's report from what the tarballs begin with, and what must be there for it."""

import json
import random
import subprocess
import sys

import pytest
from support.stages import Genome
from support.synthetic_cohort import make_receipt, make_tool_outputs

from bactofleet.core.errors import ConfigurationError
from bactofleet.genome import publish
from bactofleet.genome.fastp import trim_fastp
from bactofleet.records.portable import HEAD_BYTES
from bactofleet.report import multiqc
from bactofleet.report.multiqc import write_multiqc
from bactofleet.report.tool_outputs import iter_tool_outputs
from bactofleet.transfer import places


def full_fastp_report():
    """Return a report with the parts and the bulk of fastp 0.24's own."""
    curves = {base: [30.123456] * 150 for base in ("A", "T", "C", "G", "mean")}
    side = {
        "total_reads": 10,
        "quality_curves": curves,
        "content_curves": {"GC": [0.5] * 150},
        "kmer_count": {"AAAAA": 1},
        "overrepresented_sequences": {},
    }
    return {
        "summary": {"fastp_version": "0.24.0", "before_filtering": {"total_reads": 10}},
        "filtering_result": {"passed_filter_reads": 9},
        "duplication": {"rate": 0.01, "histogram": [1] * 32},
        "insert_size": {"peak": 300, "unknown": 1, "histogram": [0] * 512},
        "adapter_cutting": {"adapter_trimmed_reads": 1, "read1_adapter_counts": {"ACGT": 1}},
        **{f"read{mate}_{when}_filtering": side for mate in (1, 2) for when in ("before", "after")},
        "command": "fastp --in1 /scratch/a_R1.fastq.gz",
    }


def outputs(*samples):
    return [
        (name, make_tool_outputs(make_receipt(name, random.Random(name)), random.Random(name)))
        for name in samples
    ]


def test_the_trimmed_report_keeps_what_multiqc_shows():
    trimmed = trim_fastp(full_fastp_report())

    assert trimmed["summary"] == full_fastp_report()["summary"]
    assert trimmed["duplication"] == {"rate": 0.01}
    assert trimmed["adapter_cutting"] == {"adapter_trimmed_reads": 1}
    assert len(trimmed["insert_size"]["histogram"]) == 512
    assert trimmed["read2_after_filtering"] == {"quality_curves": {"mean": [30.1] * 150}}
    assert "read1_before_filtering" not in trimmed


def test_the_trimmed_report_names_no_folder_of_the_worker():
    assert trim_fastp(full_fastp_report())["command"] == ""


def test_a_report_of_single_end_reads_lacks_the_parts_of_pairs():
    report = full_fastp_report()
    del report["insert_size"], report["read2_after_filtering"]

    trimmed = trim_fastp(report)

    assert "insert_size" not in trimmed
    assert "read2_after_filtering" not in trimmed


def test_trimming_twice_is_trimming_once():
    once = trim_fastp(full_fastp_report())

    assert trim_fastp(once) == once


def test_a_worker_does_not_pay_for_pandas_plotly_or_multiqc():
    code = "import sys, bactofleet.report.multiqc; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert {"pandas", "plotly", "multiqc", "numpy", "jinja2"}.isdisjoint(loaded.stdout.split())


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """MultiQC's real report of three genomes, one with a name that MultiQC would shorten."""
    path = tmp_path_factory.mktemp("multiqc") / "any name.html"
    pairs = [*outputs("SRX1", "my.fastq_R1"), ("SRX9damaged", {"prokka": "organism: x\nrubbish"})]
    assert write_multiqc(pairs, 3, path, "A title") is None
    return path.read_text()


def test_multiqc_shows_fastp_and_prokka_under_the_genomes_own_names(page):
    for text in ("A title", "fastp-filtered-reads", "fastp-seq-quality", "prokka_plot"):
        assert text in page
    for name in ("SRX1", "my.fastq_R1"):
        assert f">{name}<" in page


def test_the_summary_that_multiqc_cannot_read_does_not_hide_the_others(page):
    assert "SRX9damaged" not in page


def test_markup_in_names_does_not_reach_multiqc(tmp_path):
    hostile = "<img src=x onerror=alert(1)>"
    [(_, tools)] = outputs("SRX1")
    tools["prokka"] = tools["prokka"].replace("strain", hostile)
    path = tmp_path / "multiqc_report.html"

    write_multiqc([(hostile, tools), ("SRX2", tools)], 2, path, hostile)

    assert "<img src=x" not in path.read_text()


def test_large_cohorts_leave_it_out_and_say_why(tmp_path):
    path = tmp_path / "multiqc_report.html"

    why = write_multiqc(outputs("SRX1"), multiqc.MAX_GENOMES + 1, path, "A title")

    assert why is not None
    assert "2,001 genomes" in why
    assert "2,001 genomes" in path.read_text()


def test_without_any_summary_an_earlier_report_is_replaced_by_the_reason(tmp_path):
    path = tmp_path / "multiqc_report.html"
    path.write_text("of an earlier run")

    write_multiqc([("SRX1", {})], 1, path, "A title")

    assert "no genome has a summary" in path.read_text()


def test_when_multiqc_fails_its_last_words_are_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(multiqc.sys, "executable", "/bin/false")

    why = write_multiqc(outputs("SRX1"), 1, tmp_path / "multiqc_report.html", "A title")

    assert why == "MultiQC did not finish: exit status 1"


# --- where the summaries come from ----------------------------------------------------------------


def gather(stage):
    stage.record.input = {"kind": "reads"}
    stage.record.multiqc = {"prokka": f"organism: {stage.sample}"}


@pytest.fixture
def results(tmp_path):
    """Two genomes whose tarballs are in a folder, and one that has none yet."""
    for sample in ("S1", "S2"):
        genome = Genome(tmp_path, sample)
        receipt = tmp_path / "results/receipts" / f"{sample}.json"
        parameters = {"results": str(tmp_path / "results"), "receipt": str(receipt)}
        assert genome.run("download", gather) == 0
        assert genome.run("publish", publish.run, inputs=["download"], parameters=parameters) == 0
    return tmp_path / "results"


def test_a_receipt_does_not_carry_what_multiqc_shows(results):
    assert "multiqc" not in json.loads((results / "receipts/S1.json").read_text())


def test_summaries_come_from_the_beginning_of_tarballs(results):
    outputs = dict(iter_tool_outputs(results, ["S1", "S2", "S3"]))

    assert outputs == {"S1": {"prokka": "organism: S1"}, "S2": {"prokka": "organism: S2"}}


def test_a_tarball_that_is_gone_is_reported_and_stops_nothing(results, caplog):
    (results / "S1.tar.gz").unlink()

    outputs = dict(iter_tool_outputs(results, ["S1", "S2"]))

    assert outputs.keys() == {"S2"}
    assert "MultiQC lacks 1 genome, for example S1: " in caplog.text


def test_a_tarball_that_is_damaged_is_reported_and_stops_nothing(results, caplog):
    (results / "S2.tar.gz").write_bytes(b"no tarball")

    assert dict(iter_tool_outputs(results, ["S1", "S2"])).keys() == {"S1"}
    assert "does not begin as a tarball" in caplog.text


def test_summaries_of_tarballs_on_s3_take_a_request_each(cohort, monkeypatch):
    for sample in ("S1", "S2"):
        cohort.publish(sample)
    asked = []
    ask = places.Bucket.open

    def remember(bucket, name, first_bytes=None):
        asked.append((name, first_bytes))
        return ask(bucket, name, first_bytes)

    monkeypatch.setattr(places.Bucket, "open", remember)

    outputs = dict(iter_tool_outputs(cohort.folder / "results", ["S1", "S2"]))

    assert outputs["S2"] == {"prokka": {"text": "organism: S2"}}
    assert sorted(asked) == [("S1.tar.gz", HEAD_BYTES), ("S2.tar.gz", HEAD_BYTES)]


def test_where_aws_answers_nothing_multiqc_is_left_out_and_the_report_goes_on(
    cohort, monkeypatch, tmp_path
):
    cohort.publish("S1")
    error = ConfigurationError(["AWS: there are no AWS credentials; log in"])
    monkeypatch.setattr(places.Bucket, "open", raising(error))
    path = tmp_path / "multiqc_report.html"

    outputs = iter_tool_outputs(cohort.folder / "results", ["S1"])

    why = write_multiqc(outputs, 1, path, "title")

    assert why is not None
    assert "no AWS credentials" in why
    assert "no AWS credentials" in path.read_text()


def test_above_the_limit_no_tarball_is_read(results, tmp_path):
    def never():
        pytest.fail("a tarball is read")
        yield

    assert write_multiqc(never(), multiqc.MAX_GENOMES + 1, tmp_path / "page.html", "title")


def raising(error):
    def action(*_):
        raise error

    return action
