"""What moto's CloudFormation lacks: change sets by parameters, and the life of Batch's resources.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
and https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-batch-computeenvironment.html
moto 5.2.5 shows no changes that come from parameters, refuses a change set without changes at once,
forgets parameters and outputs when one is executed, updates resources whose condition is false,
keeps a role's policies as Python prints them, asks for a service role of Batch, and neither updates
nor deletes environments and queues.
"""

import json
from typing import Any

from moto.batch.models import BatchBackend, ComputeEnvironment, JobQueue, batch_backends
from moto.batch.utils import lowercase_first_key
from moto.cloudformation import parsing
from moto.cloudformation.models import Change, ChangeSet, Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.iam.models import Role, iam_backends

SERVICE = "batch.amazonaws.com"
SERVICE_PATH = f"/aws-service-role/{SERVICE}/"

_apply = ChangeSet.apply
_update_resource = parsing.parse_and_update_resource
_put_policy = Role.put_policy
_create_environment = ComputeEnvironment.create_from_cloudformation_json


def install() -> None:
    """Give moto's classes what they lack."""
    CloudFormationResponse._validate_different_update = lambda *_: None
    Stack.has_parameters = has_parameters
    ChangeSet.diff = diff
    ChangeSet.apply = apply
    parsing.parse_and_update_resource = update_resource
    Role.put_policy = put_policy
    ComputeEnvironment.create_from_cloudformation_json = classmethod(create_environment)
    ComputeEnvironment.update_from_cloudformation_json = classmethod(update_environment)
    ComputeEnvironment.delete = delete_environment
    JobQueue.update_from_cloudformation_json = classmethod(update_queue)
    JobQueue.delete = delete_queue


def as_text(value: object) -> str:
    """A parameter as it is given; lists are separated by commas."""
    return ",".join(value) if isinstance(value, list) else str(value)


def has_parameters(self: Stack, others: dict[str, Any]) -> bool:
    """Whether these are the stack's parameters already."""
    return all(as_text(self.stack_parameters[name]) == as_text(others[name]) for name in others)


def diff(self: ChangeSet) -> list[Change]:
    """The changes, also those that come from other parameters only."""
    self.parameters = {name: as_text(value) for name, value in self.parameters.items()}
    names = self.stack.resource_map.build_resource_diff(self.template_dict, self.parameters)
    resources = self.stack.resource_map._resource_json_map | self.template_dict["Resources"]
    return [
        Change(action, name, resources[name]["Type"]) for action in names for name in names[action]
    ]


def apply(self: ChangeSet) -> None:
    """Make the changes, then read outputs and parameters from the new template."""
    _apply(self)
    self.stack.template = self.template
    self.stack.parameters = self.parameters
    self.stack._parse_template()
    self.stack.output_map = self.stack._create_output_map()


def update_resource(
    logical_id: str, resource: dict[str, Any], resources: parsing.ResourceMap, **where: str
) -> object:
    """Update a resource, unless its condition says that there is none."""
    condition = resource.get("Condition")
    if condition and not resources.lazy_condition_map[condition]:
        return None
    return _update_resource(logical_id, resource, resources, **where)


def put_policy(self: Role, name: str, policy: str | dict[str, Any]) -> None:
    """Keep a policy as JSON."""
    _put_policy(self, name, policy if isinstance(policy, str) else json.dumps(policy))


def create_environment(
    cls: type, name: str, template: dict[str, Any], account_id: str, region_name: str, **extra: Any
) -> ComputeEnvironment:
    """Take the service-linked role, which Batch makes when there is none."""
    iam = iam_backends[account_id]["aws"]
    present = [role for role in iam.roles.values() if role.path == SERVICE_PATH]
    role = present[0] if present else iam.create_service_linked_role(SERVICE, "", "")
    template["Properties"].setdefault("ServiceRole", role.arn)
    return _create_environment(name, template, account_id, region_name, **extra)


def update_environment(
    cls: type,
    original_resource: ComputeEnvironment,
    new_resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
) -> ComputeEnvironment:
    """Change the instances in place, as `ReplaceComputeEnvironment: false` says."""
    changed = lowercase_first_key(cloudformation_json["Properties"]["ComputeResources"])
    original_resource.compute_resources.update(changed)
    return original_resource


def update_queue(
    cls: type,
    original_resource: JobQueue,
    new_resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
) -> JobQueue:
    """Nothing of a queue can be changed by a parameter."""
    return original_resource


def delete_environment(self: ComputeEnvironment, account_id: str, region_name: str) -> None:
    """Batch deletes an environment that no queue uses."""
    backend: BatchBackend = batch_backends[account_id][region_name]
    backend.update_compute_environment(self.name, "DISABLED", None, None)
    backend.delete_compute_environment(self.name)


def delete_queue(self: JobQueue, account_id: str, region_name: str) -> None:
    """Batch deletes a queue that is disabled."""
    backend: BatchBackend = batch_backends[account_id][region_name]
    backend.update_job_queue(self.name, None, "DISABLED", None, None)
    backend.delete_job_queue(self.name)
