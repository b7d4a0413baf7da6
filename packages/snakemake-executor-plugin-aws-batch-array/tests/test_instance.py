"""What a child tells of its host, and that tables of earlier versions are gone on with."""

import json
import os
from collections.abc import Iterator
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from snakemake_executor_plugin_aws_batch_array.instance import describe_host
from snakemake_executor_plugin_aws_batch_array.tables import Table, UsageRow

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html
DOCUMENT = {
    "instanceType": "m6i.xlarge",
    "instanceId": "i-0123456789abcdef0",
    "availabilityZone": "us-east-1a",
    "pendingTime": "2026-11-23T16:32:11Z",
    "region": "us-east-1",
}


class Metadata(BaseHTTPRequestHandler):
    """IMDSv2 as AWS documents it: a token first."""

    answers: ClassVar[dict[str, str]] = {}

    def do_PUT(self) -> None:
        self._answer(200, "token")

    def do_GET(self) -> None:
        has_token = self.headers["X-aws-ec2-metadata-token"] == "token"
        body = self.answers.get(self.path.removeprefix("/latest/"))
        self._answer(200 if has_token and body else 404, body or "")

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A metadata service; what it answers may be changed."""
    Metadata.answers = {
        "dynamic/instance-identity/document": json.dumps(DOCUMENT),
        "meta-data/instance-life-cycle": "spot",
    }
    with HTTPServer(("127.0.0.1", 0), Metadata) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", address)
        yield Metadata.answers
        server.shutdown()


def test_a_child_tells_where_it_runs_and_since_when_that_is_paid(metadata):
    host = describe_host()

    assert host["instance_type"] == "m6i.xlarge"
    assert host["instance_id"] == "i-0123456789abcdef0"
    assert (host["zone"], host["life_cycle"]) == ("us-east-1a", "spot")
    assert host["booted"] == "2026-11-23T16:32:11Z"
    assert host["instance_vcpus"] == os.cpu_count()
    size = os.statvfs("/")
    assert 0 <= host["disk_gib"] - size.f_blocks * size.f_frsize / 2**30 < 1


@pytest.mark.parametrize("document", ["", "{", "{}", "[]", '{"instanceId": "i-1"}'])
def test_a_host_that_tells_half_is_as_good_as_none(metadata, document):
    metadata["dynamic/instance-identity/document"] = document

    assert describe_host() == {}


def test_without_a_metadata_service_nothing_is_reported(monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")

    assert describe_host() == {}


def make_row(sample: str = "a", **cells: object) -> UsageRow:
    empty: dict[str, object] = {field.name: "" for field in fields(UsageRow)}
    return UsageRow(**(empty | {"target": f"results/receipts/{sample}.json"} | cells))  # type: ignore[arg-type]


def test_a_table_of_an_earlier_version_is_gone_on_with_in_its_own_columns(tmp_path: Path):
    path = tmp_path / "usage.tsv"
    path.write_text("sample_that_nobody_writes\tvcpus\ttarget\nx\t4\tresults/receipts/a.json\n")

    Table(path, UsageRow).append([make_row("b", vcpus=8, booted=0)])

    assert path.read_text().splitlines()[1:] == [
        "x\t4\tresults/receipts/a.json",
        "\t8\tresults/receipts/b.json",
    ]


def test_new_columns_come_after_the_earlier_ones(tmp_path: Path):
    path = tmp_path / "usage.tsv"

    Table(path, UsageRow).append([make_row()])
    Table(path, UsageRow).append([make_row()])

    header, *rows = path.read_text().splitlines()
    assert header.endswith("started\tstopped\tinstance_vcpus\tbooted\tdisk_gib\tmore_targets")
    assert len(rows) == 2
