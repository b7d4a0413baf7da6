"""Assemblies of GenBank and RefSeq by accession, from NCBI Datasets.

https://www.ncbi.nlm.nih.gov/datasets/docs/v2/api/rest-api/: an accession's package is a zip file
with `ncbi_dataset/data/GCF_.../GCF_..._genomic.fna`.
"""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path
from urllib.parse import urlsplit

from bactofleet.archives.files import fetch
from bactofleet.archives.https import Fetched
from bactofleet.archives.retry import Say
from bactofleet.core.errors import MissingInput, TemporaryFailure, TooLarge
from bactofleet.core.samples import NCBI_ASSEMBLY

FASTA_ENDING = "_genomic.fna"


def fetch_assembly(url: str, target: Path, say: Say, max_bytes: int) -> Fetched:
    """Download an assembly from NCBI's address and unpack its sequences to `target`.

    `BACTOFLEET_DATASETS_URL` sets another server. Raises `MissingInput` if NCBI has no sequences of
    it, `TooLarge` if they have more than `max_bytes`, and `TemporaryFailure` for a damaged package.
    """
    package = target.with_name(f"{target.name}.zip")
    fetched = fetch(_at_mirror(url), package, say, max_bytes)
    accession = urlsplit(url).path.split("/")[-2]
    try:
        with zipfile.ZipFile(package) as archive:
            found = [one for one in archive.infolist() if one.filename.endswith(FASTA_ENDING)]
            if len(found) != 1:
                raise MissingInput(f"NCBI has {len(found)} files of sequences for {accession}")
            if found[0].file_size > max_bytes:
                raise TooLarge(accession, max_bytes)
            # zipfile reads no more than file_size, and compares the CRC.
            with archive.open(found[0]) as packed, target.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise TemporaryFailure(f"NCBI's package of {accession} is damaged: {error}") from error
    package.unlink()
    return fetched


def _at_mirror(url: str) -> str:
    mirror = os.environ.get("BACTOFLEET_DATASETS_URL", "").rstrip("/")
    return f"{mirror}{url.removeprefix(NCBI_ASSEMBLY)}" if mirror else url
