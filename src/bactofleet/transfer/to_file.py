"""Write the files of many genomes into one file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from bactofleet.core.files import replace_atomically
from bactofleet.core.text import clean
from bactofleet.transfer.choice import ChosenGenome
from bactofleet.transfer.joining import GZIP, join
from bactofleet.transfer.members import Extractor
from bactofleet.transfer.parallel import in_order
from bactofleet.transfer.places import ObjectFault
from bactofleet.transfer.tally import Tally, with_progress
from bactofleet.transfer.unpack import as_fault


def write_file(
    extractor: Extractor, chosen: Sequence[ChosenGenome], into: Path, tally: Tally
) -> None:
    """Write the files of all genomes one after the other, in the order of the genomes.

    The file is replaced when all have come. Raises `ExtractIncomplete` if there are none; an
    earlier file then stays.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=f".{into.name}.", dir=into.parent) as parts,
        replace_atomically(into) as unfinished,
        unfinished.open("wb") as joined,
    ):
        prepare = partial(_prepare, extractor, Path(parts), into.name.endswith(GZIP))
        twins: list[str] = []
        for genome, answer in with_progress(in_order(prepare, chosen), len(chosen)):
            if isinstance(answer, ObjectFault):
                tally.add_fault(answer)
                continue
            part, paths = answer
            with part.open("rb") as source:
                shutil.copyfileobj(source, joined)
            part.unlink()
            tally.add(genome.sample, len(paths))
            twins = twins or _find_twins(paths)
        if twins:
            print(
                f"NOTE: files of one name in several folders are in {into}, such as "
                f"{clean(' and '.join(twins))}; a pattern with the folder takes one of them.",
                file=sys.stderr,
            )
        tally.check(extractor.patterns)


def _prepare(
    extractor: Extractor, parts: Path, is_gzip: bool, genome: ChosenGenome
) -> tuple[Path, list[str]] | ObjectFault:
    """Write the part of a genome; return where it is and the paths of the files in it."""
    folder, part = parts / genome.sample, parts / f"{genome.sample}.part"
    try:
        copies = extractor.copy(genome, folder)
        with as_fault(genome.sample):
            join(sorted(copies.items()), part, is_gzip=is_gzip)
    except ObjectFault as fault:
        part.unlink(missing_ok=True)
        return fault
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return part, sorted(copies)


def _find_twins(paths: Sequence[str]) -> list[str]:
    """Return paths whose files have the same name as another."""
    names = [PurePosixPath(path).name for path in paths]
    counts = Counter(names)
    return [path for path, name in zip(paths, names, strict=True) if counts[name] > 1]
