"""A stack is followed to its end, and what failed is told with CloudFormation's own reason."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoRegionError

from bactofleet.aws.faults import explain, translated
from bactofleet.aws.stack import ChangeSet, Stack
from bactofleet.core.errors import ConfigurationError

CHANGE_SET = ChangeSet("arn:change-set", is_first=True, lines=[])


def event(number: int, status: str, name: str, reason: str = "") -> dict[str, Any]:
    return {
        "EventId": str(number),
        "Timestamp": datetime(2026, 1, 1, 12, 0, number, tzinfo=UTC),
        "LogicalResourceId": name,
        "ResourceType": "AWS::Batch::JobQueue",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


class FakeCloudFormation:
    """A stack whose states and events come one after the other."""

    def __init__(self, statuses: list[str], events: list[list[dict[str, Any]]]) -> None:
        self._statuses, self._events = iter(statuses), iter(events)
        self.change_sets: Iterator[dict[str, Any]] = iter(())
        self.calls: list[str] = []
        self.status = "CREATE_IN_PROGRESS"

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        status = self.status if StackName == "fleet" else next(self._statuses)
        return {"Stacks": [{"StackId": "arn:fleet", "StackStatus": status, "Parameters": []}]}

    def describe_change_set(self, ChangeSetName: str) -> dict[str, Any]:  # noqa: N803
        return next(self.change_sets)

    def get_template_summary(self, TemplateBody: str) -> dict[str, Any]:  # noqa: N803
        return {"Parameters": []}

    def get_paginator(self, name: str) -> Any:
        pages = [{"StackEvents": next(self._events, [])}]
        return SimpleNamespace(paginate=lambda **_: pages)

    def create_change_set(self, **request: Any) -> dict[str, str]:
        return {"Id": "arn:change-set"}

    def __getattr__(self, name: str) -> Any:
        return lambda **_: self.calls.append(name)


def follow(client: FakeCloudFormation) -> list[str]:
    """Execute a change set; return what was said."""
    said: list[str] = []
    Stack(client, "fleet", sleep=lambda _: None).execute(CHANGE_SET, said.append)
    return said


def test_events_are_reported_once_and_in_their_order() -> None:
    first, second = event(1, "CREATE_IN_PROGRESS", "Queue"), event(2, "CREATE_COMPLETE", "Queue")
    client = FakeCloudFormation(
        ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"], [[], [first], [second, first]]
    )

    said = follow(client)

    assert client.calls == ["execute_change_set"]
    assert [line.split() for line in said] == [
        ["12:00:01", "CREATE_IN_PROGRESS", "Queue"],
        ["12:00:02", "CREATE_COMPLETE", "Queue"],
    ]


def test_a_failure_names_the_resource_that_failed_by_itself() -> None:
    cancelled = event(2, "CREATE_FAILED", "Bucket", "Resource creation cancelled")
    failed = event(1, "CREATE_FAILED", "Queue", "the name is taken")
    client = FakeCloudFormation(["ROLLBACK_COMPLETE"], [[], [cancelled, failed]])

    with pytest.raises(ConfigurationError) as caught:
        follow(client)

    assert caught.value.problems == [
        "stack fleet ended as ROLLBACK_COMPLETE:",
        "  Queue (AWS::Batch::JobQueue): the name is taken",
    ]


def test_a_template_that_is_refused_leaves_no_change_set() -> None:
    client = FakeCloudFormation([], [])
    client.change_sets = iter(
        [{"Status": "CREATE_PENDING"}, {"Status": "FAILED", "StatusReason": "no such type"}]
    )

    with pytest.raises(ConfigurationError, match="does not take the template: no such type"):
        Stack(client, "fleet", sleep=lambda _: None).propose("", {})

    assert client.calls == ["delete_change_set"]


def test_of_a_stack_that_was_never_complete_it_is_said_how_to_remove_it() -> None:
    client = FakeCloudFormation([], [])
    client.status = "ROLLBACK_COMPLETE"

    with pytest.raises(ConfigurationError, match="aws destroy --stack fleet` removes it"):
        Stack(client, "fleet").propose("", {})


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        (NoRegionError(), "no AWS region is chosen", "--region"),
        (
            EndpointConnectionError(endpoint_url="https://batch.nowhere"),
            "https://batch.nowhere",
            "the region's name",
        ),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "iam:CreateRole"}}, "X"),
            "permission denied: ",
            "ask for this permission",
        ),
    ],
)
def test_what_aws_refuses_is_reported_with_what_mends_it(
    error: Exception, message: str, remedy: str
) -> None:
    fault = explain(error)

    assert message in fault.message
    assert remedy in fault.remedy


def test_a_refusal_ends_a_command_without_a_traceback() -> None:
    with (
        pytest.raises(ConfigurationError, match="AWS: no AWS region is chosen; give"),
        translated(),
    ):
        raise NoRegionError
