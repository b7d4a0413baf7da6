"""`bactofleet receipts pull`: its options."""

from __future__ import annotations

import argparse

from bactofleet.cli.options import add_config
from bactofleet.transfer import pull


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    pulling = actions.add_parser(
        "pull", help="rebuild the receipts that are missing here from the tarballs on S3"
    )
    pulling.set_defaults(run=pull.run)
    add_config(pulling)
