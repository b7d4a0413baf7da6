"""`bactofleet aws deploy` and `destroy`: what they make, change, refuse and remove."""

from pathlib import Path
from typing import Any

import pytest
from aws.emulator.client import EmulatedAWS
from aws.emulator.provision import ACCOUNT
from infra.fleet import SETTINGS, Fleet, open_way_out


@pytest.fixture
def empty(account: EmulatedAWS, tmp_path: Path) -> Fleet:
    """A folder from which nothing was deployed yet."""
    return Fleet(account, tmp_path, "other")


@pytest.fixture
def other(empty: Fleet) -> Fleet:
    """A stack of the test's own."""
    deployed = empty.aws("deploy", "--yes")
    assert deployed.returncode == 0, deployed.stderr
    return empty


@pytest.fixture(autouse=True)
def _remove_stack(account: EmulatedAWS, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(lambda: _destroy(account))


def _destroy(account: EmulatedAWS) -> None:
    """Remove the test's stack, whatever is in its bucket."""
    cloudformation = account.client("cloudformation")
    names = {s["StackName"]: s for s in cloudformation.describe_stacks()["Stacks"]}
    if "other" not in names:
        return
    outputs = {o["OutputKey"]: o["OutputValue"] for o in names["other"].get("Outputs", [])}
    s3 = account.client("s3")
    for item in s3.list_objects_v2(Bucket=outputs["Bucket"]).get("Contents", []):
        s3.delete_object(Bucket=outputs["Bucket"], Key=item["Key"])
    cloudformation.delete_stack(StackName="other")


def get_max_vcpus(fleet: Fleet) -> dict[str, int]:
    """maxvCpus by queue."""
    batch = fleet.client("batch")
    environments = {
        item["computeEnvironmentArn"]: item["computeResources"]["maxvCpus"]
        for item in batch.describe_compute_environments()["computeEnvironments"]
    }
    queues = batch.describe_job_queues(jobQueues=["other", "other-fallback"])["jobQueues"]
    order = {q["jobQueueName"]: q["computeEnvironmentOrder"][0] for q in queues}
    return {name: int(environments[item["computeEnvironment"]]) for name, item in order.items()}


def get_parameters(fleet: Fleet) -> dict[str, str]:
    """The stack's parameters."""
    (stack,) = fleet.client("cloudformation").describe_stacks(StackName=fleet.name)["Stacks"]
    return {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}


def test_without_an_answer_the_changes_are_shown_and_nothing_is_made(empty: Fleet) -> None:
    answer = empty.aws("deploy")

    assert answer.returncode == 1
    assert "Add     AWS::Batch::JobQueue" in answer.stdout
    assert "Nothing was changed." in answer.stderr
    assert empty.client("batch").describe_job_queues(jobQueues=["other"])["jobQueues"] == []
    assert not (empty.folder / SETTINGS).exists()


def test_deploying_writes_what_the_profile_needs(other: Fleet) -> None:
    outputs = other.outputs

    assert other.settings == {
        "region": "us-east-1",
        "bucket": outputs["Bucket"],
        "job-queue": "other",
        "fallback-queue": "other-fallback",
        "job-role": outputs["JobRole"],
        "execution-role": outputs["ExecutionRole"],
        "controller-queue": "other-controllers",
        "controller-role": outputs["ControllerRole"],
    }


def test_instances_are_of_one_architecture_in_all_zones(other: Fleet) -> None:
    ec2, batch = other.client("ec2"), other.client("batch")
    environments = batch.describe_compute_environments()["computeEnvironments"]
    spot = next(e for e in environments if e["computeEnvironmentName"].startswith("other-Spot"))
    types = ec2.describe_instance_types(InstanceTypes=spot["computeResources"]["instanceTypes"])
    subnets = ec2.describe_subnets(SubnetIds=spot["computeResources"]["subnets"])["Subnets"]
    zones = ec2.describe_availability_zones()["AvailabilityZones"]

    architectures = {
        name
        for t in types["InstanceTypes"]
        for name in t["ProcessorInfo"]["SupportedArchitectures"]
    }

    assert architectures == {"x86_64"}
    assert len(types["InstanceTypes"]) > 20
    assert {s["AvailabilityZone"] for s in subnets} == {z["ZoneName"] for z in zones}


def test_all_instances_are_of_the_other_architecture_when_asked_for(empty: Fleet) -> None:
    deployed = empty.aws("deploy", "--yes", "-p", "Architecture=arm64")

    assert deployed.returncode == 0, deployed.stderr
    environments = empty.client("batch").describe_compute_environments()["computeEnvironments"]
    mine = [e for e in environments if e["computeEnvironmentName"].startswith("other-")]
    names = {name for e in mine for name in e["computeResources"]["instanceTypes"]}
    types = empty.client("ec2").describe_instance_types(InstanceTypes=sorted(names))
    assert len(mine) == 3
    assert {
        tuple(t["ProcessorInfo"]["SupportedArchitectures"]) for t in types["InstanceTypes"]
    } == {("arm64",)}


def test_instances_have_imdsv2_and_an_encrypted_disk_of_the_size_asked_for(empty: Fleet) -> None:
    sizes = ("-p", "RootVolumeGiB=100", "-p", "RootVolumeThroughput=250")
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/disks"
    deployed = empty.aws("deploy", "--yes", *sizes, "-p", f"VolumeKmsKeyArn={key}")

    assert deployed.returncode == 0, deployed.stderr
    spot, on_demand, controllers = (
        get_launch_template(empty, name)
        for name in ("other-Spot", "other-OnDemand", "other-controllers")
    )
    assert spot == on_demand != controllers
    for data in (spot, controllers):
        disk = data["BlockDeviceMappings"][0]["Ebs"]
        assert data["MetadataOptions"]["HttpTokens"] == "required"
        assert (disk["VolumeType"], disk["Encrypted"], disk["KmsKeyId"]) == ("gp3", True, key)
    disk = spot["BlockDeviceMappings"][0]["Ebs"]
    assert (int(disk["VolumeSize"]), int(disk["Throughput"])) == (100, 250)


def get_launch_template(fleet: Fleet, environment: str) -> dict[str, Any]:
    """What the instances of a compute environment are launched with."""
    environments = fleet.client("batch").describe_compute_environments()["computeEnvironments"]
    (resources,) = (
        item["computeResources"]
        for item in environments
        if item["computeEnvironmentName"].startswith(environment)
    )
    template = resources["launchTemplate"]
    versions = fleet.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=template["launchTemplateId"], Versions=[template["version"]]
    )
    data: dict[str, Any] = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    return data


