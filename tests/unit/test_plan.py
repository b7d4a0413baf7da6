"""What a run has to do: nothing twice by accident, everything that was cut off."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from support.receipts import make_receipt

from bactofleet.core import versions
from bactofleet.core.destination import scratch_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import fingerprint
from bactofleet.core.identity import Identity, identify
from bactofleet.core.samples import Sample
from bactofleet.genome.stage import StageRecord
from bactofleet.records.folder import lock_results
from bactofleet.run.plan import (
    Plan,
    clear_leftovers,
    describe_failures,
    find_outdated,
    known_image,
    make_plan,
    read_failures,
)

SAMPLES = ["S1", "S2", "S3"]
PARAMETERS = {"coverage": 100, "assembler": "skesa"}
IMAGE = "0123456789abcdef"


def write_receipt(results: Path, sample: str, image: str = IMAGE, **parameters: Any) -> Path:
    path = results / "receipts" / f"{sample}.json"
    path.parent.mkdir(exist_ok=True)
    made_with = PARAMETERS | parameters
    receipt = make_receipt(sample, parameters=made_with, fingerprint={"image": image})
    path.write_text(json.dumps(receipt))
    return path


def plan_for(results: Path, redo: Any = "none", image: str | None = IMAGE) -> Plan:
    config = PARAMETERS | {"results": str(results), "redo": redo}
    return make_plan({name: Sample(name) for name in SAMPLES}, config, image)


# --- finished, to do, changed ---------------------------------------------------------------------


def test_without_receipts_everything_is_to_do_in_the_order_of_the_sheet(tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "none yet")

    assert (plan.todo, plan.finished, plan.changed) == (SAMPLES, [], {})
    assert plan.summary() == ["3 genomes: 0 finished, 3 to do"]


def test_a_genome_with_a_receipt_is_finished(tmp_path: Path) -> None:
    write_receipt(tmp_path, "S2")

    plan = plan_for(tmp_path)

    assert (plan.todo, plan.finished, plan.changed) == (["S1", "S3"], ["S2"], {})
    assert plan.summary() == ["3 genomes: 1 finished, 2 to do"]


def test_receipts_of_genomes_that_the_sheet_does_not_name_do_not_count(tmp_path: Path) -> None:
    write_receipt(tmp_path, "S9")

    assert plan_for(tmp_path).finished == []


@pytest.mark.parametrize(
    ("made_with", "difference"),
    [
        ({"coverage": 50}, "coverage was 50, is 100"),
        ({"phix": True}, "phix was True, is None"),
        ({"image": "another"}, "a different image"),
    ],
)
def test_a_genome_made_with_other_settings_is_kept_and_said_loudly(
    tmp_path: Path, made_with: dict[str, Any], difference: str
) -> None:
    write_receipt(tmp_path, "S1", **made_with)

    plan = plan_for(tmp_path)

    assert plan.todo == ["S2", "S3"]
    assert plan.changed == {"S1": difference}
    (note,) = plan.summary()[1:]
    assert note.startswith("NOTE: 1 finished genome was made with different settings")
    assert difference in note
    assert "redo: changed" in note


def test_a_controller_that_does_not_know_the_image_compares_parameters_alone(
    tmp_path: Path,
) -> None:
    write_receipt(tmp_path, "S1", image="another")
    write_receipt(tmp_path, "S2", image="another", coverage=50)

    assert list(plan_for(tmp_path, image=None).changed) == ["S2"]


def test_an_option_that_an_older_receipt_does_not_know_was_off(tmp_path: Path) -> None:
    write_receipt(tmp_path, "S1")
    samples = {"S1": Sample("S1")}
    config = PARAMETERS | {"results": str(tmp_path), "redo": "changed", "mlst_schemes": ""}

    assert make_plan(samples, config | {"resistance": False}, IMAGE).changed == {}
    assert make_plan(samples, config | {"resistance": True}, IMAGE).changed == {
        "S1": "resistance was None, is True"
    }


def test_tools_on_path_do_not_describe_the_image_that_stages_run_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", tmp_path / "nowhere")
    monkeypatch.setattr("bactofleet.run.plan.get_versions", lambda: {"prokka": "1.14.5"})
    assert known_image()

    monkeypatch.setenv("BACTOFLEET_IMAGE", "/shared/bactofleet.sif")

    assert known_image() is None


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "{}", '{"parameters": null}', "\x80"])
def test_a_receipt_that_cannot_be_read_counts_as_changed_and_stops_nothing(
    tmp_path: Path, text: str
) -> None:
    write_receipt(tmp_path, "S1").write_text(text, encoding="latin-1")

    plan = plan_for(tmp_path)

    assert plan.changed == {"S1": "its receipt cannot be read"}
    assert plan.todo == ["S2", "S3"]


# --- input ----------------------------------------------------------------------------------------


def write_receipt_of(results: Path, sample: Sample, **changed: Any) -> None:
    identity = identify(sample, fingerprint(PARAMETERS), IMAGE).to_json()
    receipt = make_receipt(sample.sample, parameters=PARAMETERS, identity=identity | changed)
    receipt["fingerprint"] = {"image": IMAGE}
    (results / "receipts").mkdir(exist_ok=True)
    (results / "receipts" / f"{sample.sample}.json").write_text(json.dumps(receipt))


def plan_of(results: Path | str, *samples: Sample, redo: str = "none") -> Plan:
    config = PARAMETERS | {"results": str(results), "redo": redo}
    return make_plan({sample.sample: sample for sample in samples}, config, IMAGE)


@pytest.mark.parametrize(
    ("now", "difference"),
    [
        ({"accession": "SRR2"}, "accession was SRR1, is SRR2"),
        ({"species": "Escherichia coli"}, "species was empty, is Escherichia coli"),
        ({"genome_size": 5000}, "genome_size was empty, is 5000"),
        ({"runs": ["SRR1", "SRR2"]}, "runs were SRR1, are SRR1;SRR2"),
        ({"fastq_md5": ["ee"]}, "md5 were ff, are ee"),
        ({"accession": "", "assembly": "x.fna"}, "accession was SRR1, is empty"),
    ],
)
def test_a_finished_genome_whose_row_was_corrected_is_kept_reported_and_made_again_when_asked(
    tmp_path: Path, now: dict[str, Any], difference: str
) -> None:
    row: dict[str, Any] = {"accession": "SRR1", "runs": ["SRR1"], "fastq_md5": ["ff"]}
    write_receipt_of(tmp_path, Sample("S1", **row))
    corrected = Sample("S1", **(row | now))

    plan = plan_of(tmp_path, corrected)

    assert (plan.todo, plan.other_input) == ([], {"S1": difference})
    (note,) = plan.summary()[1:]
    assert note.startswith(
        "NOTE: 1 finished genome was made from input that differs from the sheet"
    )
    assert difference in note
    assert "redo: changed" in note
    assert plan_of(tmp_path, corrected, redo="changed").todo == ["S1"]


@pytest.mark.parametrize(
    ("before", "now", "difference"),
    [
        (
            {"r1": ["a_1.fq", "a_2.fq"]},
            {"r1": ["a_1.fq"], "r2": ["a_2.fq"]},
            "r1 and r2 had 2 and 0 files, have 1 and 1",
        ),
        (
            {"ont": ["a.fq", "b.fq"]},
            {"r1": ["a.fq"], "ont": ["b.fq"]},
            "r1 and r2 had 0 and 0 files, have 1 and 0",
        ),
    ],
)
def test_the_same_files_in_other_columns_are_other_input(
    tmp_path: Path, before: dict[str, Any], now: dict[str, Any], difference: str
) -> None:
    """As who put both mates into r1 is told to do."""
    write_receipt_of(tmp_path, Sample("S1", **before))

    assert plan_of(tmp_path, Sample("S1", **now)).other_input == {"S1": difference}
    assert identify(Sample("S1", **before), "", None).key() != (
        identify(Sample("S1", **now), "", None).key()
    )


def test_receipts_that_do_not_say_the_columns_of_their_files_are_kept(tmp_path: Path) -> None:
    sample = Sample("S1", r1=["a_1.fq"], r2=["a_2.fq"])
    write_receipt_of(tmp_path, sample, mates=None)

    assert plan_of(tmp_path, sample).other_input == {}


def test_what_the_sheet_learns_of_an_accession_is_no_other_input(tmp_path: Path) -> None:
    write_receipt_of(tmp_path, Sample("S1", accession="SRX1"))

    plan = plan_of(tmp_path, Sample("S1", accession="SRX1", runs=["SRR1"], fastq_md5=["ff"]))

    assert plan.other_input == {}


def test_a_local_file_that_was_replaced_is_other_input(tmp_path: Path) -> None:
    reads = tmp_path / "a.fq"
    reads.write_text("first")
    os.utime(reads, (1000, 1000))
    sample = Sample("S1", r1=[str(reads)])
    write_receipt_of(tmp_path, sample)
    assert plan_of(tmp_path, sample).other_input == {}

    reads.write_text("other")
    assert (
        "a.fq was changed: 1970-01-01 00:16:40 UTC then"
        in plan_of(tmp_path, sample).other_input["S1"]
    )
    reads.write_text("longer")
    assert plan_of(tmp_path, sample).other_input == {"S1": f"{reads} had 5 bytes, has 6"}


def test_a_url_that_was_signed_anew_is_the_same_input_and_another_query_is_not(
    tmp_path: Path,
) -> None:
    url = "https://host/get?id=7&X-Amz-Signature="
    write_receipt_of(tmp_path, Sample("S1", r1=[url + "first"]))

    assert plan_of(tmp_path, Sample("S1", r1=[url + "second"])).other_input == {}
    other = plan_of(tmp_path, Sample("S1", r1=[url.replace("7", "8")])).other_input
    assert other == {"S1": "https://host/get was another query of that URL"}


def test_a_receipt_that_does_not_say_its_input_is_trusted_and_reported(tmp_path: Path) -> None:
    path = write_receipt(tmp_path, "S1")
    receipt = json.loads(path.read_text())
    del receipt["identity"]
    path.write_text(json.dumps(receipt))

    plan = plan_for(tmp_path, redo="changed")

    assert (plan.unknown, plan.redo) == (["S1"], [])
    (note,) = plan.summary()[1:]
    assert "1 finished genome has a receipt that does not name its input" in note


# --- where results are ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made_at", "results"),
    [
        ("s3://bucket/cohortA/S1.tar.gz", "s3://bucket/cohortB"),
        ("s3://bucket/a/S1.tar.gz", "s3://bucket"),
        ("results/S1.tar.gz", "s3://bucket/cohortB"),
        ("s3://bucket/cohortA/S1.tar.gz", "results"),
    ],
)
def test_receipts_of_a_cohort_at_another_place_are_not_taken_for_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_at: str, results: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tarball_at(tmp_path, made_at)

    with pytest.raises(ConfigurationError, match="1 of these genomes whose tarballs are elsewhere"):
        plan_of(results, Sample("S1"))
    assert plan_of(results, Sample("S2")).todo == ["S2"]


@pytest.mark.parametrize(
    ("made_at", "results"),
    [
        ("s3://bucket/a/S1.tar.gz", "s3://bucket/a/"),
        ("s3://bucket/S1.tar.gz", "s3://bucket"),
        ("moved/S1.tar.gz", "results"),
    ],
)
def test_receipts_of_the_same_place_however_it_is_spelt_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_at: str, results: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tarball_at(tmp_path, made_at)

    assert plan_of(results, Sample("S1")).finished == ["S1"]


def write_tarball_at(folder: Path, path: str) -> None:
    (folder / "results/receipts").mkdir(parents=True)
    receipt = make_receipt("S1", tarball={"path": path, "bytes": 1, "sha256": "ef"})
    (folder / "results/receipts/S1.json").write_text(json.dumps(receipt))


# --- redo -----------------------------------------------------------------------------------------


def test_redo_changed_does_again_what_differs_and_nothing_else(tmp_path: Path) -> None:
    write_receipt(tmp_path, "S1", coverage=50)
    write_receipt(tmp_path, "S2")

    plan = plan_for(tmp_path, redo="changed")

    assert (plan.redo, plan.todo) == (["S1"], ["S1", "S3"])
    assert plan.summary()[1:] == [
        "NOTE: 1 finished genome will be made AGAIN: S1",
        "    why: for example S1: coverage was 50, is 100",
    ]


def test_redo_changed_does_nothing_the_second_time(tmp_path: Path) -> None:
    for sample in SAMPLES:
        write_receipt(tmp_path, sample, coverage=50)
    for sample in plan_for(tmp_path, redo="changed").todo:
        write_receipt(tmp_path, sample)

    again = plan_for(tmp_path, redo="changed")

    assert (again.redo, again.todo) == ([], [])


@pytest.mark.parametrize("redo", [["S2", "S1"], "S1,S2"], ids=["list", "command line"])
def test_redo_of_names_does_them_again(tmp_path: Path, redo: Any) -> None:
    for sample in SAMPLES:
        write_receipt(tmp_path, sample)

    plan = plan_for(tmp_path, redo=redo)

    assert plan.redo == plan.todo == ["S1", "S2"]


def test_redo_of_an_unfinished_genome_is_no_more_than_doing_it(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, redo=["S1"])

    assert (plan.redo, plan.todo) == ([], SAMPLES)


@pytest.mark.parametrize("redo", [["S1", "S9"], "S9", "chnaged"])
def test_redo_of_a_name_that_the_sheet_lacks_is_refused(tmp_path: Path, redo: Any) -> None:
    with pytest.raises(
        ConfigurationError, match="redo must be none, changed or samples of the sheet, not "
    ):
        plan_for(tmp_path, redo=redo)


def test_a_long_list_of_redone_genomes_is_cut_in_the_summary() -> None:
    names = [f"S{i}" for i in range(1200)]

    lines = Plan(1200, names, {}, {}, [], names, names).summary()

    assert lines[-1].endswith("made AGAIN: S0, S1, S2, S3, S4 and 1,195 more")


# --- the lock -------------------------------------------------------------------------------------

# Locks, starts a child that outlives it, says so, and waits to be killed.
HOLDER = """
import signal, subprocess, sys
from pathlib import Path
from bactofleet.records.folder import lock_results
lock = lock_results(Path(sys.argv[1]))
child = subprocess.Popen(["sleep", "infinity"])
print(child.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start another process that holds the lock of the results."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        yield process
        process.kill()
        subprocess.run(["kill", str(child)], check=False)


def test_results_in_use_by_another_process_are_refused(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(ConfigurationError, match="is in use by another run"):
        lock_results(tmp_path)


def test_a_killed_run_leaves_no_lock_although_its_tools_still_run(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    lock_results(tmp_path).close()


def test_a_lock_that_was_released_can_be_taken_again(tmp_path: Path) -> None:
    lock_results(tmp_path / "new").close()

    lock_results(tmp_path / "new").close()


# --- leftovers and failures -----------------------------------------------------------------------


def write_failure(results: Path, sample: str) -> Path:
    path = results / "failed" / f"{sample}.json"
    path.parent.mkdir(exist_ok=True)
    failure = {"sample": sample, "stage": "qc", "kind": "tool", "exit_code": 1, "attempt": 1}
    failure |= {"message": "fastp ended with exit status 1", "log": "logs/qc.log"}
    path.write_text(json.dumps(failure | {"tail": ["last", "lines"]}))
    return path


def make_scratch(scratch: Path, *names: str) -> None:
    for name in names:
        (scratch / name).mkdir(parents=True)
        (scratch / name / "file").touch()


def test_failures_of_genomes_that_are_tried_again_are_cleared(tmp_path: Path) -> None:
    write_receipt(tmp_path, "S1")
    again, finished = write_failure(tmp_path, "S2"), write_failure(tmp_path, "S1")

    clear_leftovers(plan_for(tmp_path), tmp_path, tmp_path / "scratch")

    assert not again.exists()
    assert finished.exists()


def test_scratch_of_finished_genomes_is_cleared_and_that_of_others_kept(tmp_path: Path) -> None:
    write_receipt(tmp_path, "S1")
    scratch = tmp_path / "scratch"
    make_scratch(scratch, "S1/download", "S1/publish", "S2/qc")

    clear_leftovers(plan_for(tmp_path), tmp_path, scratch)

    assert [path.name for path in scratch.iterdir()] == ["S2"]


def test_scratch_of_genomes_that_are_done_again_is_kept(tmp_path: Path) -> None:
    write_receipt(tmp_path, "S1")
    make_scratch(tmp_path / "scratch", "S1/qc")

    clear_leftovers(plan_for(tmp_path, redo=["S1"]), tmp_path, tmp_path / "scratch")

    assert (tmp_path / "scratch/S1/qc/file").exists()


def test_each_results_folder_has_scratch_of_its_own_below_what_others_keep_there(
    tmp_path: Path,
) -> None:
    places = ["A", str(tmp_path / "B"), "s3://bucket/A", "s3://bucket/B"]
    folders = {scratch_folder(str(tmp_path), place) for place in places}

    assert len(folders) == len(places)
    assert {folder.parent for folder in folders} == {tmp_path}
    assert all(folder.name.startswith("bactofleet-") for folder in folders)
    assert scratch_folder("scratch", "./A/../A") == scratch_folder("scratch", "A")


# --- what is in scratch ---------------------------------------------------------------------------


def begin(scratch: Path, sample: Sample, **changed: Any) -> None:
    """Leave the record of a first stage."""
    identity = identity_of(sample).to_json() | changed
    (scratch / sample.sample / "download").mkdir(parents=True)
    record = asdict(StageRecord(sample.sample, "download", identity=identity))
    (scratch / sample.sample / "download/stage.json").write_text(json.dumps(record))


def identity_of(sample: Sample, image: str | None = IMAGE) -> Identity:
    return identify(sample, "parameters", image)


@pytest.mark.parametrize(
    "changed",
    [{"species": "E. coli"}, {"parameters": "others"}, {"image": "another"}, {"files": None}],
)
def test_what_was_begun_with_something_else_is_begun_anew(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    rows = {name: Sample(name, accession="SRR1") for name in ("S1", "S2", "S3", "S4")}
    begin(tmp_path, rows["S1"])
    begin(tmp_path, rows["S2"], **changed)
    (tmp_path / "S3/qc").mkdir(parents=True)

    outdated = find_outdated(rows, tmp_path, lambda name: identity_of(rows[name]))

    assert outdated == ["S2"]


def test_a_record_that_says_nothing_of_its_input_is_not_used(tmp_path: Path) -> None:
    begin(tmp_path, Sample("S1"))
    (tmp_path / "S1/download/stage.json").write_text('{"sample": "S1", "stage": "download"}')
    begin(tmp_path, Sample("S2"))
    (tmp_path / "S2/download/stage.json").write_text('{"sam')

    found = find_outdated(["S1", "S2"], tmp_path, lambda name: identity_of(Sample(name)))

    assert found == ["S1", "S2"]


def test_a_controller_without_the_image_goes_on_with_what_any_image_made(tmp_path: Path) -> None:
    begin(tmp_path, Sample("S1"))

    assert find_outdated(["S1"], tmp_path, lambda _: identity_of(Sample("S1"), None)) == []


def test_the_last_lines_name_each_failed_genome_its_stage_its_log_and_its_end(
    tmp_path: Path,
) -> None:
    write_failure(tmp_path, "S2")
    write_failure(tmp_path, "S9")

    lines = describe_failures(read_failures(tmp_path, SAMPLES))

    assert lines == [
        "FAILED S2 at qc: fastp ended with exit status 1",
        "    | last",
        "    | lines",
        "    log: logs/qc.log",
        "1 genome failed; the others are not affected. Start the same command again to retry them.",
    ]


def test_a_run_without_failures_says_nothing_of_them(tmp_path: Path) -> None:
    assert describe_failures(read_failures(tmp_path, SAMPLES)) == []
