"""A Snakemake job as one child of an array: its command, its files, its identity."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snakemake.io import is_flagged
from snakemake_interface_executor_plugins.utils import encode_target_jobs_cli_args

from .bundle import Bundle
from .checkpoints import iter_looked_at
from .constructs import check_jobs
from .digest import get_task_key
from .names import get_input_digest
from .requirements import Requirements


@dataclass
class Task:
    """One job (or group of jobs) on its way through Batch.

    Attributes:
        job: The job of Snakemake.
        key: Digest of all that decides its results; equal keys give equal results.
        arguments: Command line of the inner Snakemake, after the run's common part.
        inputs: Local files and folders that it needs, relative to the working directory.
        outputs: Files to return, relative to the working directory.
        queue: The queue to which it is submitted.
        requirements: Size of its container.
        logs: Files to return if they exist, whether the job has failed or not.
        digests: Digests of its jobs with their inputs.
        updated: Existing outputs to which the job adds (`update()`).
    """

    job: Any
    key: str
    arguments: list[str]
    inputs: list[str]
    outputs: list[str]
    queue: str
    requirements: Requirements
    logs: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The rules that it runs."""
        return " ".join(_get_rules(self.job))

    @property
    def names(self) -> set[str]:
        """Values of its wildcards, which distinguish it from others of its kind."""
        members = get_members(self.job)
        return {str(value) for member in members for value in member.wildcards_dict.values()} - {""}

    @property
    def target(self) -> str:
        """Name for people: the first file to return, or the name of the job."""
        return self.outputs[0] if self.outputs else str(self.job.name)


def build_task(job: Any, dag: Any, bundle: Bundle, queue: str, requirements: Requirements) -> Task:
    """Describe a job so that a child can run it without asking the controller.

    Raises:
        WorkflowError: a wildcard or a path cannot be passed safely.
    """
    members = get_members(job)
    check_jobs(members, dag.workflow)
    updated = list(_iter_updated(members))
    looked_at = iter_looked_at(members, dag.workflow)
    inputs = sorted({*_iter_local_inputs(job), *updated, *looked_at})
    versions = {path: bundle.get_input_version(path) for path in inputs}
    return Task(
        job=job,
        key=get_task_key(members, versions, bundle.code_digest),
        arguments=_get_arguments(job, dag, requirements),
        inputs=inputs,
        outputs=list(_iter_returned(members, dag)),
        logs=[str(path) for member in members for path in member.log if not path.is_storage],
        digests=[get_input_digest(member) for member in members],
        updated=updated,
        queue=queue,
        requirements=requirements,
    )


def get_members(job: Any) -> list[Any]:
    """The jobs of a group, or the job itself."""
    return list(job.jobs) if job.is_group() else [job]


def has_own_retries(job: Any) -> bool:
    """Whether a rule itself asks for retries (`retries:`), whatever its error."""
    # A private member: the public one falls back to --retries.
    return any(member.rule._restart_times for member in get_members(job))


def _get_arguments(job: Any, dag: Any, requirements: Requirements) -> list[str]:
    """Like RealExecutor.get_job_args, but as a list, so that no name reaches a shell."""
    targets = encode_target_jobs_cli_args(job.get_target_spec())
    unneeded = [str(path) for path in dag.get_unneeded_temp_files(job)]
    return [
        *("--target-jobs", *targets),
        *("--allowed-rules", *_get_rules(job)),
        *(("--local-groupid", str(job.jobid)) if job.is_group() else ("--force-use-threads",)),
        *("--cores", str(requirements.vcpus)),
        *("--attempt", str(job.attempt)),
        *(("--unneeded-temp-files", *unneeded) if unneeded else ()),
    ]


def _get_rules(job: Any) -> list[str]:
    return sorted(set(job.rules)) if job.is_group() else [job.rule.name]


def _iter_returned(members: list[Any], dag: Any) -> Iterator[str]:
    """Outputs that are needed outside the container.

    Snakemake waits for benchmarks only if a job has no nodelocal file
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
    if any(is_flagged(path, kind) for kind in ("nodelocal", "pipe", "service")):
        return False
    if not is_flagged(path, "temp") or path in dag.targetfiles:
        return True
    return any(path in files for other, files in dag.depending[job].items() if other not in members)


def _iter_local_inputs(job: Any) -> Iterable[str]:
    """Inputs that exist on the controller; Snakemake ensures that the others are produced."""
    return (str(path) for path in job.input if not path.is_storage)


def _iter_updated(members: list[Any]) -> Iterator[str]:
    for path in (path for member in members for path in member.output):
        if is_flagged(path, "update") and not path.is_storage and Path(path).exists():
            yield str(path)
