"""What the doctor asks of AWS is read as AWS answers it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bactofleet.doctor.account import Account
from bactofleet.doctor.findings import Check, Finding, guarded

INDEX = "application/vnd.oci.image.index.v1+json"


def image(manifest: dict[str, Any], url: str = "") -> Account:
    """An account whose repository answers with this manifest, and this address of a layer."""
    repository = SimpleNamespace(
        batch_get_image=lambda **_: {"images": [{"imageManifest": json.dumps(manifest)}]},
        get_download_url_for_layer=lambda **_: {"downloadUrl": url},
    )
    return Account(SimpleNamespace(client=lambda name: repository))


@contextmanager
def emulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    with mock_aws():
        yield boto3.Session(region_name="us-east-1")


def test_a_list_of_images_names_its_architectures_without_attestations() -> None:
    names = ("amd64", "arm64", "unknown")
    manifests = [{"platform": {"architecture": name, "os": "linux"}} for name in names]

    account = image({"mediaType": INDEX, "manifests": manifests})

    assert account.image_architectures("fleet", "1") == {"amd64", "arm64"}


def test_an_image_of_one_architecture_names_it_in_its_configuration(tmp_path: Path) -> None:
    configuration = tmp_path / "layer.json"
    configuration.write_text('{"architecture": "arm64", "os": "linux"}')

    account = image({"config": {"digest": "sha256:0"}}, configuration.as_uri())

    assert account.image_architectures("fleet", "1") == {"arm64"}


@pytest.mark.parametrize("answer", ["<html>Bad gateway</html>", "", "[]", None])
def test_an_answer_of_another_form_is_a_finding_of_its_check(
    tmp_path: Path, answer: str | None
) -> None:
    layer = tmp_path / "layer.json"
    if answer is not None:
        layer.write_text(answer)
    account = image({"config": {"digest": "sha256:0"}}, layer.as_uri())

    def refused(check: Check) -> Iterator[Finding]:
        yield check.ok(str(account.image_architectures("fleet", "1")))

    (finding,) = guarded(Check("image"), refused)

    assert (finding.check, finding.level) == ("image", "error")
    assert "AWS's answer does not have the documented form" in finding.message


@pytest.mark.parametrize("names", [("c7i.xlarge",), ("c7i",)])
def test_types_and_families_are_described(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    with emulated(monkeypatch) as session:
        types = {kind.name: kind for kind in Account(session)._types(names)}

    xlarge = types["c7i.xlarge"]
    assert (xlarge.vcpus, xlarge.memory_mib, xlarge.architectures) == (4, 8192, {"x86_64"})


def test_looking_whether_a_bucket_is_writable_writes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with emulated(monkeypatch) as session:
        s3 = session.client("s3")
        s3.create_bucket(Bucket="genomes")

        assert Account(session).can_write("genomes")
        assert s3.list_objects_v2(Bucket="genomes")["KeyCount"] == 0


def test_a_bucket_that_nobody_has_is_in_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    with emulated(monkeypatch) as session:
        assert Account(session).bucket_region("nobody-has-it") is None
