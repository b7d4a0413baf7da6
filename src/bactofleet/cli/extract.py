"""`bactofleet extract`: its options."""

from __future__ import annotations

import argparse
from pathlib import Path

from bactofleet.cli.fetch import add_choice
from bactofleet.cli.options import add_config
from bactofleet.transfer import extract

DESCRIPTION = """\
Bring chosen files of all genomes into one folder or one file, from a results folder or from S3.

Without names or --status, all complete genomes are taken; they must match all of the options.
"""
EPILOG = """\
examples:
  all annotations in one folder:
    bactofleet extract --only '*.gff.gz' --to annotations
  the assemblies of all genomes of rank gold with fewer than 100 contigs:
    bactofleet extract --only 'main/assembler/*.fna.gz' --to assemblies \\
        --where "rank = 'gold' and assembler_total_contig < 100"
  all proteins in one file:
    bactofleet extract --only '*.faa.gz' --into proteins.faa

See docs/extract.md.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.set_defaults(run=extract.run)
    add_config(parser)
    add_choice(parser)
    parser.add_argument(
        "--where",
        metavar="CONDITION",
        help="genomes for which this is true of their columns of cohort.tsv, in SQL",
    )
    parser.add_argument(
        "--only",
        action="append",
        required=True,
        metavar="PATTERN",
        help="files whose name, or path in the tarball, matches, such as '*.gff.gz' or "
        "'main/assembler/*.tsv'; repeatable",
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="folder for the files, named after samples",
    )
    target.add_argument(
        "--into",
        type=Path,
        metavar="FILE",
        help="file to write all of them to, one after the other; compressed if it ends in .gz",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print how much would be read, and stop"
    )
