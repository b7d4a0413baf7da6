"""Reference files that an option names by address, so that jobs elsewhere can fetch them.

An address is `s3://BUCKET/KEY#sha256=...` or `https://HOST/PATH#sha256=...`. The checksum stands
for the content: a file that changes under the same address is never used by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bactofleet.core.amrfinder import find_amrfinder_fault
from bactofleet.core.proteins import find_fault
from bactofleet.core.schemes import find_scheme_fault

# The options, and whether an address of each is an archive of a folder (tar) or a single file.
REFERENCES = {
    "proteins": False,
    "species_references": True,
    "mlst_schemes": True,
    "amrfinder": True,
}
# What says how a file or folder of the user is wrong; nothing does of a sketch (genome/species.py).
FIND_FAULT = {
    "proteins": find_fault,
    "mlst_schemes": find_scheme_fault,
    "amrfinder": find_amrfinder_fault,
}
# Without user, password and query, which may be secrets: addresses are in logs and receipts.
ADDRESS = re.compile(
    r"(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^?#]+|https://[^/?#@\s]+/[^?#\s]+)"
    r"#sha256=[0-9a-f]{64}"
)
ARCHIVE = re.compile(r"\.(tar|tgz|tar\.gz)#")
FOLDER = ".references"


def is_address(place: str) -> bool:
    """Say whether an option names something to fetch rather than a path."""
    return "://" in place


def addresses_in(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the options that name an address, with it."""
    return {name: place for name in REFERENCES if is_address(place := config.get(name) or "")}


def find_address_fault(option: str, address: str) -> str:
    """Describe what is wrong with the address of an option; "" if nothing is."""
    if not ADDRESS.fullmatch(address):
        return (
            "must be a path, or s3://BUCKET/KEY#sha256=... or https://HOST/PATH#sha256=... with "
            f"the 64 digits that sha256sum prints, not {address!r}"
        )
    if REFERENCES[option] != bool(ARCHIVE.search(address)):
        kind = "an archive (.tar, .tar.gz or .tgz)" if REFERENCES[option] else "a FASTA file"
        return f"must name {kind}, unlike {address!r}"
    return ""


def url_and_checksum(address: str) -> tuple[str, str]:
    """Return the URL of an address and the SHA-256 of what is there."""
    url, _, sha256 = address.partition("#sha256=")
    return url, sha256


def local_place(place: str, scratch: Path) -> Path:
    """Return where a reference is: at its own path, or where the download stage has put it.

    `scratch` is the folder in which the genomes of a results folder are made.
    """
    if not is_address(place):
        return Path(place)
    return scratch / FOLDER / url_and_checksum(place)[1]
