"""Stage 3, assembly: shovill's steps, with the exit status of each one checked.

docs/assembly.md lists the differences from shovill 1.1.0 as Bactopia calls it, and describes the
assembly of long reads.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bactofleet.core.errors import Excluded, OutOfMemory, ToolFailure
from bactofleet.core.tools import Command
from bactofleet.genome import clips, without_sockets
from bactofleet.genome.circles import GENE, ROTATED, cut_copies, rotate
from bactofleet.genome.fasta import Contig, assembly_stats, gc_percent, read_fasta, write_fasta
from bactofleet.genome.genome_size import K, count_kmers
from bactofleet.genome.reads import Reads, find_reads, kind_of
from bactofleet.genome.stage import ASSEMBLY, CONTIGS, READS, Stage, read_record

# shovill's values: the mappings and bases that Pilon may trust.
MIN_MAPPING_QUALITY = 60
MIN_BASE_QUALITY = 3
MIN_PILON_DEPTH = 0.25
# Reads are mapped in batches of this many bases whatever the number of threads. bwa estimates
# insert sizes for each batch, so that alignments would otherwise differ between machines.
BWA_BATCH_BASES = 10_000_000
COVERAGE = re.compile(r"(?:multi=|cov_|Contig_\d+_)(\d+(?:\.\d+)?)")
# Share of pairs with a known insert size from which on it is given to SKESA.
MIN_MEASURED_SHARE = 0.1
# Rounds of SKESA, each with a longer k, of its 11 for reads of which these are enough: pairs of
# some 150 bp at this depth (docs/assembly.md has the comparison).
STEPS = 5
STEPS_MIN_COVERAGE = 50
STEPS_READ_LENGTHS = (125, 160)
# Of Flye and of minimap2, for each kind of long reads.
FLYE_READS = {"ONT": "--nano-hq", "HIFI": "--pacbio-hifi"}
MINIMAP2_READS = {"ONT": "map-ont", "HIFI": "map-hifi"}
PIECE = 1_000_000  # bp that a thread of Flye polishes at a time
ASSEMBLED = "assembly.fasta"
CIRCULAR = "_circular"  # in the name of a draft's contig that Flye has closed
# Larger circles without dnaA may be second chromosomes, bp: that of V. cholerae has 1.05 Mb.
MAX_PLASMID = 500_000
PILON = "_pilon"  # what Pilon appends to the name of each contig
# Columns of assembly-scan that go into the metrics.
METRICS = (
    "total_contig",
    "total_contig_length",
    "max_contig_length",
    "n50_contig_length",
    "l50_contig_count",
)


class Draft(NamedTuple):
    """A contig as the assembler wrote it."""

    name: str
    sequence: str
    coverage: float

    @property
    def is_circular(self) -> bool:
        """Whether the assembler has joined its ends."""
        return CIRCULAR in self.name

    @property
    def begins_with(self) -> str:
        """The gene that a circular contig was rotated to; "" where it was not."""
        return GENE if self.name.removesuffix(PILON).endswith(ROTATED) else ""


def run(stage: Stage) -> None:
    """Leave `contigs/<sample>.fna`: contigs named, sorted, polished and long enough."""
    download = stage.inputs["download"]
    given = download / ASSEMBLY / f"{stage.sample}.fna"
    final = stage.folder / CONTIGS / f"{stage.sample}.fna"
    if given.exists():
        shutil.copyfile(given, final)
    else:
        reads = find_reads(stage.inputs["qc"] / READS)
        write_fasta(final, _assemble(stage, reads))
        if "bam" in stage.parameters["keep"]:
            _keep_alignments(stage, reads, final)
    _publish_or_exclude(stage, final, read_fasta(final) if final.stat().st_size else [])


def _assemble(stage: Stage, reads: Reads) -> list[Contig]:
    """Assemble, polish and filter; return no contigs if the assembler found none."""
    assembler = "flye" if reads.long else str(stage.parameters["assembler"])
    stage.use(assembler, *(["minimap2"] if reads.long else []))
    draft = stage.work / "draft.fasta"
    used = reads.long or reads.short
    try:
        ASSEMBLERS[assembler](stage, used, draft)
    except ToolFailure:
        # Each assembler ends differently if there is nothing to assemble.
        if _can_become_contig(stage, used):
            raise
    if not draft.exists() or not draft.stat().st_size:
        return []
    _join_names(draft)
    changes: dict[str, int] = {}
    if stage.parameters["polish"] and reads.short:
        draft, changes = _polish(stage, reads.short, draft)
    return _name_contigs(stage, assembler, read_fasta(draft), changes)


def _can_become_contig(stage: Stage, reads: list[Path]) -> bool:
    """Say whether the reads have enough repeated distinct k-mers for one good contig."""
    wanted = stage.parameters["min_contig_length"] - K + 1
    found = sum(count_kmers(stage, reads, is_quiet=True))
    stage.tools.say(f"The reads hold {found:,} different {K}-mers; a contig needs {wanted:,}.")
    return bool(found >= wanted)


def _skesa(stage: Stage, reads: list[Path], contigs: Path) -> None:
    trimmed = read_record(stage.inputs["qc"])
    # SKESA would exit with the same status as for any other error.
    _check_memory(stage, "SKESA", skesa_memory_gb(trimmed.metrics["qc_final_total_bp"]))
    insert_size = measured_insert_size(trimmed.multiqc["fastp"])
    has_enough = insert_size and needs_few_steps(trimmed.metrics)
    given = stage.tool_options("assembler_options")
    stage.tools.run(
        ["skesa", "--reads", ",".join(map(str, reads)), "--contigs_out", contigs]
        + ["--cores", stage.threads, "--memory", stage.memory_gb]
        # Otherwise SKESA estimates it, by assembling 10,000 pairs.
        + (["--insert_size", insert_size] if insert_size else [])
        + (["--steps", STEPS] if has_enough and "--steps" not in given else [])
        # fastp has already removed the adapters that SKESA would look for.
        + ["--vector_percent", "1", "--min_contig", "1"]
        + given
    )


def _check_memory(stage: Stage, assembler: str, needed_gb: float) -> None:
    """Raise `OutOfMemory`, for another attempt with more, before an assembler runs out of it."""
    if stage.memory_gb < needed_gb:
        raise OutOfMemory(f"{assembler} needs {needed_gb:.1f} GB and may use {stage.memory_gb} GB")


def measured_insert_size(fastp: Mapping[str, Any]) -> int | None:
    """Return the most frequent insert size (bp) in fastp's report, None if few pairs tell it.

    fastp measures pairs whose mates overlap: of long inserts, mate pairs and single ends none.
    """
    found = fastp.get("insert_size", {})
    measured = sum(found.get("histogram", ()))
    is_known = measured >= MIN_MEASURED_SHARE * (measured + found.get("unknown", 0))
    return int(found["peak"]) if measured and is_known and found["peak"] else None


def needs_few_steps(metrics: Mapping[str, float]) -> bool:
    """Say whether SKESA makes as good contigs of pairs with these metrics in fewer rounds."""
    shortest, longest = STEPS_READ_LENGTHS
    is_deep = metrics["qc_final_coverage"] >= STEPS_MIN_COVERAGE
    return is_deep and shortest <= metrics["qc_final_read_mean"] <= longest


def skesa_memory_gb(basepairs: float) -> float:
    """Return the least memory (GB) that SKESA 2.4 accepts for a number of base pairs of reads.

    SKESA counts k-mers in at most 10 passes, in addition to a buffer of 2 GB. The k-mers take up to
    about 20 bytes per base pair (at k = 96 of 250 bp reads), and SKESA reserves 1.2 times that
    (counter.hpp in https://github.com/ncbi/SKESA).
    """
    return 2 + 1.2 * 20 * basepairs / 10 / 1e9


def flye_memory_gb(basepairs: float, depth: float, threads: int) -> float:
    """Return the memory (GB) that Flye 2.9.5 may take for base pairs of reads at a depth.

    Each of its threads polishes a piece of 1 Mb of a contig, the last of them up to 2 Mb
    (CHUNK_SIZE in flye/polishing/bubbles.py), and holds the alignments of the reads there, 17 bytes
    a base. To assemble took less than 7 bytes a base of all reads (bench/genome/README.md).
    """
    polished = min(basepairs, depth * PIECE * (threads + 1))
    return 0.5 + max(7 * basepairs, 17 * polished) / 1e9


def flye_threads(metrics: Mapping[str, float], threads: int, memory_gb: float) -> int:
    """Return the threads with which Flye stays within memory, at least half of those there are."""
    basepairs, depth = (metrics[f"qc_long_final_{name}"] for name in ("total_bp", "coverage"))
    fewest = max(1, threads // 2)
    fit = (
        n for n in range(threads, fewest, -1) if flye_memory_gb(basepairs, depth, n) <= memory_gb
    )
    return next(fit, fewest)


def _spades(stage: Stage, reads: list[Path], contigs: Path) -> None:
    inputs = ["-1", reads[0], "-2", reads[1]] if reads[1:] else ["-s", reads[0]]
    stage.tools.run(
        ["spades.py", *inputs, "--isolate", "--threads", stage.threads]
        + ["--memory", stage.memory_gb, "-o", "spades", *stage.tool_options("assembler_options")]
    )
    made = stage.work / "spades" / "contigs.fasta"
    if made.exists():  # it also ends successfully without contigs
        shutil.move(made, contigs)


def _megahit(stage: Stage, reads: list[Path], contigs: Path) -> None:
    inputs = ["-1", reads[0], "-2", reads[1]] if reads[1:] else ["-r", reads[0]]
    stage.tools.run(
        ["megahit", *inputs, "-t", stage.threads, "-m", stage.memory_gb * 10**9]
        + ["--min-contig-len", "1", "-o", "megahit", *stage.tool_options("assembler_options")]
    )
    shutil.move(stage.work / "megahit" / "final.contigs.fa", contigs)


def _flye(stage: Stage, reads: list[Path], contigs: Path) -> None:
    """Assemble long reads; the name of each contig says its depth, and whether it is circular."""
    metrics = read_record(stage.inputs["qc"]).metrics
    threads = flye_threads(metrics, stage.threads, stage.memory_gb)
    # Flye would be killed after an hour.
    amounts = metrics["qc_long_final_total_bp"], metrics["qc_long_final_coverage"]
    _check_memory(stage, "Flye", flye_memory_gb(*amounts, threads))
    made = stage.work / "flye"
    kind = FLYE_READS[kind_of(reads[0])]
    # Flye's processes talk over sockets of Python, which this stage does not have.
    wrapper = ["env", f"PYTHONPATH={Path(without_sockets.__file__).parent}"]
    options = ["--out-dir", made, "--threads", threads]
    try:
        stage.tools.run([*wrapper, "flye", kind, *reads, *options])
    except ToolFailure:
        # So it ends if no two reads overlap: without a disjointig.
        disjointigs = made / "00-assembly" / "draft_assembly.fasta"
        if disjointigs.exists() and not disjointigs.stat().st_size:
            return
        raise
    info = read_flye_info((made / "assembly_info.txt").read_text())
    drafts = [_name_draft(contig, *info[contig.name]) for contig in read_fasta(made / ASSEMBLED)]
    circular = [draft for draft in drafts if draft.name.endswith(CIRCULAR)]
    if circular:
        stage.use("blastp", "prokka database")
    rotated = rotate(stage, circular)
    write_fasta(contigs, [*rotated, *(draft for draft in drafts if draft not in circular)])
    _publish_file(stage, made / "assembly_graph.gfa", "supplemental/flye-unpolished.gfa.gz")


def _name_draft(contig: Contig, depth: float, is_circular: bool) -> Contig:
    """Return a contig of Flye, of a plasmid one copy, by a name with its depth and shape."""
    if not is_circular:
        return contig._replace(name=f"{contig.name}_cov_{depth:g}")
    circle, copies = cut_copies(contig.sequence)
    number = f"_x{copies}" if copies > 1 else ""
    return Contig(f"{contig.name}{number}_cov_{depth * copies:g}{CIRCULAR}", circle)


def read_flye_info(text: str) -> dict[str, tuple[float, bool]]:
    """Return depth, and whether it is circular, of each contig in Flye's `assembly_info.txt`.

    The columns are #seq_name, length, cov., circ. (Y or N), repeat, ...:
    https://github.com/mikolmogorov/Flye/blob/flye/docs/USAGE.md#-flye-output
    """
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    return {name: (float(depth), circular == "Y") for name, _, depth, circular, *_ in rows}


ASSEMBLERS = {"skesa": _skesa, "spades": _spades, "megahit": _megahit, "flye": _flye}


def _join_names(draft: Path) -> None:
    """Make each name one word: MEGAHIT writes the coverage after a space; Pilon drops it there."""
    contigs = read_fasta(draft)
    write_fasta(draft, [contig._replace(name=contig.name.replace(" ", "_")) for contig in contigs])


def _polish(stage: Stage, reads: list[Path], draft: Path) -> tuple[Path, dict[str, int]]:
    """Correct bases with Pilon; return the new contigs and the number of changes in each."""
    stage.use("bwa", "samtools", "pilon")
    bam = stage.work / "draft.bam"
    _map_reads(stage, reads, draft, bam, [[sys.executable, "-P", "-m", clips.__name__]])
    # Whatever script starts Pilon, Java reads these options last.
    os.environ["_JAVA_OPTIONS"] = f"-Xmx{stage.memory_gb}g -XX:+ExitOnOutOfMemoryError"
    kind = "--frags" if reads[1:] else "--unpaired"
    stage.tools.run(
        ["pilon", "--genome", draft, kind, bam, "--output", "pilon"]
        + ["--minmq", MIN_MAPPING_QUALITY, "--minqual", MIN_BASE_QUALITY]
        + ["--mindepth", MIN_PILON_DEPTH, "--fix", "bases", "--changes"]
        + ["--threads", stage.threads]
    )
    corrections = stage.publish("supplemental/shovill.corrections")
    shutil.move(stage.work / "pilon.changes", corrections)
    return stage.work / "pilon.fasta", _count_changes(corrections.read_text())


def _keep_alignments(stage: Stage, reads: Reads, final: Path) -> None:
    """Publish the reads on the final contigs, with an index; of a hybrid genome the short ones."""
    if not final.stat().st_size:
        return
    stage.use("bwa" if reads.short else "minimap2", "samtools")
    contigs = shutil.copyfile(final, stage.work / "final.fasta")
    bam = stage.publish(f"supplemental/{stage.sample}.bam")
    if reads.short:
        _map_reads(stage, reads.short, contigs, bam)
        return
    kind = MINIMAP2_READS[kind_of(reads.long[0])]
    align = ["minimap2", "-a", "-x", kind, "-t", stage.threads, contigs, *reads.long]
    _sort(stage, [align], bam)


def _map_reads(
    stage: Stage, reads: list[Path], contigs: Path, bam: Path, filters: Sequence[Command] = ()
) -> None:
    """Write the alignments to contigs that pass the filters to `bam`, and its index."""
    threads = ["-t", stage.threads, "-K", BWA_BATCH_BASES]
    stage.tools.run(["bwa", "index", contigs])
    align = ["bwa", "mem", "-v", "1", "-x", "intractg", *threads, contigs, *reads]
    _sort(stage, [align, *filters], bam)


def _sort(stage: Stage, alignments: Sequence[Command], bam: Path) -> None:
    """Write the alignments that commands print to `bam`, sorted, and its index."""
    sort = ["samtools", "sort", "--no-PG", "-l", "1", "-m", "512M", "-T", "sort", "-o", bam, "-"]
    stage.tools.pipe([*alignments, sort])
    stage.tools.run(["samtools", "index", bam])


def _count_changes(changes: str) -> dict[str, int]:
    """Count the lines of Pilon's `.changes` (`<contig>:<position> ...`) for each contig."""
    counts: dict[str, int] = {}
    for line in changes.splitlines():
        contig = line.split(maxsplit=1)[0].rpartition(":")[0]
        counts[contig] = counts.get(contig, 0) + 1
    return counts


def _name_contigs(
    stage: Stage, assembler: str, contigs: list[Contig], changes: dict[str, int]
) -> list[Contig]:
    """Drop short, thin and one-base contigs; number the rest, longest first, as shovill does."""
    made_by = f"sw=bactofleet-{assembler}/{stage.record.versions[assembler]}"
    kept = []
    for contig in contigs:
        draft = Draft(contig.name, contig.sequence, _coverage_of(contig.name))
        if _is_good(stage, draft):
            kept.append(draft)
    kept.sort(key=lambda draft: (-len(draft.sequence), draft.name))
    named = [
        Contig(
            f"{stage.sample}_{i:05d} len={len(draft.sequence)} cov={draft.coverage:.1f} "
            f"corr={changes.get(draft.name.removesuffix(PILON), 0)} "
            f"origname={draft.name} {made_by}{_describe_shape(draft)}",
            draft.sequence,
        )
        for i, draft in enumerate(kept, start=1)
    ]
    if assembler == "flye":
        _describe_contigs(stage, kept)
        _publish_plasmids(stage, kept, named)
    return named


def _describe_shape(draft: Draft) -> str:
    shape = " circular=true" if draft.is_circular else ""
    return f"{shape} start={draft.begins_with}" if draft.begins_with else shape


def _describe_contigs(stage: Stage, drafts: list[Draft]) -> None:
    """Publish which contigs are circular, and count them: only long reads can tell it."""
    lines = ["contig\tlength\tdepth\tcircular\tbegins_with"]
    lines += [
        f"{stage.sample}_{i:05d}\t{len(draft.sequence)}\t{draft.coverage:.1f}"
        f"\t{'yes' if draft.is_circular else 'no'}\t{draft.begins_with}"
        for i, draft in enumerate(drafts, start=1)
    ]
    table = stage.publish(f"supplemental/{stage.sample}-contigs.tsv")
    table.write_text("\n".join(lines) + "\n")
    circular = sum(draft.is_circular for draft in drafts)
    stage.record.metrics["assembler_circular_contig"] = circular


def _publish_plasmids(stage: Stage, drafts: list[Draft], named: list[Contig]) -> None:
    """Publish the circular contigs that are probably plasmids in a file of their own, if any."""
    plasmids = [
        contig
        for draft, contig in zip(drafts, named, strict=True)
        if draft.is_circular and not draft.begins_with and len(draft.sequence) <= MAX_PLASMID
    ]
    if plasmids:
        fasta = stage.work / "plasmids.fna"
        write_fasta(fasta, plasmids)
        _publish_file(stage, fasta, f"supplemental/{stage.sample}-plasmids.fna.gz")


def _is_good(stage: Stage, draft: Draft) -> bool:
    return (
        len(draft.sequence) >= stage.parameters["min_contig_length"]
        and draft.coverage >= stage.parameters["min_contig_coverage"]
        and len(set(draft.sequence.upper())) > 1
    )


def _coverage_of(name: str) -> float:
    """Read a contig's k-mer coverage from its name, where each assembler writes it."""
    found = COVERAGE.search(name)
    return float(found[1]) if found else 0.0


def _publish_or_exclude(stage: Stage, fasta: Path, contigs: list[Contig]) -> None:
    """Publish the assembly and its statistics; exclude it if it cannot be a bacterial genome."""
    stage.use("pigz")
    if not contigs:
        _publish(stage, fasta, "-error")
        raise Excluded("assembly", "the assembler found no contigs that are good enough")
    sequences = [contig.sequence for contig in contigs]
    row = assembly_stats(stage.sample, sequences)
    total = int(row["total_contig_length"])
    smallest = stage.parameters["min_genome_size"]
    largest = stage.parameters["max_genome_size"]
    good = smallest <= total <= largest
    suffix = "" if good else "-error"
    _publish(stage, fasta, suffix)
    table = "\t".join(row) + "\n" + "\t".join(map(str, row.values())) + "\n"
    stage.publish(f"{stage.sample}{suffix}.tsv").write_text(table)
    stage.record.metrics |= {f"assembler_{key}": int(row[key]) for key in METRICS}
    stage.record.metrics["assembler_gc_percent"] = gc_percent(sequences)
    if not good:
        raise Excluded(
            "assembly",
            f"the assembly has {total:,} bp, outside {smallest:,} to {largest:,} "
            "(min_genome_size, max_genome_size)",
        )
    stage.record.input = read_record(stage.inputs["download"]).input


def _publish(stage: Stage, fasta: Path, suffix: str) -> None:
    _publish_file(stage, fasta, f"{stage.sample}{suffix}.fna.gz")


def _publish_file(stage: Stage, file: Path, name: str) -> None:
    command = ["pigz", "-n", "--best", "-p", stage.threads, "-c", file]
    stage.tools.run(command, stdout=stage.publish(name))
