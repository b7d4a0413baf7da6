"""`bactofleet citations`: what to cite for the cohort."""

from __future__ import annotations

import argparse

from bactofleet.cli.options import add_config
from bactofleet.cli.report import find_cohort
from bactofleet.report.cohort import read_cohort
from bactofleet.report.provenance.citations import cite_cohort, to_text


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    add_config(parser)


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    print(to_text(cite_cohort(read_cohort(*find_cohort(args)))), end="")
