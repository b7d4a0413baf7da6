"""Receipts of genomes that never were: realistic and seeded, to test and measure the report."""

from __future__ import annotations

import io
import json
import math
import random
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

# Size in Mb, GC in percent and coding sequences per Mb of common isolates, with their share.
SPECIES = {
    "Staphylococcus aureus": (2.83, 32.7, 930, 0.55),
    "Escherichia coli": (5.10, 50.6, 950, 0.22),
    "Klebsiella pneumoniae": (5.55, 57.3, 955, 0.13),
    "Mycobacterium tuberculosis": (4.38, 65.6, 920, 0.10),
}
HOSTS = {
    "AMD EPYC 7R13": 0.6,
    "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz": 0.3,
    "AMD EPYC 9R14": 0.1,
}
VERSIONS = {
    "bactofleet": "0.1.0",
    "fastp": "0.24.0",
    "pilon": "1.24",
    "prokka": "1.14.6",
    "samtools": "1.21",
    "shovill": "1.1.0",
    "skesa": "2.4.0",
}
EXCLUSIONS = {
    "low-read-count": ("download", "{reads:,} reads were found; at least 7,472 are needed"),
    "low-sequence-coverage": ("qc", "depth is {depth:.1f}x after cleaning; at least 10x is needed"),
    "assembly": ("assembly", "the assembly has 21,340,118 bp; at most 18,040,666 are allowed"),
}
# Resistance genes with the drugs that they predict, and replicons, with the share that has each.
CARRIED = {
    "Staphylococcus aureus": (
        {"mecA": ("cefoxitin", 0.5), "blaZ": ("penicillin", 0.8), "erm(A)": ("erythromycin", 0.3)},
        {"rep16": 0.5, "rep5a": 0.3},
    ),
    "Escherichia coli": (
        {"blaCTX-M-15": ("ceftriaxone", 0.2), "tet(A)": ("tetracycline", 0.3)},
        {"IncFIB(AP001918)": 0.6, "IncI1-I(Alpha)": 0.2},
    ),
    "Klebsiella pneumoniae": (
        {"blaKPC-2": ("meropenem", 0.3), "fosA": ("fosfomycin", 0.9)},
        {"IncFIB(K)": 0.6, "IncR": 0.3},
    ),
    "Mycobacterium tuberculosis": ({}, {}),
}
# Of the complete genomes that are not mixed otherwise, the share with some reads of a second one.
TRACE_ODDS = 0.015
FAILURES = (
    ("assembly", 137, "infrastructure", "skesa was killed (signal 9): out of memory"),
    ("download", 75, "infrastructure", "the file ended after 41,203,712 of 98,120,334 bytes"),
    ("annotation", 2, "tool", "prokka ended with exit status 2"),
)
# Median seconds, spread (log) and median GB of peak memory of each stage at 4 cores.
STAGES = {
    "download": (38, 0.5, 0.15),
    "qc": (55, 0.35, 0.9),
    "assembly": (640, 0.4, 5.2),
    "annotation": (170, 0.25, 1.1),
    "publish": (9, 0.3, 0.08),
}


def write_cohort(results: Path, count: int, seed: int = 1) -> list[str]:
    """Write receipts and failures below `results`; return the samples of the sheet, in order.

    Of 1,000 genomes about 940 are complete, 35 excluded, 15 failed and 10 still waiting. Of the
    complete ones 30 have single-end reads, two are mixed, one is misnamed and one in part lost; 14
    have some reads of another species.
    """
    return write_genomes(
        results, [draw_kind(random.Random(f"{seed}:{i}")) for i in range(count)], seed
    )


def write_genomes(results: Path, kinds: list[str], seed: int = 1) -> list[str]:
    """Write one genome of each kind: `complete`, `excluded`, `failed` or `waiting`."""
    for folder in ("receipts", "failed"):
        (results / folder).mkdir(parents=True, exist_ok=True)
    samples = []
    for index, kind in enumerate(kinds):
        sample = f"SRX{10_400_000 + 37 * index}"
        samples.append(sample)
        WRITERS[kind](results, sample, random.Random(f"{seed}:{index}:{kind}"))
    return samples


def draw_kind(rng: random.Random) -> str:
    return rng.choices(("complete", "excluded", "failed", "waiting"), (940, 35, 15, 10))[0]


