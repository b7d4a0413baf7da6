"""`bactofleet import`: its options."""

from __future__ import annotations

import argparse
from pathlib import Path

from bactofleet.archives.search.importing import import_list
from bactofleet.cli.options import add_output

DESCRIPTION = """\
Append the rows of a list to the sample sheet. FILE is one of
  - a list with one accession per line: experiments, runs or samples
  - a table of accessions with a header, such as bactopia-search writes
  - Bactopia's FOFN, which bactopia-prepare writes
  - another sample sheet
  - a table of SRA's Run Selector, SRA's runinfo, ENA's report of runs, or NCBI Pathogen Detection
Columns are found by their names. No archive is asked. For a list of accessions, `bactofleet search
FILE` is better: it adds the archives' metadata, so that jobs need not ask for them.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.set_defaults(run=run)
    parser.add_argument("file", metavar="FILE", type=Path, help="the list; see above")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    """Run the command.

    Raises `ConfigurationError` with every wrong line of the list.
    """
    import_list(args.file, args.output).print("rows", args.output)
