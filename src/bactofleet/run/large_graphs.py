"""Snakemake's work for each job of a graph, done in less time: a cohort has 335,000 jobs.

Each function here gives the same result as the one of Snakemake that it stands in for, and does so
for the releases that it was compared with (tests/unit/test_large_graphs.py). docs/upstream has
most of the changes as a patch for Snakemake.
"""

from __future__ import annotations

import gc
import inspect
import os
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import snakemake.api  # first, because these modules import each other
from snakemake import common, dag, jobs, rules
from snakemake.exceptions import ChildIOException
from snakemake.iocontainers import ResourceList
from snakemake.scheduling.job_scheduler import JobScheduler

from snakemake_executor_plugin_aws_batch_array import api

COMPARED = ("9.27.1",)
GARBAGE_THRESHOLDS = (50_000, 20, 20)
"""A graph is millions of objects that all stay; to look through them takes a sixth of the time."""
_output_mintime = jobs.Job.output_mintime
_expand_resources = rules.Rule.expand_resources
_schedule = JobScheduler.schedule


def hasten(workflow: Any) -> None:
    """Let Snakemake use the functions of this module in this process, if it is of that release."""
    if snakemake.__version__ not in COMPARED:
        return
    for module in (common, rules):
        module.get_function_params = get_function_params
    dag.DAG.check_directory_outputs = check_directory_outputs
    jobs.Job.conda_env_spec = property(get_conda_env_spec)
    jobs.Job.output_mintime = property(get_output_mintime)
    rules.Rule.expand_resources = expand_resources
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    if api.hides_jobs(workflow.output_settings):
        jobs.Job.log_info = jobs.GroupJob.log_info = log_nothing
        JobScheduler.schedule = schedule


def same_for_all_genomes(function: Callable[..., int]) -> Callable[..., int]:
    """Mark a function of a resource whose value depends on the attempt alone."""
    function.same_for_all_genomes = True  # type: ignore[attr-defined]
    return function


def get_function_params(function: Any) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function, which is inspected once rather than for each job."""
    if hasattr(function, common.FUNC_OVERWRITE_PARAMS_ATTR):
        return getattr(function, common.FUNC_OVERWRITE_PARAMS_ATTR)  # type: ignore[no-any-return]
    if isinstance(function, MethodType) and isinstance(function.__func__, FunctionType):
        return _inspect_method(function.__func__)
    if isinstance(function, FunctionType):
        return _inspect(function)
    return inspect.signature(function).parameters


@lru_cache(maxsize=1024)
def _inspect(function: FunctionType) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


@lru_cache(maxsize=1024)
def _inspect_method(function: FunctionType) -> Mapping[str, inspect.Parameter]:
    # Those of a bound method are the same for all objects.
    return inspect.signature(MethodType(function, object())).parameters


def check_directory_outputs(graph: Any) -> None:
    """Refuse an output inside of a directory that another job makes."""
    here = os.getcwd()  # noqa: PTH109
    outputs = sorted({(_get_key(here, path), job) for job in graph.jobs for path in job.output})
    for (parent, its_job), (child, job) in pairwise(outputs):
        if child.startswith(f"{parent}\0") and job != its_job:
            raise ChildIOException((_get_path(parent), its_job), (_get_path(child), job))


def _get_key(here: str, path: str) -> str:
    """Return an absolute path as a text that sorts like the list of the path's parts.

    No character is lower than its separator. There may be a million of them, for which `Path` takes
    too long and too much memory.
    """
    if "//" in path or "./" in path or path.endswith(("/", "/.")):
        path = str(Path(path).absolute())
    return os.path.join(here, path).replace(os.sep, "\0")  # noqa: PTH118


def _get_path(key: str) -> Path:
    return Path(key.replace("\0", os.sep))


def get_conda_env_spec(job: Any) -> Any:
    """Return the environment of a job; its params are needed only where it has one."""
    if job._conda_env_spec is None and job.rule._conda_env is not None:
        job._conda_env_spec = job.rule.expand_conda_env(job.wildcards_dict, job.params, job.input)
    return job._conda_env_spec


async def get_output_mintime(job: Any) -> float | None:
    """Return when the oldest output of a job was changed; None if none of its outputs exists.

    Files are looked at one after the other, which makes sense as long as they are on this machine:
    a task for each of a million files takes a quarter of the memory that the graph needs.
    """
    files = [*job.output, *filter(None, [job.benchmark])]
    if any(file.is_storage for file in files):
        return await _output_mintime.fget(job)  # type: ignore[no-any-return]
    times = [(await file.mtime()).local_or_storage() for file in files if await file.exists()]
    return min(times, default=None)


def log_nothing(job: Any, *_: object, **__: object) -> None:
    """Describe no job: to format its command takes longer than anything else in a dry run."""


def schedule(scheduler: Any) -> bool:
    """Schedule jobs, except in a dry run, where that serves to describe each."""
    if not scheduler.workflow.dryrun:
        return _schedule(scheduler)  # type: ignore[no-any-return]
    scheduler._executor.shutdown()
    return True


def expand_resources(
    rule: Any,
    wildcards: Any,
    input: Any,  # Snakemake's name
    attempt: int,
    skip_evaluation: Collection[str] = (),
) -> ResourceList:
    """Return the resources of a job; they are computed once where all jobs have the same."""
    if not all(_is_the_same(value, skip_evaluation) for value in rule.resources.values()):
        return _expand_resources(rule, wildcards, input, attempt, skip_evaluation)
    known = vars(rule).setdefault("_known_resources", {})
    key = (attempt, frozenset(skip_evaluation))
    if key not in known:
        expanded = _expand_resources(rule, wildcards, input, attempt, skip_evaluation)
        known[key] = dict(expanded.items())
    return ResourceList(fromdict=known[key])


def _is_the_same(resource: Any, skip_evaluation: Collection[str]) -> bool:
    return (
        not resource.is_evaluable()
        or resource.name in skip_evaluation
        or hasattr(resource._evaluator, "same_for_all_genomes")
    )
