"""The receipts of a cohort on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from bactofleet.records.rows import RECEIPTS

SUFFIX = ".json"


def receipts_folder(results: Path) -> Path:
    """Return where receipts are below the local folder of results."""
    return results / RECEIPTS


def list_receipts(results: Path) -> list[str]:
    """Return the names of the samples that have a receipt, in order."""
    folder = receipts_folder(results)
    names = (entry.name for entry in os.scandir(folder)) if folder.is_dir() else ()
    return sorted(
        name.removesuffix(SUFFIX)
        for name in names
        if name.endswith(SUFFIX) and not name.startswith(".")
    )
