"""The columns of cohort.tsv: their names, units and meaning, in the order of the table.

docs/outputs.md shows the same table; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

STAGES = ("download", "qc", "assembly", "annotation", "publish")
USAGE = ("seconds", "cpu_seconds", "max_rss_mb")


@dataclass(frozen=True)
class Column:
    """One column; `heading` is its title in the report's table, empty if hidden at first."""

    name: str
    unit: str
    meaning: str
    heading: str = ""


_IDENTITY = (
    Column("sample", "", "name of the genome in the sample sheet", "Sample"),
    Column("status", "", "`complete`, `excluded`, `failed`, `unreadable` or `waiting`", "Status"),
    Column("reason_type", "", "why the genome is not complete, as a word", "Reason"),
    Column("reason_stage", "", "stage that excluded the genome or failed"),
    Column("reason_message", "", "the reason as a sentence"),
    Column("reason_exit_code", "", "exit status of the tool that failed"),
    Column("reason_attempt", "", "number of the attempt that failed last"),
    Column("reason_log", "", "path of the log of the stage that failed"),
    Column("species", "", "species named in the sample sheet", "Species"),
    Column("input_kind", "", "`reads`, `assembly` or `accession`"),
    Column("runtype", "", "`paired-end` or `single-end`", "Run type"),
    Column("genome_size", "bp", "expected size of the genome", "Expected size"),
    Column("genome_size_source", "", "where the expected size comes from, such as `estimated`"),
)

_READS = (
    ("total_bp", "bp", "bases in the reads", ""),
    ("read_total", "reads", "number of reads", ""),
    ("read_mean", "bp", "mean length of the reads", ""),
    ("qual_mean", "Phred", "mean quality of the reads", "Mean quality"),
    ("coverage", "x", "depth: bases over the expected size", "Depth"),
)

_QC = tuple(
    Column(
        f"qc_{state}_{name}", unit, f"{meaning} {state_name}", heading if state == "final" else ""
    )
    for state, state_name in (("original", "before cleaning"), ("final", "after cleaning"))
    for name, unit, meaning, heading in _READS
)

_GENOME = (
    Column("assembler_total_contig", "contigs", "number of contigs", "Contigs"),
    Column("assembler_total_contig_length", "bp", "size of the assembly", "Assembly size"),
    Column(
        "assembler_n50_contig_length",
        "bp",
        "half of the assembly is in contigs of this length or longer",
        "N50",
    ),
    Column("assembler_max_contig_length", "bp", "length of the longest contig"),
    Column("assembler_l50_contig_count", "contigs", "number of contigs that reach the N50"),
    Column("assembler_gc_percent", "%", "G and C among the bases of the assembly", "GC"),
    Column("annotator_total_cds", "genes", "coding sequences", "CDS"),
    Column("annotator_total_rrna", "genes", "ribosomal RNA genes", "rRNA"),
    Column("annotator_total_trna", "genes", "transfer RNA genes", "tRNA"),
    Column("annotator_total_tmrna", "genes", "transfer-messenger RNA genes"),
)

_USAGE_MEANING = {
    "seconds": ("s", "wall time of the stage"),
    "cpu_seconds": ("s", "processor time of the stage"),
    "max_rss_mb": ("MB", "peak memory of the stage"),
}

_STAGES = tuple(
    Column(f"{stage}_{usage}", _USAGE_MEANING[usage][0], f"{stage}: {_USAGE_MEANING[usage][1]}")
    for stage in STAGES
    for usage in USAGE
)

_PROVENANCE = (
    Column("tarball_path", "", "where the genome's tarball is"),
    Column("tarball_bytes", "bytes", "size of the tarball", "Tarball"),
    Column("tarball_sha256", "", "SHA-256 of the tarball"),
    Column("fingerprint_parameters", "", "genomes made with the same parameters share it"),
    Column("fingerprint_image", "", "genomes made with the same container image share it"),
    Column("image_name", "", "name under which the container image was started"),
    Column("image_id", "", "the image's id, as the container engine knows it"),
    Column("image_digest", "", "the image's address in its registry, where that is known"),
    Column("host_name", "", "name of the computer that made the genome"),
    Column("host_cpu", "", "its processor"),
    Column("host_architecture", "", "architecture of the processor, such as `x86_64`"),
    Column("host_cores", "cores", "its number of cores"),
    Column("finished", "UTC", "when the genome was finished, ISO 8601"),
)

COLUMNS = (*_IDENTITY, *_QC, *_GENOME, *_STAGES, *_PROVENANCE)
BY_NAME = {column.name: column for column in COLUMNS}


def order_columns(present: set[str]) -> list[str]:
    """Return the documented columns, with metrics that only some receipts have after the rest.

    Every documented column is in every table, so that scripts find it in a small cohort as well.
    """
    return [*BY_NAME, *sorted(present - BY_NAME.keys())]
