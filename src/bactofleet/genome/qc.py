"""Stage 2, qc: trim the reads, cap their depth, and describe them before and after."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bactofleet.core.errors import Excluded
from bactofleet.core.files import read_json, write_json
from bactofleet.genome.fastq import ReadStats, scan_reads, share_of_poly_g
from bactofleet.genome.reads import add_read_metrics, check_amounts, read_names
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


def run(stage: Stage) -> None:
    """Write `reads/<sample>_{R1,R2,SE}.fastq.gz`, ready for the assembler.

    An assembly without reads passes through, with a note.
    """
    download = stage.inputs["download"]
    origin = read_record(download)
    raw = sorted((download / READS).glob("*.fastq.gz"))
    if not raw:
        note = f"{stage.sample} is an assembly without reads: nothing to trim.\n"
        stage.publish(f"{stage.sample}-qc-skipped.txt").write_text(note)
        return
    size = int(origin.input["genome_size"])
    names = read_names(stage.sample, paired=len(raw) > 1)
    reads = _trim(stage, raw)
    _check_not_empty(stage)
    if stage.parameters["phix"]:
        reads = _remove_phix(stage, reads)
    if stage.parameters["error_correction"]:
        reads = _correct_errors(stage, reads, size)
    stats = scan_reads(reads)
    reads, stats = _cap_depth(stage, reads, stats, size)
    _describe(stage, names, stats, size)
    check_amounts(stats, stage.parameters)
    _check_coverage(stats, size, stage.parameters["min_coverage"])
    _keep(stage, names, reads)


def _trim(stage: Stage, raw: list[Path]) -> list[Path]:
    """Trim adapters and low quality with fastp's own defaults, as Bactopia does, or as told."""
    stage.use("fastp")
    trimmed = [stage.work / f"trimmed{i}.fastq.gz" for i in range(1, len(raw) + 1)]
    report = stage.publish(f"{SUPPLEMENTAL}/{stage.sample}.fastp.json")
    page = report.with_suffix(".html")
    log = stage.publish(f"logs/{stage.sample}-fastp.log")
    pair = ["--in2", raw[1], "--out2", trimmed[1], "--detect_adapter_for_pe"] if raw[1:] else []
    # fastp itself knows the machine by the names of reads, which archives often replace.
    given = (stage.parameters["fastp_options"] or "").split()
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


def _describe(stage: Stage, names: list[str], stats: list[ReadStats], size: int) -> None:
    """Publish fastq-scan's JSON of the original and of the final reads."""
    scans: dict[str, list[dict[str, object]]] = {"original": [], "final": []}
    for name, one in zip(names, stats, strict=True):
        scans["original"].append(
            read_json(stage.inputs["download"] / READS / f"{name}-original.json")
        )
        scans["final"].append(one.to_fastq_scan(size))
    for when, both in scans.items():
        for name, scan in zip(names, both, strict=True):
            write_json(stage.publish(f"{SUPPLEMENTAL}/{name}-{when}.json"), scan)
        add_read_metrics(stage.record.metrics, when, both)


def _check_coverage(stats: list[ReadStats], size: int, minimum: float) -> None:
    coverage = sum(one.total_bp for one in stats) / size
    if coverage < minimum:
        raise Excluded(
            "low-sequence-coverage",
            f"{coverage:.1f}x of {size:,} bp is left, less than {minimum}x (min_coverage)",
        )


def _keep(stage: Stage, names: list[str], reads: list[Path]) -> None:
    """Pass the reads on; with `keep: [reads]` also publish them, well compressed."""
    for name, path in zip(names, reads, strict=True):
        if "reads" in stage.parameters["keep"]:
            unpack, pack = ["pigz", "-dc", path], ["pigz", "-n", "-p", stage.threads]
            stage.tools.pipe([unpack, pack], stdout=stage.publish(f"{name}.fastq.gz"))
        shutil.move(path, stage.folder / READS / f"{name}.fastq.gz")
