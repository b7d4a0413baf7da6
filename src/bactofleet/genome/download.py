"""Stage 1, Bactopia's gather: fetch a genome's reads or assembly and check their integrity."""

from __future__ import annotations

import shutil
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bactofleet.core.errors import Excluded, TemporaryFailure
from bactofleet.core.files import CHUNK_BYTES, copy_summed, fingerprint, write_json
from bactofleet.core.frozen_samples import FrozenSamples
from bactofleet.core.identity import identify
from bactofleet.core.samples import NCBI_ASSEMBLY, Sample, is_remote, shown, to_sample
from bactofleet.core.versions import get_versions
from bactofleet.genome.fasta import read_fasta, write_fasta
from bactofleet.genome.fastq import (
    Irregularity,
    ReadStats,
    barcode_of,
    count_reads,
    hold_same_reads,
    is_gzip,
    is_ion_torrent,
    mate_number,
    pair_name,
    scan_reads,
)
from bactofleet.genome.genome_size import estimate_genome_size
from bactofleet.genome.reads import (
    FASTQ,
    LONG_READS,
    check_amounts,
    check_are_hifi,
    check_are_long,
    check_basepairs,
    check_lengths,
    holds_long_reads,
    kind_of,
    name_of,
    read_names,
)
from bactofleet.genome.references import fetch_reference
from bactofleet.genome.stage import ASSEMBLY, READS, Stage
from bactofleet.genome.tidy import tidy_reads

if TYPE_CHECKING:
    from bactofleet.archives.delivery import Delivery
    from bactofleet.archives.runs import Run

LAYOUTS = {"paired-end": "paired", "single-end": "single", "ont": "long", "hifi": "long"}
LITE_QUALITIES = {3, 30}
# As in Bactopia: 1.5 times the depth to keep, so that enough is left after trimming.
SIMULATED_SURPLUS = 1.5
# The most bytes of a file for a base of max_genome_size, as it comes and unpacked. An assembly
# takes little more than one; reads 2.5 with qualities and names, here a thousandfold depth.
FASTA_BYTES_A_BASE, FASTQ_BYTES_A_BASE = 4, 2500

PlainRun = tuple[list[Path], list[ReadStats]]
"""A run's file, or its two, and the statistics of each."""


class Source(NamedTuple):
    """A file that was fetched, and its name for the user."""

    path: Path
    name: str


class ReadRun(NamedTuple):
    """What is compared of the runs of a genome; statistics and names are of the first mates."""

    name: str
    files: list[Path]
    stats: ReadStats
    pair_name: bytes
    mate: str | None


# Long reads are never either of them, whatever their names and qualities look like.
OF_SHORT_READS = {Irregularity.INTERLEAVED, Irregularity.PHRED64}
# Reported only in the log, because the data are unchanged.
HARMLESS = {Irregularity.TABS, Irregularity.OPEN_END}


def run(stage: Stage) -> None:
    """Copy the sample's files, check them, and find the size of its genome.

    Writes `reads/<sample>_{R1,R2,SE,ONT,HIFI}.fastq.gz`, each with its statistics
    (`<sample>_...-original.json`), or `assembly/<sample>.fna`, or all of them for an
    assembly with simulated reads.
    """
    sample = _read_row(stage)
    stage.record.identity = _identify(stage, sample)
    stage.record.input = {
        "kind": sample.kind,
        "runtype": sample.runtype,
        "layout": LAYOUTS.get(sample.runtype, sample.layout or None),
        "sources": [shown(source) for source in sample.sources],
        "species": sample.species,
        "genome_size": sample.genome_size,
        "genome_size_source": "given" if sample.genome_size else None,
    }
    _write_meta(stage)  # first, so that each sample has one whatever happens
    for option, address in stage.parameters["references"].items():
        fetch_reference(stage, option, address)
    if sample.kind == "accession":
        _download_accession(stage, sample)
        return
    largest = _max_bytes(stage, sample.kind)
    files = _fetch_files(stage, sample.files, largest)
    if sample.kind == "assembly":
        _copy_assembly(stage, Source(files[0], shown(sample.files[0])), largest)
    else:
        _take_reads(stage, sample, list(map(Source, files, map(shown, sample.files))))


