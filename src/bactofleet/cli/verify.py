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
        help="compare SHA-256 too, not sizes alone: on S3 a request a tarball",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line, not TSV")
