"""`bactofleet aws`: what each command changes in an account, and what it refuses to change."""

import base64
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.usage import make_row, write_usage

from bactofleet.aws import ask, deploy, destroy, environments, push, switch
from bactofleet.aws.instance_types import FAMILIES, offered_types
from bactofleet.aws.network import Network
from bactofleet.aws.settings import SETTINGS, read_settings, write_settings
from bactofleet.cli.main import main
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.project import TEMPLATE

REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/fleet"
OUTPUTS = {
    "Bucket": "fleet-bucket",
    "JobQueue": "fleet",
    "FallbackQueue": "fleet-on-demand",
    "JobRole": "arn:aws:iam::123456789012:role/job",
    "ExecutionRole": "arn:aws:iam::123456789012:role/execution",
    "ControllerQueue": "fleet-controllers",
    "ControllerRole": "arn:aws:iam::123456789012:role/controller",
    "Repository": REPOSITORY,
    "Architecture": "x86_64",
}
RUN = "snakemake/runs/1/bundle.tar.gz"
# The compute environment behind each queue.
ENVIRONMENTS = {"fleet": "spot", "fleet-on-demand": "on-demand", "fleet-controllers": "on-demand"}


# --- an account -----------------------------------------------------------------------------------


class FakeCloudFormation:
    """A region with one stack or none; change sets are made of parameters alone."""

    def __init__(self) -> None:
        self.stack: dict[str, str] | None = None
        self.outputs = dict(OUTPUTS)
        self.proposed: dict[str, Any] = {}
        self.has_changes = True
        self.before_execution: Callable[[], None] = lambda: None

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if self.stack is None:
            if StackName == "arn:fleet":
                return {"Stacks": [{"StackId": "arn:fleet", "StackStatus": "DELETE_COMPLETE"}]}
            message = {"Code": "ValidationError", "Message": f"Stack {StackName} does not exist"}
            raise ClientError({"Error": message}, "DescribeStacks")
        stack = {
            "StackId": "arn:fleet",
            "StackStatus": self.stack["status"],
            "Parameters": [{"ParameterKey": name} for name in ("VpcId", "InstanceTypes")],
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()],
        }
        return {"Stacks": [stack]}

    def get_template_summary(self, **_: Any) -> dict[str, Any]:
        names = ("Architecture", "InstanceTypes", "MaxSpotVcpus", "RouteTableIds", "SubnetIds")
        return {"Parameters": [{"ParameterKey": name} for name in (*names, "VpcId")]}

    def create_change_set(self, **request: Any) -> dict[str, str]:
        self.proposed = {
            item["ParameterKey"]: item.get("ParameterValue", "as before")
            for item in request["Parameters"]
        }
        if self.stack is None:
            self.stack = {"status": "REVIEW_IN_PROGRESS"}
        return {"Id": "arn:change-set"}

    def describe_change_set(self, **_: Any) -> dict[str, str]:
        if self.has_changes:
            return {"Status": "CREATE_COMPLETE"}
        return {"Status": "FAILED", "StatusReason": "No updates are to be performed."}

    def get_paginator(self, operation: str) -> Any:
        change = {
            "Action": "Add",
            "ResourceType": "AWS::Batch::JobQueue",
            "LogicalResourceId": "Queue",
        }
        pages = {
            "describe_change_set": {"Changes": [{"ResourceChange": change}]},
            "describe_stack_events": {"StackEvents": []},
            "list_stack_resources": {
                "StackResourceSummaries": [
                    {"LogicalResourceId": "S3Endpoint", "PhysicalResourceId": "vpce-1"},
                    {"LogicalResourceId": "SpotEnvironment", "PhysicalResourceId": "arn:spot"},
                ]
            },
        }
        return SimpleNamespace(paginate=lambda **_: [pages[operation]])

    def execute_change_set(self, **_: Any) -> None:
        assert self.stack
        self.before_execution()
        self.stack["status"] = "CREATE_COMPLETE"

    def delete_change_set(self, **_: Any) -> None:
        """Nothing changes."""

    def delete_stack(self, **_: Any) -> None:
        self.stack = None


