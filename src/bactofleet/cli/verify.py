"""`bactofleet verify`: its options."""

from __future__ import annotations

import argparse

from bactofleet.cli.options import add_config
from bactofleet.transfer import verify


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=verify.run)
    add_config(parser)
    parser.add_argument(
        "--checksums",
        action="store_true",
        help="also compare SHA-256, not only sizes; on S3 this takes one request per tarball",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per line instead of TSV"
    )
