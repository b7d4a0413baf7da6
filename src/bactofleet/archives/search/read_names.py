"""What the names of read files say: genome, mate, lane.

Illumina's names are those of bcl2fastq and Casava
(https://support.illumina.com/help/BaseSpace_Sequence_Hub_OLH_009008_2/Source/Informatics/BS/NamingConvention_FASTQ-files-swBS.htm),
those of runs are SRA's (`fastq-dump --split-files`, `fasterq-dump --split-3`) and ENA's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

FASTQ = re.compile(r"\.(?:fastq|fq)(?P<packing>\.[a-z0-9]+)?$", re.IGNORECASE)
# Name, number in the sample sheet or index sequence, lane, read or index read, part.
_CASAVA = re.compile(
    r"(?P<name>.+?)(?:_(?P<library>S\d+)|_(?:[ACGTN]{6,}(?:[-+][ACGTN]{6,})?|NoIndex))?"
    r"(?:_(?P<lane>L\d{3}))?_(?P<kind>[RI])(?P<mate>[12])_(?P<part>\d{3})"
)
_VARIANT = r"(?P<variant>[._-](?:val_[12]|(?:un)?paired|trim(?:med)?|clean(?:ed)?|filtered|qc))?"
_WORD = re.compile(r"(?P<name>.+)[._-](?:R|read_?)(?P<mate>[12])(?P<tail>[._-].+)?", re.IGNORECASE)
_NUMBER = re.compile(
    rf"(?P<name>.+?)[._-](?P<mate>[12]|F|R|fwd|rev|forward|reverse)(?P<pair>[PU])?{_VARIANT}"
)
_LANE = re.compile(r"(?P<name>.+)[._](?P<lane>L\d{3})")
_TAIL = re.compile(r"(?:[._](?P<lane>L\d{3}))?(?:_(?P<part>\d{3}))?(?P<variant>[._-].+)?")
# fastq-dump names the reads that passed the filter so.
_RUN_PASSED = re.compile(r"([SED]RR\d{6,9})_pass")
_SECOND = {"2", "R", "rev", "reverse"}
_UNPAIRED = re.compile(r"unpaired|orphan|singleton", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReadName:
    """What the name of a file says; "" and 0 where it says nothing."""

    genome: str
    mate: int = 0
    """1 or 2; 0 for reads without mates."""
    lane: str = ""
    part: str = ""
    library: str = ""
    """Number of the library in the sequencer's sample sheet, such as S1."""
    variant: str = ""
    """What a program added, such as `_trimmed`."""
    packing: str = ""
    """How it is compressed, such as `.gz`."""
    is_word: bool = False
    """The mate is written as R1 or R2, not as a number alone."""
    is_index: bool = False
    is_unpaired: bool = False
    """Reads whose mates a program has dropped."""


def parse_read_name(file_name: str) -> ReadName:
    """Return what the name of a FASTQ file says."""
    end = FASTQ.search(file_name)
    packing = ((end and end["packing"]) or "").lower()
    return replace(_parse(FASTQ.sub("", file_name)), packing=packing)


def _parse(stem: str) -> ReadName:
    if found := _CASAVA.fullmatch(stem):
        return ReadName(
            genome=found["name"],
            mate=int(found["mate"]),
            lane=found["lane"] or "",
            part=found["part"],
            library=found["library"] or "",
            is_word=True,
            is_index=found["kind"] == "I",
        )
    if found := _WORD.fullmatch(stem):
        tail = _TAIL.fullmatch(found["tail"] or "")
        rest = tail.groupdict("") if tail else {"lane": "", "part": "", "variant": found["tail"]}
        return _of_mate(found["name"], int(found["mate"]), rest, is_word=True)
    if found := _NUMBER.fullmatch(stem):
        rest = {"variant": "unpaired" if found["pair"] == "U" else found["variant"] or ""}
        return _of_mate(found["name"], 2 if found["mate"] in _SECOND else 1, rest, is_word=False)
    return ReadName(stem, is_unpaired=_UNPAIRED.search(stem) is not None)


def _of_mate(name: str, mate: int, rest: dict[str, str], *, is_word: bool) -> ReadName:
    lane, variant = rest.get("lane", ""), rest["variant"]
    if not lane and (found := _LANE.fullmatch(name)):
        name, lane = found["name"], found["lane"]
    if found := _RUN_PASSED.fullmatch(name):
        name = found[1]
    # TrimGalore names the mates of one pair `_val_1` and `_val_2`.
    return ReadName(
        genome=name,
        mate=mate,
        lane=lane,
        part=rest.get("part", ""),
        variant=re.sub(r"val_[12]$", "val", variant),
        is_word=is_word,
        is_unpaired=_UNPAIRED.search(variant) is not None,
    )
