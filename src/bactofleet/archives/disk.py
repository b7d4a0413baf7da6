"""Disk space, checked before a download rather than in the middle of it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from bactofleet.core.tools import DISK_RESERVE_BYTES

GB = 1e9


def check_space(folder: Path, needed: int, what: str) -> None:
    """Raise the error of a full disk unless `folder` has `needed` free bytes.

    No other source would help, so it is an `OSError` and not an error of a source.
    """
    free = shutil.disk_usage(folder).free - DISK_RESERVE_BYTES
    if needed > free:
        raise OSError(
            errno.ENOSPC,
            f"{what} takes {needed / GB:.1f} GB and {max(0, free) / GB:.1f} GB are free in "
            f"{folder}; make room there, or choose a larger disk for scratch",
        )
