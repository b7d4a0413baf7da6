"""`bactofleet report`: the cohort's table and report."""

from __future__ import annotations

import argparse
from pathlib import Path

from bactofleet.cli.options import add_config
from bactofleet.core.config import read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.samples import Row, read_samples
from bactofleet.report import SizeLimits, write_report

Cohort = tuple[Path, list[str], SizeLimits, dict[str, Row]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=lambda args: write_report(*find_cohort(args)))
    add_config(parser)


def find_cohort(args: argparse.Namespace) -> Cohort:
    """Return the results folder, the samples of the sheet, the size limits, the own columns."""
    config = read_config(args.config)
    samples = read_samples(Path(str(config["samples"])))
    results, sizes = local_folder(str(config["results"])), SizeLimits.of(config)
    return results, list(samples), sizes, samples.own_cells()
