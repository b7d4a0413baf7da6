"""`bactofleet cost --estimate`: what the remaining genomes will cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bactofleet.core.destination import local_folder
from bactofleet.core.samples import read_samples
from bactofleet.cost.estimate import Estimate, Estimator
from bactofleet.cost.prices import Prices
from bactofleet.records.attempt import Attempt
from bactofleet.run.plan import make_plan


def estimate(
    config: dict[str, Any], attempts: Sequence[Attempt], prices: Prices, vcpus: int
) -> Estimate:
    """Estimate the cost of the genomes of the sheet that a run would make now.

    Raises `ConfigurationError` if the sheet cannot be read.
    """
    samples = read_samples(Path(config["samples"]))
    results = local_folder(config["results"])
    plan = make_plan(samples, config, None)
    share = plan.long_share(samples)
    return Estimator(config, results, attempts, prices, share).predict(len(plan.todo), vcpus)


def show(found: Estimate, note: str, *, as_json: bool) -> None:
    """Print an estimate: JSON, or one line per fact; `note` gives the source of the prices."""
    if as_json:
        print(json.dumps(asdict(found) | {"prices": note}))
        return
    for name, value in (*found.iter_facts(), ("prices", note)):
        print(f"{name + ':':<12}{value}")
