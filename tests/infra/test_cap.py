"""The cap on vCPU hours switches the compute environments off, so that nothing more is started."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cfnlint.decode import cfn_yaml

TEMPLATE = Path(__file__).parents[2] / "infra/bactofleet.yaml"


class Cloud:
    """vCPUs that ran in the last hours by class, and environments of which some refuse."""

    def __init__(self) -> None:
        self.vcpus: dict[str, list[float]] = {}
        """Average of each period of five minutes in which anything ran."""
        self.refusing: set[str] = set()
        self.disabled: list[str] = []

    def get_metric_statistics(self, **request: Any) -> dict[str, Any]:
        assert (request["Namespace"], request["Period"]) == ("AWS/Usage", 300)
        assert request["EndTime"] - request["StartTime"] == timedelta(days=1)
        assert abs(request["EndTime"] - datetime.now(UTC)) < timedelta(minutes=1)
        kind = {item["Name"]: item["Value"] for item in request["Dimensions"]}["Class"]
        return {"Datapoints": [{"Average": value} for value in self.vcpus.get(kind, [])]}

    def update_compute_environment(self, computeEnvironment: str, state: str) -> None:  # noqa: N803
        assert state == "DISABLED"
        if computeEnvironment in self.refusing:
            raise ClientError({"Error": {"Code": "ClientException", "Message": "busy"}}, "Update")
        self.disabled.append(computeEnvironment)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    cloud = Cloud()
    monkeypatch.setattr(boto3, "client", lambda _: cloud)
    monkeypatch.setenv("ENVIRONMENTS", "spot on-demand")
    monkeypatch.setenv("VCPU_HOURS", "1000")
    return cloud


def call_function() -> None:
    """Do what Lambda does with the code in the template."""
    function = cfn_yaml.load(str(TEMPLATE))["Resources"]["CapFunction"]["Properties"]
    module: dict[str, Any] = {}
    exec(function["Code"]["ZipFile"], module)  # noqa: S102
    module["handler"]({}, None)


def test_above_the_cap_both_environments_are_disabled(cloud: Cloud) -> None:
    # 2 hours with 400 vCPUs, and 3 hours with 100.
    cloud.vcpus = {"Standard/Spot": [400.0] * 24, "Standard/OnDemand": [100.0] * 36}

    call_function()

    assert cloud.disabled == ["spot", "on-demand"]


def test_hours_without_instances_count_as_none_though_nothing_is_published(cloud: Cloud) -> None:
    # As a mean of what is published this would be 400 x 24 hours.
    cloud.vcpus = {"Standard/Spot": [400.0] * 24}

    call_function()

    assert cloud.disabled == []


def test_an_environment_that_refuses_does_not_keep_the_other_running(cloud: Cloud) -> None:
    cloud.vcpus = {"Standard/Spot": [400.0] * 288}
    cloud.refusing = {"spot"}

    with pytest.raises(RuntimeError, match=r"spot: .*busy"):
        call_function()

    assert cloud.disabled == ["on-demand"]
