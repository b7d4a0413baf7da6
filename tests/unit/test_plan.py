"""What a run has to do: nothing twice by accident, everything that was cut off."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.receipts import make_receipt

from bactofleet.core.errors import ConfigurationError
from bactofleet.records.folder import lock_results
from bactofleet.run.plan import (
    Plan,
    clear_leftovers,
    describe_failures,
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
    return make_plan(SAMPLES, results, redo, PARAMETERS, image)


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
        ({"image": "another"}, "another image"),
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
    assert note.startswith("NOTE: 1 finished genomes were made with other settings than now")
    assert difference in note
    assert "redo: changed" in note


def test_a_controller_that_does_not_know_the_image_compares_parameters_alone(
    tmp_path: Path,
) -> None:
    write_receipt(tmp_path, "S1", image="another")
    write_receipt(tmp_path, "S2", image="another", coverage=50)

    assert list(plan_for(tmp_path, image=None).changed) == ["S2"]


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "{}", '{"parameters": null}', "\x80"])
def test_a_receipt_that_cannot_be_read_counts_as_changed_and_stops_nothing(
    tmp_path: Path, text: str
) -> None:
    write_receipt(tmp_path, "S1").write_text(text, encoding="latin-1")

    plan = plan_for(tmp_path)

    assert plan.changed == {"S1": "its receipt cannot be read"}
    assert plan.todo == ["S2", "S3"]


# --- redo -----------------------------------------------------------------------------------------


def test_redo_changed_does_again_what_differs_and_nothing_else(tmp_path: Path) -> None:
    write_receipt(tmp_path, "S1", coverage=50)
    write_receipt(tmp_path, "S2")

    plan = plan_for(tmp_path, redo="changed")

    assert (plan.redo, plan.todo) == (["S1"], ["S1", "S3"])
    assert plan.summary()[1:] == ["NOTE: 1 finished genomes are done AGAIN: S1"]


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
    with pytest.raises(ConfigurationError, match="no such sample; allowed are none, changed, or"):
        plan_for(tmp_path, redo=redo)


def test_a_long_list_of_redone_genomes_is_cut_in_the_summary() -> None:
    names = [f"S{i}" for i in range(1200)]

    lines = Plan(1200, names, {}, names, names).summary()

    assert lines[-1].endswith("done AGAIN: S0, S1, S2, S3, S4 and 1,195 more")


# --- the lock -------------------------------------------------------------------------------------

# Locks, starts a child that outlives it, says so, and waits to be killed.
HOLDER = """
import subprocess, sys, time
from pathlib import Path
from bactofleet.records.folder import lock_results
lock = lock_results(Path(sys.argv[1]))
child = subprocess.Popen(["sleep", "30"])
print(child.pid, flush=True)
time.sleep(30)
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


def test_what_the_user_keeps_in_a_folder_named_like_a_sample_is_not_touched(
    tmp_path: Path,
) -> None:
    write_receipt(tmp_path, "S1")
    make_scratch(tmp_path / "data", "S1/raw", "S1/qc")

    clear_leftovers(plan_for(tmp_path), tmp_path, tmp_path / "data")

    assert [path.name for path in (tmp_path / "data/S1").iterdir()] == ["raw"]


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
        "1 genomes failed; the others are not affected. "
        "Start the same command again to try them once more.",
    ]


def test_a_run_without_failures_says_nothing_of_them(tmp_path: Path) -> None:
    assert describe_failures(read_failures(tmp_path, SAMPLES)) == []
