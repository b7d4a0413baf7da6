"""`bactofleet fetch`: its options."""

from __future__ import annotations

import argparse
from pathlib import Path

from bactofleet.cli.options import add_config
from bactofleet.records.receipt import STATUSES
from bactofleet.transfer import fetch


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=fetch.run)
    add_config(parser)
    add_choice(parser)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="unpack only files that match, such as '*.gff.gz', and keep no tarball; repeatable",
    )
    parser.add_argument(
        "--into",
        type=Path,
        default=Path("fetched"),
        help="folder to write to (default: %(default)s)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print how much would be downloaded, and stop"
    )


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the options that select genomes; only genomes that match all of them are selected."""
    parser.add_argument("samples", nargs="*", metavar="SAMPLE", help="name of a genome")
    parser.add_argument("--names", type=Path, metavar="FILE", help="file with one name per line")
    parser.add_argument("--species", help="genomes of this species in the sample sheet")
    parser.add_argument("--status", choices=STATUSES, help="genomes with this status")