class FakeEc2:
    """A region that offers some instance types."""

    def __init__(self) -> None:
        self.offered = ["m6i.xlarge", "c6i.2xlarge"]
        self.images: dict[str, str] = {}
        """Snapshots by AMI; all are the stack's."""
        self.snapshots: set[str] = set()
        self.refuses = False

    def get_paginator(self, operation: str) -> Any:
        pages = {
            "describe_instance_type_offerings": self._list,
            "describe_snapshots": lambda Filters: [  # noqa: N803
                {"Snapshots": [{"SnapshotId": name} for name in sorted(self.snapshots)]}
            ],
            "describe_volumes": lambda Filters: [{"Volumes": []}],  # noqa: N803
        }
        return SimpleNamespace(paginate=pages[operation])

    def describe_images(self, Owners: list[str], Filters: list[dict[str, Any]]) -> Any:  # noqa: N803
        assert (Owners, Filters) == (
            ["self"],
            [{"Name": "tag:bactofleet", "Values": ["bactofleet"]}],
        )
        return {
            "Images": [
                {"ImageId": name, "BlockDeviceMappings": [{"Ebs": {"SnapshotId": snapshot}}]}
                for name, snapshot in self.images.items()
            ]
        }

    def deregister_image(self, ImageId: str) -> None:  # noqa: N803
        if self.refuses:
            raise ClientError({"Error": {"Code": "InvalidAMIID", "Message": "busy"}}, "Deregister")
        del self.images[ImageId]

    def delete_snapshot(self, SnapshotId: str) -> None:  # noqa: N803
        assert SnapshotId not in self.images.values(), "AWS refuses while the AMI is registered"
        self.snapshots.remove(SnapshotId)

    def _list(self, Filters: list[dict[str, Any]]) -> list[dict[str, Any]]:  # noqa: N803
        assert len(Filters[0]["Values"]) <= 200, "the most that EC2 takes"
        offers = [name for name in self.offered if name in Filters[0]["Values"]]
        return [{"InstanceTypeOfferings": [{"InstanceType": name} for name in offers]}]


