"""The executor runs on what the template has made, under the roles that it has made."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from infra.fleet import RUN_S, Fleet

# Granted, but not asked for in this run: why they are there all the same.
UNUSED = {
    "controller": {
        "batch:CancelJob": "of a fleet whose first jobs all fail in the same way",
        "batch:TerminateJob": "see test_an_interrupted_run_terminates_its_jobs",
        "ecr:GetDownloadUrlForLayer": "doctor, image of one architecture: moto has no layers",
    },
    "job": {},
}
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
NEEDS_NO_RIGHT = {"sts:GetCallerIdentity"}
# What `bactofleet doctor` asks for, besides what a run asks for.
DOCTOR = {
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSubnets",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "iam:GetRole",
    "servicequotas:GetServiceQuota",
}


def get_granted(fleet: Fleet, role_arn: str) -> set[str]:
    """Actions of a role's policies."""
    iam, role = fleet.client("iam"), role_arn.rsplit("/", 1)[1]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
    ]
    actions = [s["Action"] for document in documents for s in document["Statement"]]
    return {one for some in actions for one in ([some] if isinstance(some, str) else some)}


def get_requests(fleet: Fleet, caller: str) -> list[dict[str, Any]]:
    return [r for r in fleet.account.requests() if r["caller"].startswith(caller)]


@pytest.fixture(scope="module")
def controller(fleet: Fleet) -> dict[str, str]:
    """Variables of a session of the controller's role."""
    return fleet.assume(fleet.outputs["ControllerRole"])


def run_to_end(fleet: Fleet, controller: dict[str, str]) -> int:
    with fleet.start_snakemake(controller) as process:
        return process.wait(RUN_S)


@pytest.fixture(scope="module")
def ran(fleet: Fleet, controller: dict[str, str]) -> Fleet:
    """The fleet after the doctor, and four genomes of which one fails."""
    fleet.push_list_of_images("1", "amd64")
    assert fleet.doctor(controller).returncode == 0
    fleet.prepare_run(behaviours={"alpha": "exit:1"})
    assert run_to_end(fleet, controller) == 1, (fleet.folder / "snakemake.log").read_text()
    return fleet


def test_genomes_are_made_on_the_queues_and_in_the_bucket_of_the_stack(ran: Fleet) -> None:
    receipts = sorted(path.stem for path in (ran.folder / "results/receipts").glob("*.json"))
    usage = (ran.folder / "results/usage.tsv").read_text().splitlines()
    queues = {
        dict(zip(usage[0].split("\t"), r.split("\t"), strict=True))["queue"] for r in usage[1:]
    }

    assert receipts == ["beta", "delta", "gamma"]
    assert [key for key in ran.get_keys() if key.startswith("results/")] == [
        f"results/{name}.tar.gz" for name in receipts
    ]
    assert queues == {"fleet"}


def test_nothing_was_asked_for_that_is_not_granted(ran: Fleet, controller: dict[str, str]) -> None:
    asked = get_requests(ran, controller["AWS_ACCESS_KEY_ID"]) + get_requests(ran, "job/")

    assert asked
    assert [request for request in asked if request["status"] == 403] == []


@pytest.mark.parametrize("who", ["controller", "job"])
def test_every_granted_action_was_used_or_has_a_reason(
    ran: Fleet, controller: dict[str, str], who: str
) -> None:
    caller, role = {
        "controller": (controller["AWS_ACCESS_KEY_ID"], "ControllerRole"),
        "job": ("job/", "JobRole"),
    }[who]
    used = {request["action"] for request in get_requests(ran, caller)} - NEEDS_NO_RIGHT

    granted = get_granted(ran, ran.outputs[role])

    assert used <= granted
    assert granted - used == set(UNUSED[who])


def test_an_interrupted_run_terminates_its_jobs(ran: Fleet, controller: dict[str, str]) -> None:
    ran.prepare_run(behaviours={"alpha": "wait:60"})
    before = len(ran.account.containers())
    with ran.start_snakemake(controller) as process:
        while len(ran.account.containers()) == before:
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        process.wait(RUN_S)

    terminated = [r for r in get_requests(ran, "ASIA") if r["operation"] == "TerminateJob"]
    assert {request["status"] for request in terminated} == {200}


def test_a_role_may_not_do_what_the_template_does_not_grant(
    fleet: Fleet, controller: dict[str, str]
) -> None:
    bucket = fleet.outputs["Bucket"]
    words = ["aws", "destroy", "--yes", "--stack", "fleet"]

    refused = fleet.run("bactofleet", *words, variables=controller)

    assert refused.returncode == 1
    assert "not authorized to perform: cloudformation:DescribeStacks" in refused.stderr
    assert bucket in {b["Name"] for b in fleet.client("s3").list_buckets()["Buckets"]}


def test_no_role_may_delete_a_bucket(fleet: Fleet) -> None:
    template = (fleet.folder / "infra/bactofleet.yaml").read_text()

    assert "DeleteBucket" not in template
    roles = [v for k, v in fleet.outputs.items() if k.endswith("Role")]
    assert not any("*" in action for role in roles for action in get_granted(fleet, role))


def test_the_policies_that_the_executor_documents_are_those_of_the_template(fleet: Fleet) -> None:
    text = Path(__file__).parents[2].joinpath("docs/executor.md").read_text()
    documented = json.loads(
        text.split("### Of the controller")[1].split("```")[1].removeprefix("json")
    )
    actions = {action for s in documented["Statement"] for action in s["Action"]}

    granted = get_granted(fleet, fleet.outputs["ControllerRole"])

    assert granted - actions == DOCTOR
    assert actions <= granted
