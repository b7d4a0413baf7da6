"""What will never work is tried once, and the user reads why."""

import shutil
import subprocess
from pathlib import Path

import pytest
from controller import REPOSITORY, PretendGenomes, build_worker_image
from emulator.client import EmulatedAWS

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


def test_an_image_with_another_version_of_the_plugin_is_tried_once_and_told(
    aws: EmulatedAWS, tmp_path: Path, old_image: str
) -> None:
    controller = PretendGenomes(aws, tmp_path, ["alpha", "beta"])
    controller.settings["image"] = old_image

    assert controller.run() == 1

    assert len(aws.containers()) == 2
    rows = controller.get_table("failures.tsv")
    assert {(row["cause"], row["next"]) for row in rows} == {("misconfigured", "final")}
    assert "the image has snakemake-executor-plugin-aws-batch-array 0.0.1" in controller.log
