"""A run in the archives of this machine: its rows, and its files."""

from __future__ import annotations

import hashlib
from typing import Any

from support.archive_server import Archive
from support.archives import make_run

ENA_HOST = "ftp.sra.ebi.ac.uk"
EXPERIMENT = "SRX9000000"


def add_run(
    archive: Archive,
    run: str,
    *files: tuple[str, bytes],
    layout: str = "PAIRED",
    spots: int = 20,
    platform: str = "ILLUMINA",
    experiment: str = EXPERIMENT,
    **values: Any,
) -> dict[str, str]:
    """Add a run to both archives, with its files (end of the name, contents) at ENA.

    Returns its row of ENA's table.
    """
    folder = f"/vol1/fastq/{run[:6]}/{run}"
    for end, data in files:
        archive.files[f"{folder}/{run}{end}"] = data
    ena = make_run(
        0,
        run_accession=run,
        experiment_accession=experiment,
        instrument_platform=platform,
        library_layout=layout,
        read_count=str(spots),
        base_count=str(100 * spots),
        fastq_ftp=";".join(f"{ENA_HOST}{folder}/{run}{end}" for end, _ in files),
        fastq_md5=";".join(hashlib.md5(data).hexdigest() for _, data in files),  # noqa: S324
        fastq_bytes=";".join(str(len(data)) for _, data in files),
        **values,
    )
    archive.metadata.ena.append(ena)
    archive.metadata.sra.append(dict(ena))
    return ena


def path_at_ena(run: str, end: str) -> str:
    """Return the path of a file of a run at ENA."""
    return f"/vol1/fastq/{run[:6]}/{run}/{run}{end}"


def to_sheet(*rows: dict[str, str]) -> dict[str, str]:
    """Return the columns of the sample sheet that a search writes from rows of ENA."""
    columns = {
        "runs": "run_accession",
        "spots": "read_count",
        "bases": "base_count",
        "fastq": "fastq_ftp",
        "fastq_md5": "fastq_md5",
        "fastq_bytes": "fastq_bytes",
    }
    joined = {
        column: ";".join(row[name] for row in rows if row[name]) for column, name in columns.items()
    }
    return {"accession": EXPERIMENT, "layout": rows[0]["library_layout"].lower(), **joined}