def _take_reads(stage: Stage, sample: Sample, sources: list[Source]) -> None:
    """Join the files of short and of long reads that a row names, in that order."""
    runs, short = len(sample.r1), len(sample.r1 + sample.r2)
    copies: list[Path] = []
    stats: list[ReadStats] = []
    if short:
        mates = [mate for mate in (sources[:runs], sources[runs:short]) if mate]
        copies, stats = _join_reads(stage, [list(run) for run in zip(*mates, strict=True)])
        stage.record.input["layout"] = "paired" if len(copies) > 1 else "single"
    if sample.long_reads:
        long = _join_reads(stage, [[source] for source in sources[short:]], sample.long_reads)
        copies, stats = copies + long[0], stats + long[1]
    _accept_reads(stage, copies, stats)


def _read_row(stage: Stage) -> Sample:
    row = FrozenSamples(Path(stage.parameters["samples"])).row(stage.sample)
    return to_sample(stage.sample, row)


def _identify(stage: Stage, sample: Sample) -> dict[str, Any]:
    """Return the genome's identity, with its files as they are before any is read.

    Raises `TemporaryFailure` if the row is not the one that this job was planned with.
    """
    image = fingerprint(get_versions())
    identity = identify(sample, stage.parameters["parameters"], image)
    if identity.key() != stage.identity:
        raise TemporaryFailure("another run has begun meanwhile, with another row of this sample")
    return identity.to_json()


def _download_accession(stage: Stage, sample: Sample) -> None:
    """Fetch the runs of an accession and join them; record the source of each file."""
    # Imported here because every job reads this module and few need an HTTPS client.
    from bactofleet.archives.providers import Workspace, fetch_accession  # noqa: PLC0415

    at = Workspace(stage.work, stage.tools, stage.threads, _max_bytes(stage, "reads"))
    runs, deliveries, notes = fetch_accession(sample, stage.parameters["providers"], at)
    # Of one platform, as they are of one experiment.
    long_reads = runs[0].long_reads
    is_paired = any(delivery.is_paired for delivery in deliveries)
    joined = [delivery for delivery in deliveries if delivery.is_paired == is_paired]
    stage.record.input["layout"] = "paired" if is_paired else "single"
    if long_reads:
        stage.record.input |= {"runtype": long_reads, "layout": "long"}
    described = zip(runs, deliveries, strict=True)
    stage.record.input["runs"] = [delivery.describe(run) for run, delivery in described]
    _write_meta(stage)
    stage.use(*{tool for delivery in joined for tool in delivery.tools})
    for note in notes:
        _note(stage, note)
    for run, delivery in zip(runs, deliveries, strict=True):
        _note_differences(stage, run, delivery, is_joined=delivery in joined)
    orphans = _set_orphans_apart(stage, joined)
    named = [[Source(file, file.name) for file in delivery.mates] for delivery in joined]
    copies, stats = _join_reads(stage, named, long_reads)
    names = {delivery.run for delivery in joined}
    claimed = sum(run.spots for run in runs if run.accession in names)
    _compare_spots(stage, claimed, stats[0].read_total + orphans)
    stage.record.input["qualities"] = "SRA Lite" if _is_lite(stats) else "full"
    _accept_reads(stage, copies, stats)


def _note_differences(stage: Stage, run: Run, delivery: Delivery, *, is_joined: bool) -> None:
    """Note if a run is not what the archive claims, or if it is left out in part."""
    found = "paired" if delivery.is_paired else "single"
    notes = []
    if run.layout not in ("", found):
        notes.append(f"the archive claims {run.layout} reads, they are {found}")
    if not is_joined:
        notes.append("it is single-end and was left out of the pairs of the other runs")
    for note in notes:
        _note(stage, f"{run.accession}: {note}")


