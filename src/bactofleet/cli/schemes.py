"""`bactofleet schemes`: fetch the MLST schemes of a species."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from bactofleet.archives.pubmlst import SERVERS, PubMlst
from bactofleet.archives.web import Client
from bactofleet.core.text import clean

DESCRIPTION = """\
Fetch the MLST schemes of a species into a folder, for the option `mlst_schemes`. A species that has
no definitions of its own gets those of its genus.

The schemes are not ours: whoever uses them accepts the terms of the server and cites it.
  pubmlst   https://pubmlst.org/policy
  pasteur   https://bigsdb.pasteur.fr (Klebsiella, Listeria and others)
To callers without an account, as this command is, a server may give older definitions than to its
users.
"""
SPECIES = re.compile(r"[A-Z][a-z]+ [a-z]+\.?")
CLIENT = Client(lambda line: print(clean(line), file=sys.stderr), attempts=5)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = DESCRIPTION
    parser.set_defaults(run=run)
    parser.add_argument(
        "species", metavar="SPECIES", type=_species, help='such as "Staphylococcus aureus"'
    )
    parser.add_argument(
        "--to", type=Path, required=True, metavar="FOLDER", help="folder of schemes"
    )
    parser.add_argument(
        "--server", choices=SERVERS, default="pubmlst", help="whom to ask (default: %(default)s)"
    )


def _species(text: str) -> str:
    if not SPECIES.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not genus and species, such as 'Genus name'")
    return text


def run(args: argparse.Namespace) -> None:
    """Run the command; raises `ConfigurationError` or `Unavailable` with the reason."""
    server = PubMlst(CLIENT, args.server)
    database = server.find(args.species)
    print(f"{args.species}: definitions of {database.species}")
    for name in server.fetch(args.species, database, args.to):
        print(f"{args.to / name}")
    print(f"Set `mlst_schemes: {args.to}`. For terms and what to cite see --help.")
