"""The manifest of an array: line i says what child i has to do.

All lines are padded with spaces to the same width, so that a child reads its own line with one
ranged GET and not those of its ten thousand siblings.
"""

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ManifestLine:
    """Work of one child: arguments of Snakemake, local inputs, files to return, the task's key.

    Logs are returned if they exist; outputs must exist. The digests are those of the jobs with
    their inputs (names.get_input_digest).
    """

    arguments: list[str]
    inputs: list[str]
    outputs: list[str]
    key: str
    logs: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


def build_manifest(lines: list[ManifestLine]) -> tuple[bytes, int]:
    """Return the manifest and the number of bytes of each of its lines."""
    # JSON in ASCII: each character is one byte, and no name can break a line.
    rows = [json.dumps(vars(line), separators=(",", ":")) for line in lines]
    width = max(map(len, rows)) + 1
    return "".join(row.ljust(width - 1) + "\n" for row in rows).encode("ascii"), width


def parse_line(content: bytes) -> ManifestLine:
    """Read one line of a manifest.

    Raises:
        ValueError: it is none, or one of another version.
    """
    try:
        return ManifestLine(**json.loads(content))
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not a line of a manifest: {error}") from error


def parse_manifest(content: bytes) -> list[ManifestLine]:
    """Read all lines of a manifest.

    Raises:
        ValueError: it is none, or one of another version.
    """
    return [parse_line(line) for line in content.splitlines()]


def get_byte_range(index: int, width: int) -> str:
    """Value of the header `Range` for line `index` (from 0)."""
    return f"bytes={index * width}-{(index + 1) * width - 1}"
