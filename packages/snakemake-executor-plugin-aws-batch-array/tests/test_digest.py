"""The key of a task: equal for what gives equal results, whichever process asks."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from snakemake_executor_plugin_aws_batch_array.digest import get_digest, get_task_key


def make_member(rule: str = "assembly", **changes: Any) -> Any:
    values = {
        "wildcards_dict": {"sample": "alpha"},
        "non_derived_params": [31, {"a", "b"}],
        "input": ["reads.fq"],
        "output": ["contigs.fa"],
        **changes,
    }
    return SimpleNamespace(rule=SimpleNamespace(name=rule), **values)


def get_key(*members: Any, inputs: dict[str, str] | None = None, code: str = "code") -> str:
    return get_task_key(members, inputs or {}, code)


@pytest.mark.parametrize(
    "changes",
    [
        {"rule": "other"},
        {"wildcards_dict": {"sample": "beta"}},
        {"non_derived_params": [33, {"a", "b"}]},
        {"input": ["other.fq"]},
        {"output": ["other.fa"]},
    ],
)
def test_another_rule_parameter_or_file_is_another_task(changes: dict[str, Any]) -> None:
    assert get_key(make_member(**changes)) != get_key(make_member())


def test_other_code_or_other_content_of_an_input_is_another_task() -> None:
    assert get_key(make_member(), code="other") != get_key(make_member())
    assert get_key(make_member(), inputs={"a": "1"}) != get_key(make_member(), inputs={"a": "2"})


def test_the_order_of_a_groups_members_tells_nothing() -> None:
    one, other = make_member(), make_member("annotation")

    assert get_key(one, other) == get_key(other, one)


def test_the_address_of_an_object_tells_nothing() -> None:
    one, other = (make_member(non_derived_params=[object()]) for _ in range(2))

    assert get_key(one) == get_key(other)


def test_the_order_of_a_set_tells_nothing_whichever_process_writes_it() -> None:
    names = {f"name{n}" for n in range(50)}
    module = get_digest.__module__
    script = f"from {module} import get_digest; print(get_digest({names!r}))"

    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert digests == {get_digest(names)}