def write_complete(results: Path, sample: str, rng: random.Random) -> None:
    receipt = make_receipt(sample, rng)
    for odds, spoil in SPOILERS:
        if rng.random() < odds:
            spoil(receipt, rng)
    # Another generator: what is found leaves all other values as they are.
    type_genome(receipt, random.Random(f"{sample}:typing"))
    write_receipt(results, receipt)


def type_genome(receipt: dict[str, Any], rng: random.Random) -> None:
    """Add what the typing stage finds, unless that is known already."""
    expected = receipt["input"]["species"]
    found = {
        "verdict": "as expected",
        "species": expected,
        "distance": round(rng.uniform(0.0005, 0.012), 4),
        "shared_hashes": f"{rng.randint(640, 980)}/1000",
    } | receipt.get("found", {})
    if rng.random() < TRACE_ODDS:
        others = [name for name in SPECIES if name != found["species"]]
        share = {"second": rng.choice(others), "second_share": round(rng.uniform(0.02, 0.2), 3)}
        found |= {"verdict": "mixed"} | share
    genes, replicons = CARRIED[found["species"]]
    carried = {name: drug for name, (drug, share) in genes.items() if rng.random() < share}
    receipt["found"] = found | {"nearest": found["species"]}
    receipt["resistance"] = {
        "genes": list(carried),
        "drugs": sorted(carried.values()),
        "replicons": [name for name, share in replicons.items() if rng.random() < share],
    }


def make_single_end(receipt: dict[str, Any], _: random.Random) -> None:
    receipt["input"] |= {"runtype": "single-end", "layout": "single"}


def mix(receipt: dict[str, Any], rng: random.Random) -> None:
    """Let another species into the sample."""
    change_assembly(receipt, rng.uniform(1.15, 1.9), rng.uniform(3, 9))
    receipt["metrics"]["assembler_gc_percent"] += rng.choice((-1, 1)) * rng.uniform(1, 5)
    species = receipt["input"]["species"]
    second = next(name for name in SPECIES if name != species)
    receipt["found"] = {"verdict": "mixed", "second": second, "second_share": 0.4}


def misname(receipt: dict[str, Any], rng: random.Random) -> None:
    species = receipt["input"]["species"]
    others = [name for name in SPECIES if name != species]
    receipt["input"]["species"] = rng.choice(others)
    receipt["found"] = {"verdict": "other", "species": species}


def lose(receipt: dict[str, Any], rng: random.Random) -> None:
    """Lose a part of the genome."""
    change_assembly(receipt, rng.uniform(0.55, 0.85), rng.uniform(1.5, 4))


def change_assembly(receipt: dict[str, Any], size: float, pieces: float) -> None:
    metrics = receipt["metrics"]
    for name in ("assembler_total_contig_length", "annotator_total_cds"):
        metrics[name] = round(metrics[name] * size)
    metrics["assembler_total_contig"] = round(metrics["assembler_total_contig"] * pieces)
    metrics["assembler_n50_contig_length"] = round(metrics["assembler_n50_contig_length"] / pieces)


SPOILERS = ((0.03, make_single_end), (0.002, mix), (0.001, misname), (0.001, lose))


def write_excluded(results: Path, sample: str, rng: random.Random) -> None:
    receipt = make_receipt(sample, rng)
    kind = rng.choice(list(EXCLUSIONS))
    stage, message = EXCLUSIONS[kind]
    text = message.format(reads=rng.randint(40, 7_400), depth=rng.uniform(1, 9.9))
    receipt |= {"status": "excluded", "reason": {"type": kind, "stage": stage, "message": text}}
    kept = {"download": ("qc_original",), "qc": ("qc_",), "assembly": ("qc_", "assembler_")}[stage]
    receipt["metrics"] = {
        name: value for name, value in receipt["metrics"].items() if name.startswith(kept)
    }
    write_receipt(results, receipt)


def write_failed(results: Path, sample: str, rng: random.Random) -> None:
    stage, code, kind, message = rng.choice(FAILURES)
    failure = {
        "sample": sample,
        "stage": stage,
        "exit_code": code,
        "kind": kind,
        "message": message,
        "attempt": rng.randint(1, 3),
        "log": f"results/logs/{sample}/{stage}.log",
        "tail": [f"[{stage}] starting with 4 threads", "[12:04:11] 62 % done", message],
    }
    (results / "failed" / f"{sample}.json").write_text(json.dumps(failure))


