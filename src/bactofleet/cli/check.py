"""`bactofleet check`: the configuration and the sample sheet, before anything runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from bactofleet.cli.options import add_config
from bactofleet.core.config import SCHEMAS, load_schema, read_config
from bactofleet.core.samples import check_samples


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    add_config(parser)


def run(args: argparse.Namespace) -> None:
    """Carry out the command; raises `ConfigurationError` with all that is wrong."""
    sheet = Path(str(read_config(args.config)["samples"]))
    samples = check_samples(sheet, load_schema(SCHEMAS / "samples.schema.yaml"))
    print(f"{args.config} and {sheet} are good: {len(samples):,} genomes.")
