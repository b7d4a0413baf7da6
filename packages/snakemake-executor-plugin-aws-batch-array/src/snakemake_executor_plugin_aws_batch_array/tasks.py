"""A Snakemake job as one child of an array: its command, its files, its identity."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from snakemake.io import is_flagged
from snakemake.target_jobs import parse_target_jobs_cli_args
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.utils import encode_target_jobs_cli_args

from .requirements import Requirements

# Linux: https://man7.org/linux/man-pages/man7/path_resolution.7.html (NAME_MAX)
MAX_NAME_BYTES = 255


@dataclass
class Task:
    """One job (or group of jobs) on its way through Batch.

    Attributes:
        job: The job of Snakemake.
        key: Digest of all that makes its results; equal keys give equal results.
        arguments: Command line of the inner Snakemake, after what is common to the run.
        inputs: Local files that it needs, relative to the working directory.
        outputs: Files that travel back, relative to the working directory.
        queue: Where it is submitted.
        requirements: Size of its container.
    """

    job: Any
    key: str
    arguments: list[str]
    inputs: list[str]
    outputs: list[str]
    queue: str
    requirements: Requirements

    @property
    def target(self) -> str:
        """Name for people: the first file that travels back, or that of the job."""
        return self.outputs[0] if self.outputs else str(self.job.name)


def build_task(
    job: Any, dag: Any, code_digest: str, queue: str, requirements: Requirements
) -> Task:
    """Describe a job so that a child can run it without asking the controller.

    Raises:
        WorkflowError: a wildcard or a path cannot be handed over safely.
    """
    members = list(job.jobs) if job.is_group() else [job]
    for path in (path for member in members for path in member.output if not path.is_storage):
        check_path(str(path))
    return Task(
        job=job,
        key=_get_key(members, code_digest),
        arguments=_get_arguments(job, dag, requirements),
        inputs=[check_path(path) for path in _iter_local_inputs(job)],
        outputs=list(_iter_returned(members, dag)),
        queue=queue,
        requirements=requirements,
    )


def check_path(path: str) -> str:
    """Refuse a path that leaves the working directory or that no file system takes.

    Raises:
        WorkflowError: with the path and what to do.
    """
    parts = PurePosixPath(path).parts
    is_inside = parts and not path.startswith(("/", "~")) and ".." not in parts
    is_short = all(len(part.encode()) <= MAX_NAME_BYTES for part in parts)
    if is_inside and is_short and path.isprintable():
        return path
    raise WorkflowError(
        f"the file {path!r} cannot travel between controller and container; files of jobs on "
        "Batch have printable names of at most 255 bytes below the working directory, without '..'"
    )


def _get_arguments(job: Any, dag: Any, requirements: Requirements) -> list[str]:
    """As RealExecutor.get_job_args, but as a list: no name ever meets a shell."""
    targets = encode_target_jobs_cli_args(job.get_target_spec())
    _check_targets(job, targets)
    unneeded = [str(path) for path in dag.get_unneeded_temp_files(job)]
    rules = job.rules if job.is_group() else [job.rule.name]
    return [
        *("--target-jobs", *targets),
        *("--allowed-rules", *sorted(rules)),
        *(("--local-groupid", str(job.jobid)) if job.is_group() else ("--force-use-threads",)),
        *("--cores", str(requirements.vcpus)),
        *("--attempt", str(job.attempt)),
        *(("--unneeded-temp-files", *unneeded) if unneeded else ()),
    ]


def _check_targets(job: Any, targets: list[str]) -> None:
    """Snakemake splits a target at commas; a wildcard with one would name another job."""
    wanted = [(spec.rulename, dict(spec.wildcards_dict)) for spec in job.get_target_spec()]
    understood = [
        (spec.rulename, spec.wildcards_dict) for spec in parse_target_jobs_cli_args(targets)
    ]
    if wanted != understood:
        raise WorkflowError(
            f"wildcards of job {job.name} cannot be passed to Snakemake in the container: "
            f"{wanted!r} would be read as {understood!r}; leave out commas and quotes"
        )


def _get_key(members: list[Any], code_digest: str) -> str:
    """Digest of the sources and of every rule, wildcard, parameter and file of a job."""
    content = sorted(
        json.dumps(
            [
                member.rule.name,
                dict(member.wildcards_dict),
                [str(param) for param in member.non_derived_params],
                [str(path) for path in member.input],
                [str(path) for path in member.output],
            ],
            sort_keys=True,
        )
        for member in members
    )
    digest = hashlib.sha256(code_digest.encode())
    for line in content:
        digest.update(line.encode())
    return digest.hexdigest()[:32]


def _iter_returned(members: list[Any], dag: Any) -> Iterator[str]:
    """Outputs that somebody outside the container needs.

    Snakemake waits for benchmarks only where a job has no nodelocal file
    (GroupJob.postprocess); those of a group of stages stay on the instance.
    """
    has_nodelocal = any(is_flagged(f, "nodelocal") for job in members for f in job.output)
    for job in members:
        for path in job.output:
            if not path.is_storage and _leaves_instance(path, job, members, dag):
                yield str(path)
        if job.benchmark and not has_nodelocal:
            yield str(job.benchmark)


def _leaves_instance(path: Any, job: Any, members: list[Any], dag: Any) -> bool:
    if is_flagged(path, "nodelocal"):
        return False
    if not is_flagged(path, "temp"):
        return True
    return any(path in files for other, files in dag.depending[job].items() if other not in members)


def _iter_local_inputs(job: Any) -> Iterable[str]:
    """Inputs that exist on the controller; Snakemake made sure that all others are produced."""
    for path in sorted({str(f) for f in job.input if not f.is_storage}):
        if Path(path).is_dir():
            raise WorkflowError(
                f"job {job.name} reads the folder {path!r}; name its files as inputs, so that "
                "they can be sent to the container"
            )
        yield path
