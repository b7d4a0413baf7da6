"""The end of a log for the page, limited in size; tools wrote the text."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from bactofleet.core.text import clean

TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class LogTail:
    """The last lines of a log."""

    path: str
    text: str
    is_cut: bool
    """Whether the log has more lines above."""


def read_tail(path: Path) -> LogTail | None:
    """Return the end of a log without control characters; None if it is not a regular file."""
    try:
        # Do not follow links, and do not wait for a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as handle:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        begin = max(0, status.st_size - TAIL_BYTES)
        handle.seek(begin)
        content = handle.read(TAIL_BYTES)
    if begin:
        # The first line is incomplete: drop it, unless it is the only one.
        content = content.partition(b"\n")[2] or content
    lines = content.decode("utf-8", "replace").splitlines()
    return LogTail(str(path), "\n".join(map(clean, lines)), is_cut=begin > 0)
