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
from snakemake.iocontainers import ResourceList
from snakemake.resources import Resource

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
from bactofleet.run.large_graphs import hasten, same_for_all_genomes
if config["hasten"]:
    hasten(workflow)
@same_for_all_genomes
def mem_mb(wildcards, attempt):
    return 100 * attempt
rule all:
    input: expand("{n}/whole", n=range(3))
rule part:
    output: temp(directory("{n}/part"))
    log: "{n}.log"
    params: n=lambda wildcards: wildcards.n
    resources: mem_mb=lambda wildcards, attempt: 10 * int(wildcards.n) * attempt
    shell: "mkdir {output} && echo {params.n} {resources.mem_mb} > {output}/text"
rule whole:
    input: "{n}/part"
    output: "{n}/whole"
    resources: mem_mb=mem_mb, tmpdir="tmp"
    retries: 1
    shell:
        "(cat {input}/text; echo {resources.mem_mb} {resources.mem} {threads}) > {output} && "
        "test {resources.mem_mb} = 200"
"""


def test_a_workflow_runs_the_same_with_and_without(tmp_path: Path) -> None:
    made = {}
    for hasten in (0, 1):
        run(tmp_path / str(hasten), hasten)
        files = (path for path in tmp_path.rglob(f"{hasten}/?/**/*") if path.is_file())
        made[hasten] = {path.parts[-2:]: path.read_text() for path in files}
    assert made[0] == made[1]
    assert made[1] == {(n, "whole"): f"{n} {10 * int(n)}\n200 200 MB 1\n" for n in "012"}


def test_a_dry_run_prints_the_same_with_and_without(tmp_path: Path) -> None:
    printed = [
        run(tmp_path / str(hasten), hasten, "--dry-run", "--nocolor").partition("Building DAG")[2]
        for hasten in (0, 1)
    ]

    assert printed[0] == printed[1]
    assert "input files updated by another job" in printed[1]


def run(folder: Path, hasten: int, *arguments: str) -> str:
    folder.mkdir()
    (folder / "Snakefile").write_text(WORKFLOW)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "rules", *arguments]
    config = ["--config", f"hasten={hasten}"]
    return subprocess.run(
        [*command, *config],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ).stdout


class Rule:
    """A rule as far as its resources are asked for, which counts how often they are computed."""

    def __init__(self, function: Callable[..., int]) -> None:
        self.resources = {"mem_mb": Resource("mem_mb", function)}
        self.computed: list[int] = []

    def expand(self, wildcards: object, input_: object, attempt: int, *_: object) -> ResourceList:
        self.computed.append(attempt)
        return ResourceList(fromdict={"mem_mb": attempt})


@pytest.mark.parametrize("is_marked", [True, False])
def test_resources_that_all_jobs_share_are_computed_once_an_attempt(
    monkeypatch: pytest.MonkeyPatch, *, is_marked: bool
) -> None:
    monkeypatch.setattr(large_graphs, "_expand_resources", Rule.expand)

    def double(wildcards: object, attempt: int) -> int:
        return 2 * attempt

    rule = Rule(large_graphs.same_for_all_genomes(double) if is_marked else double)
    found = [
        large_graphs.expand_resources(rule, {"sample": sample}, [], attempt)
        for sample in "ab"
        for attempt in (1, 2)
    ]

    assert [dict(resources.items()) for resources in found] == [{"mem_mb": 1}, {"mem_mb": 2}] * 2
    assert rule.computed == ([1, 2] if is_marked else [1, 2, 1, 2])
    assert found[0] is not found[2]
