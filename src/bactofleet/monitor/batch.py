"""Jobs on AWS Batch: what the executor has submitted, and what Batch itself says of them."""

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
    """Jobs that were submitted and not settled, and the genomes that they make."""

    jobs: api.OpenJobs
    samples: frozenset[str]
    runs: Mapping[str, Set[str]]
    """Receipts that are waited for, by the run; a run without may have something left on AWS."""

    def count_left(self, made: set[str]) -> int:
        """Count the runs that have nothing to do any more but to clean up, with these made."""
        return sum(made.issuperset(map(sample_of, targets)) for targets in self.runs.values())


def read_submitted(results: Path) -> Submitted:
    """Read what the executor has on record, beside a controller that writes it.

    Raises `ConfigurationError` where that cannot be read.
    """
    try:
        runs = api.read_runs(results)
        jobs = api.read_open_jobs(results)
    except api.LedgerError as error:
        raise ConfigurationError([str(error)]) from error
    return Submitted(jobs, frozenset(filter(None, map(sample_of, jobs.targets))), runs)


def open_client() -> api.Describer:
    """Return the executor's client, in the region of its settings.

    Raises `ConfigurationError` where AWS cannot be reached so.
    """
    with translated():
        return api.open_client(open_session(None))


def ask_batch(client: api.Describer, submitted: Submitted) -> api.JobCounts:
    """Ask Batch how far the submitted jobs are.

    Raises `ConfigurationError` where AWS refuses to tell.
    """
    with translated():
        return api.count_jobs(client, submitted.jobs)