def write_waiting(results: Path, sample: str, rng: random.Random) -> None:
    """Write nothing: the genome has not been made."""


WRITERS: dict[str, Callable[[Path, str, random.Random], None]] = {
    "complete": write_complete,
    "excluded": write_excluded,
    "failed": write_failed,
    "waiting": write_waiting,
}


def write_receipt(results: Path, receipt: dict[str, Any]) -> None:
    (results / "receipts" / f"{receipt['sample']}.json").write_text(json.dumps(receipt))


def make_receipt(sample: str, rng: random.Random) -> dict[str, Any]:
    """Return the receipt of a complete genome."""
    name = rng.choices(list(SPECIES), [share for *_, share in SPECIES.values()])[0]
    megabases, gc, genes, _ = SPECIES[name]
    length = round(1e6 * megabases * rng.gauss(1, 0.018))
    given = rng.random() < 0.3
    size = round(1e6 * megabases) if given else round(length * rng.gauss(1.01, 0.01))
    reads = read_metrics(rng, size)
    metrics = {
        **reads,
        **assembly_metrics(rng, length, gc),
        **annotation_metrics(rng, length, genes),
    }
    return {
        "schema": 1,
        "sample": sample,
        "status": "complete",
        "reason": None,
        "input": {
            "kind": "reads",
            "runtype": "paired-end",
            "layout": "paired",
            "species": name,
            "genome_size": size,
            "genome_size_source": "given" if given else "estimated",
            "sources": [f"/data/{sample}_R1.fastq.gz", f"/data/{sample}_R2.fastq.gz"],
            "files": [input_file(rng, f"/data/{sample}_R{mate}.fastq.gz") for mate in (1, 2)],
        },
        "metrics": metrics,
        "stages": stage_usage(rng, length),
        "versions": VERSIONS,
        "parameters": {"coverage": 100, "assembler": "skesa", "minimum_contig_length": 500},
        "fingerprint": {"parameters": "3f2a9c1b", "image": "77aa01e4"},
        "tarball": {
            "path": f"results/{sample}.tar.gz",
            "bytes": round(length * rng.uniform(3.0, 3.4)),
            "sha256": f"{rng.getrandbits(256):064x}",
        },
        "image": {"name": "bactofleet:latest", "id": f"sha256:{'1a2b' * 16}"},
        "host": {
            "name": f"ip-10-0-{rng.randrange(256)}-{rng.randrange(256)}",
            "architecture": "x86_64",
            "cpu": rng.choices(list(HOSTS), list(HOSTS.values()))[0],
            "cores": 4,
        },
        "finished": f"2026-11-{rng.randint(17, 21)}T{rng.randrange(24):02}:00:00Z",
    }


