"""Put the files of many genomes into one folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import DecodeError, Struct
from msgspec.json import Decoder, encode

from bactofleet.core.text import clean
from bactofleet.records.folder import lock_results
from bactofleet.transfer.choice import ChosenGenome
from bactofleet.transfer.members import Extractor
from bactofleet.transfer.names import flat_names, owner_of
from bactofleet.transfer.parallel import in_parallel
from bactofleet.transfer.places import ObjectFault
from bactofleet.transfer.tally import Tally, with_progress
from bactofleet.transfer.unpack import as_fault

# File in the folder: a line for each genome whose files are there.
JOURNAL = ".extracted.jsonl"


class Entry(Struct, frozen=True):
    """A line of the journal: the files that patterns chose from a genome's tarball."""

    sample: str
    sha256: str
    """Of the tarball."""
    patterns: tuple[str, ...]
    files: dict[str, int]
    """Size in bytes by name."""


_DECODER = Decoder(Entry)


def fill_folder(
    extractor: Extractor,
    chosen: Sequence[ChosenGenome],
    into: Path,
    samples: frozenset[str],
    tally: Tally,
) -> None:
    """Put the files of the genomes into a folder, except those that are there already.

    No file gets a name that one of another of the `samples` can get. Raises `ExtractIncomplete` if
    there are no files.
    """
    folder = _Folder(extractor, into, samples)
    with lock_results(into):
        entries = folder.read_journal(chosen)
        wanted = [genome for genome in chosen if genome.sample not in entries]
        if entries:
            print(f"The files of {len(entries):,} of these genomes are in {into} already.")
        with (into / JOURNAL).open("ab") as journal:
            answers = in_parallel(folder.extract, wanted)
            for genome, answer in with_progress(answers, len(wanted)):
                if isinstance(answer, ObjectFault):
                    tally.add_fault(answer)
                    continue
                journal.write(encode(answer) + b"\n")
                journal.flush()
                entries[genome.sample] = answer
        for entry in entries.values():
            tally.add(entry.sample, len(entry.files))
        _tell_others(into, {name for entry in entries.values() for name in entry.files})
    tally.check(extractor.patterns)


@dataclass(frozen=True)
class _Folder:
    extractor: Extractor
    path: Path
    samples: frozenset[str]

    def extract(self, genome: ChosenGenome) -> Entry | ObjectFault:
        """Put the files of a genome into the folder, all of them or none."""
        unfinished = self.path / f".{genome.sample}.part"
        try:
            copies = self.extractor.copy(genome, unfinished)
            names = flat_names(genome.sample, copies, self.samples)
            sizes = {names[path]: copy.stat().st_size for path, copy in copies.items()}
            with as_fault(genome.sample):
                for path, copy in copies.items():
                    copy.replace(self.path / names[path])
        except ObjectFault as fault:
            return fault
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return Entry(genome.sample, genome.sha256, self.extractor.patterns, sizes)

    def read_journal(self, chosen: Sequence[ChosenGenome]) -> dict[str, Entry]:
        """Return the entries of chosen genomes whose files are there, from their present tarballs.

        They are not there if they were removed or changed, or if a name could now be that of
        another sample's file, because the sample is new.
        """
        path = self.path / JOURNAL
        present = {genome.sample: genome.sha256 for genome in chosen}
        entries: dict[str, Entry] = {}
        for line in path.read_bytes().splitlines() if path.is_file() else ():
            try:
                entry = _DECODER.decode(line)
            except (DecodeError, UnicodeDecodeError):
                continue  # half a line, of a call that was interrupted
            if entry.patterns == self.extractor.patterns and entry.sample in present:
                entries[entry.sample] = entry
        return {
            sample: entry
            for sample, entry in entries.items()
            if entry.sha256 == present[sample] and self._is_there(entry)
        }

    def _is_there(self, entry: Entry) -> bool:
        return all(
            owner_of(name, self.samples) == entry.sample and _size_of(self.path / name) == size
            for name, size in entry.files.items()
        )


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _tell_others(folder: Path, known: set[str]) -> None:
    """Say which files in a folder are not of this call, as an analysis would take them too."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if others := names - known:
        print(
            f"NOTE: {folder} also holds {len(others):,} files that this call did not choose, "
            f"such as {clean(min(others))}.",
            file=sys.stderr,
        )