class FakeBatch:
    """The jobs in the queues, and an environment behind each queue."""

    def __init__(self) -> None:
        self.jobs: dict[tuple[str, str], list[str]] = {}
        self.terminated: list[str] = []
        self.environments = {
            name: {
                "computeEnvironmentArn": f"arn:{name}",
                "computeEnvironmentName": name,
                "state": "ENABLED",
                "computeResources": {"desiredvCpus": 0},
            }
            for name in ENVIRONMENTS.values()
        }
        self.refusing: set[str] = set()
        self.updates: list[dict[str, Any]] = []

    def list_jobs(self, jobQueue: str, jobStatus: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        jobs = self.jobs.get((jobQueue, jobStatus), [])
        return {"jobSummaryList": [{"jobId": name} for name in jobs]}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_jobs"
        return SimpleNamespace(paginate=lambda **which: [self.list_jobs(**which)])

    def terminate_job(self, jobId: str, reason: str) -> None:  # noqa: N803
        assert reason
        self.terminated.append(jobId)

    def describe_job_queues(self, jobQueues: list[str]) -> dict[str, Any]:  # noqa: N803
        return {
            "jobQueues": [
                {"computeEnvironmentOrder": [{"computeEnvironment": f"arn:{ENVIRONMENTS[name]}"}]}
                for name in jobQueues
            ]
        }

    def describe_compute_environments(
        self,
        computeEnvironments: list[str],  # noqa: N803
    ) -> dict[str, Any]:
        names = [name.removeprefix("arn:") for name in computeEnvironments]
        return {"computeEnvironments": [self.environments[name] for name in names]}

    def update_compute_environment(self, **request: Any) -> None:
        name = request["computeEnvironment"].removeprefix("arn:")
        if name in self.refusing:
            raise ClientError({"Error": {"Code": "ClientException", "Message": "busy"}}, "Update")
        self.updates.append(request)
        self.environments[name]["state"] = request.get("state", self.environments[name]["state"])

    def run(self, name: str, vcpus: int) -> None:
        """Let an environment have instances."""
        self.environments[name]["computeResources"] = {"desiredvCpus": vcpus}

    @property
    def states(self) -> dict[str, Any]:
        return {name: item["state"] for name, item in self.environments.items()}


class FakeS3:
    """The keys of the bucket, a thousand to a page as S3 gives them."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return SimpleNamespace(paginate=self._list)

    def _list(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        assert Bucket == OUTPUTS["Bucket"]
        found = [{"Key": key} for key in self.keys if key.startswith(Prefix)]
        return [{"Contents": found[i : i + 1000]} for i in range(0, len(found), 1000)] or [{}]

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> None:  # noqa: N803
        assert len(Delete["Objects"]) <= 1000
        gone = {item["Key"] for item in Delete["Objects"]}
        self.keys = [key for key in self.keys if key not in gone]


class FakeLogs:
    """The group of logs of AWS Batch, if there is one."""

    class exceptions:  # noqa: N801
        class ResourceAlreadyExistsException(Exception):
            """As boto3 makes it."""

    def __init__(self) -> None:
        self.group: dict[str, Any] = {}

    def create_log_group(self, logGroupName: str) -> None:  # noqa: N803
        if self.group:
            raise self.exceptions.ResourceAlreadyExistsException
        self.group = {"logGroupName": logGroupName}

    def put_retention_policy(self, logGroupName: str, retentionInDays: int) -> None:  # noqa: N803
        assert logGroupName == self.group["logGroupName"]
        self.group["retentionInDays"] = retentionInDays

    def describe_log_groups(self, logGroupNamePrefix: str) -> dict[str, Any]:  # noqa: N803
        other = {"logGroupName": f"{logGroupNamePrefix}-of-others", "storedBytes": 1}
        return {"logGroups": [other, self.group] if self.group else [other]}


class FakeEcr:
    """A registry's login."""

    def get_authorization_token(self) -> dict[str, Any]:
        token = base64.b64encode(b"AWS:the-password").decode()
        return {"authorizationData": [{"authorizationToken": token}]}


class Account:
    """The services of an account in a region."""

    region_name = "eu-west-1"

    def __init__(self) -> None:
        self.cloudformation = FakeCloudFormation()
        self.ec2, self.batch, self.s3, self.ecr = FakeEc2(), FakeBatch(), FakeS3(), FakeEcr()
        self.logs = FakeLogs()
        self.dead_ends: list[str] = []
        self.asked_network: list[tuple[list[str], set[str]]] = []

    def client(self, name: str) -> Any:
        return getattr(self, name)

    def deployed(self) -> None:
        """Let the stack be there, with the settings that deploying wrote."""
        self.cloudformation.stack = {"status": "CREATE_COMPLETE"}
        write_settings({"region": self.region_name, "bucket": OUTPUTS["Bucket"]})


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account without a stack; the tests work in a folder with the image's sources."""
    account = Account()
    monkeypatch.chdir(tmp_path)
    template = tmp_path / "template.yaml"
    template.write_text("the template")
    for name in (push.BUILD, push.DOCKERFILE):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    monkeypatch.setattr(deploy, "TEMPLATE", template)
    for module in (deploy, destroy, push, switch):
        monkeypatch.setattr(module, "open_session", lambda _: account)

    def find_network(_ec2: Any, _region: str, subnets: list[str], own: set[str]) -> Network:
        account.asked_network.append((subnets, own))
        return Network("vpc-1", subnets or ["subnet-1", "subnet-2"], ["rtb-1"])

    def find_dead_ends(_ec2: Any, subnets: list[str]) -> list[str]:
        return [line for line in account.dead_ends if line.split()[0] in subnets]

    monkeypatch.setattr(deploy, "find_network", find_network)
    monkeypatch.setattr(deploy, "find_dead_ends", find_dead_ends)
    return account


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Return a function that lets a user at a terminal answer; it gives back what was asked."""

    def set_answer(text: str) -> list[str]:
        asked: list[str] = []

        def read(question: str) -> str:
            asked.append(question)
            return text

        monkeypatch.setattr(ask.sys, "stdin", SimpleNamespace(isatty=lambda: True))
        monkeypatch.setattr("builtins.input", read)
        return asked

    return set_answer


# --- deploy ---------------------------------------------------------------------------------------


def test_a_first_deployment_needs_no_parameters_and_writes_the_settings(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["aws", "deploy", "--yes"]) == 0

    assert account.cloudformation.proposed == {
        "InstanceTypes": "c6i.2xlarge,m6i.xlarge",
        "VpcId": "vpc-1",
        "SubnetIds": "subnet-1,subnet-2",
        "RouteTableIds": "rtb-1",
    }
    assert read_settings() == {
        "region": "eu-west-1",
        "bucket": "fleet-bucket",
        "job-queue": "fleet",
        "fallback-queue": "fleet-on-demand",
        "job-role": OUTPUTS["JobRole"],
        "execution-role": OUTPUTS["ExecutionRole"],
        "controller-queue": "fleet-controllers",
        "controller-role": OUTPUTS["ControllerRole"],
    }
    said = capsys.readouterr().out
    assert "Changes of stack bactofleet in eu-west-1:\n  Add" in said
    assert "Next: `bactofleet aws push`" in said


def test_an_update_keeps_what_is_not_given(account: Account) -> None:
    account.deployed()

    assert main(["aws", "deploy", "--yes", "-p", "MaxSpotVcpus=1000"]) == 0

    assert account.cloudformation.proposed == {
        "MaxSpotVcpus": "1000",
        "InstanceTypes": "as before",
        "VpcId": "as before",
    }
    assert account.asked_network == []


def test_other_subnets_bring_their_vpc_and_the_stacks_own_endpoint_is_known(
    account: Account,
) -> None:
    account.deployed()

    assert main(["aws", "deploy", "--yes", "-p", "SubnetIds=subnet-7,subnet-8"]) == 0

    assert account.asked_network == [(["subnet-7", "subnet-8"], {"vpce-1"})]
    assert account.cloudformation.proposed["SubnetIds"] == "subnet-7,subnet-8"
    assert account.cloudformation.proposed["VpcId"] == "vpc-1"


def test_another_architecture_brings_its_instance_types(account: Account) -> None:
    account.deployed()
    account.ec2.offered = ["m6i.xlarge", "c7g.xlarge"]

    assert main(["aws", "deploy", "--yes", "-p", "Architecture=arm64"]) == 0

    assert account.cloudformation.proposed["InstanceTypes"] == "c7g.xlarge"


def test_a_family_that_was_measured_as_expensive_is_left_out_and_named(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Genomes take four times as long on c6i as on m6i, at nearly the same price."""
    Path("workflow").symlink_to(Path(__file__).parents[2] / "workflow")
    Path("config").mkdir()
    Path("config/config.yaml").write_text("results: results\n")
    rows = [
        make_row(f"{family}-{i}", 0, hours * 3600, instance_type=f"{family}.xlarge")
        for family, hours in (("m6i", 1), ("c6i", 4))
        for i in range(20)
    ]
    write_usage(Path("results"), rows)

    assert main(["aws", "deploy", "--yes"]) == 0

    assert account.cloudformation.proposed["InstanceTypes"] == "m6i.xlarge"
    said = capsys.readouterr().out
    assert (
        "Instances of c6i are left out: its genomes cost 3.1 times as much as those of m6i." in said
    )


def test_given_values_are_not_replaced_by_looked_up_ones(account: Account) -> None:
    given = ["InstanceTypes=c6a.xlarge", "VpcId=vpc-9", "SubnetIds=subnet-9"]

    words = [word for value in given for word in ("-p", value)]
    assert main(["aws", "deploy", "--yes", *words]) == 0

    expected = dict(value.split("=") for value in given)
    assert account.cloudformation.proposed == expected
    assert account.asked_network == []


def test_a_stack_that_is_as_it_should_be_is_left_alone(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.cloudformation.has_changes = False

    assert main(["aws", "deploy"]) == 0

    assert "Stack bactofleet is up to date." in capsys.readouterr().out


@pytest.mark.parametrize(("repository", "is_kept"), [(REPOSITORY, True), ("other/fleet", False)])
def test_an_image_that_was_pushed_is_kept_if_it_is_in_this_stacks_repository(
    account: Account, repository: str, is_kept: bool
) -> None:
    write_settings({"image": f"{repository}:1"})

    assert main(["aws", "deploy", "--yes"]) == 0

    assert read_settings().get("image") == (f"{REPOSITORY}:1" if is_kept else None)


def test_who_says_no_to_a_first_deployment_leaves_not_even_the_name_of_a_stack(
    account: Account, answer: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = answer("n")

    assert main(["aws", "deploy"]) == 1

    assert asked == ["Make these changes? [y/N] "]
    assert account.cloudformation.stack is None
    assert not SETTINGS.exists()
    assert "Nothing was changed." in capsys.readouterr().err


def test_who_says_no_to_an_update_keeps_the_stack(
    account: Account, answer: Callable[[str], list[str]]
) -> None:
    account.deployed()
    answer("")

    assert main(["aws", "deploy", "-p", "MaxSpotVcpus=1000"]) == 1

    assert account.cloudformation.stack == {"status": "CREATE_COMPLETE"}


@pytest.mark.parametrize("word", ["y", " Yes "])
def test_who_says_yes_gets_the_changes(
    account: Account, answer: Callable[[str], list[str]], word: str
) -> None:
    answer(word)

    assert main(["aws", "deploy"]) == 0

    assert account.cloudformation.stack == {"status": "CREATE_COMPLETE"}


def test_where_nobody_can_answer_nothing_is_changed_and_the_option_is_named(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ask.sys, "stdin", SimpleNamespace(isatty=lambda: False))

    assert main(["aws", "deploy"]) == 1

    assert account.cloudformation.stack is None
    assert "Nobody can answer here; give --yes." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["MaxSpotVcpus"], "--parameter must be NAME=VALUE, not 'MaxSpotVcpus'"),
        (["Max=1"], "the stack has no parameter 'Max'; it has Architecture, Instance"),
        (["Architecture=riscv"], "Architecture must be x86_64 or arm64, not 'riscv'"),
    ],
)
def test_a_wrong_parameter_is_named_before_anything_is_proposed(
    account: Account, capsys: pytest.CaptureFixture[str], words: list[str], problem: str
) -> None:
    assert main(["aws", "deploy", "--yes", *("-p", *words)]) == 1

    assert problem in capsys.readouterr().err
    assert account.cloudformation.proposed == {}


