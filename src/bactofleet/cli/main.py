"""The `bactofleet` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import chdir
from importlib import import_module
from pathlib import Path
from typing import Any

from bactofleet import __version__
from bactofleet.core.errors import BactofleetError
from bactofleet.core.text import clean, clean_lines

DESCRIPTION = "Commands for use before, during and after a run of the workflow."
# Each is a module of this package, imported only if its command is called.
COMMANDS = {
    "init": "make a folder for a cohort: configuration, sample sheet and profiles",
    "run": "make the genomes of the sample sheet, on this machine, Slurm or AWS",
    "check": "check the configuration and the sample sheet",
    "report": "write the table and the report of the cohort",
    "citations": "print what to cite for the cohort",
    "search": "find public reads and add them to the sample sheet",
    "import": "add a list of accessions or files to the sample sheet",
    "schemes": "fetch the MLST schemes of a species",
    "aws": "create, update and remove the AWS stack; push the image to it",
    "doctor": "check this machine and the AWS account before a run; changes nothing",
    "launch": "start a run on AWS that needs no machine of yours",
    "stop": "end a launched run, and say what is left",
    "status": "show the progress of a run, the time left and the failures; changes nothing",
    "serve": "show the status as a web page on this machine; changes nothing",
    "cost": "show what the runs have cost on AWS, or forecast the cost of the rest",
    "verify": "compare the receipts with the stored tarballs; downloads nothing",
    "fetch": "download tarballs from S3, or some of their files",
    "extract": "bring chosen files of all genomes into one folder or one file",
    "receipts": "rebuild lost receipts from the tarballs on S3",
    "versions": "print the versions of all tools as JSON",
}
# Shown in the help of each command; `extract` has its own.
EXAMPLES = {
    "init": "bactofleet init mycohort --reads /data/run42",
    "run": "bactofleet run --dry-run",
    "check": "bactofleet check",
    "report": "bactofleet report",
    "citations": "bactofleet citations",
    "search": 'bactofleet search "Staphylococcus aureus" --limit 100',
    "import": "bactofleet import /data/run42",
    "schemes": 'bactofleet schemes "Staphylococcus aureus" --to schemes',
    "aws": "bactofleet aws deploy",
    "doctor": "bactofleet doctor && bactofleet run --profile aws",
    "launch": "bactofleet launch --dry-run",
    "stop": "bactofleet stop --run s3://BUCKET/runs/NAME",
    "status": "bactofleet status --watch",
    "serve": "bactofleet serve --port 8000",
    "cost": "bactofleet cost --estimate --vcpus 512",
    "verify": "bactofleet verify --checksums",
    "fetch": "bactofleet fetch --status complete --only '*.gff.gz' --into annotations",
    "receipts": "bactofleet receipts pull",
    "versions": "bactofleet versions",
}
# A Python keyword cannot be the name of a module.
MODULES = {"import": "import_list"}
# Set by the shell that wants to complete a command line.
COMPLETION = "_ARGCOMPLETE"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    placing = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_directory(placing)
    words = sys.argv[1:] if argv is None else argv
    if COMPLETION in os.environ:
        words = os.environ["COMP_LINE"].split()[1:]
    place, given = placing.parse_known_args(words)
    # As with Snakemake, a path on the command line is from the folder of the call.
    here = Path.cwd()
    to_path = Path if place.directory is None else (lambda text: Path(os.path.relpath(here / text)))
    try:
        with chdir(place.directory or here):
            args = _parse(given, to_path)
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


def _add_directory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--directory", "-d"),
        type=Path,
        metavar="FOLDER",
        help="work in this folder; goes with every command",
    )


def _parse(given: Sequence[str], to_path: Callable[[str], Path]) -> argparse.Namespace:
    """Parse the command line; options unknown here are Snakemake's if the command calls it."""
    parser = make_parser(given, to_path)
    if COMPLETION in os.environ:
        _complete(parser)
    args, unknown = parser.parse_known_args(given)
    if "snakemake" in args:
        args.snakemake = unknown
    elif unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    # A function that returns what is wrong with the options together, or "".
    if "check" in args and (problem := args.check(args)):
        parser.error(problem)
    return args


def _complete(parser: argparse.ArgumentParser) -> None:
    """Answer the shell, which asks how a command line may go on, and end."""
    import argcomplete  # noqa: PLC0415  # an extra of the distribution

    argcomplete.autocomplete(parser)


def make_parser(
    given: Sequence[str], to_path: Callable[[str], Path] = Path
) -> argparse.ArgumentParser:
    """Return the parser of a command line, with the options of the command that it names."""

    class Parser(argparse.ArgumentParser):
        """A parser, also of a subcommand, whose options of type `Path` are read by `to_path`."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.register("type", Path, to_path)

    parser = Parser(prog="bactofleet", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"bactofleet {__version__}")
    _add_directory(parser)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.")
        if name in given[:1]:
            command.formatter_class = argparse.RawDescriptionHelpFormatter
            import_module(f"bactofleet.cli.{MODULES.get(name, name)}").add_options(command)
            if name in EXAMPLES:
                example = f"example:\n  {EXAMPLES[name]}\n"
                command.epilog = f"{example}\n{command.epilog or ''}"
    return parser
