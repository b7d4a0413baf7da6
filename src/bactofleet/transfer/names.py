"""Name the files of many genomes in one folder, so that no two have the same name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from bactofleet.transfer.places import ObjectFault

# Joins a sample and a file. It is in the name of no sample, see samples.schema.yaml.
JOINT = "+"
# What may follow the sample in the name of one of its files.
SEPARATORS = (".", "-", "_", JOINT)
# Most bytes of a name on usual file systems, NAME_MAX of limits.h.
MAX_NAME_BYTES = 255


def flat_names(sample: str, paths: Iterable[str], samples: Collection[str]) -> dict[str, str]:
    """Return a name for each path of a genome, which no file of another of the `samples` can get.

    A file whose name begins with its sample keeps it, others get the sample in front
    (`S1+versions.yml`). Files of one name in several folders get their whole paths
    (`S1+main+qc+logs+versions.yml`). Raises `ObjectFault` for a name that no folder should have.
    """
    short = {path: _shorten(sample, path, samples) for path in paths}
    counts = Counter(short.values())
    names = {
        path: name if counts[name] == 1 else JOINT.join((sample, *PurePosixPath(path).parts))
        for path, name in short.items()
    }
    if len(set(names.values())) < len(names):
        raise ObjectFault(f"{sample}: files in its tarball would get the same name")
    for path, name in names.items():
        if not _is_usable(PurePosixPath(path).name) or not _is_usable(name):
            raise ObjectFault(f"{sample}: its tarball holds {path!r}, which is no name for a file")
    return names


def owner_of(name: str, samples: Collection[str]) -> str | None:
    """Return the sample that a file belongs to by its name: the longest with which it begins."""
    ends = (end for end in range(len(name) - 1, 0, -1) if name[end] in SEPARATORS)
    return next((name[:end] for end in ends if name[:end] in samples), None)


def _is_usable(name: str) -> bool:
    return bool(name) and name.isprintable() and len(os.fsencode(name)) <= MAX_NAME_BYTES


def _shorten(sample: str, path: str, samples: Collection[str]) -> str:
    name = PurePosixPath(path).name
    return name if owner_of(name, samples) == sample else f"{sample}{JOINT}{name}"
