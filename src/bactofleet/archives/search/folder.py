"""Find the genomes of a folder of reads by the names of its files.

A genome is taken only if its files can be told by their names; what could be two things is left
out with the reason, because a wrong pair would be a wrong genome.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bactofleet.archives.search.read_names import FASTQ, ReadName, parse_read_name
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.samples import SEPARATOR, Row, file_of

_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
_RUN = re.compile(r"[SED]RR\d{6,9}")
# Folders of MinKNOW and Guppy, one for each barcode; in fastq_pass also with the name of a sample.
_BARCODE = re.compile(r"barcode\d{2}")
_BY_SAMPLE = "fastq_pass"
# Names of files by MinKNOW (flow cell first) and by dorado demux (run and kit first).
_FILE_OF_BARCODE = re.compile(
    r"(?P<run>[A-Z]{3}\d+|.+_(?:SQK|EXP|VSK)-[A-Z0-9-]+)_(?:pass_)?(?P<genome>barcode\d{2})(?:_[\da-f_]+)?"
)
_NO_BARCODE = re.compile(
    r"(?:^|[/_])(?:unclassified|mixed|fastq_fail)(?:[/_.]|$)|(?:^|[/_])fail[/_]barcode\d{2}[/_.]"
)
_NANOPORE = re.compile(r"(?:^|[/_])(?:barcode\d{2}|fastq_pass)(?:[/_.]|$)")
# The first lines of files of long reads: https://github.com/nanoporetech/dorado and
# https://pacbiofileformats.readthedocs.io (names of reads). ENA puts the read of the run first.
_OF_RUN = rb"@(?:[SED]RR\d+\.\d+ )?"
_LONG_READS = {
    "ont": re.compile(_OF_RUN + rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    "hifi": re.compile(_OF_RUN + rb"m\w+/\d+/ccs\b"),
}
_SHORT_LANE = re.compile(r"(?P<name>.+)[._](?P<lane>L\d{1,2})(?P<rest>[._].+)?")
# Neither a path of the sheet nor a line of it may hold these.
_NOT_IN_A_CELL = re.compile(r'[\x00-\x1f;\ud800-\udfff]|^"')


class Doubt(NamedTuple):
    """Why a genome was left out, or what to look at: a word, and a sentence."""

    name: str
    detail: str


@dataclass
class Found:
    """A genome of a folder, or files that are none."""

    name: str
    row: Row
    """Its row of the sheet; empty if it is left out."""
    doubts: list[Doubt]


class _File(NamedTuple):
    path: str
    says: ReadName


class _Barcode(NamedTuple):
    """Files with the same folder, run and barcode are of one genome."""

    folder: Path
    run: str
    genome: str


def find_genomes(folder: Path) -> list[Found]:
    """Return the genomes of a folder and its subfolders, and the files that were left out.

    Raises `ConfigurationError` if there is no FASTQ file.
    """
    left_out: list[Found] = []
    files: list[_File] = []
    barcodes: dict[_Barcode, list[str]] = defaultdict(list)
    seen: dict[object, str] = {}
    for path in _iter_fastq(folder):
        says = parse_read_name(Path(path).name)
        barcode = _find_barcode(Path(path))
        below = os.path.relpath(path, folder)
        if doubt := next(_find_faults(path, says, below, seen, barcode), None):
            left_out.append(Found(path, {}, [doubt]))
        elif barcode:
            barcodes[barcode].append(path)
        else:
            files.append(_File(path, says))
    if not (files or barcodes or left_out):
        raise ConfigurationError(
            [f"{folder} has no FASTQ files (.fastq.gz, .fq.gz, .fastq or .fq), at any depth"]
        )
    groups: dict[str, list[_File]] = defaultdict(list)
    for file in files:
        groups[file.says.genome].append(file)
    is_single = all(file.says.mate != 2 for file in files)
    found = [
        genome
        for name, group in groups.items()
        for genome in _to_genomes(name, group, _find_numbered(name, groups), is_single)
    ]
    _refuse_short_lanes(found)
    return [*found, *(_join(*barcode) for barcode in barcodes.items()), *left_out]


def _find_barcode(path: Path) -> _Barcode | None:
    """Return whose reads a file of a Nanopore run has; None if neither folder nor name says so."""
    folder = path.parent
    if _BARCODE.fullmatch(folder.name) or folder.absolute().parent.name == _BY_SAMPLE:
        return _Barcode(folder, "", folder.name)
    stem = FASTQ.sub("", path.name)
    if _BARCODE.fullmatch(stem):
        return _Barcode(folder, "", stem)
    found = _FILE_OF_BARCODE.fullmatch(stem)
    return _Barcode(folder, found["run"], found["genome"]) if found else None


def _join(barcode: _Barcode, files: list[str]) -> Found:
    """Return the genome of a barcode of a Nanopore run, all its files."""
    doubt = Doubt("nanopore", f"Nanopore reads of a barcode, files joined: {len(files):,}")
    return _to_row(barcode.genome, {"ont": files}, [doubt])


def _iter_fastq(folder: Path) -> Iterator[str]:
    """Yield the paths of all FASTQ files, sorted; hidden files and folders are passed over."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            os.path.join(parent, name)  # noqa: PTH118
            for name in sorted(names)
            if FASTQ.search(name) and not name.startswith(".")
        )


