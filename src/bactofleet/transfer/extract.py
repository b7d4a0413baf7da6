"""`bactofleet extract`: bring chosen files of all genomes into one folder or one file."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Iterator
from pathlib import Path

from bactofleet.core.config import read_config
from bactofleet.core.destination import is_s3, local_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.text import counted
from bactofleet.records.folder import list_receipts
from bactofleet.transfer.choice import ChosenGenome, iter_choice
from bactofleet.transfer.members import Extractor
from bactofleet.transfer.places import ObjectFault, open_place
from bactofleet.transfer.table import read_samples
from bactofleet.transfer.tally import ExtractIncomplete, Tally
from bactofleet.transfer.to_file import write_file
from bactofleet.transfer.to_folder import fill_folder


def run(args: argparse.Namespace) -> None:
    """Carry out the command.

    Raises `ExtractIncomplete` if files of some genomes could not be extracted, or no file matches.
    """
    address = str(read_config(args.config)["results"])
    results = local_folder(address)
    _check_target(args, results)
    if not (args.samples or args.names or args.status):
        args.status = "complete"
    tally = Tally()
    chosen = list(_iter_chosen(args, results, tally))
    if not chosen and not tally.faults:
        raise ConfigurationError([f"none of the genomes with a receipt in {results} is chosen"])
    size = sum(genome.bytes for genome in chosen)
    are_chosen = counted(
        len(chosen), "genome is chosen; its tarball has", "genomes are chosen; their tarballs have"
    )
    print(f"{are_chosen} {size:,} bytes at {address}.")
    if is_s3(address):
        print("What leaves AWS is paid by the gigabyte (docs/aws.md).")
    if not args.dry_run:
        _extract(args, address, chosen, tally)
        genomes = counted(tally.genomes, "genome")
        files = counted(tally.files, f"file of {genomes} is", f"files of {genomes} are")
        print(f"{files} in {args.into or args.to}.")
    if tally.faults:
        raise ExtractIncomplete(
            f"{counted(tally.faults, 'genome is', 'genomes are')} missing, for the reasons above; "
            "docs/results.md says what helps."
        )


def _extract(
    args: argparse.Namespace, address: str, chosen: list[ChosenGenome], tally: Tally
) -> None:
    extractor = Extractor(open_place(address), tuple(sorted(set(args.only))))
    try:
        if args.into:
            write_file(extractor, chosen, args.into, tally)
        else:
            samples = frozenset(list_receipts(local_folder(address)))
            fill_folder(extractor, chosen, args.to, samples, tally)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ExtractIncomplete(
            f"the disk is full at {error.filename or args.into or args.to}: make room and give the "
            "same command again"
        ) from error


def _check_target(args: argparse.Namespace, results: Path) -> None:
    """Raise `ConfigurationError` for a target that would destroy something."""
    if args.into and args.into.is_dir():
        raise ConfigurationError([f"{args.into} is a folder; --into names a file, --to a folder"])
    if args.to and args.to.resolve() == results.resolve():
        raise ConfigurationError([f"{args.to} holds the results; name another folder with --to"])


def _iter_chosen(args: argparse.Namespace, results: Path, tally: Tally) -> Iterator[ChosenGenome]:
    among = read_samples(results, args.where) if args.where else None
    if among is not None and (newer := set(list_receipts(results)) - read_samples(results)):
        genomes = counted(len(newer), "genome")
        print(
            f"NOTE: the table that --where reads lacks {genomes} with a receipt, such as "
            f"{min(newer)}; `bactofleet report` writes it anew.",
            file=sys.stderr,
        )
    for genome in iter_choice(args, results, among):
        if isinstance(genome, ObjectFault):
            tally.add_fault(genome)
        else:
            yield genome
