"""Fetch the reads of an accession: try one provider after another until one delivers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bactofleet.archives import ena_files, sra_files
from bactofleet.archives.delivery import Delivery
from bactofleet.archives.disk import check_space
from bactofleet.archives.metadata import REASON, Metadata
from bactofleet.archives.retry import Denied, NotFound
from bactofleet.archives.runs import Run
from bactofleet.core.errors import Excluded, TemporaryFailure
from bactofleet.core.samples import Sample
from bactofleet.core.tools import Toolbox

# Tens of thousands of instances must not overload a public file server, and within its region
# SRA's bucket is free. Elsewhere ENA comes first: its files need no conversion and have an MD5.
ORDER_ON_AWS = ("sra-odp", "ena", "sra")
# AWS Batch sets it in every job:
# https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
BATCH_VARIABLE = "AWS_BATCH_JOB_ID"

Faults = Mapping[str, NotFound | TemporaryFailure]


@dataclass(frozen=True)
class Workspace:
    """The folder, tools and threads of a download, and the most bytes of a file of reads."""

    folder: Path
    tools: Toolbox
    threads: int
    max_bytes: int


@dataclass(frozen=True)
class Provider:
    """Fetches runs, and knows the disk space that they take permanently and temporarily."""

    fetch: Callable[[Run, Workspace], Delivery]
    disk_bytes: Callable[[Run], tuple[int, int]]


PROVIDERS: Mapping[str, Provider] = {
    "ena": Provider(
        lambda run, at: ena_files.fetch_run(run, at.folder, at.tools.say),
        ena_files.disk_bytes,
    ),
    "sra-odp": Provider(
        lambda run, at: sra_files.fetch_from_bucket(
            run, at.folder, at.tools, at.threads, at.max_bytes
        ),
        sra_files.disk_bytes,
    ),
    "sra": Provider(
        lambda run, at: sra_files.prefetch(run, at.folder, at.tools, at.threads, at.max_bytes),
        sra_files.disk_bytes,
    ),
}
ORDER = tuple(PROVIDERS)


def default_order() -> Sequence[str]:
    """Return the default order of providers, used if the configuration names none."""
    return ORDER_ON_AWS if BATCH_VARIABLE in os.environ else ORDER


def fetch_accession(
    sample: Sample, order: Sequence[str], at: Workspace
) -> tuple[list[Run], list[Delivery], list[str]]:
    """Fetch the runs of a sample's accession, in the order of their names.

    The third value says which runs were left out, and why. Raises `Excluded` if the archives say
    that the reads are not available, `MissingInput` if they belong to several genomes, and
    `TemporaryFailure` if another attempt may succeed. If all runs together would fill the disk,
    raises the error of a full disk before anything is fetched.
    """
    metadata = Metadata(sample, at.tools.say)
    runs, order = metadata.find_runs(), order or default_order()
    stays, passes = zip(*(PROVIDERS[order[0]].disk_bytes(run) for run in runs), strict=True)
    check_space(at.folder, sum(stays) + max(passes), f"{sample.accession} from {order[0]}")
    return runs, [_fetch_run(run, order, at, metadata) for run in runs], metadata.notes


def _fetch_run(run: Run, order: Sequence[str], at: Workspace, metadata: Metadata) -> Delivery:
    faults: dict[str, NotFound | TemporaryFailure] = {}
    for provider in order:
        folder = at.folder / run.accession / provider
        folder.mkdir(parents=True)
        try:
            return PROVIDERS[provider].fetch(run, replace(at, folder=folder))
        except (NotFound, TemporaryFailure) as fault:
            at.tools.say(f"{provider} does not deliver {run.accession}: {fault}")
            faults[provider] = fault
            shutil.rmtree(folder)
    metadata.explain()
    raise _to_error(run, faults)


def _to_error(run: Run, faults: Faults) -> Excluded | TemporaryFailure:
    """Return the error for an undelivered run: `Excluded` only if all providers were certain."""
    reasons = "; ".join(f"{provider}: {fault}" for provider, fault in faults.items())
    message = f"no provider delivers {run.accession} ({reasons})"
    is_certain = all(isinstance(f, NotFound) and not isinstance(f, Denied) for f in faults.values())
    return Excluded(REASON, message) if is_certain else TemporaryFailure(message)
