"""Features of Snakemake that cannot work on Batch, reported before submission with rule and line.

docs/further.md has a table of what works and what is refused.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from snakemake.target_jobs import parse_target_jobs_cli_args
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import DeploymentMethod
from snakemake_interface_executor_plugins.utils import encode_target_jobs_cli_args

# Linux: https://man7.org/linux/man-pages/man7/path_resolution.7.html (NAME_MAX)
MAX_NAME_BYTES = 255

_LEAVES_FOLDER = re.compile(r"[/~]|(.*/)?\.\.(/|$)")


def check_jobs(jobs: Iterable[Any], workflow: Any) -> None:
    """Refuse the first job that could not run in a container or whose files cannot be transferred.

    Args:
        jobs: Jobs of Snakemake that need to run, without groups.
        workflow: Snakemake's workflow.

    Raises:
        WorkflowError: with the rule, its line, and what to do.
    """
    methods = workflow.deployment_settings.deployment_method
    cached = workflow.workflow_settings.cache is not None
    for job in jobs:
        if job.is_local:
            continue
        problem = next(_iter_problems(job, methods, cached), None)
        if problem is not None:
            raise build_error(job.rule, problem)


def build_error(rule: Any, problem: str) -> WorkflowError:
    """Build an error that says where a rule is.

    An error with the rule attached would also show the line in Snakemake's compiled code.
    """
    line = rule.workflow.linemaps.get(rule.snakefile, {}).get(rule.lineno, rule.lineno)
    return WorkflowError(
        f"rule {rule.name}, line {line} of {os.path.relpath(rule.snakefile)}: {problem}"
    )


def is_path_inside(path: str) -> bool:
    """Whether a path is below the working directory and valid on any file system."""
    if not path or not path.isprintable() or _LEAVES_FOLDER.match(path):
        return False
    return len(path.encode()) <= MAX_NAME_BYTES or all(
        len(part.encode()) <= MAX_NAME_BYTES for part in PurePosixPath(path).parts
    )


def _iter_problems(job: Any, methods: set[DeploymentMethod], cached: bool) -> Iterator[str]:
    if methods:
        yield from _iter_deployments(job, methods)
    if cached and job.rule.cache:
        yield (
            "the cache between workflows is a folder of this machine, which jobs on Batch do not "
            "have; leave out --cache"
        )
    for path in _iter_paths(job):
        if not is_path_inside(path):
            yield (
                f"the file {path!r} cannot travel between controller and container; files of jobs "
                "on Batch have printable names of at most 255 bytes below the working directory, "
                "without '..': name it relative to the working directory (a link there may lead "
                "to it), or by an address of a storage provider"
            )
    yield from _iter_target_problems(job)


def _iter_deployments(job: Any, methods: set[DeploymentMethod]) -> Iterator[str]:
    asked = {
        DeploymentMethod.CONDA: job.conda_env_spec,
        DeploymentMethod.APPTAINER: job.container_img_url,
        DeploymentMethod.ENV_MODULES: job.env_modules,
    }
    for method in sorted(methods):
        if asked[method]:
            yield (
                f"--software-deployment-method {method.item_to_choice()} cannot work in a "
                "container on Batch, which has no rights to install or mount; the software of the "
                "rule is in the image, so leave this option out"
            )


def _iter_paths(job: Any) -> Iterator[str]:
    files = [*job.input, *job.output, *job.log]
    if job.benchmark:
        files.append(job.benchmark)
    for path in files:
        if not path.is_storage:
            yield str(path)


def _iter_target_problems(job: Any) -> Iterator[str]:
    """Snakemake splits a target at commas, so a wildcard with a comma would name another job."""
    spec = job.get_target_spec()
    wanted = [(target.rulename, dict(target.wildcards_dict)) for target in spec]
    arguments = encode_target_jobs_cli_args(spec)
    try:
        understood = [(t.rulename, t.wildcards_dict) for t in parse_target_jobs_cli_args(arguments)]
    except ValueError:
        understood = []
    if wanted != understood:
        yield (
            f"the wildcards {wanted[0][1]!r} cannot be passed to Snakemake in the container; "
            "leave out commas and quotes"
        )
