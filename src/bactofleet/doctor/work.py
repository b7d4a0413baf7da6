"""What the configuration and the sample sheet require of machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bactofleet.core.config import CONFIG_FILE, read_options
from bactofleet.core.destination import is_s3
from bactofleet.core.project import SCHEMAS
from bactofleet.core.references import addresses_in
from bactofleet.core.samples import Sample, is_remote
from bactofleet.run.checks import check_run, find_unreachable
from bactofleet.run.plan import known_image

GIB = 1024**3
# A genome needs about ten times the size of its reads as scratch (config/config.yaml); most have
# less than 1 GiB of reads.
SCRATCH_FACTOR = 10
USUAL_SCRATCH_GIB = 10.0
# Gzipped FASTQ: bytes per base, and compression ratio: 0.55 to 0.8 and 2.6 to 3.9 in demo/reads.
BYTES_A_BASE, GZIP_FACTOR = 0.6, 3


@dataclass(frozen=True)
class Work:
    """What a run needs, before it is started."""

    genomes: int = 0
    threads: int = 4
    memory_mb: int = 7000
    results: str = "results"
    scratch_gib: float = USUAL_SCRATCH_GIB
    """Scratch space of the genome with the most reads."""
    buckets: frozenset[str] = field(default_factory=frozenset)
    """Buckets that hold reads or assemblies."""
    has_accessions: bool = False
    addresses: dict[str, str] = field(default_factory=dict)
    """Of references, by their option."""
    unreachable: tuple[str, ...] = ()
    """Messages about files that jobs on AWS cannot reach."""


def read_work(config_file: Path = CONFIG_FILE) -> Work:
    """Read a configuration and the sample sheet that it names.

    Raises `ConfigurationError` with all errors in them.
    """
    ready = check_run(read_options(config_file), SCHEMAS, str(config_file), known_image())
    config, samples = ready.config, list(ready.samples.values())
    return Work(
        genomes=len(samples),
        threads=config["threads"],
        memory_mb=config["memory_mb"],
        results=config["results"],
        scratch_gib=max([_scratch_gib(sample) for sample in samples], default=USUAL_SCRATCH_GIB),
        buckets=frozenset(bucket for sample in samples for bucket in _buckets(sample)),
        unreachable=tuple(find_unreachable(config, ready.samples)),
        has_accessions=any(sample.accession for sample in samples),
        addresses=addresses_in(config),
    )


def _scratch_gib(sample: Sample) -> float:
    """Return the scratch space of a genome, at least that of a usual one (GiB)."""
    return max(USUAL_SCRATCH_GIB, SCRATCH_FACTOR * _reads_bytes(sample) / GIB)


def _reads_bytes(sample: Sample) -> float:
    """Return the size of the reads as if gzipped (bytes); reads at URLs count as 0."""
    if sample.accession:
        return sum(sample.fastq_bytes) or BYTES_A_BASE * sum(sample.bases)
    here = [Path(name) for name in sample.reads if not is_remote(name)]
    return sum(path.stat().st_size / (1 if path.suffix == ".gz" else GZIP_FACTOR) for path in here)


def _buckets(sample: Sample) -> list[str]:
    return [urlsplit(name).netloc for name in sample.files if is_s3(name)]
