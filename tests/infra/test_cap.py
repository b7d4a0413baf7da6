"""The cap on vCPU hours switches the compute environments off, so that nothing more is started."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from emulator.client import EmulatedAWS

TEMPLATE = Path(__file__).parents[2] / "infra/bactofleet.yaml"


@pytest.fixture
def batch(account: EmulatedAWS, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Batch, for whoever reads the environment."""
    for name, value in account.environment.items():
        monkeypatch.setenv(name, value)
    return boto3.client("batch")


def test_the_function_of_the_cap_disables_both_environments(
    batch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = cfn_yaml.load(str(TEMPLATE))["Resources"]["CapFunction"]["Properties"]
    names = ["spot", "on-demand"]
    monkeypatch.setenv("ENVIRONMENTS", " ".join(names))
    module: dict[str, Any] = {}
    exec(function["Code"]["ZipFile"], module)  # noqa: S102 - what Lambda does with it

    module["handler"]({}, None)

    found = batch.describe_compute_environments(computeEnvironments=names)
    assert {item["state"] for item in found["computeEnvironments"]} == {"DISABLED"}


def test_the_alarm_counts_the_vcpu_hours_of_a_day() -> None:
    alarm = cfn_yaml.load(str(TEMPLATE))["Resources"]["CapAlarm"]["Properties"]
    hours, *classes = alarm["Metrics"]

    assert hours["Expression"] == "24 * (FILL(spot, 0) + FILL(ondemand, 0))"
    assert {m["Id"]: m["MetricStat"]["Period"] for m in classes} == {
        "spot": 24 * 3600,
        "ondemand": 24 * 3600,
    }
