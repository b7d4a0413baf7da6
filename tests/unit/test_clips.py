"""Alignments with long clips are dropped, unless the clip reaches over the end of a contig."""

import pytest

from bactofleet.genome.clips import keep_whole

HEADER = [b"@HD\tVN:1.6\n", b"@SQ\tSN:c1\tLN:1000\n", b"@SQ\tSN:c2\tM5:0\tLN:80\n"]


def align(position: int, cigar: str, contig: str = "c1") -> bytes:
    cells = ("r1", "0", contig, str(position), "60", cigar, "*", "0", "0", "ACGT", "IIII")
    return "\t".join(cells).encode() + b"\n"


def is_kept(line: bytes) -> bool:
    *header, last = keep_whole([*HEADER, line]) if line else HEADER
    return last == line and header == HEADER


@pytest.mark.parametrize(
    ("position", "cigar", "kept"),
    [
        (500, "100M", True),
        (500, "5S95M", True),
        (500, "6S94M", False),
        (500, "94M6S", False),
        (500, "6H94M", False),  # the other part of a read that was aligned in two
        (500, "3H3S94M", False),
        (1, "40S60M", True),  # over the beginning
        (30, "40S60M", True),
        (40, "40S60M", True),
        (41, "40S60M", False),  # ends one base inside
        (941, "60M40S", True),  # over the end, which is base 1,000
        (902, "60M40S", True),
        (901, "60M40S", False),
        (896, "30M5D25M40S", False),  # a deletion takes bases of the contig
        (897, "30M5D25M45S", True),
        (917, "30M5I25M40S", True),  # an insertion takes none
        (1, "40S60M40S", False),  # over one end only
    ],
)
def test_a_clip_inside_a_contig_drops_the_alignment(position: int, cigar: str, kept: bool) -> None:
    assert is_kept(align(position, cigar)) == kept


def test_each_contig_has_its_own_end() -> None:
    assert is_kept(align(21, "60M40S", "c2"))
    assert not is_kept(align(21, "60M40S", "c1"))


def test_reads_without_an_alignment_stay() -> None:
    assert is_kept(align(0, "*", "*"))
