"""`bactofleet import`: its options."""

from __future__ import annotations

import argparse
from pathlib import Path

from bactofleet.archives.search.importing import import_folder, import_list
from bactofleet.cli.options import add_output

DESCRIPTION = """\
Append the genomes of a folder or of a list to the sample sheet. WHAT is one of
  - a folder of reads, as a sequencer or an archive's tools name them: pairs (_R1_001, _R1, .R1,
    _1, ...), lanes (_L001, joined) and single-end reads, also in subfolders
  - a list with one accession per line: experiments, runs or samples
  - a table of accessions with a header, such as bactopia-search writes
  - Bactopia's FOFN, which bactopia-prepare writes
  - another sample sheet
  - a table of SRA's Run Selector, SRA's runinfo, ENA's report of runs, or NCBI Pathogen Detection
What the names of reads leave open is left out, with the reason. Columns are found by their names.
No archive is asked. For a list of accessions, `bactofleet search FILE` is better: it adds the
archives' metadata, so that jobs need not ask for them.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = DESCRIPTION
    parser.set_defaults(run=run)
    parser.add_argument("what", metavar="WHAT", type=Path, help="folder or list; see above")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    """Run the command.

    Raises `ConfigurationError` with every wrong line of a list, and for a folder without reads.
    """
    if args.what.is_dir():
        import_folder(args.what, args.output).print("genomes", args.output)
    else:
        import_list(args.what, args.output).print("rows", args.output)
