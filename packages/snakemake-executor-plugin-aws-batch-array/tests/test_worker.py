"""How an attempt ends, and which paths and sizes a job may have."""

import shlex
from pathlib import Path

import pytest
from snakemake_interface_common.exceptions import WorkflowError

from snakemake_executor_plugin_aws_batch_array import exit_codes
from snakemake_executor_plugin_aws_batch_array.logs import get_log_url
from snakemake_executor_plugin_aws_batch_array.requirements import (
    Platform,
    Requirements,
    get_requirements,
)


@pytest.fixture
def code_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file for the exit code, and no kernel that counts."""
    monkeypatch.setattr(exit_codes, "_MEMORY_EVENTS", [tmp_path / "memory.events"])
    return tmp_path / "exit-code"


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        ("75", (75, "")),
        ("137\nassembly: killed at 14 GB\n", (137, "assembly: killed at 14 GB")),
        ("132\none\ntwo", (132, "one")),
        ("", (1, "")),
        ("0", (1, "")),
        ("256", (1, "")),
        ("not a number", (1, "")),
    ],
)
def test_the_code_that_a_rule_left_is_that_of_the_attempt(code_file, content, ending):
    code_file.write_text(content)

    assert exit_codes.get_exit_status(1, code_file) == ending


def test_without_a_code_a_process_killed_for_memory_is_reported(code_file, tmp_path):
    (tmp_path / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")

    assert exit_codes.get_exit_status(1, code_file).code == 137


def test_without_any_sign_the_code_is_that_of_snakemake(code_file, tmp_path):
    (tmp_path / "memory.events").write_text("low 0\noom 0\noom_kill 0\n")

    assert exit_codes.get_exit_status(3, code_file) == (3, "")


class FakeJob:
    """A job with resources."""

    name = "assembly"

    def __init__(self, **resources: int) -> None:
        self.resources = resources


def test_the_default_memory_leaves_room_for_the_agent_on_a_host_of_16_gib():
    assert get_requirements(FakeJob(_cores=4), Platform.EC2) == Requirements(4, 14336)


def test_ec2_gets_what_was_asked_for():
    job = FakeJob(_cores=3, mem_mb=5000, gpu=1)

    assert get_requirements(job, Platform.EC2).to_batch() == [
        {"type": "VCPU", "value": "3"},
        {"type": "MEMORY", "value": "5000"},
        {"type": "GPU", "value": "1"},
    ]


def test_a_container_has_room_for_snakemake_itself():
    assert get_requirements(FakeJob(mem_mb=100), Platform.EC2) == Requirements(1, 512)


@pytest.mark.parametrize(
    ("asked", "given"), [((3, 5000), (4, 8192)), ((1, 100), (1, 2048)), ((4, 30720), (4, 30720))]
)
def test_fargate_gets_the_next_size_that_exists(asked, given):
    job = FakeJob(_cores=asked[0], mem_mb=asked[1])

    assert get_requirements(job, Platform.FARGATE) == Requirements(*given)


def test_what_fargate_does_not_have_is_refused():
    with pytest.raises(WorkflowError, match="at most 16 vCPUs"):
        get_requirements(FakeJob(_cores=32, mem_mb=1000), Platform.FARGATE)


def test_the_link_to_a_log_is_encoded_twice():
    url = get_log_url("us-east-1", "run/default/abc")

    assert url.endswith("log-group/$252Faws$252Fbatch$252Fjob/log-events/run$252Fdefault$252Fabc")
    assert shlex.quote(url) == f"'{url}'"