def _set_orphans_apart(stage: Stage, deliveries: list[Delivery]) -> int:
    """Separate reads that have lost their mates from the pairs; return their number.

    With `keep: [reads]` they go into the result as a separate file.
    """
    largest = _max_bytes(stage, "reads")
    files = {delivery.run: delivery.orphans for delivery in deliveries if delivery.orphans}
    counts = {run: count_reads(file, largest) for run, file in files.items()}
    total = sum(counts.values())
    for described in stage.record.input["runs"]:
        if described["run"] in counts:
            described["orphans"] = counts[described["run"]]
    if files and "reads" in stage.parameters["keep"]:
        kept = stage.publish(f"{stage.sample}_orphans.fastq.gz")
        _merge(stage, list(files.values()), kept)
        _note(stage, f"{total:,} reads without a mate are apart from the pairs, in {kept.name}")
    elif files:
        for file in files.values():
            file.unlink()
        _note(stage, f"{total:,} reads without a mate are left out, as `keep` does not name reads")
    return total


def _compare_spots(stage: Stage, claimed: int, arrived: int) -> None:
    """Record how many reads or pairs the archive claims, and how many arrived.

    A difference is reported but no reason to stop: the data were verified, and archives differ in
    how they count empty and technical reads.
    """
    stage.record.input["spots"] = {"claimed": claimed or None, "arrived": arrived}
    if claimed and arrived != claimed:
        _note(stage, f"the archive claims {claimed:,} spots, {arrived:,} arrived")


def _is_lite(stats: list[ReadStats]) -> bool:
    """Say whether reads come from an SRA Lite file, whichever provider delivered them.

    Such a file has one quality for all bases of a read: 30, or 3 for a read that was filtered out
    (https://www.ncbi.nlm.nih.gov/sra/docs/sra-data-formats/).
    """
    return all(set(one.qualities.nonzero()[0]) <= LITE_QUALITIES for one in stats)


def _note(stage: Stage, text: str) -> None:
    """Add something that a reader of the receipt should know."""
    notes = [stage.record.input.get("note"), text]
    stage.record.input["note"] = "; ".join(filter(None, notes))
    stage.tools.say(text)


def _max_bytes(stage: Stage, kind: str) -> int:
    """Return the limit of a file of a row of that kind, as it comes and unpacked."""
    share = FASTA_BYTES_A_BASE if kind == "assembly" else FASTQ_BYTES_A_BASE
    return share * int(stage.parameters["max_genome_size"])


def _fetch_files(stage: Stage, sources: list[str], max_bytes: int) -> list[Path]:
    """Copy or fetch the files of a row; return their paths in the stage's own folder.

    Two at a time, the mates of a pair: more would gain little and burden busy servers.
    """
    targets = [stage.work / f"source{i}" for i in range(len(sources))]
    with ThreadPoolExecutor(max_workers=2) as pool:
        described = pool.map(partial(_fetch_file, stage, max_bytes), sources, targets)
        stage.record.input["files"] = list(described)
    return targets


def _fetch_file(stage: Stage, max_bytes: int, source: str, target: Path) -> dict[str, Any]:
    """Copy or fetch one file; return what the receipt says about it."""
    if source.startswith(f"{NCBI_ASSEMBLY}/"):
        from bactofleet.archives.datasets import fetch_assembly  # noqa: PLC0415

        return fetch_assembly(source, target, stage.tools.say, max_bytes).describe()
    if is_remote(source):
        from bactofleet.archives.files import fetch  # noqa: PLC0415

        return fetch(source, target, stage.tools.say, max_bytes).describe()
    size, checksum = copy_summed(Path(source), target)
    return {"source": source, "bytes": size, "sha256": checksum}


