"""Options shared by several subcommands."""

from __future__ import annotations

import argparse
from pathlib import Path

from bactofleet.core.config import CONFIG_FILE


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the configuration."""
    parser.set_defaults(check=find_ignored)
    parser.add_argument(
        *("--configfile", "--config"),
        dest="config",
        type=Path,
        default=CONFIG_FILE,
        help="configuration file (default: %(default)s)",
    )


def add_run(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Add the option that names a launched run."""
    parser.add_argument(
        "--run",
        dest="launched",
        metavar="s3://BUCKET/runs/NAME",
        required=required,
        help="the launched run, as `bactofleet launch` shows it"
        + ("" if required else " (default: the run in this folder)"),
    )


# Options that only count beside another one, and options that exclude each other.
_NEEDS = {"vcpus": "estimate", "seed": "limit"}
_EXCLUDES = (("launched", "config"), ("prices", "offline"))
_WORDS = {"launched": "--run", "config": "--configfile"}


def find_ignored(args: argparse.Namespace) -> str:
    """Return what is wrong with options that would be ignored beside others; "" if nothing is."""

    def word(name: str) -> str:
        return _WORDS.get(name, f"--{name}")

    # Not `in (None, False, ...)`, because 0 equals False.
    given = {
        name
        for name, value in vars(args).items()
        if value is not None and value is not False and value != CONFIG_FILE
    }
    for name, other in _NEEDS.items():
        if name in given and other not in given:
            return f"argument {word(name)}: only together with {word(other)}"
    for one, other in _EXCLUDES:
        if {one, other} <= given:
            return f"argument {word(one)}: not together with {word(other)}"
    return ""


def count(text: str) -> int:
    """Parse a whole number; for `type=` of argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}")
    return int(text)


def positive(text: str) -> int:
    """Parse a whole number above zero; for `type=` of argparse."""
    number = count(text)
    if not number:
        raise argparse.ArgumentTypeError("must be at least 1, not 0")
    return number


def add_live(parser: argparse.ArgumentParser) -> None:
    """Add the option to ask AWS Batch."""
    parser.add_argument(
        "--live", action="store_true", help="also ask AWS Batch for the state of the submitted jobs"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the sheet to append to."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("config/samples.tsv"),
        help="sample sheet to append to; created if it does not exist (default: %(default)s)",
    )
