"""What stands in the emulated account when it is ready: network, roles, queues, bucket."""

from typing import Any

import boto3

REGION = "us-east-1"
ACCOUNT = "123456789012"
READY = "# ready on "
"""How the line begins that ends what the emulator prints when it starts."""

CONTROLLER_KEY = "AKIAEMULATEDCONTROLLER"
RENEWED_KEY = "AKIAEMULATEDRENEWED"
OWNER_KEY = "AKIAEMULATEDOWNER"
SPOT_QUEUE = "genomes"
ON_DEMAND_QUEUE = "genomes-fallback"
BUCKET = "genomes-bucket"
JOB_ROLE = "genomes-job"
EXECUTION_ROLE = "genomes-execution"
SERVICE_ROLE = "genomes-batch-service"
INSTANCE_PROFILE = "genomes-instance"
INSTANCE_FAMILIES = ["m6i", "c6i", "r6i"]
TRUST = '{"Version": "2012-10-17", "Statement": []}'


def controller_environment(endpoint_url: str) -> dict[str, str]:
    """The variables of a process that uses the emulated AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": CONTROLLER_KEY,
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def executor_settings() -> dict[str, str]:
    """The settings of the executor aws-batch-array that name what stands here, as variables."""
    settings = {
        "REGION": REGION,
        "JOB_QUEUE": SPOT_QUEUE,
        "FALLBACK_QUEUE": ON_DEMAND_QUEUE,
        "JOB_ROLE": role_arn(JOB_ROLE),
        "EXECUTION_ROLE": role_arn(EXECUTION_ROLE),
        "BUCKET": BUCKET,
    }
    return {f"SNAKEMAKE_AWS_BATCH_ARRAY_{name}": value for name, value in settings.items()}


def role_arn(name: str) -> str:
    """The ARN of a role of the emulated account."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def client(service: str, endpoint_url: str) -> Any:
    """A client of the account's owner."""
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=OWNER_KEY,
        aws_secret_access_key="none",
    )


def provision(endpoint_url: str, spot_vcpus: int, on_demand_vcpus: int) -> None:
    """Create the roles, the bucket and the two queues."""
    iam = client("iam", endpoint_url)
    for role in (JOB_ROLE, EXECUTION_ROLE, SERVICE_ROLE):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName=INSTANCE_PROFILE)
    client("s3", endpoint_url).create_bucket(Bucket=BUCKET)
    _create_queue(endpoint_url, SPOT_QUEUE, "spot", "SPOT", spot_vcpus)
    _create_queue(endpoint_url, ON_DEMAND_QUEUE, "on-demand", "EC2", on_demand_vcpus)


def _create_queue(
    endpoint_url: str, queue: str, environment: str, kind: str, max_vcpus: int
) -> None:
    batch = client("batch", endpoint_url)
    batch.create_compute_environment(
        computeEnvironmentName=environment,
        type="MANAGED",
        state="ENABLED",
        serviceRole=role_arn(SERVICE_ROLE),
        computeResources=_compute_resources(endpoint_url, kind, max_vcpus),
    )
    batch.create_job_queue(
        jobQueueName=queue,
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": _arn(environment)}],
    )


def _compute_resources(endpoint_url: str, kind: str, max_vcpus: int) -> dict[str, Any]:
    ec2 = client("ec2", endpoint_url)
    return {
        "type": kind,
        "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED"
        if kind == "SPOT"
        else "BEST_FIT_PROGRESSIVE",
        "minvCpus": 0,
        "maxvCpus": max_vcpus,
        "instanceTypes": INSTANCE_FAMILIES,
        "instanceRole": f"arn:aws:iam::{ACCOUNT}:instance-profile/{INSTANCE_PROFILE}",
        "subnets": [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]],
        "securityGroupIds": [
            group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]
        ],
    }


def _arn(environment: str) -> str:
    return f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/{environment}"
