"""Drop alignments whose clipped end lies inside a contig: the read belongs elsewhere.

As samclip (https://github.com/tseemann/samclip), which shovill uses: a clip that reaches over the
end of a contig stays, because without it the ends would have no reads. Run as a filter of SAM:
`bwa mem ... | python -m bactofleet.genome.clips | samtools sort ...`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

# samclip's default.
MAX_CLIPPED_BASES = 5
# Clips at both ends; between them, what an alignment takes of the contig (SAM 1.4.6).
CIGAR = re.compile(rb"(?:(\d+)H)?(?:(\d+)S)?(.*?)(?:(\d+)S)?(?:(\d+)H)?")
ON_CONTIG = re.compile(rb"(\d+)[MDN=X]")
CONTIG = re.compile(rb"@SQ\t.*?\bSN:([^\t\n]+).*?\tLN:(\d+)")


def keep_whole(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a SAM without those alignments."""
    lengths: dict[bytes, int] = {}
    for line in lines:
        if line.startswith(b"@"):
            if contig := CONTIG.match(line):
                lengths[contig[1]] = int(contig[2])
            yield line
            continue
        _, _, name, position, _, cigar, _ = line.split(b"\t", 6)
        is_clipped = b"S" in cigar or b"H" in cigar
        if not is_clipped or _is_whole(cigar, int(position), lengths[name]):
            yield line


def _is_whole(cigar: bytes, position: int, length: int) -> bool:
    """Say whether each long clip reaches over its end of the contig (`position` counts from 1)."""
    found = CIGAR.fullmatch(cigar)
    if found is None:
        return False
    left, right = _add(found[1], found[2]), _add(found[4], found[5])
    behind = length - (position + sum(map(int, ON_CONTIG.findall(found[3]))) - 1)
    return (left <= MAX_CLIPPED_BASES or left >= position) and (
        right <= MAX_CLIPPED_BASES or right > behind
    )


def _add(*counts: bytes | None) -> int:
    return sum(int(count or 0) for count in counts)


if __name__ == "__main__":
    sys.stdout.buffer.writelines(keep_whole(sys.stdin.buffer))