def _join_reads(
    stage: Stage, runs: list[list[Source]], long_reads: str = ""
) -> tuple[list[Path], list[ReadStats]]:
    """Check the files of each run to the end, tidy them, and join the files of each mate.

    `long_reads` is the column of the sheet that names them; "" for short reads.
    """
    stage.use("kmc", "pigz")
    plain = [
        _make_plain(stage, number, run, is_long=bool(long_reads))
        for number, run in enumerate(runs, start=1)
    ]
    mates = {len(files) for files, _ in plain}
    # Two barcodes may be one isolate, sequenced twice, or a wrong path.
    if len(barcodes := {barcode_of(files[0]) for files, _ in plain} - {""}) > 1:
        _note(stage, f"reads of several barcodes were joined: {', '.join(sorted(barcodes))}")
    if long_reads and mates != {1}:
        raise Excluded("paired-end", f"{runs[0][0].name} is one of two files of long reads")
    if len(mates) > 1:
        names = ", ".join(run[0].name for run in runs)
        raise Excluded("paired-end", f"some of {names} hold pairs, and some do not")
    if len(runs) > 1:
        _compare_runs(stage, runs, plain)
    long = [f"{stage.sample}_{LONG_READS[long_reads]}"] if long_reads else []
    copies = _copy_paths(stage, long or read_names(stage.sample, paired=mates == {2}))
    for mate, copy in enumerate(copies):
        _merge(stage, [files[mate] for files, _ in plain], copy)
    stats = plain[0][1]
    for _, others in plain[1:]:
        for one, other in zip(stats, others, strict=True):
            one.merge(other)
    return copies, stats


def _make_plain(stage: Stage, number: int, run: list[Source], *, is_long: bool) -> PlainRun:
    """Check the files of a run; return files that all tools read alike, and their statistics."""
    files, names = [source.path for source in run], [source.name for source in run]
    stats = scan_reads(files, names, _max_bytes(stage, "reads"))
    if is_long:
        check_are_long(names[0], stats[0])
        stats[0].irregularities -= OF_SHORT_READS
    if len(run) > 1 and stats[0].has_same_numbers(stats[1]) and hold_same_reads(*files):
        raise Excluded("paired-end", f"{names[0]} and {names[1]} hold the same reads")
    if is_ion_torrent(files[0]):
        raise Excluded("ion-torrent", f"{names[0]} holds reads of Ion Torrent, as their names say")
    mates = [mate_number(file) for file in files]
    if mates == ["2", "1"]:
        for given in (files, names, stats):
            given.reverse()
        _note(stage, "r1 and r2 were exchanged, as the names of their reads say")
    elif mates in (["1", "1"], ["2", "2"]):
        _note(stage, f"{names[0]} and {names[1]} both say that they hold mate {mates[0]}")
    elif mates == ["2"]:
        _note(stage, f"{names[0]} holds second mates, and no file holds the first")
    # Both mates keep the same names.
    irregularities = set().union(*(one.irregularities for one in stats))
    if not irregularities:
        return files, stats
    for irregularity in sorted(irregularities, key=lambda irregularity: irregularity.name):
        tell = stage.tools.say if irregularity in HARMLESS else partial(_note, stage)
        tell(f"{' and '.join(names)}: {irregularity.value}")
    plain = []
    for file in files:
        parts = 2 if Irregularity.INTERLEAVED in irregularities else 1
        targets = [stage.work / f"{file.name}.plain{part}" for part in range(parts)]
        tidy_reads(file, irregularities, f"{stage.sample}.{number}", targets)
        file.unlink()
        plain += targets
    return plain, scan_reads(plain, [name for name in names for _ in range(parts)])


def _compare_runs(stage: Stage, runs: list[list[Source]], plain: list[PlainRun]) -> None:
    """Look whether two runs of a genome are one."""
    # A sequencer writes hundreds of files for a barcode: the name of a first read is looked up once
    # for each file, not for each two.
    alike: defaultdict[int, list[ReadRun]] = defaultdict(list)
    for (first, *_), (files, counted) in zip(runs, plain, strict=True):
        run = ReadRun(first.name, files, counted[0], pair_name(files[0]), mate_number(files[0]))
        alike[run.stats.read_total].append(run)
    for group in alike.values():
        for two in combinations(group, 2):
            _compare_two(stage, *two)


