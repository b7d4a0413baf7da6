"""Settings that a container, or Batch, has to see."""

from collections.abc import Iterator
from typing import Any

import pytest
from controller import Controller, PretendGenomes
from emulator.client import EmulatedAWS

from snakemake_executor_plugin_aws_batch_array.definitions import SCRATCH_PATH

TAGS = {"project": "genomes", "owner": "me"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A run with settings for its containers, which has ended."""
    with EmulatedAWS() as aws:
        controller = PretendGenomes(aws, tmp_path_factory.mktemp("run"), ["alpha", "beta"])
        controller.settings |= {
            "scratch_volume": "/mnt/nvme",
            "shared_memory": 128,
            "tags": ",".join(f"{key}={value}" for key, value in TAGS.items()),
        }
        assert controller.run() == 0, controller.log
        yield controller


def describe_array(finished: Controller) -> dict[str, Any]:
    """What Batch knows of the job that was submitted."""
    child: str = finished.get_table("usage.tsv")[0]["job_id"]
    reply = finished.get_owner("batch").describe_jobs(jobs=[child.partition(":")[0]])
    job: dict[str, Any] = reply["jobs"][0]
    return job


def test_jobs_work_on_the_folder_of_the_host_that_is_the_scratch_volume(
    finished: Controller,
) -> None:
    (volume,) = describe_array(finished)["container"]["volumes"]
    mounts = [container["mounts"] for container in finished.aws.containers()]

    assert volume["host"] == {"sourcePath": "/mnt/nvme"}
    assert mounts == [{SCRATCH_PATH: "bind"}] * 2
    assert finished.count_in_logs("localrule assembly:") == 2


def test_containers_have_the_shared_memory_that_was_asked_for(finished: Controller) -> None:
    sizes = {container["shared_memory_mib"] for container in finished.aws.containers()}

    assert sizes == {128}


def test_jobs_and_their_definition_have_the_tags(finished: Controller) -> None:
    job = describe_array(finished)
    reply = finished.get_owner("batch").describe_job_definitions(
        jobDefinitions=[job["jobDefinition"]]
    )

    assert job["tags"] == TAGS
    assert reply["jobDefinitions"][0]["tags"] == TAGS
    assert reply["jobDefinitions"][0]["propagateTags"] is True
