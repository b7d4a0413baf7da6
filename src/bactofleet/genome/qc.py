"""Stage 2, qc: trim the reads, cap their depth, and describe them before and after."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bactofleet.core.errors import Excluded
from bactofleet.core.files import read_json, write_json
from bactofleet.genome.fastq import ReadStats, scan_reads, share_of_poly_g
from bactofleet.genome.long_reads import summarize
from bactofleet.genome.reads import (
    FASTQ,
    add_read_metrics,
    check_amounts,
    check_basepairs,
    find_reads,
    name_of,
)
from bactofleet.genome.reproducible import fix_log
from bactofleet.genome.stage import READS, Stage, read_record

SEED = 42
SUPPLEMENTAL = "supplemental"
# By chance fewer than 0.01 % of the reads end in ten G, even where 75 % of the bases are G or C.
MIN_POLY_G = 0.005
# bbduk's own reference, unpacked in the image, because Debian's bbduk does not find "phix".
PHIX = Path("/usr/share/bactofleet/phix174.fa")
# The options that Bactopia gives bbduk for PhiX.
BBDUK_PHIX = ["k=31", "hdist=1", "tpe=t", "tbo=t", "qtrim=rl", "trimq=6", "minlength=35"]
BBDUK_PHIX += ["minavgquality=10", "qout=33", "tossjunk=t", "ordered=t"]
LIGHTER_K = 31
# Bactopia's `nanoq --min-len`, bp.
MIN_LONG_READ = 1000
OF_LONG_READS = " of long reads"


def run(stage: Stage) -> None:
    """Write `reads/<sample>_{R1,R2,SE,ONT,HIFI}.fastq.gz`, ready for the assembler.

    An assembly without reads passes through, with a note.
    """
    download = stage.inputs["download"]
    origin = read_record(download)
    raw = find_reads(download / READS)
    if not any(raw):
        note = f"{stage.sample} is an assembly without reads: nothing to trim.\n"
        stage.publish(f"{stage.sample}-qc-skipped.txt").write_text(note)
        return
    size = int(origin.input["genome_size"])
    if raw.short:
        _clean_short(stage, raw.short, size)
    if raw.long:
        _clean_long(stage, raw.long[0], size, is_alone=not raw.short)


def _clean_short(stage: Stage, raw: list[Path], size: int) -> None:
    names = list(map(name_of, raw))
    reads = _trim(stage, raw)
    _check_not_empty(stage)
    if stage.parameters["phix"]:
        reads = _remove_phix(stage, reads)
    if stage.parameters["error_correction"]:
        reads = _correct_errors(stage, reads, size)
    stats = scan_reads(reads)
    reads, stats = _cap_depth(stage, reads, stats, size)
    _describe(stage, names, stats, size, [""])
    check_amounts(stats, stage.parameters)
    _check_coverage(stats, size, stage.parameters["min_coverage"])
    _keep(stage, names, reads)


def _clean_long(stage: Stage, raw: Path, size: int, *, is_alone: bool) -> None:
    """Drop reads that are too short, and cap the depth of the others.

    As in Bactopia at random, which keeps small plasmids: the longest reads hold none of them.
    """
    stage.use("seqtk", "pigz")
    name = name_of(raw)
    original = read_json(stage.inputs["download"] / READS / f"{name}-original.json")
    if original["qc_stats"]["read_max"] < MIN_LONG_READ:
        raise Excluded("low-read-count", f"no read has {MIN_LONG_READ:,} bp or more")
    long = stage.work / "long.fastq.gz"
    select = ["seqtk", "seq", "-L", MIN_LONG_READ, raw]
    stage.tools.pipe([select, ["pigz", "-n", "-1", "-p", stage.threads]], stdout=long)
    reads, stats = _cap_depth(stage, [long], scan_reads([long]), size)
    _describe(stage, [name], stats, size, ["long_", ""] if is_alone else ["long_"])
    _summarize_long(stage, name, {"original": raw, "final": reads[0]})
    check_basepairs(stats[0].total_bp, stage.parameters["min_basepairs"], OF_LONG_READS)
    _check_coverage(stats, size, stage.parameters["min_coverage"], OF_LONG_READS)
    _keep(stage, [name], reads)


def _summarize_long(stage: Stage, name: str, files: dict[str, Path]) -> None:
    """Publish nanoq's statistics of the original and of the final reads."""
    rows = {when: summarize(path) for when, path in files.items()}
    lines = ["\t".join(["when", *rows["final"]])]
    lines += ["\t".join([when, *map(str, row.values())]) for when, row in rows.items()]
    table = stage.publish(f"{SUPPLEMENTAL}/{name}-nanoq.tsv")
    table.write_text("\n".join(lines) + "\n")
    for when, row in rows.items():
        stage.record.metrics[f"qc_long_{when}_read_n50"] = row["n50"]


