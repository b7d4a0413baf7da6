"""The `bactofleet` command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bactofleet import __version__, report
from bactofleet.cli import (
    aws,
    cost,
    doctor,
    fetch,
    import_list,
    receipts,
    search,
    serve,
    status,
    verify,
)
from bactofleet.cli.options import add_config
from bactofleet.core import versions
from bactofleet.core.config import SCHEMAS, load_schema, read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import BactofleetError
from bactofleet.core.samples import check_samples, read_samples


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = _parser().parse_args(argv)
    try:
        args.run(args)
    except BactofleetError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bactofleet", description=__doc__)
    parser.add_argument("--version", action="version", version=f"bactofleet {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="check the configuration and the sample sheet")
    check.set_defaults(run=_check)
    report_command = commands.add_parser("report", help="write the cohort's table and report")
    report_command.set_defaults(run=_report)
    citations = commands.add_parser("citations", help="print what to cite for the cohort")
    citations.set_defaults(run=_cite)
    for command in (check, report_command, citations):
        add_config(command)
    search.add_parser(commands)
    import_list.add_parser(commands)
    aws.add_parser(commands)
    doctor.add_parser(commands)
    status.add_parser(commands)
    serve.add_parser(commands)
    cost.add_parser(commands)
    verify.add_parser(commands)
    fetch.add_parser(commands)
    receipts.add_parser(commands)
    ask = commands.add_parser("versions", help="print the versions of all tools as JSON")
    ask.set_defaults(run=lambda _: print(versions.to_json()))
    return parser


def _check(args: argparse.Namespace) -> None:
    sheet = Path(str(read_config(args.config)["samples"]))
    samples = check_samples(sheet, load_schema(SCHEMAS / "samples.schema.yaml"))
    print(f"{args.config} and {sheet} are good: {len(samples):,} genomes.")


def _cite(args: argparse.Namespace) -> None:
    # Imported here: the other commands need no pandas.
    from bactofleet.report.cohort import read_cohort  # noqa: PLC0415
    from bactofleet.report.provenance.citations import cite_cohort, to_text  # noqa: PLC0415

    print(to_text(cite_cohort(read_cohort(*_find_cohort(args)))), end="")


def _report(args: argparse.Namespace) -> None:
    report.write_report(*_find_cohort(args))


def _find_cohort(args: argparse.Namespace) -> tuple[Path, list[str], report.SizeLimits]:
    """Return the controller's folder of results, the samples of the sheet, the limits of size."""
    config = read_config(args.config)
    samples = read_samples(Path(str(config["samples"])))
    sizes = report.SizeLimits.of(config)
    return local_folder(str(config["results"])), list(samples), sizes
