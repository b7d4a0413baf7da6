"""What the template says of the things that the emulated account takes and ignores."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from snakemake_executor_plugin_aws_batch_array.store import RunFolder

TEMPLATE = Path(__file__).parents[2] / "infra/bactofleet.yaml"
PREFIX = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}"
RUN = RunFolder("snakemake/runs/one")


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """Properties of each resource, by its name."""
    template = cfn_yaml.load(str(TEMPLATE))["Resources"]
    return {name: resource.get("Properties", {}) for name, resource in template.items()}


def test_nothing_of_the_bucket_is_public_or_kept_in_versions(resources: dict[str, Any]) -> None:
    bucket = resources["Bucket"]

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert "VersioningConfiguration" not in bucket


def test_the_bucket_refuses_everybody_without_tls(resources: dict[str, Any]) -> None:
    (statement,) = resources["BucketPolicy"]["PolicyDocument"]["Statement"]

    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "s3:*",
    )
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(statement["Resource"]) == 2  # the bucket, and what is in it


def test_what_runs_leave_and_uploads_that_nobody_ends_go_by_themselves(
    resources: dict[str, Any],
) -> None:
    uploads, runs, tiering = resources["Bucket"]["LifecycleConfiguration"]["Rules"]

    assert uploads["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] < 7
    assert (runs["Prefix"], runs["ExpirationInDays"]) == (
        "snakemake/runs/",
        {"Ref": "RunsExpirationDays"},
    )
    condition, results, nothing = tiering["Fn::If"]
    assert (condition, results["Prefix"]) == ("HasTiering", "results/")
    assert nothing == {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("name", "kind", "strategy"),
    [
        ("SpotEnvironment", "SPOT", "SPOT_PRICE_CAPACITY_OPTIMIZED"),
        ("OnDemandEnvironment", "EC2", "BEST_FIT_PROGRESSIVE"),
        ("ControllerEnvironment", "EC2", "BEST_FIT_PROGRESSIVE"),
    ],
)
def test_an_environment_without_jobs_has_no_instances(
    resources: dict[str, Any], name: str, kind: str, strategy: str
) -> None:
    compute = resources[name]["ComputeResources"]

    assert (compute["Type"], compute["AllocationStrategy"]) == (kind, strategy)
    assert compute["MinvCpus"] == 0


def test_nothing_comes_in_and_only_https_goes_out(resources: dict[str, Any]) -> None:
    group = resources["SecurityGroup"]

    assert "SecurityGroupIngress" not in group
    assert {(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]} == {
        (443, 443)
    }


def test_images_are_scanned_and_the_budget_warns_before_it_is_spent(
    resources: dict[str, Any],
) -> None:
    warnings = resources["Budget"]["NotificationsWithSubscribers"]

    assert resources["Repository"]["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert min(one["Notification"]["Threshold"] for one in warnings) < 100


def test_every_update_of_an_environment_brings_the_newest_image(resources: dict[str, Any]) -> None:
    environments = {name: r for name, r in resources.items() if "ComputeResources" in r}

    assert {"SpotEnvironment", "OnDemandEnvironment", "ControllerEnvironment"} == set(environments)
    assert all(
        environment["ComputeResources"]["UpdateToLatestImageVersion"]
        for environment in environments.values()
    )


def test_an_update_ends_no_job_before_its_time(resources: dict[str, Any]) -> None:
    """A genome takes hours at most, a controller days; Batch allows no more than five."""
    policies = {name: r["UpdatePolicy"] for name, r in resources.items() if "UpdatePolicy" in r}
    minutes = {name: policy["JobExecutionTimeoutMinutes"] for name, policy in policies.items()}

    assert not any(policy["TerminateJobsOnUpdate"] for policy in policies.values())
    assert minutes == {
        "SpotEnvironment": 180,
        "OnDemandEnvironment": 180,
        "ControllerEnvironment": 7200,
    }


def test_the_template_suits_every_partition_of_aws() -> None:
    text = TEMPLATE.read_text()

    assert "arn:aws" not in text
    assert "arn:${AWS::Partition}" in text


def test_instances_may_join_clusters_of_batch_only(resources: dict[str, Any]) -> None:
    policy = resources["AgentPolicy"]
    statements = policy["PolicyDocument"]["Statement"]
    roles = [{"Ref": "InstanceRole"}, {"Ref": "ControllerInstanceRole"}]
    places = {
        str(s["Resource"]["Fn::Sub"]).rpartition(":")[2] for s in statements if s["Resource"] != "*"
    }

    assert policy["Roles"] == roles
    assert places == {"cluster/AWSBatch*", "container-instance/AWSBatch*"}


def may_put(role: dict[str, Any], key: str) -> bool:
    """Whether a role may write an object of the bucket; `*` of a policy also matches slashes."""
    effects = {
        statement["Effect"]
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "s3:PutObject" in statement["Action"]
        and fnmatchcase(f"${{Bucket.Arn}}/{key}", statement["Resource"]["Fn::Sub"])
    }
    return effects == {"Allow"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (RUN.get_returned("one-0000", 7), True),
        ("results/cohort/S1.tar.gz", True),
        (RUN.bundle, False),
        (RUN.get_manifest("one-0000"), False),
        (RUN.get_input("reads/a.tar.gz"), False),
        ("reads/a.fastq.gz", False),
    ],
)
def test_a_job_puts_what_it_returns_and_results_and_nothing_by_which_another_job_runs(
    resources: dict[str, Any], key: str, expected: bool
) -> None:
    assert may_put(resources["JobRole"], key) is expected


def test_no_genome_is_on_an_instance_of_controllers(resources: dict[str, Any]) -> None:
    def get_environments(queue: str) -> set[str]:
        order = resources[queue]["ComputeEnvironmentOrder"]
        return {item["ComputeEnvironment"]["Ref"] for item in order}

    genomes = get_environments("SpotQueue") | get_environments("OnDemandQueue")
    roles = {
        name: str(resources[name]["ComputeResources"]["InstanceRole"])
        for name in (*genomes, "ControllerEnvironment")
    }

    assert get_environments("ControllerQueue") == {"ControllerEnvironment"}
    assert "ControllerEnvironment" not in genomes
    assert roles.pop("ControllerEnvironment") not in roles.values()


def test_containers_of_controllers_cannot_reach_the_metadata_of_their_instance(
    resources: dict[str, Any],
) -> None:
    compute = resources["ControllerEnvironment"]["ComputeResources"]
    template = resources[compute["LaunchTemplate"]["LaunchTemplateId"]["Ref"]]
    metadata = template["LaunchTemplateData"]["MetadataOptions"]

    assert (metadata["HttpTokens"], metadata["HttpPutResponseHopLimit"]) == ("required", 1)


@pytest.mark.parametrize("name", ["AWSBatch-{}-1b2c", "{}_Batch_1b2c"])
def test_an_instance_of_genomes_cannot_pass_for_one_of_controllers(
    resources: dict[str, Any], name: str
) -> None:
    def list_denied(environment: str) -> set[str]:
        cluster = name.format(environment)
        arns = [f"{PREFIX}:cluster/{cluster}", f"{PREFIX}:container-instance/{cluster}/4d5e"]
        (policy,) = resources["InstanceRole"]["Policies"]
        return {
            action
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny"
            and any(fnmatchcase(arn, statement["Resource"]["Fn::Sub"]) for arn in arns)
            for action in statement["Action"]
        }

    controllers = resources["ControllerEnvironment"]["ComputeEnvironmentName"]["Fn::Sub"]

    assert {"ecs:RegisterContainerInstance", "ecs:Poll"} <= list_denied(controllers)
    assert list_denied("${AWS::StackName}-SpotEnvironment-7f8a") == set()


def test_no_job_of_a_genome_may_touch_what_controllers_run(resources: dict[str, Any]) -> None:
    def list_resources(name: str) -> list[str]:
        policies = resources[name]["Policies"]
        return [str(s["Resource"]) for p in policies for s in p["PolicyDocument"]["Statement"]]

    places = list_resources("JobRole") + list_resources("ExecutionRole")

    assert places
    assert not any("Bucket.Arn}/runs/" in place or "Bucket.Arn}/*" in place for place in places)