def test_subnets_that_are_given_are_used_and_their_way_to_s3_stays(empty: Fleet) -> None:
    ec2 = empty.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    here = [{"Name": "vpc-id", "Values": [vpc]}]
    first, second = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{i}.0/24")["Subnet"]["SubnetId"]
        for i in (1, 2)
    )
    closed = empty.aws("deploy", "--yes", "-p", f"SubnetIds={first}")
    assert closed.returncode == 1
    assert f"{first} has no route to the internet" in closed.stderr
    open_way_out(ec2, vpc)
    for subnet in (first, second):
        ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    for subnets in (first, f"{first},{second}"):
        deployed = empty.aws("deploy", "--yes", "-p", f"SubnetIds={subnets}")
        assert deployed.returncode == 0, deployed.stderr

    environments = empty.client("batch").describe_compute_environments()["computeEnvironments"]
    mine = [e for e in environments if e["computeEnvironmentName"].startswith("other-")]
    assert all(set(e["computeResources"]["subnets"]) == {first, second} for e in mine)
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=here)["VpcEndpoints"]
    tables = ec2.describe_route_tables(Filters=here)["RouteTables"]
    assert endpoint["RouteTableIds"] == [tables[0]["RouteTableId"]]
    # moto shows a list as Python prints it.
    assert tables[0]["RouteTableId"] in get_parameters(empty)["RouteTableIds"]


def test_deploying_again_changes_nothing(other: Fleet) -> None:
    again = other.aws("deploy")

    assert again.returncode == 0
    assert "Stack other is up to date." in again.stdout


def test_an_update_changes_one_parameter_and_keeps_the_others(other: Fleet) -> None:
    first = other.aws("deploy", "--yes", "-p", "MaxSpotVcpus=500")
    second = other.aws("deploy", "--yes", "-p", "MaxOnDemandVcpus=8")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "Modify  AWS::Batch::ComputeEnvironment                SpotEnvironment" in first.stdout
    assert get_max_vcpus(other) == {"other": 500, "other-fallback": 8}


