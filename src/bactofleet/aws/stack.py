"""A CloudFormation stack: propose changes, execute them, and report their progress.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from bactofleet.core.errors import ConfigurationError

POLL_S = 5.0
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
# A stack that was never created; only its name is in use.
UNMADE = "REVIEW_IN_PROGRESS"


@dataclass(frozen=True)
class ChangeSet:
    """Changes that an update would make to a stack."""

    arn: str
    is_first: bool
    """Whether it creates the stack."""
    lines: list[str]
    """The changes as text."""


class Stack:
    """A stack, identified by its name."""

    def __init__(self, client: Any, name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.name = name
        self._client = client
        self._sleep = sleep

    def describe(self, identity: str | None = None) -> dict[str, Any] | None:
        """Return the description of the stack, by name or the given ARN; None if there is none."""
        try:
            stacks = self._client.describe_stacks(StackName=identity or self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if stacks[0]["StackStatus"] == UNMADE else dict(stacks[0])

    def outputs(self) -> dict[str, str]:
        """Return the outputs by name.

        Raises `ConfigurationError` if there is no such stack.
        """
        stack = self.describe()
        if stack is None:
            raise ConfigurationError(
                [
                    f"there is no stack {self.name!r} in this account and region; "
                    f"`bactofleet aws deploy --stack {self.name}` makes it"
                ]
            )
        return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}

    def resource_ids(self, name: str) -> set[str]:
        """Return the physical IDs of the resource with this name in the template."""
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {
            str(item.get("PhysicalResourceId"))
            for page in pages
            for item in page["StackResourceSummaries"]
            if item["LogicalResourceId"] == name
        }

    def parameter_names(self, template: str) -> set[str]:
        """Return the names of a template's parameters."""
        summary = self._client.get_template_summary(TemplateBody=template)
        return {parameter["ParameterKey"] for parameter in summary["Parameters"]}

    def propose(self, template: str, parameters: dict[str, str]) -> ChangeSet | None:
        """Create a change set, which changes nothing yet; return None if nothing would change.

        Parameters that are not given keep their values.
        """
        stack = self.describe()
        if stack and stack["StackStatus"] == "ROLLBACK_COMPLETE":
            raise ConfigurationError(
                [
                    f"making stack {self.name} failed before, and only its name is left; "
                    f"`bactofleet aws destroy --stack {self.name}` removes it"
                ]
            )
        kept = {item["ParameterKey"] for item in stack["Parameters"]} if stack else set()
        kept &= self.parameter_names(template) - parameters.keys()
        arn = self._client.create_change_set(
            StackName=self.name,
            ChangeSetName=datetime.now(UTC).strftime("bactofleet-%Y%m%dT%H%M%S"),
            ChangeSetType="UPDATE" if stack else "CREATE",
            TemplateBody=template,
            Parameters=[
                *({"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()),
                *({"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)),
            ],
            Capabilities=["CAPABILITY_IAM"],
            Tags=[{"Key": "bactofleet", "Value": self.name}],
        )["Id"]
        lines = self._wait_for_changes(arn)
        return None if lines is None else ChangeSet(arn, stack is None, lines)

    def _wait_for_changes(self, arn: str) -> list[str] | None:
        while (answer := self._client.describe_change_set(ChangeSetName=arn))["Status"] in (
            "CREATE_PENDING",
            "CREATE_IN_PROGRESS",
        ):
            self._sleep(POLL_S)
        if answer["Status"] == "CREATE_COMPLETE":
            pages = self._client.get_paginator("describe_change_set").paginate(ChangeSetName=arn)
            return [_change_line(change) for page in pages for change in page["Changes"]]
        self._client.delete_change_set(ChangeSetName=arn)
        reason = str(answer.get("StatusReason", ""))
        if any(words in reason for words in NO_CHANGES):
            return None
        raise ConfigurationError([f"CloudFormation does not take the template: {reason}"])

    def discard(self, change_set: ChangeSet) -> None:
        """Delete a change set, and the name of a stack that was never created."""
        self._client.delete_change_set(ChangeSetName=change_set.arn)
        if change_set.is_first:
            self._client.delete_stack(StackName=self.name)

    def execute(self, change_set: ChangeSet, say: Callable[[str], None]) -> None:
        """Make the changes and wait until they end; report events to `say`."""
        self._follow(lambda: self._client.execute_change_set(ChangeSetName=change_set.arn), say)

    def delete(self, say: Callable[[str], None]) -> None:
        """Delete the stack and wait until it is gone; report events to `say`."""
        self._follow(lambda: self._client.delete_stack(StackName=self.name), say)

    def _follow(self, begin: Callable[[], Any], say: Callable[[str], None]) -> None:
        """Start an operation and wait until it ends.

        Raises `ConfigurationError` with the reasons of the resources that failed.
        """
        arn = self._client.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
        seen = {event["EventId"] for event in self._iter_events(arn)}
        begin()
        failures: list[str] = []
        while True:
            status = self._client.describe_stacks(StackName=arn)["Stacks"][0]["StackStatus"]
            for event in reversed([e for e in self._iter_events(arn) if e["EventId"] not in seen]):
                seen.add(event["EventId"])
                say(_event_line(event))
                failures += _failure(event)
            if not status.endswith("_IN_PROGRESS"):
                break
            self._sleep(POLL_S)
        if "ROLLBACK" in status or status.endswith("_FAILED"):
            raise ConfigurationError([f"stack {self.name} ended as {status}:", *failures])

    def _iter_events(self, arn: str) -> Iterator[dict[str, Any]]:
        """Yield the events of the stack, newest first."""
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=arn)
        for page in pages:
            yield from page["StackEvents"]


def _change_line(change: dict[str, Any]) -> str:
    resource = change["ResourceChange"]
    line = f"{resource['Action']:<8}{resource['ResourceType']:<46}{resource['LogicalResourceId']}"
    replaced = resource.get("Replacement") in ("True", "Conditional")
    return f"{line}  (may be replaced)" if replaced else line


def _event_line(event: dict[str, Any]) -> str:
    when = event["Timestamp"].strftime("%H:%M:%S")
    return f"{when}  {event['ResourceStatus']:<28}{event['LogicalResourceId']}"


def _failure(event: dict[str, Any]) -> list[str]:
    """Return why a resource failed; empty if it did not, or was cancelled after another failed."""
    reason = str(event.get("ResourceStatusReason", ""))
    if not event["ResourceStatus"].endswith("_FAILED") or "cancelled" in reason:
        return []
    return [f"  {event['LogicalResourceId']} ({event.get('ResourceType')}): {reason}"]
