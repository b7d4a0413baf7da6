"""The `bactofleet` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from bactofleet import __version__
from bactofleet.core.errors import BactofleetError

# Each is a module of this package, which is imported only where its command is called.
COMMANDS = {
    "check": "check the configuration and the sample sheet",
    "report": "write the cohort's table and report",
    "citations": "print what to cite for the cohort",
    "search": "find public reads and put them into the sample sheet",
    "import": "put a list of accessions or files into the sample sheet",
    "aws": "make, update, fill and remove the AWS side",
    "doctor": "look for what would go wrong, here and on AWS; changes nothing",
    "status": "how far the run is, when it will end and what failed; changes nothing",
    "serve": "show the status as a web page on this machine; changes nothing",
    "cost": "the bill of what has run on AWS, from what was recorded of it",
    "verify": "compare receipts with the tarballs at the destination; fetches none",
    "fetch": "fetch chosen tarballs from S3, or chosen files of them",
    "receipts": "receipts of finished genomes",
    "versions": "print the versions of all tools as JSON",
}
# A word of the language is no name of a module.
MODULES = {"import": "import_list"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    given = sys.argv[1:] if argv is None else argv
    args = _parser(given).parse_args(given)
    try:
        args.run(args)
    except BactofleetError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bactofleet", description=__doc__)
    parser.add_argument("--version", action="version", version=f"bactofleet {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        if name in given[:1]:
            import_module(f"bactofleet.cli.{MODULES.get(name, name)}").add_options(command)
    return parser
