"""`bactofleet cost`: its options and the sources of its figures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from bactofleet.cli import estimate as estimate_command
from bactofleet.cli.options import add_config, add_run, positive
from bactofleet.core.config import read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.cost.bill import Bill, make_bill
from bactofleet.cost.display import BillTable, iter_facts, to_json, to_tsv
from bactofleet.cost.estimate import STACK_VCPUS
from bactofleet.cost.instances import Fleet
from bactofleet.cost.live_prices import ask_aws
from bactofleet.cost.prices import Prices, load_prices
from bactofleet.launch.mirror import open_run
from bactofleet.records.attempt import Attempt, measure_tarballs, read_attempts
from bactofleet.records.folder import USAGE, list_receipts
from bactofleet.records.receipt import iter_receipts


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    add_config(parser)
    add_run(parser)
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="file with your own prices; AWS is not asked"
    )
    parser.add_argument(
        "--offline", action="store_true", help="use the dated price table instead of asking AWS"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--estimate",
        action="store_true",
        help="forecast what the remaining genomes will cost instead",
    )
    parser.add_argument(
        "--vcpus",
        type=positive,
        metavar="N",
        help=f"with --estimate: number of vCPUs in use at a time (default: {STACK_VCPUS})",
    )


def run(args: argparse.Namespace) -> None:
    """Run the command.

    Raises `ConfigurationError` if configuration or prices cannot be read, or nothing has run.
    """
    if args.launched and args.prices:
        args.prices = args.prices.resolve()  # the current folder will be that of the run
    with open_run(args.launched, args.config) as shown:
        _run(args, read_config(shown.config))


def _run(args: argparse.Namespace, config: dict[str, Any]) -> None:
    results = local_folder(str(config["results"]))
    attempts = read_attempts(results)
    if args.estimate:
        prices, note = choose_prices(args, attempts)
        found = estimate_command.estimate(config, attempts, prices, args.vcpus or STACK_VCPUS)
        estimate_command.show(found, note, as_json=args.json)
        return
    if not attempts:
        raise ConfigurationError(
            [f"{results / USAGE} has no attempts: nothing has run on AWS Batch from this folder"]
        )
    prices, note = choose_prices(args, attempts)
    receipts = iter_receipts(results, list_receipts(results))
    tarballs = measure_tarballs((each.tarball.path, each.tarball.bytes) for each in receipts)
    show(make_bill(attempts, tarballs, prices), note, as_json=args.json)


def choose_prices(args: argparse.Namespace, attempts: list[Attempt]) -> tuple[Prices, str]:
    """Return the prices that the options ask for, and a description of their source."""
    if args.prices:
        return load_prices(args.prices), f"{args.prices}, and what it leaves out from the table"
    table = load_prices()
    if args.offline or not attempts:
        return table, "the dated table of the package; AWS was not asked"
    prices, problems = ask_aws(table, Fleet(attempts).instances.values())
    if problems:
        return prices, f"partly or all from the package's dated table: {'. '.join(problems)}"
    return prices, "AWS, asked now"


def show(bill: Bill, note: str, *, as_json: bool) -> None:
    """Print the bill: JSON, a table on a terminal, or else TSV with the rest on stderr."""
    if as_json:
        print(to_json(bill, note))
    elif sys.stdout.isatty():
        Console().print(BillTable(bill, note))
    else:
        print(to_tsv(bill))
        for name, value in iter_facts(bill, note):
            print(f"{name}: {value}", file=sys.stderr)
