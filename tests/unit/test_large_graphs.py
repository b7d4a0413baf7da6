"""What stands in for functions of Snakemake gives the same results as those, in less time."""

import asyncio
import functools
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import snakemake.api  # first, because these modules import each other
from snakemake import common, dag, jobs
from snakemake.exceptions import ChildIOException

from bactofleet.run import large_graphs


class Evaluator:
    """Something that can be called in two ways."""

    def method(self, input: object, **kwargs: object) -> None: ...

    def __call__(self, wildcards: object) -> None: ...


def mem_mb(wildcards: object, *, attempt: int = 1) -> int:
    return attempt


FUNCTIONS: list[Any] = [
    mem_mb,
    lambda wildcards, input: None,
    Evaluator().method,
    Evaluator(),
    functools.partial(mem_mb, attempt=2),
    functools.cache(mem_mb),
]


def test_the_release_in_use_was_compared() -> None:
    assert snakemake.__version__ in large_graphs.COMPARED


@pytest.mark.parametrize("function", FUNCTIONS)
def test_parameters_of_functions(function: Callable[..., object]) -> None:
    for _ in range(2):
        assert dict(large_graphs.get_function_params(function)) == dict(
            common.get_function_params(function)
        )


def test_a_function_is_inspected_once(monkeypatch: pytest.MonkeyPatch) -> None:
    large_graphs.get_function_params(Evaluator().method)
    monkeypatch.delattr(inspect, "signature")

    assert "input" in large_graphs.get_function_params(Evaluator().method)


@functools.total_ordering
class Job:
    """A job that makes outputs."""

    def __init__(self, number: int, output: list[str]) -> None:
        self.number, self.output = number, output

    def __lt__(self, other: "Job") -> bool:
        return self.number < other.number


@pytest.mark.parametrize("check", [large_graphs, dag.DAG])
@pytest.mark.parametrize(
    ("outputs", "is_refused"),
    [
        ([["a"], ["a/b"]], True),
        ([["a/b/c"], ["a.b"], ["a"]], True),
        ([["a"], ["./a//b"]], True),
        ([["a/"], ["a/b"]], True),
        ([["a"], ["HERE/a/b"]], True),
        ([["a", "a/b"]], False),
        ([["a"], ["ab"], ["a.b"], ["a b"]], False),
        ([["a/b"], ["a/c"], ["b"]], False),
        ([["a/../c"], ["c/d"]], False),
        ([["a"], ["a"]], False),
    ],
)
def test_outputs_inside_of_those_of_other_jobs(
    check: Any, outputs: list[list[str]], *, is_refused: bool
) -> None:
    made = [[path.replace("HERE", str(Path.cwd())) for path in paths] for paths in outputs]
    graph = SimpleNamespace(jobs=[Job(number, paths) for number, paths in enumerate(made)])
    try:
        check.check_directory_outputs(graph)
    except ChildIOException as error:
        assert is_refused, error
    else:
        assert not is_refused


@pytest.mark.parametrize("get", [large_graphs.get_output_mintime, jobs.Job.output_mintime.fget])
@pytest.mark.parametrize(
    ("output", "benchmark", "expected"),
    [
        ([5.0, None, 3.0], None, 3.0),
        ([5.0], 2.0, 2.0),
        ([None, None], 4.0, 4.0),
        ([None], None, None),
        ([], None, None),
    ],
)
def test_time_of_the_oldest_output(
    get: Any, output: list[float | None], benchmark: float | None, expected: float | None
) -> None:
    job = SimpleNamespace(
        output=[make_file(time) for time in output],
        benchmark=None if benchmark is None else make_file(benchmark),
    )

    assert asyncio.run(get(job)) == expected


def make_file(time: float | None) -> Any:
    async def exists() -> bool:
        return time is not None

    async def mtime() -> object:
        return SimpleNamespace(local_or_storage=lambda: time)

    return SimpleNamespace(exists=exists, mtime=mtime, is_storage=False)


WORKFLOW = """
from bactofleet.run.large_graphs import hasten
if config["hasten"]:
    hasten(workflow)
rule all:
    input: expand("{n}/whole", n=range(3))
rule part:
    output: temp(directory("{n}/part"))
    log: "{n}.log"
    params: n=lambda wildcards: wildcards.n
    resources: mem_mb=lambda wildcards, attempt: 100 * attempt
    shell: "mkdir {output} && echo {params.n} {resources.mem_mb} > {output}/text"
rule whole:
    input: "{n}/part"
    output: "{n}/whole"
    shell: "cat {input}/text > {output}"
"""


def test_a_workflow_runs_the_same_with_and_without(tmp_path: Path) -> None:
    made = {}
    for hasten in (0, 1):
        folder = tmp_path / str(hasten)
        folder.mkdir()
        (folder / "Snakefile").write_text(WORKFLOW)
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "rules"]
        subprocess.run([*command, "--config", f"hasten={hasten}"], cwd=folder, check=True)
        files = (path for path in folder.rglob("*") if ".snakemake" not in path.parts)
        made[hasten] = {
            str(path.relative_to(folder)): path.read_text() for path in files if path.is_file()
        }
    assert made[0] == made[1]
    assert made[1]["2/whole"] == "2 100\n"
