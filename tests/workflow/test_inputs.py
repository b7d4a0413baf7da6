"""Every kind of input, good and bad, in one run: each genome ends as its own data deserve."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from workflow.conftest import DEMO, Project, Result, broken, make_project, plasmid

COMPLETE = ["paired", "single", "assembly", "two_runs", "exchanged", "odd"]
EXCLUDED = {
    "truncated": ("download", "gzip"),
    "trailing_garbage": ("download", "gzip"),
    "unequal": ("download", "different-read-count"),
    "out_of_step": ("download", "paired-end"),
    "empty": ("download", "empty"),
    "not_fastq": ("download", "fastq-format"),
    "adapters": ("download", "genome-size"),
    "few_reads": ("download", "low-read-count"),
    "shallow": ("qc", "low-sequence-coverage"),
    "same_mates": ("download", "paired-end"),
    "junk": ("assembly", "assembly"),
    "too_large": ("assembly", "assembly"),
    "not_fasta": ("download", "assembly"),
}
ADAPTER = "AGATCGGAAGAGCACACGTCTGAACTCCAGTCACATCACGATCTCGTATGCCGTCTTCTGCTTG"


def records(path: Path) -> list[list[str]]:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [lines[i : i + 4] for i in range(0, len(lines), 4)]


def write(path: Path, reads: list[list[str]]) -> Path:
    text = "".join("\n".join(read) + "\n" for read in reads)
    path.write_bytes(gzip.compress(text.encode()))
    return path


def make_odd(name: str, bases: str, plus: str, qualities: str) -> list[str]:
    """The same read with Phred+64, dots for N, a very long name and a tab behind it."""
    shifted = "".join(chr(ord(quality) + 31) for quality in qualities)
    return [f"{name.split(maxsplit=1)[0]:x<260}\tRG:Z:1", bases.replace("N", "."), plus, shifted]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """The sheet: one row for each kind of input."""
    data = tmp_path_factory.mktemp("reads with spaces and 'quotes'")
    r1, r2 = (records(DEMO / f"plasmid_R{mate}.fastq.gz") for mate in (1, 2))
    half = len(r1) // 2
    adapters = [[f"@adapter{i}", ADAPTER * 2, "+", "I" * len(ADAPTER * 2)] for i in range(len(r1))]
    casava1, casava2 = (
        [[read[0].split("/")[0] + f" {mate}:N:0:A", *read[1:]] for read in reads]
        for mate, reads in ((1, r1), (2, r2))
    )
    genome = "".join(random.Random(7).choices("ACGT", k=12_000_000))
    (data / "large.fna").write_text(f">large\n{genome}\n")
    (data / "not.fna").write_text("this is no FASTA\n")
    (data / "not.fastq").write_text("neither is this\n" * 4000)
    write(data / "empty.fastq.gz", [])
    whole = (DEMO / "plasmid_R1.fastq.gz").read_bytes()
    (data / "garbage.fastq.gz").write_bytes(whole + b"not gzip at all")
    mate2 = DEMO / "plasmid_R2.fastq.gz"
    runs = [
        [write(data / f"run{i}_R{mate}.fastq.gz", part) for i, part in enumerate(halves, start=1)]
        for mate, halves in ((1, (r1[:half], r1[half:])), (2, (r2[:half], r2[half:])))
    ]
    odd1, odd2 = ([make_odd(*read) for read in reads] for reads in (r1, r2))
    junk = [[f"@junk{i}", "AC" * 75, "+", "I" * 150] for i in range(len(r1))]
    stops = random.Random(3).choices(["TTAACTAG", "TAATTAGC", "CTAATTAA"], k=1500)
    (data / "stops.fna").write_text(f">stops\n{''.join(stops)}\n>short\n{'ACGTTGCA' * 20}\n")
    assembly = data / "assembly.fna"
    assembly.write_text(">contig\n" + "".join(read[1] for read in r1[:200]) + "\n")
    return [
        plasmid("paired"),
        {"sample": "single", "r1": DEMO / "plasmid_R1.fastq.gz"},
        {"sample": "assembly", "assembly": assembly},
        {
            "sample": "two_runs",
            **{f"r{mate}": ";".join(map(str, files)) for mate, files in enumerate(runs, start=1)},
        },
        {
            "sample": "exchanged",
            "r1": write(data / "x_R1.fastq.gz", casava2),
            "r2": write(data / "x_R2.fastq.gz", casava1),
        },
        {
            "sample": "odd",
            "r1": write(data / "odd_R1.fastq.gz", odd1),
            "r2": write(data / "odd_R2.fastq.gz", odd2),
        },
        {"sample": "no_genes", "assembly": data / "stops.fna"},
        {"sample": "a_name_of_over_17_letters", "assembly": data / "stops.fna"},
        {"sample": "same_mates", "r1": write(data / "s.fastq.gz", r2), "r2": mate2},
        {"sample": "junk", "r1": write(data / "j.fastq.gz", junk), "genome_size": 27000},
        broken("truncated"),
        {"sample": "trailing_garbage", "r1": data / "garbage.fastq.gz", "r2": mate2},
        {"sample": "unequal", "r1": write(data / "u.fastq.gz", r1[:-5]), "r2": mate2},
        {"sample": "out_of_step", "r1": write(data / "o.fastq.gz", r1[1:] + r1[:1]), "r2": mate2},
        {"sample": "empty", "r1": data / "empty.fastq.gz", "r2": mate2},
        {"sample": "not_fastq", "r1": data / "not.fastq"},
        {"sample": "adapters", "r1": write(data / "a.fastq.gz", adapters)},
        {"sample": "few_reads", "r1": write(data / "f.fastq.gz", r1[:100])},
        plasmid("shallow") | {"genome_size": 900000},
        {"sample": "too_large", "assembly": data / "large.fna"},
        {"sample": "not_fasta", "assembly": data / "not.fna"},
    ]


@pytest.fixture(scope="module")
def finished(
    rows: list[dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, Result]:
    """The project after its run."""
    folder = tmp_path_factory.mktemp("project") / "p, with a space"
    project = make_project(folder, max_genome_size=10_000_000)
    project.write_samples(rows)
    return project, project.run()


def test_a_run_with_excluded_genomes_only_ends_well(finished: tuple[Project, Result]) -> None:
    _, result = finished

    assert result.status == 0, result.output[-3000:]


@pytest.mark.parametrize("sample", COMPLETE)
def test_good_input_becomes_a_complete_genome(
    finished: tuple[Project, Result], sample: str
) -> None:
    project, _ = finished

    receipt = project.receipt(sample)

    assert receipt["status"] == "complete"
    assert receipt["metrics"]["assembler_total_contig_length"] > 20_000
    assert receipt["metrics"]["annotator_total_cds"] > 10
    assert project.tarball(sample).stat().st_size == receipt["tarball"]["bytes"]


@pytest.mark.parametrize("sample", EXCLUDED)
def test_bad_input_is_excluded_with_bactopias_error_file(
    finished: tuple[Project, Result], sample: str
) -> None:
    project, _ = finished
    stage, kind = EXCLUDED[sample]
    folders = {"download": "gather", "qc": "qc", "assembly": "assembler"}

    reason = project.receipt(sample)["reason"]
    unpacked = project.unpack(sample)

    assert (reason["stage"], reason["type"]) == (stage, kind), reason
    assert (unpacked / "main" / folders[stage] / f"{sample}-{kind}-error.txt").stat().st_size
    assert (unpacked / "main/gather" / f"{sample}-meta.tsv").exists()


def test_paired_reads_of_a_plasmid_of_27041_bp_give_it_back_but_for_its_repeats(
    finished: tuple[Project, Result],
) -> None:
    project, _ = finished

    length = project.receipt("paired")["metrics"]["assembler_total_contig_length"]

    assert 0.92 * 27041 < length <= 27041


def test_a_resistance_gene_has_the_name_that_ncbi_gives_it(
    finished: tuple[Project, Result],
) -> None:
    project, _ = finished

    features = (project.unpack("paired") / "main/annotator/prokka/paired.tsv").read_text()

    # The nearest protein of Swiss-Prot, which alone was searched before, is called vmlR.
    assert "\tmsr(A)\t" in features


def test_runs_of_one_experiment_are_joined(finished: tuple[Project, Result]) -> None:
    project, _ = finished
    whole, joined = (project.receipt(name)["metrics"] for name in ("paired", "two_runs"))

    assert joined["qc_original_read_total"] == whole["qc_original_read_total"]
    assert joined["assembler_total_contig_length"] == whole["assembler_total_contig_length"]


def test_reads_that_tools_read_differently_make_the_same_genome(
    finished: tuple[Project, Result],
) -> None:
    project, _ = finished
    plain, odd = (project.receipt(name)["metrics"] for name in ("paired", "odd"))

    assert odd == plain


def test_a_genome_without_genes_is_complete_without_their_blast_databases(
    finished: tuple[Project, Result],
) -> None:
    project, _ = finished

    receipt = project.receipt("no_genes")

    assert receipt["status"] == "complete", receipt["reason"]
    assert receipt["metrics"]["annotator_total_cds"] == 0


def test_what_is_annotated_does_not_depend_on_the_length_of_a_name(
    finished: tuple[Project, Result],
) -> None:
    project, _ = finished

    short, long = (
        (project.unpack(name) / f"main/annotator/prokka/{name}.txt").read_text().splitlines()[1:]
        for name in ("no_genes", "a_name_of_over_17_letters")
    )

    assert "contigs: 2" in short
    assert short == long


def test_exchanged_mates_are_put_right_and_it_is_said(finished: tuple[Project, Result]) -> None:
    project, _ = finished

    assert "exchanged" in project.receipt("exchanged")["input"]["note"]


def test_the_genome_size_is_estimated_where_the_sheet_gives_none(
    finished: tuple[Project, Result],
) -> None:
    project, _ = finished

    origin = project.receipt("paired")["input"]

    assert origin["genome_size_source"] == "estimated"
    assert origin["genome_size"] == pytest.approx(27041, rel=0.1)


def test_the_cohort_table_has_a_row_for_every_genome(
    finished: tuple[Project, Result], rows: list[dict[str, object]]
) -> None:
    project, _ = finished

    table = (project.folder / "results/cohort.tsv").read_text().splitlines()
    status = {line.split("\t")[0]: line.split("\t")[1] for line in table[1:]}

    assert list(status) == [row["sample"] for row in rows]
    complete = [*COMPLETE, "no_genes", "a_name_of_over_17_letters"]
    assert status == dict.fromkeys(complete, "complete") | dict.fromkeys(EXCLUDED, "excluded")


def test_nothing_is_left_in_scratch(finished: tuple[Project, Result]) -> None:
    project, _ = finished

    assert not [path for path in (project.folder / "scratch").rglob("*") if path.is_file()]


def test_a_second_start_has_nothing_to_do(finished: tuple[Project, Result]) -> None:
    project, _ = finished

    result = project.run()

    assert result.status == 0
    assert "21 genomes: 21 finished, 0 to do" in result.output
    assert "Nothing to be done" in result.output
