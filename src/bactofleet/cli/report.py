"""`bactofleet report`: the cohort's table and report."""

from __future__ import annotations

import argparse
from pathlib import Path

from bactofleet.cli.options import add_config
from bactofleet.core.config import read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.samples import read_samples
from bactofleet.report import SizeLimits, write_report


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=lambda args: write_report(*find_cohort(args)))
    add_config(parser)


def find_cohort(args: argparse.Namespace) -> tuple[Path, list[str], SizeLimits]:
    """Return the controller's results folder, the samples of the sheet, and the size limits."""
    config = read_config(args.config)
    samples = read_samples(Path(str(config["samples"])))
    return local_folder(str(config["results"])), list(samples), SizeLimits.of(config)