@pytest.mark.parametrize("architecture", FAMILIES)
def test_the_newest_families_are_used_where_the_region_has_them(architecture: str) -> None:
    ec2 = FakeEc2()
    newest = {
        "x86_64": ["c8a.xlarge", "c8i.xlarge", "m8i-flex.4xlarge", "r8id.2xlarge"],
        "arm64": ["c8g.xlarge", "c8gd.2xlarge", "m8gd.xlarge", "r8g.4xlarge", "r8gd.xlarge"],
    }
    ec2.offered = [*newest["x86_64"], *newest["arm64"], "c8i.48xlarge", "t3.xlarge"]

    assert offered_types(ec2, architecture) == newest[architecture]


def test_a_region_without_instances_of_an_architecture_is_refused() -> None:
    ec2 = FakeEc2()
    ec2.offered = ["m6i.xlarge"]

    with pytest.raises(ConfigurationError, match="no instances for arm64; take another"):
        offered_types(ec2, "arm64")


def test_a_limit_below_the_running_vcpus_waits_for_them_with_the_environment_disabled(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.batch.run("spot", 128)
    seen: list[tuple[Any, Any]] = []

    def look() -> None:
        spot: dict[str, Any] = account.batch.environments["spot"]
        seen.append((spot["state"], spot["computeResources"]["desiredvCpus"]))

    def let_a_job_end(_: float) -> None:
        look()
        account.batch.run("spot", 64)

    monkeypatch.setattr(environments.time, "sleep", let_a_job_end)
    account.cloudformation.before_execution = look

    assert main(["aws", "deploy", "--yes", "-p", "MaxSpotVcpus=64"]) == 0

    assert seen == [("DISABLED", 128), ("DISABLED", 64)]
    assert account.batch.states == {"spot": "ENABLED", "on-demand": "ENABLED"}
    assert "spot has instances with 128 vCPUs and may have 64" in capsys.readouterr().out


def test_the_limits_of_all_environments_of_the_template_are_known() -> None:
    from cfnlint.decode import cfn_yaml  # takes a second

    template = cfn_yaml.load(str(TEMPLATE))["Resources"]
    found = {
        str(resource["Properties"]["ComputeResources"]["MaxvCpus"]["Ref"]): str(name)
        for name, resource in template.items()
        if resource["Type"] == "AWS::Batch::ComputeEnvironment"
    }

    assert found == deploy.LIMITS


def test_an_update_does_not_start_a_stack_that_was_stopped(account: Account) -> None:
    account.deployed()
    assert main(["aws", "stop"]) == 0
    stopped = account.batch.states

    def enable_as_the_template_says() -> None:
        for item in account.batch.environments.values():
            item["state"] = "ENABLED"

    account.cloudformation.before_execution = enable_as_the_template_says

    assert main(["aws", "deploy", "--yes", "-p", "MaxSpotVcpus=1000"]) == 0

    assert account.batch.states == stopped == {"spot": "DISABLED", "on-demand": "DISABLED"}


def test_deploying_gives_new_instances_the_newest_image(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.cloudformation.has_changes = False
    old = {
        "ec2Configuration": [{"imageType": "ECS_AL2023", "batchImageStatus": "UPDATE_AVAILABLE"}]
    }
    policy = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 7}
    account.batch.environments["spot"] |= {"computeResources": old, "updatePolicy": policy}

    assert main(["aws", "deploy"]) == 0

    (update,) = account.batch.updates
    assert update["computeEnvironment"] == "arn:spot"
    assert update["computeResources"] == {"updateToLatestImageVersion": True}
    assert update["updatePolicy"] == policy  # the environment's own, which the template sets
    assert "New instances of spot get the newest image" in capsys.readouterr().out


@pytest.mark.parametrize("given", [[], ["-p", "SubnetIds=subnet-1"]])
def test_subnets_without_a_way_out_are_refused_before_anything_is_proposed(
    account: Account, capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    account.dead_ends = ["subnet-1 has no route to the internet"]

    assert main(["aws", "deploy", "--yes", *given]) == 1

    said = capsys.readouterr().err
    assert "subnet-1 has no route to the internet" in said
    assert "take other subnets" in said
    assert account.cloudformation.proposed == {}


def test_a_deployment_removes_the_amis_of_earlier_images_with_their_snapshots(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.cloudformation.outputs["BakedImage"] = "ami-new"
    account.ec2.images = {"ami-old": "snap-old", "ami-new": "snap-new"}
    account.ec2.snapshots = {"snap-old", "snap-new"}

    assert main(["aws", "deploy", "--yes"]) == 0

    assert account.ec2.images == {"ami-new": "snap-new"}
    assert account.ec2.snapshots == {"snap-new"}
    assert "Removed ami-old and its snapshots: snap-old." in capsys.readouterr().out


def test_logs_of_jobs_expire_unless_their_group_was_there_before(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["aws", "deploy", "--yes"]) == 0
    assert account.logs.group == {"logGroupName": "/aws/batch/job", "retentionInDays": 30}
    assert "put-retention-policy" not in capsys.readouterr().out

    account.logs.group = {"logGroupName": "/aws/batch/job"}
    assert main(["aws", "deploy", "--yes"]) == 0
    assert account.logs.group == {"logGroupName": "/aws/batch/job"}
    assert "--retention-in-days 30" in capsys.readouterr().out


# --- stop and start -------------------------------------------------------------------------------


def test_a_stopped_stack_starts_no_instances_until_it_is_started(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.batch.jobs = {("fleet", "RUNNING"): ["array"]}

    assert main(["aws", "stop"]) == 0
    assert account.batch.states == {"spot": "DISABLED", "on-demand": "DISABLED"}
    assert account.batch.terminated == []
    assert "Running jobs go on to their end" in capsys.readouterr().out

    assert main(["aws", "start"]) == 0
    assert account.batch.states == {"spot": "ENABLED", "on-demand": "ENABLED"}


def test_jobs_are_terminated_if_asked_for_controllers_first(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.batch.jobs = {
        ("fleet", "PENDING"): ["array"],
        ("fleet-on-demand", "RUNNABLE"): ["rest"],
        ("fleet-controllers", "RUNNING"): ["controller"],
    }

    assert main(["aws", "stop", "--terminate-jobs", "--yes"]) == 0

    assert account.batch.terminated == ["controller", "array", "rest"]
    assert "Jobs and array jobs that were terminated: 3." in capsys.readouterr().out


def test_who_says_no_to_terminated_jobs_keeps_them_and_the_state(
    account: Account, answer: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.batch.jobs = {("fleet", "RUNNING"): ["array"]}
    asked = answer("n")

    assert main(["aws", "stop", "--terminate-jobs"]) == 1

    assert asked == ["Terminate all jobs in fleet-controllers, fleet, fleet-on-demand? [y/N] "]
    assert account.batch.terminated == []
    assert set(account.batch.states.values()) == {"ENABLED"}


def test_an_environment_that_refuses_keeps_neither_the_others_nor_the_jobs_going(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.batch.refusing = {"on-demand"}
    account.batch.jobs = {("fleet", "RUNNING"): ["array"]}

    assert main(["aws", "stop", "--terminate-jobs", "--yes"]) == 1

    assert account.batch.states == {"spot": "DISABLED", "on-demand": "ENABLED"}
    assert account.batch.terminated == ["array"]
    said = capsys.readouterr()
    assert "on-demand was not disabled" in said.err
    assert "starts no more instances" not in said.out


# --- destroy --------------------------------------------------------------------------------------


def test_what_runs_left_goes_with_the_stack_however_many_files(account: Account) -> None:
    account.deployed()
    account.s3.keys = [f"{RUN}-{number}" for number in range(2500)]

    assert main(["aws", "destroy", "--yes"]) == 0

    assert account.s3.keys == []
    assert account.cloudformation.stack is None
    assert not SETTINGS.exists()


def test_the_amis_of_a_stack_go_with_it_and_what_remains_is_listed(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.ec2.images, account.ec2.snapshots = {"ami-1": "snap-1"}, {"snap-1", "snap-lost"}
    account.logs.group = {"logGroupName": "/aws/batch/job", "storedBytes": 3 * 2**30}

    assert main(["aws", "destroy", "--yes"]) == 0

    assert account.ec2.images == {}
    said = capsys.readouterr().out
    assert "Removed ami-1 and its snapshots: snap-1." in said
    remaining = [line for line in said.splitlines() if line.startswith("Remains:")]
    assert len(remaining) == 2
    assert "snap-lost: a snapshot; `aws ec2 delete-snapshot --snapshot-id snap-lost`" in said
    assert "/aws/batch/job, 3.000 GiB, kept for ever: all jobs of the account share it" in said


def test_an_ami_that_aws_does_not_remove_is_told_with_the_command(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.ec2.images, account.ec2.refuses = {"ami-1": "snap-1"}, True

    assert main(["aws", "destroy", "--yes"]) == 0

    assert account.cloudformation.stack is None
    assert "`aws ec2 deregister-image --image-id ami-1`" in capsys.readouterr().out


def test_the_settings_of_another_stack_stay(account: Account) -> None:
    account.deployed()
    write_settings({"bucket": "of-another"})

    assert main(["aws", "destroy", "--yes"]) == 0

    assert read_settings() == {"bucket": "of-another"}


def test_a_bucket_with_data_is_kept_with_everything_and_the_commands_are_shown(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.s3.keys = [RUN, "results/S1.tar.gz"]

    assert main(["aws", "destroy", "--yes"]) == 1

    assert account.s3.keys == [RUN, "results/S1.tar.gz"]
    assert account.cloudformation.stack
    said = capsys.readouterr().err
    assert "holds data, for example results/S1.tar.gz; nothing was deleted" in said
    assert "aws s3 sync s3://fleet-bucket FOLDER" in said


@pytest.mark.parametrize("queue", [OUTPUTS["JobQueue"], OUTPUTS["FallbackQueue"]])
@pytest.mark.parametrize("status", environments.UNFINISHED)
def test_a_stack_whose_queues_have_jobs_is_kept(
    account: Account, capsys: pytest.CaptureFixture[str], queue: str, status: str
) -> None:
    account.deployed()
    account.batch.jobs = {(queue, status): ["job-1"]}

    assert main(["aws", "destroy", "--yes"]) == 1

    assert account.cloudformation.stack
    assert f"queue {queue} has jobs that are {status}" in capsys.readouterr().err


def test_who_says_no_keeps_stack_and_files(
    account: Account, answer: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    account.s3.keys = [RUN]
    asked = answer("no")

    assert main(["aws", "destroy"]) == 1

    assert asked == [
        "Delete stack bactofleet in eu-west-1, its bucket and its images? [y/N] ",
    ]
    assert account.s3.keys == [RUN]
    assert "Nothing was deleted." in capsys.readouterr().err


def test_a_stack_that_is_not_there_is_reported_with_what_makes_it(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["aws", "destroy", "--yes", "--stack", "other"]) == 1

    said = capsys.readouterr().err
    assert "there is no stack 'other'" in said
    assert "`bactofleet aws deploy --stack other` makes it" in said


# --- push -----------------------------------------------------------------------------------------


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> "Docker":
    docker = Docker()
    monkeypatch.setattr(push.shutil, "which", lambda _: "/usr/bin/docker")
    monkeypatch.setattr(push.subprocess, "run", docker.run)
    return docker


class Docker:
    """What was run, and with which input; commands that begin with `failing` fail."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.inputs: list[str] = []
        self.architecture = "amd64"
        self.failing: list[str] = []

    def run(self, words: list[str], *, input: str | None = None, **_: Any) -> SimpleNamespace:
        self.commands.append(words)
        self.inputs += [input] if input else []
        failed = self.failing and words[: len(self.failing)] == self.failing
        return SimpleNamespace(returncode=1 if failed else 0, stdout=f"{self.architecture}\n")


def test_an_image_is_built_tagged_pushed_and_written_into_the_settings(
    account: Account, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()

    assert main(["aws", "push"]) == 0

    image = read_settings()["image"]
    assert image.startswith(f"{REPOSITORY}:")
    assert read_settings()["bucket"] == OUTPUTS["Bucket"]
    verbs = [" ".join(words[:2]) for words in docker.commands]
    assert verbs == [
        *("containers/build.sh", "docker image", "docker login"),
        *("docker tag", "docker push", "docker logout"),
    ]
    assert docker.commands[4] == ["docker", "push", image]
    assert f"Pushed {image}" in capsys.readouterr().out


def test_the_password_of_the_registry_is_on_no_command_line(
    account: Account, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    docker.failing = ["docker", "login"]

    assert main(["aws", "push"]) == 1

    assert docker.inputs == ["the-password"]
    assert not any("the-password" in word for words in docker.commands for word in words)
    assert "the-password" not in "".join(capsys.readouterr())


def test_docker_forgets_the_password_even_if_the_push_fails(
    account: Account, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    docker.failing = ["docker", "push"]

    assert main(["aws", "push"]) == 1

    assert docker.commands[-1] == ["docker", "logout", REPOSITORY.partition("/")[0]]
    assert "image" not in read_settings()
    assert "failed with status 1" in capsys.readouterr().err


def test_an_image_for_other_processors_than_those_of_the_instances_is_not_pushed(
    account: Account, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deployed()
    docker.architecture = "arm64"

    assert main(["aws", "push"]) == 1

    assert "is for arm64, the instances are amd64" in capsys.readouterr().err
    assert not any("push" in words for words in docker.commands)


def test_one_image_for_both_kinds_of_processors_is_built_and_pushed_at_once(
    account: Account, docker: Docker
) -> None:
    account.deployed()

    assert main(["aws", "push", "--multi-arch"]) == 0

    login, build, logout = docker.commands
    assert build[:6] == [
        "docker",
        "buildx",
        "build",
        "--platform",
        "linux/amd64,linux/arm64",
        "--push",
    ]
    assert build[build.index("--tag") + 1] == read_settings()["image"]
    assert (login[1], logout[1]) == ("login", "logout")


def test_without_docker_the_command_that_brings_it_is_shown(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(push.shutil, "which", lambda _: None)

    assert main(["aws", "push"]) == 1
    assert "docker is not on PATH; install it" in capsys.readouterr().err
