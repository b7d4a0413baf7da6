"""The columns of cohort.tsv and timings.tsv: their names, units and meaning, in their order.

docs/outputs.md shows the same tables; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bactofleet.core.samples import OWN
from bactofleet.genome.stage import STAGES
from bactofleet.records.receipt import Usage

USAGE = Usage.__struct_fields__


@dataclass(frozen=True)
class Column:
    """A column; its type is `text`, `whole` (a whole number) or `number`.

    `heading` is its title in the report's table, empty if the column is hidden at first.
    """

    name: str
    type: str
    unit: str
    meaning: str
    heading: str = ""


_IDENTITY = (
    Column("sample", "text", "", "name of the genome in the sample sheet", "Sample"),
    Column(
        "status",
        "text",
        "",
        "`complete`, `excluded`, `failed`, `unreadable` or `waiting`",
        "Status",
    ),
    Column(
        "rank",
        "text",
        "",
        "quality of a complete genome: `gold`, `silver`, `bronze`, `exclude` or `unranked`",
        "Rank",
    ),
    Column("rank_reason", "text", "", "why the rank is not better"),
    Column(
        "outlier",
        "text",
        "",
        "measurements in which the genome is an outlier",
        "Outlier",
    ),
    Column("outlier_score", "number", "", "largest modified z-score of these, above 3.5"),
    Column("outlier_meaning", "text", "", "what these measurements may mean"),
    Column("reason_type", "text", "", "why the genome is not complete, in a word", "Reason"),
    Column("reason_stage", "text", "", "stage that failed or excluded the genome"),
    Column("reason_message", "text", "", "the reason as a sentence"),
    Column("reason_exit_code", "whole", "", "exit status of the tool that failed"),
    Column("reason_attempt", "whole", "", "number of the last failed attempt"),
    Column("reason_log", "text", "", "path of the log of the stage that failed"),
    Column("species", "text", "", "species named in the sample sheet", "Species"),
    Column(
        "found_verdict",
        "text",
        "",
        "`as expected`, `other` species than in the sheet, `mixed`, `unknown`, or `found` if the "
        "sheet has no species that can be compared",
        "Identity",
    ),
    Column("found_species", "text", "", "species that was found by k-mers", "Species found"),
    Column(
        "found_nearest",
        "text",
        "",
        "species of the nearest reference, also where it is too far to be this genome's",
    ),
    Column("found_distance", "number", "", "distance from the nearest reference, 0 to 1"),
    Column("found_shared_hashes", "text", "", "hashes shared with it, of those compared"),
    Column("found_smallest", "whole", "bp", "smallest size of an assembly of the species found"),
    Column("found_largest", "whole", "bp", "largest size of an assembly of the species found"),
    Column("found_second", "text", "", "another species in the reads", "Second species"),
    Column("found_second_share", "number", "", "share of the depth that it has (0 to 1)"),
    Column(
        "resistance_genes",
        "text",
        "",
        "acquired resistance genes, separated by semicolons; `none` if none was found",
        "Resistance genes",
    ),
    Column(
        "resistance_mutations",
        "text",
        "",
        "point mutations of resistance, likewise; empty if they were not searched",
    ),
    Column(
        "resistance_drugs",
        "text",
        "",
        "drugs to which these genes and mutations predict resistance, or `none`",
    ),
    Column(
        "resistance_organism",
        "text",
        "",
        "part of PointFinder in which mutations were searched",
    ),
    Column(
        "plasmid_replicons",
        "text",
        "",
        "plasmid replicons, or `none`",
        "Plasmid replicons",
    ),
    Column(
        "amrfinder_genes",
        "text",
        "",
        "genes and mutations of resistance, by AMRFinderPlus, or `none`",
    ),
    Column("amrfinder_stress", "text", "", "genes of the response to stress, likewise"),
    Column("amrfinder_virulence", "text", "", "genes of virulence, likewise"),
    Column("amrfinder_organism", "text", "", "organism whose mutations AMRFinderPlus searched"),
    Column(
        "mlst_status",
        "text",
        "",
        "`PERFECT`, `NOVEL` combination, `OK` but for new alleles, `MISSING`, `MIXED` or `NONE`",
    ),
    Column("mlst_scheme", "text", "", "MLST scheme that fits best"),
    Column("mlst_st", "text", "", "sequence type", "ST"),
    Column("mlst_alleles", "text", "", "allele of each locus of the scheme"),
    Column("input_kind", "text", "", "`reads`, `assembly` or `accession`"),
    Column("accession", "text", "", "accession that the genome was made from"),
    Column(
        "runtype",
        "text",
        "",
        "`paired-end`, `single-end`, `ont`, `hifi`, `short_polish` (long and short reads), "
        "`sra_accession` or `assembly`",
    ),
    Column(
        "layout",
        "text",
        "",
        "`paired`, `single` or `long`; for long and short reads together, that of the short reads",
    ),
    Column("genome_size", "whole", "bp", "expected size of the genome", "Expected size"),
    Column(
        "genome_size_source",
        "text",
        "",
        "source of the expected size: `given`, `estimated` or `assembly`",
    ),
)

_READS = (
    ("total_bp", "whole", "bp", "bases in the reads", ""),
    ("read_total", "whole", "reads", "number of reads", ""),
    ("read_mean", "number", "bp", "mean length of the reads", ""),
    ("qual_mean", "number", "Phred", "mean quality of the reads", "Mean quality"),
    ("coverage", "number", "x", "depth: bases divided by the expected size", "Depth"),
)

_QC = tuple(
    Column(
        f"qc_{state}_{name}",
        type_,
        unit,
        f"{meaning} {state_name}",
        heading if state == "final" else "",
    )
    for state, state_name in (("original", "before cleaning"), ("final", "after cleaning"))
    for name, type_, unit, meaning, heading in _READS
)

_LONG = tuple(
    Column(f"qc_long_{state}_{name}", type_, unit, f"{meaning} {state_name} (long reads)")
    for state, state_name in (("original", "before cleaning"), ("final", "after cleaning"))
    for name, type_, unit, meaning in (
        *(column[:-1] for column in _READS),
        ("read_n50", "whole", "bp", "N50: half of the bases are in reads of at least this length"),
    )
)

_GENOME = (
    Column("assembler_total_contig", "whole", "contigs", "number of contigs", "Contigs"),
    Column("assembler_total_contig_length", "whole", "bp", "size of the assembly", "Assembly size"),
    Column(
        "assembler_n50_contig_length",
        "whole",
        "bp",
        "N50: half of the assembly is in contigs of at least this length",
        "N50",
    ),
    Column("assembler_max_contig_length", "whole", "bp", "length of the longest contig"),
    Column(
        "assembler_l50_contig_count",
        "whole",
        "contigs",
        "L50: number of contigs of at least the N50",
    ),
    Column(
        "assembler_circular_contig",
        "whole",
        "contigs",
        "number of circular contigs in an assembly of long reads",
    ),
    Column("assembler_gc_percent", "number", "%", "GC content of the assembly", "GC"),
    Column("annotator_total_cds", "whole", "genes", "coding sequences", "CDS"),
    Column("annotator_total_rrna", "whole", "genes", "ribosomal RNA genes", "rRNA"),
    Column("annotator_total_trna", "whole", "genes", "transfer RNA genes", "tRNA"),
    Column("annotator_total_tmrna", "whole", "genes", "transfer-messenger RNA genes"),
)

_USAGE_MEANING = {
    "seconds": ("s", "wall time of the stage"),
    "cpu_seconds": ("s", "CPU time of the stage"),
    "max_rss_mb": ("MB", "peak memory of the stage"),
}

TIMINGS = tuple(
    Column(
        f"{stage}_{usage}",
        "number",
        _USAGE_MEANING[usage][0],
        f"{stage}: {_USAGE_MEANING[usage][1]}",
    )
    for stage in STAGES
    for usage in USAGE
)

_PROVENANCE = (
    Column("tarball_path", "text", "", "path or address of the tarball"),
    Column("tarball_bytes", "whole", "bytes", "size of the tarball", "Tarball"),
    Column("tarball_sha256", "text", "", "SHA-256 of the tarball"),
    Column("fingerprint_parameters", "text", "", "checksum of the parameters"),
    Column("fingerprint_image", "text", "", "checksum of the versions in the container image"),
    Column("image_name", "text", "", "name of the container image"),
    Column("image_id", "text", "", "id of the image in the container engine"),
    Column("image_digest", "text", "", "address of the image in its registry, if known"),
    Column("host_name", "text", "", "name of the host that made the genome"),
    Column("host_cpu", "text", "", "CPU of the host"),
    Column("host_architecture", "text", "", "CPU architecture, such as `x86_64`"),
    Column("host_cores", "whole", "cores", "number of CPU cores"),
    Column("finished", "text", "UTC", "time when the genome was finished, ISO 8601"),
)

COLUMNS = (*_IDENTITY, *_QC, *_LONG, *_GENOME, *_PROVENANCE)
"""Those of cohort.tsv."""
TIMING_COLUMNS = (_IDENTITY[0], *TIMINGS)
"""Those of timings.tsv: the sample first."""
BY_NAME = {column.name: column for column in (*COLUMNS, *TIMINGS)}


def order_columns(present: Iterable[str]) -> list[str]:
    """Return the documented columns, metrics that only some receipts have, and the user's own.

    Every table has every documented column, so that scripts also find it in a small cohort. The
    user's own keep their order.
    """
    others = [name for name in present if name not in BY_NAME]
    own = list_own(others)
    return [*BY_NAME, *sorted(set(others) - set(own)), *own]


def list_own(names: Iterable[str]) -> list[str]:
    """Return the names of the user's own columns among those of a table, in their order."""
    return [name for name in map(str, names) if name.startswith(OWN)]


def describe_column(name: str) -> Column:
    """Return a column of the table, also one that is not documented."""
    if name.startswith(OWN):
        own = name.removeprefix(OWN)
        return Column(name, "text", "", f"column {own} of the sample sheet", name)
    return BY_NAME.get(name, Column(name, "", "", "a metric of the tool"))