def _compare_two(stage: Stage, one: ReadRun, other: ReadRun) -> None:
    """Look whether two runs of equally many reads are one: the same twice, or its two mates."""
    names = f"{one.name} and {other.name}"
    if one.stats.has_same_numbers(other.stats) and hold_same_reads(one.files[0], other.files[0]):
        raise Excluded("duplicate-reads", f"{names}, two runs, hold the same reads")
    if other.files[1:] or one.pair_name != other.pair_name:
        return
    if {one.mate, other.mate} == {"1", "2"}:
        raise Excluded("paired-end", f"{names}, both in r1, hold the mates of pairs; r2 is empty")
    _note(
        stage, f"reads of {names} have the same names; if they are mates, put one of them into r2"
    )


def _accept_reads(stage: Stage, copies: list[Path], stats: list[ReadStats]) -> None:
    """Check that there are enough reads, and find the size of their genome."""
    short = sum(not holds_long_reads(copy) for copy in copies)  # long reads come last
    if short:
        check_lengths(stats[:short])
        check_amounts(stats[:short], stage.parameters)
    # As in Bactopia, few long reads may be enough.
    for one in stats[short:]:
        check_basepairs(one.total_bp, stage.parameters["min_basepairs"], " of long reads")
    for copy, one in zip(copies, stats, strict=True):
        if kind_of(copy) == LONG_READS["hifi"]:
            check_are_hifi(one)
    # Short reads have fewer errors.
    _find_genome_size(stage, copies[:short] or copies)
    _write_stats(stage, list(map(name_of, copies)), stats)


def _copy_assembly(stage: Stage, source: Source, max_bytes: int) -> None:
    fasta = stage.folder / ASSEMBLY / f"{stage.sample}.fna"
    contigs = read_fasta(source.path, source.name, max_bytes)
    if empty := [contig.name for contig in contigs if not contig.sequence]:
        problem = f"has no sequence below {empty[0][:40]!r}; is the file cut off?"
        raise Excluded("assembly", f"{source.name} {problem}")
    # Write what was parsed, not a copy: tools read line ends and blank lines differently.
    write_fasta(fasta, contigs)
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
    return [stage.folder / READS / f"{name}{FASTQ}" for name in names]


def _merge(stage: Stage, sources: list[Path], copy: Path) -> None:
    """Join the files of several runs in the order given; gzip files can simply be concatenated.

    Each file is removed once it is joined, so that the disk need not hold the reads twice.
    """
    for i, source in enumerate(sources):
        part = source
        if not is_gzip(source):
            part = stage.work / f"{copy.name}.{i}"
            _compress(stage, source, part)
            source.unlink()
        if i == 0:
            part.rename(copy)
            continue
        with part.open("rb") as handle, copy.open("ab") as joined:
            shutil.copyfileobj(handle, joined, CHUNK_BYTES)
        part.unlink()


def _compress(stage: Stage, source: Path, target: Path) -> None:
    threads = ["-p", stage.threads]
    stage.tools.run(["pigz", "-n", "-1", *threads, "-c", source.absolute()], stdout=target)


def _find_genome_size(stage: Stage, reads: list[Path]) -> None:
    """Estimate the genome size if the sheet has none; an impossible size excludes the genome."""
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
        write_json(stage.folder / READS / f"{name}-original.json", scan)


def _write_meta(stage: Stage) -> None:
    """Write `<sample>-meta.tsv` with the columns of Bactopia 4's gather."""
    origin = stage.record.input
    is_gzip_given = all(source.endswith(".gz") for source in origin["sources"])
    row = {
        "sample": stage.sample,
        "runtype": origin["runtype"],
        "original_runtype": origin["runtype"],
        "is_paired": str(origin["layout"] == "paired").lower(),
        "is_compressed": str(origin["kind"] == "accession" or is_gzip_given).lower(),
        "species": origin["species"] or "null",
        "genome_size": str(origin["genome_size"] or 0),
    }
    text = "\t".join(row) + "\n" + "\t".join(row.values()) + "\n"
    stage.publish(f"{stage.sample}-meta.tsv").write_text(text)