def test_an_update_keeps_the_image_that_was_pushed(other: Fleet) -> None:
    image = f"{other.outputs['Repository']}:1"
    path = other.folder / SETTINGS
    path.write_text(path.read_text() + f"image: {image}\n")

    other.aws("deploy", "--yes", "-p", "MaxSpotVcpus=500")

    assert other.settings["image"] == image


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["-p", "MaxSpot=5"], "has no parameter 'MaxSpot'; it has Architecture, "),
        (["-p", "MaxSpotVcpus"], "--parameter must be NAME=VALUE, not 'MaxSpotVcpus'"),
        (["-p", "Architecture=sparc"], "must be x86_64 or arm64, not 'sparc'"),
        (["-p", "SubnetIds=subnet-1"], "subnet-1"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_made(
    empty: Fleet, words: list[str], problem: str
) -> None:
    answer = empty.aws("deploy", "--yes", *words)

    assert answer.returncode == 1
    assert problem in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_stopped_stack_stays_stopped_when_it_is_updated_until_it_is_started(
    other: Fleet,
) -> None:
    def get_states() -> set[str]:
        environments = other.client("batch").describe_compute_environments()["computeEnvironments"]
        return {
            e["state"] for e in environments if e["computeEnvironmentName"].startswith("other-")
        }

    assert other.aws("stop").returncode == 0
    assert get_states() == {"DISABLED"}
    assert other.aws("deploy", "--yes", "-p", "MaxSpotVcpus=8").returncode == 0
    assert get_states() == {"DISABLED"}
    assert other.aws("start").returncode == 0
    assert get_states() == {"ENABLED"}


def test_a_bucket_with_results_is_not_destroyed(other: Fleet) -> None:
    bucket = other.outputs["Bucket"]
    other.client("s3").put_object(Bucket=bucket, Key="results/S1.tar.gz", Body=b"genome")

    refused = other.aws("destroy", "--yes")

    assert refused.returncode == 1
    assert f"bucket {bucket} holds data, for example results/S1.tar.gz" in refused.stderr
    assert get_max_vcpus(other)["other"] == 256


def test_a_stack_whose_queues_have_jobs_is_not_destroyed(empty: Fleet) -> None:
    # Without instances a job waits for ever.
    empty.aws("deploy", "--yes", "-p", "MaxSpotVcpus=0")
    batch = empty.client("batch")
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
    container = {"image": "any", "resourceRequirements": needs}
    batch.register_job_definition(
        jobDefinitionName="any", type="container", containerProperties=container
    )
    job = batch.submit_job(jobName="any", jobQueue="other", jobDefinition="any")["jobId"]

    refused = empty.aws("destroy", "--yes")

    batch.terminate_job(jobId=job, reason="end of the test")
    assert refused.returncode == 1
    assert "queue other has jobs that are RUNNABLE; stop their Snakemake" in refused.stderr
    assert get_max_vcpus(empty)["other"] == 0


def test_destroying_removes_what_runs_left_the_stack_and_the_settings(other: Fleet) -> None:
    bucket = other.outputs["Bucket"]
    other.client("s3").put_object(Bucket=bucket, Key="snakemake/runs/1/bundle.tar.gz", Body=b"x")

    destroyed = other.aws("destroy", "--yes")

    assert destroyed.returncode == 0, destroyed.stderr
    assert bucket not in {b["Name"] for b in other.client("s3").list_buckets()["Buckets"]}
    queues = other.client("batch").describe_job_queues()["jobQueues"]
    assert not [q for q in queues if q["jobQueueName"].startswith("other")]
    roles = other.client("iam").list_roles()["Roles"]
    assert not [role for role in roles if role["RoleName"].startswith("other-")]
    assert not (other.folder / SETTINGS).exists()


def test_a_stack_that_is_not_there_cannot_be_destroyed(empty: Fleet) -> None:
    answer = empty.aws("destroy", "--yes")

    assert answer.returncode == 1
    assert "there is no stack 'other'" in answer.stderr
