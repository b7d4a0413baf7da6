"""The `bactofleet` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from bactofleet import __version__
from bactofleet.core.errors import BactofleetError
from bactofleet.core.text import clean, clean_lines

DESCRIPTION = "Commands for use before, during and after a run of the workflow."
# Each is a module of this package, imported only if its command is called.
COMMANDS = {
    "check": "check the configuration and the sample sheet",
    "report": "write the table and the report of the cohort",
    "citations": "print what to cite for the cohort",
    "search": "find public reads and add them to the sample sheet",
    "import": "add a list of accessions or files to the sample sheet",
    "aws": "create, update and remove the AWS stack; push the image to it",
    "doctor": "check this machine and the AWS account before a run; changes nothing",
    "launch": "start a run on AWS that needs no machine of yours",
    "stop": "end a launched run, and say what is left",
    "status": "show the progress of a run, the time left and the failures; changes nothing",
    "serve": "show the status as a web page on this machine; changes nothing",
    "cost": "show what the runs have cost on AWS, or forecast the cost of the rest",
    "verify": "compare the receipts with the stored tarballs; downloads nothing",
    "fetch": "download tarballs from S3, or some of their files",
    "receipts": "rebuild lost receipts from the tarballs on S3",
    "versions": "print the versions of all tools as JSON",
}
# A Python keyword cannot be the name of a module.
MODULES = {"import": "import_list"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    given = sys.argv[1:] if argv is None else argv
    args = _parser(given).parse_args(given)
    try:
        args.run(args)
    except BactofleetError as error:
        print(clean_lines(error), file=sys.stderr)
        return 1
    except OSError as error:
        if error.filename is None:
            raise
        # A folder that is a file, or that we may not use: the reason says what to do.
        print(clean(f"{error.filename}: {error.strerror}"), file=sys.stderr)
        return 1
    return 0


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bactofleet", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"bactofleet {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.")
        if name in given[:1]:
            import_module(f"bactofleet.cli.{MODULES.get(name, name)}").add_options(command)
    return parser
