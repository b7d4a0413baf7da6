"""`bactofleet doctor` looks at a stack as it stands, with the rights of the controller."""

import json
import time
from collections import Counter

import pytest
from infra.fleet import Fleet

NOBODY = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_CONFIG_FILE": "/dev/null",
}


@pytest.fixture
def controller(fleet: Fleet) -> dict[str, str]:
    """Variables of a session of the controller's role."""
    return fleet.assume(fleet.outputs["ControllerRole"])


def test_a_stack_that_was_deployed_has_no_errors(fleet: Fleet, controller: dict[str, str]) -> None:
    fleet.push_list_of_images("2", "amd64", "arm64")

    seen = fleet.doctor(controller)

    assert seen.returncode == 0, seen.stdout
    levels = Counter(line.split()[0] for line in seen.stdout.splitlines())
    # Two quotas, which the emulation does not tell.
    assert levels["warning"] == 2
    assert "ok      queue fleet: accepts jobs, and has instances with 4 vCPUs" in seen.stdout
    assert "ok      queue fleet-controllers: accepts the controllers of" in seen.stdout
    assert "ok      disk: instances have 60 GiB" in seen.stdout


def test_the_doctor_changes_nothing(fleet: Fleet, controller: dict[str, str]) -> None:
    fleet.push_list_of_images("3", "amd64")
    before = fleet.get_keys()

    fleet.doctor(controller)

    asked = [
        request["operation"]
        for request in fleet.account.requests()
        if request["caller"] == controller["AWS_ACCESS_KEY_ID"]
    ]
    assert {
        name for name in asked if not name.startswith(("Get", "Describe", "Head", "BatchGet"))
    } == {"PutObject"}
    assert fleet.get_keys() == before


def test_an_image_of_another_architecture_is_reported(
    fleet: Fleet, controller: dict[str, str]
) -> None:
    fleet.push_list_of_images("4", "arm64")

    seen = fleet.doctor(controller)

    assert seen.returncode == 1
    assert "fleet:4 is built for arm64, but the instances are amd64" in seen.stdout


def test_somebody_without_an_account_is_told_to_log_in(fleet: Fleet) -> None:
    seen = fleet.doctor(NOBODY)

    assert seen.returncode == 1
    assert (
        "error   credentials: there are no AWS credentials; log in: `aws sso login`" in seen.stdout
    )
    assert "Traceback" not in seen.stderr


def test_somebody_whose_token_has_expired_is_told_to_renew_it(fleet: Fleet) -> None:
    late = fleet.assume(fleet.outputs["ControllerRole"], seconds=1)
    time.sleep(1.1)

    seen = fleet.doctor(late)

    assert seen.returncode == 1
    assert "error   credentials: the session token has expired; renew it: `aws sso" in seen.stdout
    assert "queue" not in seen.stdout


def test_a_bucket_that_others_own_is_reported(fleet: Fleet, controller: dict[str, str]) -> None:
    fleet.push_list_of_images("5", "amd64")
    others = {"SNAKEMAKE_AWS_BATCH_ARRAY_BUCKET": fleet.account.bucket}

    seen = fleet.doctor(controller | others)

    assert f"no permission to write to s3://{fleet.account.bucket}/snakemake/runs/" in seen.stdout


def test_the_wrong_region_is_reported(fleet: Fleet, controller: dict[str, str]) -> None:
    fleet.push_list_of_images("6", "amd64")

    seen = fleet.doctor(controller | {"SNAKEMAKE_AWS_BATCH_ARRAY_REGION": "eu-west-1"})

    bucket = fleet.outputs["Bucket"]
    assert f"bucket {bucket} is in us-east-1, the settings say eu-west-1" in seen.stdout
    assert "there is no such queue in this account and region" in seen.stdout


def test_findings_are_json_when_asked_for(fleet: Fleet) -> None:
    fleet.doctor(NOBODY)

    seen = fleet.run(
        "bactofleet", "doctor", "--json", variables=NOBODY, folder=fleet.folder / "project"
    )

    levels = {item["check"]: item["level"] for item in json.loads(seen.stdout)}
    assert levels["samples"] == "ok"
    assert levels["credentials"] == "error"
