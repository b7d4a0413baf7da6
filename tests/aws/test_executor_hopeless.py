"""What will never work is tried once, and the user reads why."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from aws.controller import REPOSITORY, PretendGenomes, build_worker_image
from aws.emulator.client import EmulatedAWS

OTHER_VERSION = r"""
FROM {image}
USER root
RUN sed -i 's/__version__ = .*/__version__ = "0.0.1"/' \
    /opt/plugin/snakemake_executor_plugin_aws_batch_array/versions.py
USER worker
"""


@pytest.fixture(scope="module")
def old_image() -> str:
    """The workers' image as it was with another version of the plugin."""
    engine = subprocess.run(
        [REPOSITORY / "containers" / "engine.sh"], check=True, capture_output=True, text=True
    ).stdout.strip()
    recipe = OTHER_VERSION.format(image=build_worker_image()).encode()
    command = [engine, "build", "--network", "host", "--tag", "bactofleet-test-old-worker", "-"]
    subprocess.run(command, input=recipe, check=True, capture_output=True)
    return "bactofleet-test-old-worker"


def test_a_sheet_and_scripts_that_are_links_travel_as_the_files_they_name(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    controller = PretendGenomes(aws, tmp_path / "run", ["alpha", "beta"])
    for name in ("config/samples.tsv", "workflow/scripts"):
        path, elsewhere = controller.folder / name, tmp_path / Path(name).name
        shutil.move(path, elsewhere)
        path.symlink_to(elsewhere)

    assert controller.run() == 0, controller.log

    assert set(controller.get_receipts()) == {"alpha", "beta"}


def test_an_image_with_another_version_of_the_plugin_is_tried_once_and_reported(
    aws: EmulatedAWS, tmp_path: Path, old_image: str
) -> None:
    controller = PretendGenomes(aws, tmp_path, ["alpha", "beta"])
    controller.settings["image"] = old_image

    assert controller.run() == 1

    assert len(aws.containers()) == 2
    rows = controller.get_table("failures.tsv")
    assert {(row["cause"], row["next"]) for row in rows} == {("misconfigured", "final")}
    assert "the image has snakemake-executor-plugin-aws-batch-array 0.0.1" in controller.log


def test_a_fleet_whose_first_jobs_all_fail_alike_is_held_back(
    start_aws: Callable[..., EmulatedAWS], tmp_path: Path
) -> None:
    """Of 400 jobs, 20 at a time; without this every one of them would be started."""
    aws = start_aws(stub="aws.stub_functions:cannot_work", stub_seconds=1, spot_vcpus=20)
    controller = PretendGenomes(aws, tmp_path, [f"genome{n}" for n in range(400)])

    assert controller.run() == 1

    failed = controller.get_table("failures.tsv")
    assert 20 <= len(failed) <= 200
    assert f"{400 - len(failed)} jobs were held back" in controller.log
    assert "The first jobs have all failed in the same way" in controller.log
    assert controller.count("batch", "SubmitJob").total() == 1
    assert controller.get_keys() == []


def test_an_image_that_is_denied_is_tried_once(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path, ["alpha", "beta"])
    aws.refuse_pull()

    assert controller.run() == 1

    failures = controller.get_table("failures.tsv")
    assert {(row["cause"], row["next"]) for row in failures} == {("image cannot be used", "final")}
    assert len(controller.get_table("usage.tsv")) == 2
    assert "pull access denied" in controller.log


def test_a_pull_that_timed_out_is_tried_again(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path, ["alpha", "beta"])
    aws.refuse_pull(says="Get https://registry/v2/: i/o timeout", name="*-0000", index=1)

    assert controller.run() == 0, controller.log

    outcomes = [(row["outcome"], row["queue"]) for row in controller.get_table("usage.tsv")]
    assert sorted(outcomes) == [
        ("not started", aws.queue),
        ("succeeded", aws.queue),
        ("succeeded", aws.fallback_queue),
    ]


def test_rights_that_are_missing_are_tried_once_and_named(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = PretendGenomes(aws, tmp_path, ["alpha", "beta"])
    aws.fail("s3:GetObject", status=403, code="AccessDenied", message="Access Denied")

    assert controller.run() == 1

    assert len(aws.containers()) == 2
    failures = controller.get_table("failures.tsv")
    assert {(row["cause"], row["next"]) for row in failures} == {("misconfigured", "final")}
    assert "staging in failed: An error occurred (AccessDenied)" in controller.log
