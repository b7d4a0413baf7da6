"""Receipts and failures are read once, when they come."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.synthetic_cohort import write_genomes

from bactofleet.core.files import write_json
from bactofleet.monitor import receipts as module
from bactofleet.monitor.failures import Failures
from bactofleet.monitor.receipts import Receipts
from bactofleet.records.receipt import Receipt, read_receipt

KINDS = ["complete", "excluded", "failed", "waiting", "complete"]


@pytest.fixture
def samples(tmp_path: Path) -> list[str]:
    return write_genomes(tmp_path, KINDS)


def look(results: Path, samples: list[str]) -> Receipts:
    receipts = Receipts(results, samples)
    receipts.look()
    return receipts


def rewrite(results: Path, sample: str, **changes: Any) -> None:
    path = results / "receipts" / f"{sample}.json"
    write_json(path, json.loads(path.read_text()) | changes)


def test_the_status_of_every_genome_of_the_sheet_is_reported(tmp_path: Path, samples: list[str]):
    receipts = look(tmp_path, samples[:2])

    assert receipts.statuses == {samples[0]: "complete", samples[1]: "excluded"}
    assert {finish.status for finish in receipts.recent} == {"complete", "excluded"}


def test_a_receipt_in_another_order_is_read_all_the_same(tmp_path: Path, samples: list[str]):
    path = tmp_path / "receipts" / f"{samples[0]}.json"
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items()))))

    assert look(tmp_path, samples).statuses[samples[0]] == "complete"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"schema": 1}', '{"schema": 1, "sample": "x", "status": "complete", ']
)
def test_a_damaged_receipt_is_unreadable(tmp_path: Path, text: str):
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts" / "x.json").write_text(text)

    receipts = look(tmp_path, ["x"])

    assert receipts.statuses == {"x": "unreadable"}
    assert not receipts.recent


def test_a_receipt_of_another_sample_is_unreadable(tmp_path: Path, samples: list[str]):
    first, last = (tmp_path / "receipts" / f"{name}.json" for name in (samples[0], samples[-1]))
    first.write_bytes(last.read_bytes())

    assert look(tmp_path, samples).statuses[samples[0]] == "unreadable"


def test_only_what_is_new_is_read_again(
    tmp_path: Path, samples: list[str], monkeypatch: pytest.MonkeyPatch
):
    receipts = look(tmp_path, [*samples, "new"])
    opened = []

    def record(results: Path, sample: str) -> Receipt:
        opened.append(sample)
        return read_receipt(results, sample)

    monkeypatch.setattr(module, "read_receipt", record)
    receipt = json.loads((tmp_path / "receipts" / f"{samples[0]}.json").read_text())
    write_json(tmp_path / "receipts" / "new.json", receipt | {"sample": "new"})

    receipts.look()

    assert opened == ["new"]
    assert receipts.statuses["new"] == "complete"


def test_a_receipt_that_was_replaced_or_removed_is_seen(tmp_path: Path, samples: list[str]):
    receipts = look(tmp_path, samples)
    rewrite(tmp_path, samples[0], status="excluded")
    (tmp_path / "receipts" / f"{samples[1]}.json").unlink()

    receipts.look()

    assert receipts.statuses == {samples[0]: "excluded", samples[-1]: "complete"}


def test_half_written_and_foreign_files_are_passed_over(tmp_path: Path, samples: list[str]):
    for name in (f".{samples[3]}.json.17.part", f".{samples[3]}.json", "foreign.json", "notes"):
        (tmp_path / "receipts" / name).write_text("{")

    assert look(tmp_path, samples).statuses.keys() == {samples[0], samples[1], samples[4]}


def test_the_newest_receipts_are_remembered(
    tmp_path: Path, samples: list[str], monkeypatch: pytest.MonkeyPatch
):
    rewrite(tmp_path, samples[0], finished="2020-01-01T00:00:00Z")
    monkeypatch.setattr(module, "RECENT", 2)

    receipts = look(tmp_path, samples)

    assert list(receipts.recent) == sorted(
        (receipts.finishes[name] for name in (samples[1], samples[4])), key=lambda f: f.time
    )
    assert receipts.recent_since == min(finish.time for finish in receipts.recent)


def test_why_a_genome_was_excluded_is_kept(tmp_path: Path, samples: list[str]):
    reason = {"type": "assembly", "stage": "assembly", "message": 'no "input": {}\n'}
    rewrite(tmp_path, samples[1], reason=reason)

    finishes = look(tmp_path, samples).finishes

    assert finishes[samples[1]].reason == reason | {"message": 'no "input": {}'}
    assert finishes[samples[0]].reason is None


def test_text_that_looks_like_another_part_of_a_receipt_is_text(tmp_path: Path, samples: list[str]):
    before = look(tmp_path, samples).finishes
    rewrite(tmp_path, samples[0], input={"species": '"stages": {}, "versions": "finished": "1"'})

    assert look(tmp_path, samples).finishes == before


def test_a_receipt_with_a_very_long_input_is_read_to_its_end(tmp_path: Path, samples: list[str]):
    before = look(tmp_path, samples).finishes
    rewrite(tmp_path, samples[0], input={"sources": ["s3://bucket/reads.fastq.gz"] * 1000})

    assert look(tmp_path, samples).finishes == before


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), "long", None])
def test_a_receipt_whose_stages_took_no_time_that_is_a_number_is_unreadable(
    tmp_path: Path, samples: list[str], seconds: Any
):
    rewrite(tmp_path, samples[0], stages={"qc": {"seconds": seconds}})

    assert look(tmp_path, samples).statuses[samples[0]] == "unreadable"


def test_a_failure_is_reported_until_its_file_goes(tmp_path: Path, samples: list[str]):
    failures = Failures(tmp_path / "failed", samples)
    failures.look()
    told = failures.by_sample[samples[2]]
    (tmp_path / "failed" / f"{samples[2]}.json").unlink()

    failures.look()

    assert told.stage in {"assembly", "download", "annotation"}
    assert told.message
    assert told.log == f"results/logs/{samples[2]}/{told.stage}.log"
    assert not failures.by_sample


def test_a_failure_that_cannot_be_read_is_a_failure(tmp_path: Path):
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / "x.json").write_text("{")
    failures = Failures(tmp_path / "failed", ["x"])

    failures.look()

    assert failures.by_sample["x"].kind == "unreadable"


def test_text_of_tools_cannot_steer_the_terminal(tmp_path: Path, samples: list[str]):
    path = tmp_path / "failed" / f"{samples[2]}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"message": "\x1b[2Jgone\r\n"}))
    failures = Failures(tmp_path / "failed", samples)

    failures.look()

    assert failures.by_sample[samples[2]].message == "gone"
