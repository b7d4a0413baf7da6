"""Lint the policies of the template's roles, as CloudFormation would make them: `make lint`.

parliament knows AWS's actions, their resources and conditions: https://github.com/duo-labs/parliament
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import parliament
from infra.account import cloudformation
from moto import mock_aws

TEMPLATE = Path(__file__).parents[2] / "infra/bactofleet.yaml"
# The optional part whose role moto can make; that of Image Builder pulls as ExecutionRole does.
OPTIONS = {"DailyVcpuHours": "100"}
REGION = "us-east-1"


def deploy() -> None:
    """Make the stack in this process's emulated AWS."""
    ec2 = boto3.client("ec2")
    subnets = ec2.describe_subnets()["Subnets"]
    parameters = OPTIONS | {
        "VpcId": subnets[0]["VpcId"],
        "SubnetIds": ",".join(subnet["SubnetId"] for subnet in subnets),
        "InstanceTypes": "c7i.xlarge",
    }
    boto3.client("cloudformation").create_stack(
        StackName="lint",
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    )


def iter_policies() -> Iterator[tuple[str, str]]:
    """Yield role and policy of everything that the stack has made."""
    iam = boto3.client("iam")
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            yield f"{name} {policy}", json.dumps(document)


def lint() -> list[str]:
    """Return what parliament finds, and what is allowed on everything, with the role's name."""
    return [
        f"{name}: {finding}"
        for name, document in iter_policies()
        for finding in (*iter_findings(document), *iter_unnamed(document))
    ]


def iter_findings(document: str) -> Iterator[str]:
    """Yield what parliament finds in a policy."""
    for finding in parliament.analyze_policy_string(document).findings:
        told = parliament.enhance_finding(finding)
        yield f"{told.title} {told.detail} {told.location}"


def iter_unnamed(document: str) -> Iterator[str]:
    """Yield actions on the resource "*" of which resources could be named."""
    for statement in json.loads(document)["Statement"]:
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            if statement["Resource"] == "*" and (kinds := get_resource_types(action)):
                yield f"{action} is allowed on *, it could be on {' or '.join(kinds)}"


def get_resource_types(action: str) -> list[str]:
    """The kinds of resources that an action may be limited to, as AWS's reference has them."""
    prefix, _, name = action.partition(":")
    return [
        kind["resource_type"].rstrip("*")
        for service in parliament.iam_definition
        if service["prefix"] == prefix
        for privilege in service["privileges"]
        if privilege["privilege"] == name
        for kind in privilege["resource_types"]
        if kind["resource_type"]
    ]


def main() -> int:
    """Print the findings; return whether there are any."""
    os.environ |= {"AWS_DEFAULT_REGION": REGION}
    cloudformation.install()
    with mock_aws():
        deploy()
        policies, found = len(list(iter_policies())), lint()
    print("\n".join([*found, f"{policies} policies, {len(found)} findings"]))
    return bool(found) or policies == 0


if __name__ == "__main__":
    sys.exit(main())
