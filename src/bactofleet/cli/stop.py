"""`bactofleet stop`: end a launched run."""

from __future__ import annotations

import argparse

from bactofleet.cli.options import add_run
from bactofleet.core.config import read_config
from bactofleet.core.text import counted
from bactofleet.launch.mirror import open_mirror
from bactofleet.monitor.snapshot import open_observer


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    add_run(parser, required=True)


def run(args: argparse.Namespace) -> None:
    """Run the command.

    Raises `ConfigurationError` if there is no such run, or AWS does not answer.
    """
    with open_mirror(args.launched) as mirror:
        had_controllers = len(mirror.controllers)
        ended = mirror.stop()
        genomes = open_observer(read_config(mirror.config), live=False).look().genomes
    print(f"Controllers that were ended: {had_controllers}; array jobs: {ended}.")
    print(
        f"Of {counted(genomes.total, 'genome')} {genomes.complete:,} are complete, "
        f"{genomes.excluded:,} excluded and {genomes.failed:,} failed; "
        f"{genomes.remaining:,} are left."
    )
    print(f"Finished genomes are kept: {mirror.place.address} has their receipts.")
    if genomes.remaining:
        print(
            "`bactofleet launch` goes on with the others, in the folder that it was launched from."
        )
