"""A cohort of runs of SRA: a sheet as `bactofleet search` writes it, and the receipts."""

from __future__ import annotations

import json
import random
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from support.synthetic_cohort import make_receipt

from bactofleet.core.config import check_config, load_schema, parameters_of
from bactofleet.core.files import fingerprint
from bactofleet.core.identity import identify
from bactofleet.core.samples import Row, to_sample

REPOSITORY = Path(__file__).parents[2]
RESULTS = "s3://genomes-bucket/results"
FIRST = 10_000_000
SAMPLE = "SAMN"


def write_project(folder: Path, genomes: int) -> None:
    """Write what a user has: the workflow, the profiles, the configuration, a filled sheet."""
    folder.mkdir(parents=True)
    for name in ("config", "profiles", "workflow"):
        shutil.copytree(REPOSITORY / name, folder / name)
    rows = map(describe, range(FIRST, FIRST + genomes))
    columns = list(describe(FIRST))
    lines = ["\t".join(row[column] for column in columns) for row in rows]
    (folder / "config/samples.tsv").write_text("\n".join(["\t".join(columns), *lines, ""]))


def describe(number: int) -> Row:
    """Return the row of a genome: one experiment with one run, and all that a job has to know."""
    run = f"SRR{number}"
    place = f"ftp.sra.ebi.ac.uk/vol1/fastq/{run[:6]}/0{run[-2:]}/{run}/{run}"
    return {
        "sample": f"{SAMPLE}{number}",
        "accession": f"SRX{number}",
        "genome_size": "2800000",
        "species": "Staphylococcus aureus",
        "runs": run,
        "layout": "paired",
        "spots": "950000",
        "bases": "285000000",
        "fastq": f"{place}_1.fastq.gz;{place}_2.fastq.gz",
        "fastq_md5": f"{number:032x};{number + 1:032x}",
        "fastq_bytes": "91234567;93456789",
    }


def build_receipt(sample: str) -> bytes:
    """Return the receipt of a genome of the cohort, with some 3 kB as real ones have."""
    row = describe(int(sample.removeprefix(SAMPLE)))
    rng = random.Random(sample)  # noqa: S311 - no secret
    receipt = make_receipt(sample, rng)
    receipt["input"] |= {
        "kind": "accession",
        "runtype": "sra_accession",
        "runs": [{"run": row["runs"], "provider": "sra-odp", "files": receipt["input"]["files"]}],
        "files": [],
    }
    receipt["parameters"] = _parameters()
    receipt["identity"] = identify(to_sample(sample, row), _checksum(), None).to_json()
    receipt["tarball"]["path"] = f"{RESULTS}/{sample}.tar.gz"
    return json.dumps(receipt, indent=2).encode()


@cache
def _parameters() -> dict[str, Any]:
    schema = load_schema(REPOSITORY / "workflow/schemas/config.schema.yaml")
    return parameters_of(check_config({}, schema, "config/config.yaml"))


@cache
def _checksum() -> str:
    return fingerprint(_parameters())
