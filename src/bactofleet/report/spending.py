"""The bill of a run on AWS Batch, for the page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bactofleet.cost.bill import make_bill
from bactofleet.cost.display import BillTable
from bactofleet.cost.prices import load_prices
from bactofleet.records.attempt import measure_tarballs, read_attempts
from bactofleet.records.receipt import STATUSES

# A report does not ask AWS for prices, because it may be made offline.
PRICES = "the dated table of the package"
_OF_TARBALLS = ("tarball_path", "tarball_bytes")


def read_bill(results: Path, genomes: pd.DataFrame) -> BillTable | None:
    """Return the cost of the attempts below `results` that made these genomes.

    None if nothing ran on AWS Batch.
    """
    attempts = read_attempts(results)
    if not attempts:
        return None
    made = genomes[genomes["status"].isin(STATUSES)]
    tarballs = measure_tarballs(zip(*(made[name].tolist() for name in _OF_TARBALLS), strict=True))
    return BillTable(make_bill(attempts, tarballs, load_prices()), PRICES)
