"""`bactofleet verify`: what is missing, changed, unexpected or unreadable is told and fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.cohorts import RESULTS, Cohort

from bactofleet.transfer.places import Bucket, ObjectFault


@pytest.fixture
def whole(cohort: Cohort) -> Cohort:
    """A cohort of three genomes, all as it should be."""
    for sample in ("S1", "S2", "S3"):
        cohort.publish(sample)
    return cohort


def verify(
    cohort: Cohort, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, list[list[str]]]:
    """Return the exit status and the cells of each row."""
    capsys.readouterr()
    status = cohort.call("verify", *options)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "problem\ttarball\texpected\tfound"
    return status, [line.split("\t") for line in lines[1:]]


def flip_last_byte(cohort: Cohort, name: str) -> None:
    content = cohort.get(name)
    cohort.put(name, content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("options", [[], ["--checksums"]])
def test_a_cohort_as_it_should_be_passes(
    whole: Cohort, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert verify(whole, capsys, *options) == (0, [])


def test_deleted_truncated_and_foreign_objects_are_reported(
    whole: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    size = whole.receipt("S2")["tarball"]["bytes"]
    whole.delete("S1.tar.gz")
    whole.put("S2.tar.gz", whole.get("S2.tar.gz")[:-10])
    whole.put("foreign.txt", b"x")

    status, rows = verify(whole, capsys)

    assert status == 1
    assert [(row[0], row[1]) for row in rows] == [
        ("missing", f"{RESULTS}/S1.tar.gz"),
        ("changed", f"{RESULTS}/S2.tar.gz"),
        ("unexpected", f"{RESULTS}/foreign.txt"),
    ]
    assert rows[1][2:] == [f"{size} bytes", f"{size - 10} bytes"]


def test_a_changed_object_of_the_same_size_is_found_by_its_checksum_alone(
    whole: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    flip_last_byte(whole, "S3.tar.gz")

    assert verify(whole, capsys)[0] == 0
    status, rows = verify(whole, capsys, "--checksums")

    assert status == 1
    assert [row[:3] for row in rows] == [
        ["changed", f"{RESULTS}/S3.tar.gz", whole.receipt("S3")["tarball"]["sha256"]]
    ]


def test_a_tarball_uploaded_in_parts_is_said_to_be_compared_by_its_size_alone(
    cohort: Cohort, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bactofleet.core.destination.SINGLE_REQUEST_BYTES", 100)
    cohort.make("S1")

    assert cohort.call("verify", "--checksums") == 0
    assert "1 tarballs by their size alone" in capsys.readouterr().err


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"ETag": None},
        {"ETag": '"a"', "ChecksumSHA256": None},
        {"ETag": "", "ChecksumSHA256": "a"},
    ],
)
def test_an_answer_not_in_the_documented_form_is_a_fault_of_its_object(
    reply: dict[str, Any],
) -> None:
    class Client:
        def head_object(self, **_: str) -> dict[str, Any]:
            return reply

    with pytest.raises(ObjectFault, match=r"S1\.tar\.gz: S3's answer does not have the documented"):
        Bucket(RESULTS, Client()).sha256("S1.tar.gz")


def test_a_finished_genome_whose_receipt_is_lost_is_unexpected(
    whole: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    (whole.receipts / "S2.json").unlink()

    assert verify(whole, capsys)[1][0][:2] == ["unexpected", f"{RESULTS}/S2.tar.gz"]


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 1, "sample": "S1", "status": "complete"}'])
def test_a_receipt_that_cannot_be_read_or_names_no_tarball_is_reported(
    whole: Cohort, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (whole.receipts / "S1.json").write_text(text)

    status, rows = verify(whole, capsys)

    assert (status, [row[0] for row in rows]) == (1, ["unreadable"])


def test_a_name_made_to_fake_rows_stays_in_its_cell(
    whole: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    whole.put("evil\tx\nmissing\x1b[31m", b"x")

    status, rows = verify(whole, capsys)

    assert (status, rows) == (
        1,
        [["unexpected", f"{RESULTS}/evil x missing", "", "1 bytes"]],
    )


def test_other_cohorts_in_folders_below_are_not_of_this_one(
    whole: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    whole.put("cohort2/S9.tar.gz", b"x")

    assert verify(whole, capsys) == (0, [])


def test_json_has_an_object_a_line(whole: Cohort, capsys: pytest.CaptureFixture[str]) -> None:
    whole.delete("S1.tar.gz")
    whole.delete("S2.tar.gz")

    assert whole.call("verify", "--json") == 1

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["problem"], Path(row["tarball"]).name) for row in rows] == [
        ("missing", "S1.tar.gz"),
        ("missing", "S2.tar.gz"),
    ]


def test_results_in_a_folder_are_verified_alike(
    cohort: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    (cohort.folder / "config/config.yaml").write_text("results: results\n")
    for sample in ("S1", "S2", "S3"):
        cohort.publish(sample, results="results")
    (cohort.folder / "results/S1.tar.gz").unlink()
    content = (cohort.folder / "results/S2.tar.gz").read_bytes()
    (cohort.folder / "results/S2.tar.gz").write_bytes(content[:-1] + b"x")
    (cohort.folder / "results/cohort.tsv").write_text("tables do not matter")

    status, rows = verify(cohort, capsys, "--checksums")

    assert status == 1
    assert [row[:2] for row in rows] == [
        ["missing", "results/S1.tar.gz"],
        ["changed", "results/S2.tar.gz"],
    ]
