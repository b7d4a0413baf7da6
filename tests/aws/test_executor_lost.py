"""A controller whose folder is gone is succeeded from another folder, and from no other's jobs."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from aws.controller import WAIT_S, PretendGenomes, wait_until
from aws.emulator.client import EmulatedAWS


def kill_and_lose(controller: PretendGenomes) -> None:
    """Kill it when two of its jobs have begun, and remove all that it had."""
    controller.kill_midway(lambda: len(controller.aws.containers()) >= 2)
    shutil.rmtree(controller.folder)


def test_jobs_of_a_lost_controller_are_taken_over_and_made_once(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    kill_and_lose(PretendGenomes(aws, tmp_path / "lost"))
    successor = PretendGenomes(aws, tmp_path / "new")

    assert successor.run() == 0, successor.log

    assert "Took over 4 jobs of a run that the bucket has" in successor.log
    receipts = successor.get_receipts()
    assert len(receipts) == 4
    assert successor.count("batch", "SubmitJob").total() == 1
    assert len(aws.containers()) == 4
    assert successor.get_keys() == sorted(f"results/{sample}.tar.gz" for sample in receipts)


def test_a_successor_that_dies_has_a_successor(aws: EmulatedAWS, tmp_path: Path) -> None:
    kill_and_lose(PretendGenomes(aws, tmp_path / "lost"))
    successor = PretendGenomes(aws, tmp_path / "new")
    successor.kill_midway(lambda: "Took over 4 jobs" in successor.log)

    assert successor.run() == 0, successor.log

    assert "that an earlier run submitted" in successor.log
    assert len(aws.containers()) == 4
    assert all(key.startswith("results/") for key in successor.get_keys())


def change_sheet(folder: Path) -> None:
    with (folder / "config/samples.tsv").open("a") as sheet:
        sheet.write("one_more\n")


def change_source(folder: Path) -> None:
    script = folder / "workflow/scripts/publish.py"
    script.write_text(script.read_text() + "# another version\n")


@pytest.mark.parametrize("change", [change_sheet, change_source])
def test_jobs_of_a_run_with_other_sources_or_data_are_left_alone_and_reported(
    aws: EmulatedAWS, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    lost, successor = (PretendGenomes(aws, tmp_path / name) for name in ("lost", "new"))
    lost.hold_last()
    lost.kill_when(lambda: len(aws.containers()) >= 2)
    shutil.rmtree(lost.folder)
    change(successor.folder)
    with successor.started() as process:
        wait_until(lambda: "aws batch terminate-job --job-id" in successor.log)
        aws.clear_faults()

        assert process.wait(WAIT_S) == 0, successor.log

    assert "Took over" not in successor.log
    assert successor.count("batch", "TerminateJob").total() == 0
    assert successor.count("batch", "SubmitJob").total() == 2


def test_two_cohorts_in_one_bucket_do_not_touch_each_other(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    first, second = (PretendGenomes(aws, tmp_path / name) for name in ("first", "second"))
    first.hold_last()
    with first.started() as running:
        wait_until(lambda: len(aws.containers()) >= 2)

        assert second.run("--config", "destination=s3://genomes-bucket/other") == 0, second.log

        aws.clear_faults()
        assert running.wait(WAIT_S) == 0, first.log
    assert len(first.get_receipts()) == len(second.get_receipts()) == 4
    assert "Took over" not in second.log
    assert len([key for key in second.get_keys() if key.startswith(("results/", "other/"))]) == 8
