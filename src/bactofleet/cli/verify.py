"""`bactofleet verify`: its options."""

from __future__ import annotations

import argparse

from bactofleet.cli.options import add_config
from bactofleet.transfer import verify


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "verify", help="compare receipts with the tarballs at the destination; fetches none"
    )
    parser.set_defaults(run=verify.run)
    add_config(parser)
    parser.add_argument(
        "--checksums",
        action="store_true",
        help="compare SHA-256 too, not sizes alone: on S3 a request a tarball",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line, not TSV")
