"""Whether a record can be read: one verdict, whoever asks."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.receipts import make_receipt
from support.stages import Genome

from bactofleet.core.errors import ConfigurationError
from bactofleet.core.samples import Sample
from bactofleet.cost.genomes import read_past_genomes
from bactofleet.genome.tarball import write_tarball
from bactofleet.monitor.failures import Failures
from bactofleet.monitor.page.genomes import Rows
from bactofleet.monitor.page.view import build_view
from bactofleet.monitor.receipts import Receipts
from bactofleet.monitor.snapshot import Observer
from bactofleet.records import portable
from bactofleet.records.attempt import measure_tarballs
from bactofleet.records.reading import MAX_BYTES, UNREADABLE
from bactofleet.records.receipt import iter_receipts
from bactofleet.report.cohort import read_cohort
from bactofleet.report.provenance.build import write_provenance
from bactofleet.report.rows import read_record
from bactofleet.run.plan import make_plan, read_failures
from bactofleet.transfer.choice import choose
from bactofleet.transfer.places import Folder
from bactofleet.transfer.verify import Verification

RECEIPT = make_receipt(
    "S1",
    input={"kind": "reads", "files": [{"source": "a.fq", "bytes": 7}]},
    tarball={"path": "results/S1.tar.gz", "bytes": 12, "sha256": "ef"},
)
FAILURE: dict[str, Any] = {
    "schema": 1,
    "sample": "S1",
    "stage": "qc",
    "exit_code": 1,
    "kind": "tool",
    "message": "fastp ended with exit status 1",
    "attempt": 1,
    "log": "logs/qc.log",
    "tail": ["last", "lines"],
}


def without(record: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}


READABLE: dict[str, Any] = {
    "whole": RECEIPT,
    "excluded": RECEIPT
    | {"status": "excluded", "reason": {"type": "t", "stage": "qc", "message": "m"}},
    "of before, with the summaries of tools": RECEIPT | {"multiqc": {"prokka": "organism"}},
    "of before, without an image": without(RECEIPT, "image"),
    "of before, without an identity": without(RECEIPT, "identity"),
    "with a key of later": RECEIPT | {"colour": "blue"},
    "in another order": dict(reversed(RECEIPT.items())),
    "finished in another zone": RECEIPT | {"finished": "2026-11-23T01:00:00+02:00"},
}
UNREADABLE_FIELDS: dict[str, Any] = {
    "of another version": RECEIPT | {"schema": 2},
    "of no version": without(RECEIPT, "schema"),
    "of another sample": RECEIPT | {"sample": "S2"},
    "of another status": RECEIPT | {"status": "fine"},
    "text where a number belongs": RECEIPT | {"metrics": {"qc_final_coverage": "deep"}},
    "text where seconds belong": RECEIPT | {"stages": {"qc": {"seconds": "1"}}},
    "a stage without seconds": RECEIPT | {"stages": {"qc": {}}},
    "a list where a number belongs": RECEIPT | {"tarball": {"bytes": [1]}},
    "a number where text belongs": RECEIPT | {"input": {"species": 5}},
    "NaN": RECEIPT | {"metrics": {"qc_final_coverage": float("nan")}},
    "infinite": RECEIPT | {"stages": {"qc": {"seconds": float("inf")}}},
    "larger than any genome": RECEIPT | {"input": {"genome_size": 1e300}},
    "a metric by the name of another column": RECEIPT | {"metrics": {"sample": 5}},
    "a stage by the name of another column": RECEIPT | {"stages": {"a\tb": {"seconds": 1}}},
    "a time without a zone": RECEIPT | {"finished": "2026-11-22T23:00:00"},
    "a time that is none": RECEIPT | {"finished": "yesterday"},
    "no time": RECEIPT | {"finished": None},
    "half a character": RECEIPT | {"host": {"name": "\ud83d"}},
    **{
        f"without {key}": without(RECEIPT, key)
        for key in RECEIPT
        if key not in ("image", "identity")
    },
}
UNREADABLE_TEXTS: dict[str, bytes] = {
    "empty": b"",
    "cut off": json.dumps(RECEIPT).encode()[:-30],
    "not JSON": b"S1 is complete",
    "not UTF-8": b"\xff\xfe\x00",
    "a list": b"[]",
    "null": b"null",
    "nested too deep": b"[" * 100_000,
    "a number that no computer holds": json.dumps(RECEIPT)
    .replace('"bytes": 12', '"bytes": 1e999')
    .encode(),
    "larger than any receipt": json.dumps(RECEIPT).encode() + b" " * MAX_BYTES,
}


def plan(results: Path) -> bool:
    config = {"results": str(results), "redo": "none"}
    made = make_plan({"S1": Sample("S1")}, config, None)
    return made.changed.get("S1") != "its receipt cannot be read"


def status(results: Path) -> bool:
    receipts = Receipts(results, ["S1"])
    receipts.look()
    return receipts.statuses["S1"] != UNREADABLE


def serve(results: Path) -> bool:
    observer = Observer(results, results / "scratch", ["S1"])
    genome = build_view(observer, observer.look(), Rows()).by_sample["S1"]
    return genome.status in {"complete", "excluded"}


def report(results: Path) -> bool:
    return read_record(results, "S1").row["status"] != UNREADABLE


def estimate(results: Path) -> bool:
    return len(read_past_genomes(results, {}).seconds) == 1


def bill(results: Path) -> bool:
    receipts = iter_receipts(results, ["S1"])
    tarballs = ((each.tarball.path, each.tarball.bytes) for each in receipts)
    return measure_tarballs(tarballs).genomes == 1


def verify(results: Path) -> bool:
    (results / "S1.tar.gz").write_bytes(b"x" * 12)
    return not list(Verification(Folder(results), results).iter_problems(checksums=False))


def fetch(results: Path) -> bool:
    wanted = argparse.Namespace(samples=["S1"], names=None, species=None, status=None)
    try:
        return len(choose(wanted, results)) == 1
    except ConfigurationError:
        return False


def provenance(results: Path) -> bool:
    write_provenance(results, read_cohort(results, ["S1"]), "A cohort")
    return "#genome/S1" in (results / "ro-crate-metadata.json").read_text()


READERS = [plan, status, serve, report, estimate, bill, verify, fetch, provenance]


def put(results: Path, record: Any, folder: str = "receipts") -> None:
    text = record if isinstance(record, bytes) else json.dumps(record).encode()
    (results / folder).mkdir()
    (results / folder / "S1.json").write_bytes(text)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("receipt", READABLE.values(), ids=READABLE)
def test_a_receipt_that_is_whole_is_read_by_all(
    tmp_path: Path, receipt: Any, reader: Callable[[Path], bool]
) -> None:
    put(tmp_path, receipt)

    assert reader(tmp_path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "receipt",
    [*UNREADABLE_FIELDS.values(), *UNREADABLE_TEXTS.values()],
    ids=[*UNREADABLE_FIELDS, *UNREADABLE_TEXTS],
)
def test_a_receipt_that_is_damaged_is_read_by_none(
    tmp_path: Path, receipt: Any, reader: Callable[[Path], bool]
) -> None:
    put(tmp_path, receipt)

    assert not reader(tmp_path)


def pull(folder: Path, receipt: dict[str, Any]) -> dict[str, Any]:
    """Rebuild a receipt from a tarball and its metadata."""
    kept = {key: value for key, value in receipt.items() if key not in portable.OF_ONE_TIME}
    (folder / "file").write_text(json.dumps(kept))
    write_tarball(folder / "S1.tar.gz", {f"S1/{portable.FILE}": folder / "file"})
    rest = {key: value for key, value in receipt.items() if key in portable.OF_ONE_TIME}
    metadata = {portable.METADATA_NAME: portable._pack(rest)}
    head = (folder / "S1.tar.gz").read_bytes()
    return portable.rebuild("S1", "results/S1.tar.gz", head, metadata)


def test_a_receipt_that_is_pulled_is_whole(tmp_path: Path) -> None:
    assert pull(tmp_path, RECEIPT) == RECEIPT


@pytest.mark.parametrize("receipt", UNREADABLE_FIELDS.values(), ids=UNREADABLE_FIELDS)
def test_a_receipt_that_nobody_could_read_is_not_pulled(
    tmp_path: Path, receipt: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"its receipt|belongs to another|encode"):
        pull(tmp_path, receipt)


def test_the_reason_is_said_and_what_helps(tmp_path: Path) -> None:
    put(tmp_path, RECEIPT | {"schema": 2})

    message = str(read_record(tmp_path, "S1").row["reason_message"])

    assert message.startswith("receipts/S1.json cannot be read (it is of another version of")
    assert message.endswith("; remove it to make the genome again")


# --- failures -------------------------------------------------------------------------------------

READABLE_FAILURES: dict[str, Any] = {
    "whole": FAILURE,
    "of before, without a version": without(FAILURE, "schema"),
    "of a job of AWS Batch": without(FAILURE, "attempt") | {"exit_code": None},
}
DAMAGED_FAILURES: dict[str, Any] = {
    "of another version": FAILURE | {"schema": 2},
    "of another sample": FAILURE | {"sample": "S2"},
    "text where a number belongs": FAILURE | {"exit_code": "one"},
    "a number where text belongs": FAILURE | {"message": 5},
    **{f"without {key}": without(FAILURE, key) for key in ("sample", "stage", "kind", "message")},
    "cut off": json.dumps(FAILURE).encode()[:-9],
    "empty": b"",
    "nested too deep": b"[" * 100_000,
}


def report_of_failure(results: Path) -> str:
    return str(read_record(results, "S1").row["reason_type"])


def status_of_failure(results: Path) -> str:
    failures = Failures(results / "failed", ["S1"])
    failures.look()
    return failures.by_sample["S1"].kind


def last_words(results: Path) -> str:
    (failure,) = read_failures(results, ["S1"])
    return failure.kind


FAILURE_READERS = [report_of_failure, status_of_failure, last_words]


@pytest.mark.parametrize("reader", FAILURE_READERS)
@pytest.mark.parametrize("failure", READABLE_FAILURES.values(), ids=READABLE_FAILURES)
def test_a_failure_that_is_whole_is_read_by_all(
    tmp_path: Path, failure: Any, reader: Callable[[Path], str]
) -> None:
    put(tmp_path, failure, "failed")

    assert reader(tmp_path) == "tool"


@pytest.mark.parametrize("reader", FAILURE_READERS)
@pytest.mark.parametrize("failure", DAMAGED_FAILURES.values(), ids=DAMAGED_FAILURES)
def test_a_failure_that_is_damaged_is_read_by_none(
    tmp_path: Path, failure: Any, reader: Callable[[Path], str]
) -> None:
    put(tmp_path, failure, "failed")

    assert reader(tmp_path) == UNREADABLE


@pytest.mark.parametrize("failure", DAMAGED_FAILURES.values(), ids=DAMAGED_FAILURES)
def test_a_stage_whose_last_failure_cannot_be_read_is_tried_again(
    tmp_path: Path, failure: Any
) -> None:
    put(tmp_path, failure, "failed")

    assert Genome(tmp_path).run("qc", lambda _: None, attempt=2) == 0
