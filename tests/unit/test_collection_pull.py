"""`bactofleet receipts pull`: a lost controller's receipts come back from the tarballs."""

from typing import Any

import pytest
from support.cohorts import PREFIX, RESULTS, Cohort

from bactofleet.core.samples import Sample
from bactofleet.records.folder import lock_results
from bactofleet.run.plan import make_plan
from bactofleet.transfer.places import Bucket


def forget(cohort: Cohort, sample: str) -> None:
    (cohort.receipts / f"{sample}.json").unlink()


def without_moment(receipt: dict[str, Any]) -> dict[str, Any]:
    """Return what the upload's own seconds do not change."""
    stages = {name: use for name, use in receipt["stages"].items() if name != "publish"}
    return receipt | {"stages": stages, "finished": None}


def test_a_pulled_receipt_is_the_one_that_was_lost_but_for_the_seconds_of_the_upload(
    cohort: Cohort,
) -> None:
    lost = cohort.publish("S1", "Staphylococcus aureus")
    forget(cohort, "S1")

    assert cohort.call("receipts", "pull") == 0

    found = cohort.receipt("S1")
    assert without_moment(found) == without_moment(lost)
    assert list(found) == list(lost)
    assert found["stages"]["publish"].keys() == lost["stages"]["publish"].keys()


def test_after_a_pull_the_next_run_has_only_what_is_left_to_do(cohort: Cohort) -> None:
    for sample in ("S1", "S2"):
        cohort.publish(sample)
        forget(cohort, sample)

    cohort.call("receipts", "pull")

    samples = {name: Sample(name) for name in ("S1", "S2", "S3")}
    config = {"results": RESULTS, "redo": "changed", "coverage": 100}
    plan = make_plan(samples, config, None)
    assert plan.todo == ["S3"]


def test_receipts_that_are_here_are_kept_and_not_asked_for(
    cohort: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort.publish("S1")
    (cohort.receipts / "S1.json").write_text("mine")

    assert cohort.call("receipts", "pull") == 0

    assert (cohort.receipts / "S1.json").read_text() == "mine"
    assert f"0 tarballs at {RESULTS} have no receipt" in capsys.readouterr().out


def test_what_is_no_tarball_of_a_sample_of_this_cohort_is_passed_over(cohort: Cohort) -> None:
    cohort.publish("S1")
    content = cohort.get("S1.tar.gz")
    for name in ("notes.txt", "other/S2.tar.gz", "..tar.gz", "a b.tar.gz"):
        cohort.put(name, content)

    assert cohort.call("receipts", "pull") == 0

    assert [path.name for path in cohort.receipts.iterdir()] == ["S1.json"]


def test_a_tarball_that_tells_no_receipt_is_named_and_the_others_are_pulled(
    cohort: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort.publish("S1")
    forget(cohort, "S1")
    cohort.put("foreign.tar.gz", b"something else")
    cohort.put("empty.tar.gz", b"")

    assert cohort.call("receipts", "pull") == 1

    said = capsys.readouterr().err
    assert f"{RESULTS}/foreign.tar.gz: its metadata has no 'receipt'" in said
    assert f"{RESULTS}/empty.tar.gz: " in said
    assert [path.name for path in cohort.receipts.iterdir()] == ["S1.json"]


def test_nothing_is_pulled_while_a_run_uses_the_results(
    cohort: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort.publish("S1")
    forget(cohort, "S1")

    with lock_results(cohort.folder / "results"):
        assert cohort.call("receipts", "pull") == 1

    assert "is in use by another run" in capsys.readouterr().err
    assert not list(cohort.receipts.iterdir())


def test_results_in_a_folder_have_their_receipts_already(
    cohort: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    (cohort.folder / "config/config.yaml").write_text("results: results\n")

    assert cohort.call("receipts", "pull") == 1
    assert "'results' is a folder of this machine" in capsys.readouterr().err


def test_a_bucket_that_is_not_there_is_reported_without_a_traceback(
    cohort: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    (cohort.folder / "config/config.yaml").write_text(f"results: s3://nothing-here/{PREFIX}\n")

    assert cohort.call("receipts", "pull") == 1
    assert "NoSuchBucket" in capsys.readouterr().err


@pytest.mark.parametrize("metadata", [None, {}, {"receipt": None}, {"receipt": "bnVsbA=="}])
def test_metadata_that_are_none_are_one_genomes_trouble(
    cohort: Cohort, monkeypatch: pytest.MonkeyPatch, metadata: Any
) -> None:
    for sample in ("S1", "S2"):
        cohort.publish(sample)
        forget(cohort, sample)
    ask = Bucket.open

    def answer(bucket: Bucket, name: str, first_bytes: int | None = None) -> dict[str, Any]:
        reply = ask(bucket, name, first_bytes)
        return reply | ({"Metadata": metadata} if name == "S1.tar.gz" else {})

    monkeypatch.setattr(Bucket, "open", answer)

    assert cohort.call("receipts", "pull") == 1

    assert [path.name for path in cohort.receipts.iterdir()] == ["S2.json"]


def test_a_name_longer_than_that_of_a_sample_is_passed_over(cohort: Cohort) -> None:
    cohort.publish("S1")
    forget(cohort, "S1")
    cohort.put("a" * 300 + ".tar.gz", cohort.get("S1.tar.gz"))

    assert cohort.call("receipts", "pull") == 0

    assert [path.name for path in cohort.receipts.iterdir()] == ["S1.json"]
