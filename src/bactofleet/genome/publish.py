"""Stage 6, publish: deliver one tarball to the results, then write the receipt."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bactofleet import __version__
from bactofleet.core.destination import deliver
from bactofleet.core.files import fingerprint, sha256_of, write_json
from bactofleet.core.image import describe_image
from bactofleet.core.times import format_utc
from bactofleet.core.versions import get_versions
from bactofleet.genome.fastp import trim_fastp
from bactofleet.genome.stage import BACTOPIA_FOLDERS, PUBLISH, Stage, StageRecord, read_record
from bactofleet.genome.tarball import write_tarball
from bactofleet.records.portable import FILE, Fields, repeatable_part, to_metadata
from bactofleet.records.receipt import SCHEMA, check_fields

# Snakemake's own file, in every output folder.
SNAKEMAKE_TIMESTAMP = ".snakemake_timestamp"
# The stage's options that do not change the result.
OF_DELIVERY = ("results", "receipt")
CPU_INFO = Path("/proc/cpuinfo")


def run(stage: Stage) -> None:
    """Pack what the stages publish, deliver it, and write the receipt last."""
    records = {name: read_record(folder) for name, folder in stage.inputs.items()}
    merged = _merge(stage, records)
    receipt = _receipt(stage, merged)
    repeatable = stage.work / FILE
    write_json(repeatable, repeatable_part(receipt) | {"multiqc": merged.multiqc})
    tarball = stage.work / f"{stage.sample}.tar.gz"
    write_tarball(tarball, _collect(stage, records) | {f"{stage.sample}/{FILE}": repeatable})
    receipt["tarball"] = {"bytes": tarball.stat().st_size, "sha256": sha256_of(tarball)}
    filled = receipt | _measure(stage, records)
    check_fields(filled)  # before delivery, so that every delivered genome has a readable receipt
    metadata = to_metadata(filled)
    receipt["tarball"]["path"] = deliver(tarball, stage.parameters["results"], metadata)
    # Measured again, because the receipt's values for this stage include the delivery.
    receipt |= _measure(stage, records)
    write_json(Path(stage.parameters["receipt"]), receipt)


def _collect(stage: Stage, records: dict[str, StageRecord]) -> dict[str, Path]:
    """Return the files of the tarball by their names in the tarball."""
    files = {}
    for name, folder in stage.inputs.items():
        if records[name].versions:
            versions = stage.work / f"{name}-versions.yml"
            _write_versions(versions, name, records[name])
            files[f"{stage.sample}/{BACTOPIA_FOLDERS[name]}/logs/versions.yml"] = versions
        root = folder / PUBLISH
        files |= {
            f"{stage.sample}/{path.relative_to(root)}": path
            for path in root.rglob("*")
            if path.is_file() and path.name != SNAKEMAKE_TIMESTAMP
        }
    return files


def _write_versions(path: Path, stage: str, record: StageRecord) -> None:
    lines = [f'"bactofleet:{stage}":']
    lines += [f"    {tool}: {json.dumps(version)}" for tool, version in record.versions.items()]
    path.write_text("\n".join(lines) + "\n")


def _merge(stage: Stage, records: dict[str, StageRecord]) -> StageRecord:
    """Return the results of all stages as one record."""
    merged = StageRecord(sample=stage.sample, stage=stage.name)
    for record in records.values():
        merged.input = merged.input or record.input
        merged.identity = merged.identity or record.identity
        merged.found = merged.found or record.found
        merged.resistance = merged.resistance or record.resistance
        merged.amrfinder = merged.amrfinder or record.amrfinder
        merged.mlst = merged.mlst or record.mlst
        merged.metrics |= record.metrics
        merged.versions |= record.versions
        merged.multiqc |= record.multiqc
    if "fastp" in merged.multiqc:
        merged.multiqc["fastp"] = trim_fastp(merged.multiqc["fastp"])
    return merged


def _receipt(stage: Stage, merged: StageRecord) -> Fields:
    """Return the receipt of a genome without its tarball.

    docs/outputs.md describes each key.
    """
    excluded = stage.record.excluded
    given = stage.parameters.items()
    parameters = {name: value for name, value in given if name not in OF_DELIVERY}
    return {
        "schema": SCHEMA,
        "sample": stage.sample,
        "status": "excluded" if excluded else "complete",
        "reason": excluded,
        "input": merged.input,
        "found": merged.found,
        "resistance": merged.resistance,
        "amrfinder": merged.amrfinder,
        "mlst": merged.mlst,
        "metrics": merged.metrics,
        "stages": {},
        "versions": {"bactofleet": __version__} | merged.versions,
        "parameters": parameters,
        "fingerprint": {
            "parameters": fingerprint(parameters),
            "image": fingerprint(get_versions()),
        },
        "identity": merged.identity,
        "tarball": {},
        "image": describe_image(stage.tools.say),
        "host": _describe_host(),
        "finished": "",
    }


def _measure(stage: Stage, records: dict[str, StageRecord]) -> Fields:
    """Return what the genome has taken up to now, and what time it is."""
    usage = {name: record.usage for name, record in records.items()}
    return {
        "stages": usage | {stage.name: stage.usage_so_far()},
        "finished": format_utc(datetime.now(UTC)),
    }


def _describe_host() -> dict[str, Any]:
    return {
        "name": platform.node(),
        "cpu": _cpu_model(),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
    }


def _cpu_model() -> str:
    """Return the CPU's name from Linux; on arm64, which has none, its part number."""
    keys = ("model name", "CPU part")
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(keys))
    return next(found, "unknown")
