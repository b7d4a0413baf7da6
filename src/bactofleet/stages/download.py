"""Stage 1, Bactopia's gather: bring a genome's reads or assembly here; see that they are whole."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bactofleet.errors import Excluded
from bactofleet.fasta import read_fasta
from bactofleet.fastq import ReadStats, is_gzip, mate_number, open_reads, scan_reads
from bactofleet.files import CHUNK_BYTES, write_json
from bactofleet.genome_size import estimate_genome_size
from bactofleet.reads import READS, STATS, check_amounts, read_names
from bactofleet.samples import Sample, is_remote, shown
from bactofleet.stage import Stage

PARAMETERS = (
    "min_reads",
    "min_basepairs",
    "min_proportion",
    "min_genome_size",
    "max_genome_size",
    "simulate_reads",
    "coverage",
)
ASSEMBLY = "assembly"
# As Bactopia: 1.5 times the depth that is kept, so that trimming does not go below it.
SIMULATED_SURPLUS = 1.5


def run(stage: Stage) -> None:
    """Copy the sample's files, check them, and find the size of its genome.

    Leaves `reads/<sample>_{R1,R2,SE}.fastq.gz` with `stats/<sample>_{R1,R2,SE}-original.json`, or
    `assembly/<sample>.fna`, or all of them for an assembly with simulated reads.
    """
    sample = Sample(**stage.parameters["sample"])
    stage.record.input = {
        "kind": sample.kind,
        "runtype": sample.runtype,
        "sources": [shown(source) for source in sample.sources],
        "species": sample.species,
        "genome_size": sample.genome_size,
        "genome_size_source": "given" if sample.genome_size else None,
    }
    _write_meta(stage)  # first, so that a sample has one whatever happens
    if sample.kind == "accession":
        raise Excluded(
            "fastq-download",
            f"{sample.accession} was not fetched: this version reads files only; "
            "give them as r1 and r2",
        )
    files = _bring(stage, sample.files)
    if sample.kind == "assembly":
        _take_assembly(stage, files[0])
    else:
        runs = len(sample.r1)
        _take_reads(stage, [mate for mate in (files[:runs], files[runs:]) if mate])


def _bring(stage: Stage, sources: list[str]) -> list[Path]:
    """Return where the files of a row are on this machine, after those named by URLs were fetched.

    Two at a time, the mates of a pair: what is gained by more is not worth a busy server's anger.
    """
    targets = [
        stage.work / f"source{i}" if is_remote(source) else Path(source)
        for i, source in enumerate(sources)
    ]
    remote = [i for i, source in enumerate(sources) if is_remote(source)]
    if remote:
        # Imported here: every job reads this module, and needs boto3 and requests only for this.
        from bactofleet.sources.files import fetch  # noqa: PLC0415

        with ThreadPoolExecutor(max_workers=2) as pool:
            fetched = pool.map(lambda i: fetch(sources[i], targets[i], stage.tools.say), remote)
            stage.record.input["files"] = [one.describe() for one in fetched]
    return targets


def _take_reads(stage: Stage, mates: list[list[Path]]) -> None:
    """Join the files of each mate, one list of them for single-end reads, and check the whole."""
    stage.use("kmc", "pigz")
    names = read_names(stage.sample, paired=len(mates) == 2)
    copies = _copy_paths(stage, names)
    for copy, sources in zip(copies, mates, strict=True):
        _merge(stage, sources, copy)
    stats = scan_reads(copies)
    if [mate_number(copy) for copy in copies] == ["2", "1"]:
        _exchange(*copies)
        stats.reverse()
        stage.record.input["note"] = "r1 and r2 were exchanged, as the names of their reads say"
    check_amounts(stats, stage.parameters)
    _find_genome_size(stage, copies)
    _write_stats(stage, names, stats)


def _take_assembly(stage: Stage, source: Path) -> None:
    fasta = stage.folder / ASSEMBLY / f"{stage.sample}.fna"
    fasta.parent.mkdir()
    with open_reads(source) as handle, fasta.open("wb") as copy:
        shutil.copyfileobj(handle, copy, CHUNK_BYTES)
    contigs = read_fasta(fasta)
    if not stage.record.input["genome_size"]:
        _set_genome_size(stage, sum(len(contig.sequence) for contig in contigs), "assembly")
    if stage.parameters["simulate_reads"]:
        _simulate_reads(stage, fasta)


def _simulate_reads(stage: Stage, fasta: Path) -> None:
    """Simulate error-free MiSeq pairs with the options that Bactopia gives ART."""
    stage.use("art_illumina", "pigz")
    depth = stage.parameters["coverage"] * SIMULATED_SURPLUS
    stage.tools.run(
        ["art_illumina", "-p", "-ss", "MSv3", "-l", "250", "-m", "400", "-s", "30"]
        + ["--fcov", depth, "-ir", "0", "-ir2", "0", "-dr", "0", "-dr2", "0", "-rs", "42"]
        + ["-na", "-qL", "33", "-qU", "40", "-i", fasta, "-o", "simulated"]
    )
    names = read_names(stage.sample, paired=True)
    copies = _copy_paths(stage, names)
    for mate, copy in enumerate(copies, start=1):
        _compress(stage, stage.work / f"simulated{mate}.fq", copy)
    _write_stats(stage, names, scan_reads(copies))
    note = stage.publish("reads-simulated-from-assembly.txt")
    note.write_text(f"The reads of {stage.sample} were simulated from its assembly with ART.\n")


def _copy_paths(stage: Stage, names: list[str]) -> list[Path]:
    (stage.folder / READS).mkdir()
    return [stage.folder / READS / f"{name}.fastq.gz" for name in names]


def _merge(stage: Stage, sources: list[Path], copy: Path) -> None:
    """Join the files of several runs, in the order given; gzip files join as they are.

    What lies in the stage's own folder goes at once: a disk need not hold the reads twice.
    """
    for i, source in enumerate(sources):
        part = source
        if not is_gzip(source):
            part = stage.work / f"{copy.name}.{i}"
            _compress(stage, source, part)
            _discard(stage, source)
        if i == 0 and part.is_relative_to(stage.work):
            part.rename(copy)
            continue
        with part.open("rb") as handle, copy.open("ab") as joined:
            shutil.copyfileobj(handle, joined, CHUNK_BYTES)
        _discard(stage, part)


def _discard(stage: Stage, file: Path) -> None:
    """Remove a file of the stage's own, but none of the user's."""
    if file.is_relative_to(stage.work):
        file.unlink()


def _compress(stage: Stage, source: Path, target: Path) -> None:
    threads = ["-p", stage.threads]
    stage.tools.run(["pigz", "-n", "-1", *threads, "-c", source.absolute()], stdout=target)


def _exchange(r1: Path, r2: Path) -> None:
    aside = r1.with_suffix(".aside")
    r1.rename(aside)
    r2.rename(r1)
    aside.rename(r2)


def _find_genome_size(stage: Stage, reads: list[Path]) -> None:
    """Estimate the size that the sheet does not give; an impossible one ends the genome here."""
    if not stage.record.input["genome_size"]:
        _set_genome_size(stage, estimate_genome_size(stage, reads), "estimated")
    size = stage.record.input["genome_size"]
    smallest = stage.parameters["min_genome_size"]
    largest = stage.parameters["max_genome_size"]
    if not smallest <= size <= largest:
        raise Excluded(
            "genome-size",
            f"the genome has {size:,} bp ({stage.record.input['genome_size_source']}), "
            f"outside {smallest:,} to {largest:,} (min_genome_size, max_genome_size)",
        )


def _set_genome_size(stage: Stage, size: int, source: str) -> None:
    stage.record.input |= {"genome_size": size, "genome_size_source": source}
    _write_meta(stage)


def _write_stats(stage: Stage, names: list[str], stats: list[ReadStats]) -> None:
    for name, one in zip(names, stats, strict=True):
        scan = one.to_fastq_scan(stage.record.input["genome_size"])
        write_json(stage.folder / STATS / f"{name}-original.json", scan)


def _write_meta(stage: Stage) -> None:
    """Write `<sample>-meta.tsv` with the columns of Bactopia 4's gather."""
    origin = stage.record.input
    sources = origin["sources"]
    row = {
        "sample": stage.sample,
        "runtype": origin["runtype"],
        "original_runtype": origin["runtype"],
        "is_paired": str(origin["runtype"] == "paired-end").lower(),
        "is_compressed": str(all(source.endswith(".gz") for source in sources)).lower(),
        "species": origin["species"] or "null",
        "genome_size": str(origin["genome_size"] or 0),
    }
    text = "\t".join(row) + "\n" + "\t".join(row.values()) + "\n"
    stage.publish(f"{stage.sample}-meta.tsv").write_text(text)