def make_tool_outputs(receipt: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return what MultiQC shows of a complete genome."""
    metrics, species = receipt["metrics"], receipt["input"]["species"]
    return {"fastp": fastp_summary(rng, metrics), "prokka": prokka_summary(species, metrics)}


def write_tarballs(results: Path, samples: Iterable[str]) -> None:
    """Write the beginnings of the tarballs of complete genomes, all that a report reads of them."""
    for sample in samples:
        path = results / "receipts" / f"{sample}.json"
        receipt = json.loads(path.read_text()) if path.exists() else {}
        if receipt.get("status") == "complete":
            outputs = make_tool_outputs(receipt, random.Random(sample))
            content = json.dumps({"sample": sample, "multiqc": outputs}).encode()
            with tarfile.open(results / f"{sample}.tar.gz", "w:gz") as tar:
                member = tarfile.TarInfo(f"{sample}/bactofleet.json")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def input_file(rng: random.Random, source: str) -> dict[str, Any]:
    size, checksum = rng.randint(10**8, 6 * 10**8), f"{rng.getrandbits(256):064x}"
    return {"source": source, "bytes": size, "sha256": checksum}


def read_metrics(rng: random.Random, size: int) -> dict[str, float]:
    depth = max(14.0, rng.lognormvariate(math.log(105), 0.5))
    final = min(100.0, depth * rng.uniform(0.93, 0.98))
    length = rng.choices((100, 150, 250), (2, 7, 1))[0]
    metrics: dict[str, float] = {}
    for state, fold, quality in (("original", depth, 34.8), ("final", final, 35.9)):
        bases = round(fold * size)
        metrics |= {
            f"qc_{state}_total_bp": bases,
            f"qc_{state}_read_total": bases // length,
            f"qc_{state}_read_mean": round(length * rng.uniform(0.95, 1), 2),
            f"qc_{state}_qual_mean": round(rng.gauss(quality, 0.7), 2),
            f"qc_{state}_coverage": round(fold, 2),
        }
    return metrics


def assembly_metrics(rng: random.Random, length: int, gc: float) -> dict[str, float]:
    contigs = max(8, round(rng.lognormvariate(math.log(14 * length / 1e6), 0.45)))
    n50 = round(length / contigs * rng.uniform(2.2, 4.5))
    return {
        "assembler_total_contig": contigs,
        "assembler_total_contig_length": length,
        "assembler_n50_contig_length": n50,
        "assembler_max_contig_length": min(length, round(n50 * rng.uniform(1.6, 3))),
        "assembler_l50_contig_count": max(1, contigs // 8),
        "assembler_gc_percent": round(rng.gauss(gc, 0.1), 2),
    }


def annotation_metrics(rng: random.Random, length: int, genes: float) -> dict[str, float]:
    return {
        "annotator_total_cds": round(genes * length / 1e6 * rng.gauss(1, 0.01)),
        "annotator_total_rrna": rng.randint(4, 14),
        "annotator_total_trna": rng.randint(52, 64),
        "annotator_total_tmrna": 1,
    }


def stage_usage(rng: random.Random, length: int) -> dict[str, dict[str, float]]:
    usage = {}
    for stage, (seconds, spread, memory) in STAGES.items():
        wall = rng.lognormvariate(math.log(seconds * length / 2.8e6), spread)
        usage[stage] = {
            "seconds": round(wall, 1),
            "cpu_seconds": round(wall * rng.uniform(1, 3.2), 1),
            "max_rss_mb": round(1000 * memory * rng.lognormvariate(0, 0.2), 1),
        }
    return usage


def fastp_summary(rng: random.Random, metrics: dict[str, float]) -> dict[str, Any]:
    """Return a fastp report as `trim_fastp` leaves it."""
    before, after = (round(metrics[f"qc_{state}_read_total"]) for state in ("original", "final"))
    after = min(before, after)
    peak = rng.gauss(340, 30)
    curve = [round(36 - 4 * (i / 150) ** 2 + rng.gauss(0, 0.1), 1) for i in range(150)]

    def side(reads: int) -> dict[str, float]:
        return {
            "total_reads": reads,
            "total_bases": reads * 150,
            "q20_bases": reads * 145,
            "q30_bases": reads * 138,
            "q20_rate": 0.967,
            "q30_rate": 0.92,
            "read1_mean_length": 149,
            "read2_mean_length": 149,
            "gc_content": 0.33,
        }

    return {
        "summary": {
            "fastp_version": "0.24.0",
            "sequencing": "paired end (150 cycles + 150 cycles)",
            "before_filtering": side(before),
            "after_filtering": side(after),
        },
        "filtering_result": {
            "passed_filter_reads": after,
            "low_quality_reads": (before - after) // 2,
            "too_many_N_reads": 12,
            "too_short_reads": (before - after) // 2,
            "too_long_reads": 0,
        },
        "duplication": {"rate": round(rng.uniform(0.01, 0.12), 4)},
        "insert_size": {
            "peak": round(peak),
            "unknown": before // 20,
            "histogram": [round(900 * math.exp(-(((i - peak) / 80) ** 2))) for i in range(512)],
        },
        "adapter_cutting": {"adapter_trimmed_reads": before // 30, "adapter_trimmed_bases": before},
        "read1_after_filtering": {"quality_curves": {"mean": curve}},
        "read2_after_filtering": {"quality_curves": {"mean": [round(q - 1.2, 1) for q in curve]}},
        "command": "",
    }


def prokka_summary(species: str, metrics: dict[str, float]) -> str:
    lines = {
        "contigs": metrics["assembler_total_contig"],
        "bases": metrics["assembler_total_contig_length"],
        "CDS": metrics["annotator_total_cds"],
        "rRNA": metrics["annotator_total_rrna"],
        "tRNA": metrics["annotator_total_trna"],
        "tmRNA": 1,
    }
    return f"organism: {species} strain \n" + "".join(f"{k}: {v}\n" for k, v in lines.items())