def _find_faults(
    path: str, says: ReadName, below: str, seen: dict[object, str], barcode: _Barcode | None
) -> Iterator[Doubt]:
    """Find why a file cannot be reads of a genome; `below` is its path within the folder."""
    if _NOT_IN_A_CELL.search(path):
        yield Doubt("path", "its path has characters that a sheet cannot hold; rename it")
    if not os.path.isfile(path):  # noqa: PTH113
        yield Doubt("no file", "it is a link to nothing, or no regular file")
    if not os.access(path, os.R_OK):
        yield Doubt("unreadable", "you may not read it; see `ls -l`")
    if (first := seen.setdefault(file_of(path), path)) != path:
        yield Doubt("same file", f"it is the same file as {first}")
    if says.packing not in ("", ".gz"):
        yield Doubt("packing", f"{says.packing} files are not read; unpack it, or use gzip")
    if not os.path.getsize(path):  # noqa: PTH202
        yield Doubt("empty", "it is empty")
    if says.genome.startswith("Undetermined"):
        yield Doubt("undetermined", "these reads belong to no sample")
    if says.is_index:
        yield Doubt("index reads", "it holds index reads, no genome")
    if says.is_unpaired:
        yield Doubt("unpaired", "its reads have lost their mates")
    if _NO_BARCODE.search(below):
        yield Doubt("nanopore", "its name is that of Nanopore reads without barcode or quality")
    if _NANOPORE.search(below) and not barcode:
        yield Doubt("nanopore", "its name is that of Nanopore reads; name it in the column ont")


def _find_numbered(name: str, groups: dict[str, list[_File]]) -> list[str]:
    """Return the names of genomes that continue a count: for x_1 and x_2 those of x_3, x_4, ..."""
    return [
        f"{name}{mark}{number}"
        for mark in ("_", ".", "-", "_R", ".R", "-R", "_r")
        for number in (3, 4, "03", "10")
        if f"{name}{mark}{number}" in groups
    ]


def _to_genomes(
    name: str, group: list[_File], numbered: list[str], is_single: bool
) -> Iterator[Found]:
    """Yield the genome of the files with one name, and files that do not belong to it."""
    mates = [file for file in group if file.says.mate]
    plain = [file for file in group if not file.says.mate]
    if mates and plain:
        for file in plain:
            why = f"{name} has files of mates; these may be its orphans"
            yield Found(file.path, {}, [Doubt("unpaired", why)])
        group = mates
    if doubt := _find_ambiguity(group, numbered if mates else []):
        yield Found(name, {}, [doubt])
        return
    r1, r2 = _paths_of(group, 1 if mates else 0), _paths_of(group, 2)
    doubts = []
    if mates and not r2:
        # fastq-dump names the reads of a single-end run as first mates.
        is_run = _RUN.fullmatch(name)
        if not is_run and not (is_single and all(file.says.is_word for file in mates)):
            yield Found(name, {}, [Doubt("mate", f"{', '.join(r1)} has no second mate")])
            return
        doubts = [Doubt("single-end", "there are no second mates: taken as single-end reads")]
    kind = "r1" if mates else _find_kind(r1[0])
    yield _to_row(name, {kind: r1, "r2": r2}, doubts)


