"""The queues are looked at before anything is submitted: what could not work is refused."""

from typing import Any

import pytest
from snakemake_interface_common.exceptions import WorkflowError

from snakemake_executor_plugin_aws_batch_array.queues import Queues, get_queues
from snakemake_executor_plugin_aws_batch_array.requirements import Platform, Requirements
from snakemake_executor_plugin_aws_batch_array.settings import ExecutorSettings

ROLE = "arn:aws:iam::123456789012:role/genomes-job"
EC2, SPOT, FARGATE = (
    {"computeResources": {"type": "EC2", "maxvCpus": 16}},
    {"computeResources": {"type": "SPOT", "maxvCpus": 64}},
    {"computeResources": {"type": "FARGATE_SPOT", "maxvCpus": 32}},
)


class FakeAccount:
    """Queues with their environments, as Batch describes them."""

    def __init__(self, **queues: list[dict[str, Any]]) -> None:
        self.environments = queues
        self.queues: dict[str, dict[str, Any]] = {
            name: {
                "state": "ENABLED",
                "status": "VALID",
                "computeEnvironmentOrder": [
                    {"computeEnvironment": f"{name} {i}"} for i in range(len(found))
                ],
            }
            for name, found in queues.items()
        }

    def describe_queue(self, name: str) -> dict[str, Any] | None:
        return self.queues.get(name)

    def describe_environments(self, names: list[str]) -> list[dict[str, Any]]:
        return [self.environments[name.split()[0]][int(name.split()[1])] for name in names]


def look(account: FakeAccount, **options: Any) -> Queues:
    given: dict[str, Any] = {
        "region": "us-east-1",
        "job_queue": "genomes",
        "job_role": ROLE,
        "bucket": "genomes-bucket",
        "image": "bactofleet:0.1.0",
    }
    return get_queues(account, ExecutorSettings(**given | options))  # type: ignore[arg-type]


def test_a_queue_can_hold_what_the_largest_of_its_environments_can():
    queues = look(FakeAccount(genomes=[EC2, SPOT]))

    assert queues == Queues(Platform.EC2, {"genomes": 64}, frozenset())
    queues.check("assembly", "genomes", Requirements(64, 1000))
    with pytest.raises(WorkflowError, match=r"assembly asks for 65 vCPUs.*at most 64 \(maxvCpus\)"):
        queues.check("assembly", "genomes", Requirements(65, 1000))


def test_each_queue_has_a_limit_of_its_own():
    queues = look(FakeAccount(genomes=[SPOT], ondemand=[EC2]), fallback_queue="ondemand")

    assert queues.max_vcpus == {"genomes": 64, "ondemand": 16}


def test_a_queue_that_does_not_exist_is_named():
    with pytest.raises(WorkflowError, match="no job queue 'ondemand' in this account and region"):
        look(FakeAccount(genomes=[SPOT]), fallback_queue="ondemand")


@pytest.mark.parametrize(
    ("state", "status"), [("DISABLED", "VALID"), ("ENABLED", "INVALID"), ("ENABLED", "DELETING")]
)
def test_a_queue_that_takes_no_jobs_is_refused(state: str, status: str):
    account = FakeAccount(genomes=[EC2])
    account.queues["genomes"] |= {"state": state, "status": status}

    with pytest.raises(WorkflowError, match=f"takes no jobs: it is {state} and {status}"):
        look(account)


def test_queues_of_two_platforms_are_refused():
    account = FakeAccount(genomes=[SPOT], ondemand=[FARGATE])

    with pytest.raises(WorkflowError, match="one platform: 'genomes' is EC2, 'ondemand'"):
        look(account, fallback_queue="ondemand", execution_role=ROLE)


def test_fargate_pulls_the_image_with_a_role_of_its_own():
    account = FakeAccount(genomes=[FARGATE])

    assert look(account, execution_role=ROLE).platform is Platform.FARGATE
    with pytest.raises(WorkflowError, match="give --aws-batch-array-execution-role"):
        look(account)


@pytest.mark.parametrize("option", [{"shared_memory": 64}, {"scratch_volume": "/mnt/scratch"}])
def test_what_fargate_does_not_have_is_refused(option: dict[str, Any]):
    assert look(FakeAccount(genomes=[EC2]), **option).platform is Platform.EC2
    with pytest.raises(WorkflowError, match="are for EC2, but the job queue is Fargate"):
        look(FakeAccount(genomes=[FARGATE]), execution_role=ROLE, **option)


def test_a_shared_queue_wants_an_identifier():
    account = FakeAccount(genomes=[SPOT], ondemand=[EC2])
    account.queues["ondemand"]["schedulingPolicyArn"] = "arn:aws:batch:policy"

    with pytest.raises(WorkflowError, match="shares the queue 'ondemand'"):
        look(account, fallback_queue="ondemand")
    queues = look(account, fallback_queue="ondemand", share_identifier="lab7")
    assert queues.shared == {"ondemand"}
