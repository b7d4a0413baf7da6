"""What a run on machines of one's own will take, as a start and a dry run say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bactofleet.core.samples import Samples
from bactofleet.core.text import counted
from bactofleet.cost.estimate import STACK_VCPUS, Estimator
from bactofleet.cost.prices import load_prices
from bactofleet.run.plan import Plan

_KINDS = {
    "sra_accession": ("accession", "accessions"),
    "paired-end": ("pair of FASTQ files", "pairs of FASTQ files"),
    "single-end": ("single FASTQ file", "single FASTQ files"),
    "ont": ("file of Nanopore reads", "files of Nanopore reads"),
    "hifi": ("file of HiFi reads", "files of HiFi reads"),
    "short_polish": ("file of long and short reads", "files of long and short reads"),
    "assembly": ("assembly", "assemblies"),
}


def describe_input(plan: Plan, samples: Samples) -> list[str]:
    """Return the line that says what the genomes to do are made from."""
    counts = Counter(samples[name].runtype for name in plan.todo)
    kinds = [counted(counts[kind], *words) for kind, words in _KINDS.items() if counts[kind]]
    return [f"made from: {', '.join(kinds)}"] if kinds else []


def forecast_work(
    plan: Plan,
    samples: Samples,
    config: Mapping[str, Any],
    results: Path,
    cores: int | None,
) -> list[str]:
    """Return the line with the expected time, on `cores` of this machine if jobs run here."""
    if not plan.todo:
        return []
    estimator = Estimator(config, results, [], load_prices(), plan.long_share(samples))
    estimate = estimator.predict(len(plan.todo), cores or STACK_VCPUS)
    return [estimate.describe_work(with_time=cores is not None)]
