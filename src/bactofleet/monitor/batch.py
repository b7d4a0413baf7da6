"""Jobs on AWS Batch: those that the executor submitted, and their states in Batch."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from bactofleet.aws.faults import translated
from bactofleet.aws.session import open_session
from bactofleet.core.errors import ConfigurationError
from bactofleet.records.folder import sample_of
from snakemake_executor_plugin_aws_batch_array import api


@dataclass(frozen=True)
class Submitted:
    """Jobs that were submitted and whose outcome is not recorded yet, and their genomes."""

    jobs: api.OpenJobs
    samples: frozenset[str]
    runs: Mapping[str, Set[str]]
    """Expected receipts by run; a run without any may still have objects on AWS."""

    def count_left(self, made: set[str]) -> int:
        """Count the runs that only have to clean up, because all their genomes are in `made`."""
        return sum(made.issuperset(map(sample_of, targets)) for targets in self.runs.values())


def read_submitted(results: Path) -> Submitted:
    """Read the executor's records, while a controller may be writing them.

    Raises `ConfigurationError` if they cannot be read.
    """
    try:
        runs = api.read_runs(results)
        jobs = api.read_open_jobs(results)
    except api.LedgerError as error:
        raise ConfigurationError([str(error)]) from error
    return Submitted(jobs, frozenset(filter(None, map(sample_of, jobs.targets))), runs)


def open_client() -> api.Describer:
    """Return the executor's client for the region in its settings.

    Raises `ConfigurationError` if AWS cannot be reached with these settings.
    """
    with translated():
        return api.open_client(open_session(None))


def ask_batch(client: api.Describer, submitted: Submitted) -> api.JobCounts:
    """Ask Batch for the states of the submitted jobs.

    Raises `ConfigurationError` if AWS refuses the request.
    """
    with translated():
        return api.count_jobs(client, submitted.jobs)
