"""The resources that a request is about, as policies name them.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
An action that is not here has no resources: only a policy for "*" allows it.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from aws.emulator.identify import Operation
from aws.emulator.provision import ACCOUNT, REGION

KEY = re.compile(rb"<Key>(.*?)</Key>")


def get_resources(operation: Operation, body: bytes) -> list[str]:
    """ARNs that a right is needed on, or "*"."""
    if operation.service == "s3":
        return _s3(operation, body)
    if operation.service == "iam":
        return [f"arn:aws:iam::{ACCOUNT}:role/{parse_qs(body.decode())['RoleName'][0]}"]
    find = RESOURCES.get(operation.action)
    return find(json.loads(body)) if find else ["*"]


def get_roles(operation: Operation, body: bytes) -> list[str]:
    """ARNs of the roles that a request passes on."""
    if operation.action != "batch:RegisterJobDefinition":
        return []
    container = json.loads(body)["containerProperties"]
    return [container[name] for name in ("jobRoleArn", "executionRoleArn") if name in container]


def _s3(operation: Operation, body: bytes) -> list[str]:
    arn = f"arn:aws:s3:::{operation.resource}"
    if operation.name == "DeleteObjects":
        return [f"{arn}/{key.decode()}" for key in KEY.findall(body)]
    return [arn]


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _named(service: str, kind: str, value: str) -> str:
    """The ARN of what is given by its ARN or by its name."""
    return value if value.startswith("arn:") else _arn(service, f"{kind}/{value}")


RESOURCES: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "batch:RegisterJobDefinition": lambda request: [
        _named("batch", "job-definition", request["jobDefinitionName"])
    ],
    "batch:DeregisterJobDefinition": lambda request: [
        _named("batch", "job-definition", request["jobDefinition"])
    ],
    "batch:SubmitJob": lambda request: [
        _named("batch", "job-definition", request["jobDefinition"]),
        _named("batch", "job-queue", request["jobQueue"]),
    ],
    "batch:CancelJob": lambda request: [_named("batch", "job", request["jobId"])],
    "batch:TerminateJob": lambda request: [
        _named("batch", "job", job) for job in request.get("jobIds") or [request["jobId"]]
    ],
    "logs:GetLogEvents": lambda request: [
        _arn("logs", f"log-group:{request['logGroupName']}:log-stream:{request['logStreamName']}")
    ],
    "ecr:BatchGetImage": lambda request: [_named("ecr", "repository", request["repositoryName"])],
    "ecr:GetDownloadUrlForLayer": lambda request: [
        _named("ecr", "repository", request["repositoryName"])
    ],
}