def _find_kind(path: str) -> str:
    """Return the column of a file of reads without mates, by the name of its first read."""
    opener = gzip.open if path.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            first = file.readline(200)
    except (OSError, EOFError, zlib.error):
        return "r1"  # the stage download says what is wrong with it
    return next((column for column, name in _LONG_READS.items() if name.match(first)), "r1")


def _paths_of(group: list[_File], mate: int) -> list[str]:
    """Return the files of a mate in the order of lanes and parts."""
    files = [file for file in group if file.says.mate == mate]
    return [
        file.path
        for file in sorted(files, key=lambda file: (file.says.lane, file.says.part, file.path))
    ]


def _find_ambiguity(group: list[_File], numbered: list[str]) -> Doubt | None:
    """Find what the files with one name leave open."""

    def values(get: Callable[[ReadName], str]) -> list[str]:
        return sorted({get(file.says) for file in group})

    if numbered:
        return Doubt("numbers", f"are its files mates, or genomes as {numbered[0]} is one?")
    if len(libraries := values(lambda says: says.library)) > 1:
        return Doubt("library", f"it has several libraries: {', '.join(libraries)}")
    lanes, variants = values(lambda says: says.lane), values(lambda says: says.variant)
    if len(variants) > 1 or ("" in lanes and len(lanes) > 1):
        return Doubt("versions", f"the same reads twice? {', '.join(f.path for f in group)}")
    parts: dict[tuple[str, str, int], str] = {}
    for path, says in group:
        first = parts.setdefault((says.lane, says.part, says.mate), path)
        if first != path:
            return Doubt("same name", f"one genome or two? {first} and {path}")
    first_mates, second_mates = ({k[:2] for k in parts if k[2] == mate} for mate in (1, 2))
    if second_mates and first_mates != second_mates:
        return Doubt("mate", f"some of its files have no mate: {', '.join(f.path for f in group)}")
    return None


def _to_row(name: str, files: dict[str, list[str]], doubts: list[Doubt]) -> Found:
    """Return a genome with its row, by a name that the sheet takes; `files` are by column."""
    safe = _UNFIT.sub("_", name).lstrip("_.-").rstrip(".-")
    if safe != name:
        doubts = [*doubts, Doubt("name", f"its files are called {name}")]
    paths = [path for column in files.values() for path in column]
    if len({Path(path).parent for path in paths}) > 1:
        doubts = [*doubts, Doubt("folders", f"its files are in several folders: {paths[0]}, ...")]
    cells = {column: SEPARATOR.join(column_files) for column, column_files in files.items()}
    return Found(
        safe, {"sample": safe} | {name: cell for name, cell in cells.items() if cell}, doubts
    )


def _refuse_short_lanes(found: list[Found]) -> None:
    """Leave out genomes whose names differ only in L1 and L2: these may be lanes of one genome.

    Other sequencers than Illumina's name lanes so, and may run other genomes on each.
    """
    lanes: dict[tuple[str, str], list[Found]] = defaultdict(list)
    for genome in found:
        if genome.row and (parts := _SHORT_LANE.fullmatch(genome.name)):
            lanes[parts["name"], parts["rest"] or ""].append(genome)
    for genomes in lanes.values():
        if len(genomes) > 1:
            names = ", ".join(genome.name for genome in genomes)
            for genome in genomes:
                genome.row, genome.doubts = {}, [Doubt("lanes", f"one genome or several? {names}")]