def _trim(stage: Stage, raw: list[Path]) -> list[Path]:
    """Trim adapters and low quality with fastp's own defaults, as Bactopia does, or as told."""
    stage.use("fastp")
    trimmed = [stage.work / f"trimmed{i}.fastq.gz" for i in range(1, len(raw) + 1)]
    report = stage.publish(f"{SUPPLEMENTAL}/{stage.sample}.fastp.json")
    page = report.with_suffix(".html")
    log = stage.publish(f"logs/{stage.sample}-fastp.log")
    pair = ["--in2", raw[1], "--out2", trimmed[1], "--detect_adapter_for_pe"] if raw[1:] else []
    # fastp itself knows the machine by the names of reads, which archives often replace.
    given = stage.tool_options("fastp_options")
    is_said = {"--trim_poly_g", "--disable_trim_poly_g"} & set(given)
    poly_g = not is_said and max(map(share_of_poly_g, raw)) >= MIN_POLY_G
    stage.tools.run(
        # Only the next tool reads these, so the fastest compression is enough.
        ["fastp", "--in1", raw[0], "--out1", trimmed[0], *pair, "--compression", "1"]
        + ["--thread", stage.threads, "--json", report, "--html", page]
        + ["--report_title", stage.sample]
        + ["--trim_poly_g"] * poly_g
        + given,
        stderr=log,
    )
    for path in (report, page, log):
        path.write_text(fix_log(path.read_text(), stage.folder.parent))
    stage.record.multiqc["fastp"] = json.loads(report.read_text())
    return trimmed


def _check_not_empty(stage: Stage) -> None:
    after = stage.record.multiqc["fastp"]["summary"]["after_filtering"]
    if not after["total_reads"]:
        raise Excluded("low-read-count", "no read was left after trimming")


def _remove_phix(stage: Stage, reads: list[Path]) -> list[Path]:
    stage.use("bbduk")
    clean = [stage.work / f"no-phix{i}.fastq.gz" for i in range(1, len(reads) + 1)]
    pair = [f"in2={reads[1]}", f"out2={clean[1]}"] if reads[1:] else []
    stage.tools.run(
        ["bbduk.sh", f"-Xmx{stage.memory_gb}g", f"threads={stage.threads}"]
        + [
            f"ref={PHIX if PHIX.exists() else 'phix'}",
            f"in={reads[0]}",
            f"out={clean[0]}",
            *pair,
            *BBDUK_PHIX,
        ]
    )
    return clean


def _correct_errors(stage: Stage, reads: list[Path], size: int) -> list[Path]:
    stage.use("lighter")
    inputs = [word for path in reads for word in ("-r", path)]
    stage.tools.run(
        ["lighter", *inputs, "-K", LIGHTER_K, size, "-maxcor", "1"]
        + ["-t", stage.threads, "-od", stage.work]
    )
    return [stage.work / f"{path.name.removesuffix('.fastq.gz')}.cor.fq.gz" for path in reads]


def _cap_depth(
    stage: Stage, reads: list[Path], stats: list[ReadStats], size: int
) -> tuple[list[Path], list[ReadStats]]:
    """Subsample reads that are too deep, at random but the same in every run."""
    total = sum(one.total_bp for one in stats)
    wanted = stage.parameters["coverage"] * size
    if not wanted or total <= wanted:
        return reads, stats
    stage.use("seqtk", "pigz")
    capped = [stage.work / f"capped{i}.fastq.gz" for i in range(1, len(reads) + 1)]
    for path, out in zip(reads, capped, strict=True):
        # The same seed draws the same reads of both mates.
        sample = ["seqtk", "sample", f"-s{SEED}", path, f"{wanted / total:.6f}"]
        stage.tools.pipe([sample, ["pigz", "-n", "-1", "-p", stage.threads]], stdout=out)
    return capped, scan_reads(capped)


def _describe(
    stage: Stage, names: list[str], stats: list[ReadStats], size: int, kinds: list[str]
) -> None:
    """Publish fastq-scan's JSON of the original and of the final reads.

    Their numbers become metrics, named for each of `kinds` (`long_` for long reads).
    """
    scans: dict[str, list[dict[str, object]]] = {"original": [], "final": []}
    for name, one in zip(names, stats, strict=True):
        scans["original"].append(
            read_json(stage.inputs["download"] / READS / f"{name}-original.json")
        )
        scans["final"].append(one.to_fastq_scan(size))
    for when, both in scans.items():
        for name, scan in zip(names, both, strict=True):
            write_json(stage.publish(f"{SUPPLEMENTAL}/{name}-{when}.json"), scan)
        for kind in kinds:
            add_read_metrics(stage.record.metrics, f"{kind}{when}", both)


def _check_coverage(stats: list[ReadStats], size: int, minimum: float, kind: str = "") -> None:
    coverage = sum(one.total_bp for one in stats) / size
    if coverage < minimum:
        raise Excluded(
            "low-sequence-coverage",
            f"{coverage:.1f}x{kind} of {size:,} bp is left, less than {minimum}x (min_coverage)",
        )


def _keep(stage: Stage, names: list[str], reads: list[Path]) -> None:
    """Pass the reads on; with `keep: [reads]` also publish them, well compressed."""
    for name, path in zip(names, reads, strict=True):
        if "reads" in stage.parameters["keep"]:
            unpack, pack = ["pigz", "-dc", path], ["pigz", "-n", "-p", stage.threads]
            stage.tools.pipe([unpack, pack], stdout=stage.publish(f"{name}{FASTQ}"))
        shutil.move(path, stage.folder / READS / f"{name}{FASTQ}")
