"""Choose genomes of a cohort by the user's options."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bactofleet.core.errors import ConfigurationError
from bactofleet.core.text import clean
from bactofleet.records.folder import list_receipts
from bactofleet.records.reading import Unreadable
from bactofleet.records.receipt import Receipt, read_receipt
from bactofleet.transfer.places import ObjectFault

SHOWN = 10


@dataclass(frozen=True)
class ChosenGenome:
    """A chosen genome, with size and checksum of its tarball from the receipt."""

    sample: str
    bytes: int
    sha256: str

    def check_size(self, address: str, size: Any) -> None:
        """Raise `ObjectFault` for a tarball with another size in bytes, or None, than this."""
        if size != self.bytes:
            found = f"{size:,}" if isinstance(size, int) else "an unknown number of"
            raise ObjectFault(
                f"{address} has {found} bytes, its receipt says "
                f"{self.bytes:,}; `bactofleet verify` lists all that differ"
            )

    def check_sha256(self, address: str, sha256: str) -> None:
        """Raise `ObjectFault` for a tarball with another SHA-256 than this."""
        if sha256 != self.sha256:
            raise ObjectFault(
                f"{address} has the SHA-256 {sha256}, its receipt says {self.sha256}; "
                "nothing of it was kept"
            )


def choose(args: argparse.Namespace, results: Path) -> list[ChosenGenome]:
    """Return the genomes that the options choose from those with a receipt below `results`.

    Raises `ConfigurationError` if nothing is chosen, or a name without a receipt.
    """
    names = _read_names(args)
    if not (names or args.species or args.status):
        raise ConfigurationError(
            ["choose genomes: by names, --names FILE, --species or --status complete (all of them)"]
        )
    names = _check_names(names, results) if names else list_receipts(results)
    chosen = list(_iter_chosen(args, results, names))
    if not chosen:
        raise ConfigurationError([f"none of {len(names):,} receipts in {results} is of that kind"])
    return chosen


def iter_choice(
    args: argparse.Namespace, results: Path, among: Collection[str] | None
) -> Iterator[ChosenGenome | ObjectFault]:
    """Yield the genomes that the options choose `among` these (None: all with a receipt).

    Without names all genomes are compared with the options. A receipt that cannot be read is a
    fault of its genome. Raises `ConfigurationError` for a name without a receipt.
    """
    names = _read_names(args)
    for name in _check_names(names, results) if names else list_receipts(results):
        if among is not None and name not in among:
            continue
        try:
            receipt = read_receipt(results, name)
            if _is_chosen(receipt, args):
                yield _to_genome(receipt)
        except (Unreadable, ConfigurationError) as error:
            yield ObjectFault(str(error))


def _read_names(args: argparse.Namespace) -> list[str]:
    names = list(args.samples)
    if args.names:
        try:
            names += args.names.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError([f"{args.names} cannot be read: {error}"]) from error
    return list(dict.fromkeys(names))


def _check_names(names: list[str], results: Path) -> list[str]:
    """Return the names, which are safe in paths because each has a receipt.

    Raises `ConfigurationError` for names without a receipt.
    """
    known = set(list_receipts(results))
    if unknown := [name for name in names if name not in known]:
        shown = ", ".join(map(repr, unknown[:SHOWN]))
        raise ConfigurationError(
            [
                f"{len(unknown):,} of {len(names):,} names have no receipt in {results}: {shown}; "
                "names are those of the sample sheet, and genomes that failed have none"
            ]
        )
    return names


def _iter_chosen(
    args: argparse.Namespace, results: Path, names: list[str]
) -> Iterator[ChosenGenome]:
    for name in names:
        try:
            receipt = read_receipt(results, name)
        except Unreadable as error:
            if args.species or args.status:
                continue  # species and status are unknown
            raise ConfigurationError([str(error)]) from error
        if _is_chosen(receipt, args):
            yield _to_genome(receipt)


def _is_chosen(receipt: Receipt, args: argparse.Namespace) -> bool:
    species = clean(receipt.input.species or "")
    return args.species in (None, species) and args.status in (None, receipt.status)


def _to_genome(receipt: Receipt) -> ChosenGenome:
    size, checksum = receipt.tarball.bytes, receipt.tarball.sha256
    if not isinstance(size, int) or not checksum:
        raise ConfigurationError(
            [
                f"the receipt of {receipt.sample} says nothing of a tarball; "
                "`bactofleet verify` lists such receipts"
            ]
        )
    return ChosenGenome(receipt.sample, size, checksum)
