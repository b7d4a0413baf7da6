"""Which experiments become rows, and why the others do not.

The libraries are those that bactopia-search accepts. The minimum amounts are the workflow's own
(`min_basepairs`, `min_coverage`): smaller experiments would be downloaded only to be excluded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bactofleet.archives.runs import Run
from bactofleet.archives.search.experiments import Experiment

WORDS = {
    "platform": ("ILLUMINA",),
    "library source": ("GENOMIC",),
    "library strategy": ("WGS", "WGA", "OTHER"),
    "library selection": ("RANDOM", "MNase", "size fractionation", "unspecified"),
}
PLATFORMS = {"illumina": "ILLUMINA", "nanopore": "OXFORD_NANOPORE", "pacbio": "PACBIO_SMRT"}
LAYOUTS = {"paired": ("PAIRED",), "single": ("SINGLE",), "any": ("PAIRED", "SINGLE")}


class Rejection(NamedTuple):
    """Why an experiment is left out."""

    name: str
    """The rule that it fails."""
    detail: str


@dataclass(frozen=True)
class Limits:
    """What a search accepts."""

    platform: str = "illumina"
    layout: str = "paired"
    """Of Illumina's reads; long reads are single."""
    any_library: bool = False
    min_bases: int = 2_241_820
    max_bases: int = 0
    """0 for no limit."""
    min_read_length: int = 0
    """Of the mean length, in bp."""
    min_depth: int = 10
    """Applied if the genome size is known."""


def find_rejection(experiment: Experiment, genome_size: int, limits: Limits) -> Rejection | None:
    """Return the first rule that an experiment fails, if any; `genome_size` in bp, 0 if unknown."""
    return next(_find_rejections(experiment, genome_size, limits), None)


def _find_rejections(
    experiment: Experiment, genome_size: int, limits: Limits
) -> Iterator[Rejection]:
    library = experiment.library
    yield from check_access(experiment.closed_to)
    if not experiment.runs:
        yield Rejection("runs", "the archive has no run of it")
    yield from check_word("platform", library.platform, (PLATFORMS[limits.platform],))
    if not library.long_reads:
        yield from check_word("layout", library.layout.upper(), LAYOUTS[limits.layout])
    if not limits.any_library:
        yield from find_library_rejections(library)
    yield from _check_amount("bases", experiment.bases, limits.min_bases)
    if 0 < limits.max_bases < experiment.bases:
        most = f"must be at most {limits.max_bases:,}"
        yield Rejection("bases", f"bases is {experiment.bases:,}, {most}")
    yield from _check_amount("read length", experiment.read_length, limits.min_read_length)
    if genome_size:
        yield from _check_amount("depth", experiment.bases / genome_size, limits.min_depth)


def find_library_rejections(library: Run) -> Iterator[Rejection]:
    """Yield why a library is not accepted: its source, strategy or selection."""
    yield from check_word("library source", library.source)
    yield from check_word("library strategy", library.strategy)
    yield from check_word("library selection", library.selection)


def check_access(groups: Collection[str]) -> Iterator[Rejection]:
    """Yield a reason if access to the reads needs a consent group."""
    if names := ", ".join(sorted(groups)):
        yield Rejection("access", f"access to its reads is controlled ({names})")


def check_word(name: str, given: str, allowed: tuple[str, ...] = ()) -> Iterator[Rejection]:
    """Yield a reason if a word is not allowed; by default `WORDS` are."""
    allowed = allowed or WORDS[name]
    if given not in allowed:
        yield Rejection(name, f"{name} is {given or 'unknown'}, must be {' or '.join(allowed)}")


def _check_amount(name: str, given: float, least: int) -> Iterator[Rejection]:
    if given < least:
        yield Rejection(name, f"{name} is {int(given):,}, must be at least {least:,}")
