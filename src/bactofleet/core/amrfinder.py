"""The user's folder of AMRFinderPlus: the program and its database, as NCBI lays them out.

https://github.com/ncbi/amr/wiki/Install-with-binary: `amrfinder` beside its helpers, and the
database that `amrfinder --update` makes, `data/latest`.
"""

from __future__ import annotations

import os
from pathlib import Path

from bactofleet.core.files import sha256_of

PROGRAM = "amrfinder"
DATABASE = Path("data/latest")
# https://github.com/ncbi/amr/wiki/AMRFinderPlus-database
DATABASE_VERSION = DATABASE / "version.txt"


def find_amrfinder_fault(folder: Path) -> str:
    """Describe what is wrong with a folder of AMRFinderPlus; "" if nothing is."""
    if not os.access(folder / PROGRAM, os.X_OK):
        return f"{folder / PROGRAM} is no program; name the folder of AMRFinderPlus's programs"
    if not (folder / DATABASE_VERSION).is_file():
        return f"there is no {folder / DATABASE_VERSION}; `{PROGRAM} --update` makes it"
    return ""


def database_version(folder: Path) -> str:
    """Return the version of the database: a date and a number."""
    return (folder / DATABASE_VERSION).read_text().strip()


def checksum_of_amrfinder(folder: Path) -> str:
    """Return a checksum of the program, with the version of its database."""
    return f"{sha256_of(folder / PROGRAM)} {database_version(folder)}"
