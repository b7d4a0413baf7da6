"""Settings that a container, or Batch, has to see."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aws.controller import Controller, PretendGenomes
from aws.emulator.client import EmulatedAWS

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


def test_jobs_have_a_share_identifier_in_a_queue_that_a_policy_shares(
    start_aws: Callable[..., EmulatedAWS], tmp_path: Path
) -> None:
    """The fallback queue has no policy, and would refuse the identifier."""
    controller = PretendGenomes(start_aws(stub="aws.stub_functions:temporary"), tmp_path, ["alpha"])
    batch = controller.get_owner("batch")
    policy = batch.create_scheduling_policy(name="fair", fairsharePolicy={})
    (queue,) = batch.describe_job_queues(jobQueues=[controller.aws.queue])["jobQueues"]
    batch.create_job_queue(
        jobQueueName="shared",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=queue["computeEnvironmentOrder"],
        schedulingPolicyArn=policy["arn"],
    )
    controller.settings["job_queue"] = "shared"

    assert controller.run() == 1
    assert "--aws-batch-array-share-identifier" in controller.log
    assert controller.count("batch", "SubmitJob").total() == 0

    controller.settings["share_identifier"] = "lab7"
    controller.run()
    assert "to shared as" in controller.log
    assert "to genomes-fallback as" in controller.log
