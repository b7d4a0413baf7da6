"""`bactofleet check`: the configuration and the sample sheet, before anything runs."""

from __future__ import annotations

import argparse

from bactofleet.aws.settings import effective_settings
from bactofleet.cli.options import add_config
from bactofleet.core.config import read_options
from bactofleet.core.destination import is_s3
from bactofleet.core.project import SCHEMAS
from bactofleet.core.text import counted
from bactofleet.run.checks import check_run, find_unreachable
from bactofleet.run.plan import known_image


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    add_config(parser)


def run(args: argparse.Namespace) -> None:
    """Run the command; raises `ConfigurationError` with all problems."""
    ready = check_run(read_options(args.config), SCHEMAS, str(args.config), known_image())
    sheet = ready.config["samples"]
    print(f"{args.config} and {sheet} are good: {counted(len(ready.samples), 'genome')}.")
    for line in ready.summary()[1:]:
        print(line)
    if not (is_s3(ready.config["results"]) or effective_settings()):
        return
    for problem in find_unreachable(ready.config, ready.samples):
        print(f"NOTE: on AWS Batch it would be refused: {problem}")
