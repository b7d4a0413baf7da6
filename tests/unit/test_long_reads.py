"""Long reads, alone and beside short ones: from the row of the sheet to the contigs."""

import gzip
import math
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.fastq import Read, make_reads, to_fastq, write_gzip, write_reads
from support.long_reads import reverse
from support.stages import ASSEMBLY_PARAMETERS, DOWNLOAD_PARAMETERS, QC_PARAMETERS, Genome
from support.tools import FAKE_TOOLS, InstallTool

from bactofleet.core import versions
from bactofleet.core.identity import find_other_input, identify
from bactofleet.core.samples import Sample
from bactofleet.core.tools import tool_of
from bactofleet.genome import assembly, download, fastq, qc, without_sockets
from bactofleet.genome.assembly import flye_memory_gb, flye_threads, read_flye_info
from bactofleet.genome.circles import cut_copies, find_starts
from bactofleet.genome.fasta import read_fasta
from bactofleet.genome.fastq import scan_reads
from bactofleet.genome.long_reads import n50, summarize

Make = Callable[..., Genome]
VERSIONS = '{"flye": "2.9.5", "minimap2": "2.28", "seqtk": "1.4", "pigz": "2.8", "blastp": "2.16"}'
OPTIONS: dict[str, dict[str, Any]] = {
    "download": DOWNLOAD_PARAMETERS | {"max_genome_size": 100_000},
    "qc": QC_PARAMETERS,
    "assembly": ASSEMBLY_PARAMETERS,
}
FUNCTIONS = {"download": download.run, "qc": qc.run, "assembly": assembly.run}
CHROMOSOME, PLASMID = (
    "A" + "".join(random.Random(i).choices("ACGT", k=n)) for i, n in ((1, 400), (2, 120))
)
FOUND = f">contig_1 30 N\n{PLASMID}\n>contig_2 61 Y\n{CHROMOSOME}\n"


def long_reads(count: int = 20, *, seed: int = 1) -> list[Read]:
    return make_reads(count, seed=seed, lengths=(1000, 2000))


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: InstallTool) -> Make:
    """Return a function that takes files of reads, named by column, through the stages."""
    image = tmp_path / "versions.json"
    image.write_text(VERSIONS)
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", image)
    proteins = tmp_path / "prokka/kingdom/Bacteria/sprot"
    proteins.parent.mkdir(parents=True)
    proteins.write_text(">P1 ~~~dnaA~~~DnaA~~~COG0593\nMSLW\n>P2 ~~~gyrB~~~GyrB~~~\nMSNS\n")
    monkeypatch.setenv("PROKKA_DBDIR", str(tmp_path / "prokka"))
    contigs = tmp_path / "found.fasta"
    monkeypatch.setenv("FAKE_CONTIGS", str(contigs))

    def run(
        last: str = "qc", *, expect: int = 0, found: str = FOUND, size: int = 5000, **given: Any
    ) -> Genome:
        contigs.write_text(found)
        columns = {name: given.pop(name) for name in ("r1", "r2", "ont", "hifi") if name in given}
        sample = Sample("S1", genome_size=size)
        for name, reads in columns.items():
            is_files = isinstance(reads[0] if reads else None, Path)
            files = reads if is_files else [write_reads(tmp_path / f"{name}.fq.gz", reads)]
            setattr(sample, name, list(map(str, files)))
        genome = Genome(tmp_path)
        planned = genome.plan(sample)
        earlier: list[str] = []
        for stage, function in FUNCTIONS.items():
            options = OPTIONS[stage] | {k: v for k, v in given.items() if k in OPTIONS[stage]}
            status = genome.run(
                stage,
                function,
                inputs=earlier,
                parameters=options | (planned if stage == "download" else {}),
            )
            assert status == (expect if stage == last else 0)
            if stage == last:
                break
            earlier = [*earlier, stage]
        return genome

    return run


def kept(genome: Genome, name: str) -> list[str]:
    """Return the bases of the reads that qc hands on."""
    path = genome.folder("qc") / f"reads/{name}.fastq.gz"
    return gzip.decompress(path.read_bytes()).decode().splitlines()[1::4]


def excluded(genome: Genome, stage: str) -> dict[str, str]:
    found = genome.record(stage).excluded
    assert found
    return found


def command(genome: Genome, tool: str) -> list[str]:
    commands = [
        words[words.index(tool) :] for words in genome.commands("assembly") if tool in words
    ]
    [found] = commands
    return found


# --- cleaning -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "name"), [("ont", "S1_ONT"), ("hifi", "S1_HIFI")])
def test_reads_of_1000_bp_and_more_are_handed_on(make: Make, column: str, name: str) -> None:
    reads = long_reads()

    genome = make(**{column: [*reads, *make_reads(5, seed=2, lengths=(999, 999))]})

    assert kept(genome, name) == [read.bases for read in reads]
    origin = genome.record("download").input
    assert (origin["runtype"], origin["layout"]) == (column, "long")


def test_statistics_are_fastq_scans_and_nanoqs_before_and_after(make: Make) -> None:
    reads = [*long_reads(), *make_reads(2, seed=2, lengths=(900, 900))]

    genome = make(ont=reads)

    metrics = genome.record("qc").metrics
    total = sum(len(read.bases) for read in reads)
    assert metrics["qc_long_original_total_bp"] == metrics["qc_original_total_bp"] == total
    assert metrics["qc_long_final_read_total"] == metrics["qc_final_read_total"] == 20
    supplemental = genome.published("qc", "main/qc/supplemental")
    assert {path.name for path in supplemental.iterdir()} == {
        *("S1_ONT-original.json", "S1_ONT-final.json", "S1_ONT-nanoq.tsv")
    }
    header, original, final = (
        line.split("\t") for line in (supplemental / "S1_ONT-nanoq.tsv").read_text().splitlines()
    )
    assert header[:4] == ["when", "reads", "bases", "n50"]
    assert original[:3] == ["original", "22", str(total)]
    assert final[:2] == ["final", "20"]
    assert final[3] == str(metrics["qc_long_final_read_n50"])


def test_nanoqs_quality_is_that_of_the_mean_error_rate(tmp_path: Path) -> None:
    reads = [Read("a", "ACGT", "++55"), Read("b", "ACGTAC", "555555"), Read("c", "AC", "++")]

    row = summarize(write_reads(tmp_path / "x.fq", reads))

    mixed = -10 * math.log10((0.1 + 0.01) / 2)
    assert row == {
        **{"reads": 3, "bases": 12, "n50": 6, "longest": 6, "shortest": 2},
        **{"mean_length": 4, "median_length": 4},
        **{"mean_quality": round((mixed + 30) / 3, 1), "median_quality": round(mixed, 1)},
    }


def test_half_of_the_bases_are_in_reads_of_the_n50() -> None:
    assert n50([2, 2, 2, 3, 3, 4, 8, 8]) == 8
    assert n50([5]) == 5
    assert n50([1] * 10 + [9]) == 1


def test_deep_reads_are_drawn_at_random_and_the_same_every_time(make: Make) -> None:
    reads = long_reads(40)

    genome = make(ont=reads, coverage=5)

    drawn = kept(genome, "S1_ONT")
    assert 5 < len(drawn) < 30
    assert kept(make(ont=reads, coverage=5), "S1_ONT") == drawn


def test_one_read_of_300_kb_counts_like_any_other(tmp_path: Path) -> None:
    reads = [*make_reads(300, lengths=(1000, 3000)), *make_reads(1, seed=9, lengths=(300_000,) * 2)]

    [stats] = scan_reads([write_reads(tmp_path / "x.fq", reads)])

    assert stats.total_bp == sum(len(read.bases) for read in reads)
    qualities = [np.frombuffer(read.qualities.encode(), np.uint8) - 33 for read in reads]
    assert stats.quality_sums[0] == sum(int(quality[0]) for quality in qualities)
    assert stats.quality_sums[250_000] == qualities[-1][250_000]
    means = np.bincount([int(quality.mean()) for quality in qualities], minlength=94)
    assert np.array_equal(stats.qualities, means)


def test_of_the_many_files_of_a_barcode_each_is_opened_a_few_times_only(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened = []
    first_header = fastq._first_header

    def open_file(path: Path) -> bytes:
        opened.append(path)
        return first_header(path)

    monkeypatch.setattr(fastq, "_first_header", open_file)
    files = [write_reads(tmp_path / f"{n}.fq.gz", long_reads(3, seed=n)) for n in range(30)]

    make("download", ont=files)

    assert len(set(opened)) == 30
    assert len(opened) <= 5 * 30


def test_long_and_short_reads_are_cleaned_each_in_its_way(make: Make) -> None:
    pair = make_reads(20, seed=3, suffix="/1"), make_reads(20, seed=4, suffix="/2")

    genome = make(r1=pair[0], r2=pair[1], ont=long_reads())

    assert [len(kept(genome, f"S1_{mate}")) for mate in ("R1", "R2", "ONT")] == [20, 20, 20]
    metrics = genome.record("qc").metrics
    assert metrics["qc_final_read_total"] == 40
    assert metrics["qc_long_final_read_total"] == 20
    origin = genome.record("download").input
    assert (origin["runtype"], origin["layout"]) == ("short_polish", "paired")


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reads",
    [
        make_reads(200, lengths=(150, 150)),
        [Read(f"r{i}", "ACGT" * 8, "I" * 32) for i in range(200)],
    ],
    ids=["Illumina's", "adapters only"],
)
def test_short_reads_among_the_long_are_excluded_and_the_column_is_named(
    make: Make, reads: list[Read]
) -> None:
    reason = excluded(make("download", ont=reads), "download")

    assert reason["type"] == "short-reads"
    assert "ont.fq.gz" in reason["message"]
    assert "r1 and r2" in reason["message"]


def test_mates_one_after_the_other_among_the_long_are_excluded_too(make: Make) -> None:
    mates = [
        read._replace(name=f"r{i}/{mate}")
        for i, read in enumerate(make_reads(20))
        for mate in (1, 2)
    ]

    assert excluded(make("download", ont=mates), "download")["type"] == "short-reads"


def test_long_reads_among_the_short_lead_to_the_columns_of_long_ones(make: Make) -> None:
    reason = excluded(make("download", r1=long_reads()), "download")

    assert reason["type"] == "long-reads"
    assert "column ont or hifi" in reason["message"]


def test_an_empty_file_is_excluded(make: Make) -> None:
    assert excluded(make("download", ont=[]), "download")["type"] == "empty"


def test_a_depth_of_2x_is_excluded_and_the_reads_are_named(make: Make) -> None:
    reads = long_reads(4)
    size = sum(len(read.bases) for read in reads) // 2

    reason = excluded(make(ont=reads, size=size, min_coverage=10), "qc")

    assert reason["type"] == "low-sequence-coverage"
    assert "2.0x of long reads" in reason["message"]


def test_few_long_reads_are_enough_if_they_have_the_bases(make: Make) -> None:
    assert make(ont=long_reads(4), min_reads=1000).record("qc").excluded is None


def test_too_few_bases_of_long_reads_are_excluded(make: Make) -> None:
    reason = excluded(make("download", ont=long_reads(4), min_basepairs=10**6), "download")

    assert reason["type"] == "low-sequence-depth"
    assert "bp of long reads" in reason["message"]


def test_one_read_of_300_kb_is_no_genome(make: Make) -> None:
    reason = excluded(
        make("download", ont=make_reads(1, lengths=(300_000,) * 2), min_basepairs=2_241_820),
        "download",
    )

    assert reason["type"] == "low-sequence-depth"
    assert "300,000 bp of long reads" in reason["message"]


def test_no_read_of_1000_bp_is_excluded(make: Make) -> None:
    reason = excluded(make(ont=make_reads(20, lengths=(800, 999))), "qc")

    assert reason["type"] == "low-read-count"
    assert "1,000 bp" in reason["message"]


def test_files_of_two_barcodes_are_joined_with_a_note(make: Make, tmp_path: Path) -> None:
    names = ("barcode=barcode07 x=1", "RG:Z:run_SQK-RBK114-96_barcode11")
    files = [
        write_reads(
            tmp_path / f"{n}.fq.gz",
            [read._replace(name=f"{n}{read.name} {name}") for read in long_reads(seed=n)],
        )
        for n, name in enumerate(names)
    ]

    notes = [
        make("download", ont=given).record("download").input.get("note")
        for given in (files, files[:1])
    ]

    assert notes == ["reads of several barcodes were joined: barcode07, barcode11", None]


def test_the_high_qualities_of_hifi_are_not_taken_for_phred_64(make: Make) -> None:
    reads = [read._replace(qualities="~" * len(read.bases)) for read in long_reads()]

    genome = make("download", hifi=reads)

    copy = genome.folder("download") / "reads/S1_HIFI.fastq.gz"
    assert gzip.decompress(copy.read_bytes()) == to_fastq(reads)


# --- assembly -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "option"), [("ont", "--nano-hq"), ("hifi", "--pacbio-hifi")])
def test_flye_assembles_long_reads_whatever_the_assembler_of_short_ones(
    make: Make, column: str, option: str
) -> None:
    genome = make("assembly", **{column: long_reads()}, assembler="spades", polish=True)

    programs = [tool_of(words) for words in genome.commands("assembly")]
    assert programs == ["flye", "tblastn", "pigz", "pigz", "pigz"]
    assert command(genome, "flye")[1] == option
    assert set(genome.record("assembly").versions) == {
        *("flye", "minimap2", "blastp", "prokka database", "pigz")
    }


def test_circular_contigs_are_told_in_names_table_and_metrics(make: Make) -> None:
    genome = make("assembly", ont=long_reads())

    first, second = read_fasta(genome.folder("assembly") / "contigs/S1.fna")
    assert first.sequence == CHROMOSOME
    assert first.name == (
        "S1_00001 len=401 cov=61.0 corr=0 origname=contig_2_cov_61_circular "
        "sw=bactofleet-flye/2.9.5 circular=true"
    )
    assert "circular" not in second.name
    table = genome.published("assembly", "main/assembler/supplemental/S1-contigs.tsv")
    assert table.read_text().splitlines() == [
        "contig\tlength\tdepth\tcircular\tbegins_with",
        "S1_00001\t401\t61.0\tyes\t",
        "S1_00002\t121\t30.0\tno\t",
    ]
    metrics = genome.record("assembly").metrics
    assert metrics["assembler_circular_contig"] == 1
    assert metrics["assembler_total_contig"] == 2


@pytest.mark.parametrize(
    ("hit", "expected"),
    [
        ("101\t280", CHROMOSOME[100:] + CHROMOSOME[:100]),
        # On the other strand, the gene begins where the hit ends in the contig.
        ("100\t20", reverse(CHROMOSOME[100:] + CHROMOSOME[:100])),
        # Across the ends, which only a circle has.
        ("391\t450", CHROMOSOME[390:] + CHROMOSOME[:390]),
    ],
    ids=["forward", "reverse", "across the ends"],
)
def test_a_chromosome_begins_with_dnaa(
    make: Make, monkeypatch: pytest.MonkeyPatch, hit: str, expected: str
) -> None:
    worse = "80\tcontig_2_cov_61_circular\t1\t7\t90\n"
    monkeypatch.setenv("FAKE_TBLASTN", f"{worse}310.5\tcontig_2_cov_61_circular\t1\t{hit}\n")

    genome = make("assembly", ont=long_reads())

    first, second = read_fasta(genome.folder("assembly") / "contigs/S1.fna")
    assert first.sequence == expected
    assert first.name.endswith(" circular=true start=dnaA")
    assert second.sequence == PLASMID
    table = genome.published("assembly", "main/assembler/supplemental/S1-contigs.tsv")
    assert table.read_text().splitlines()[1] == "S1_00001\t401\t61.0\tyes\tdnaA"


def test_of_a_plasmid_that_flye_joined_to_itself_one_copy_is_kept(make: Make) -> None:
    once = "".join(random.Random(7).choices("ACGT", k=600))
    found = f">contig_1 60 N\n{CHROMOSOME}\n>contig_2 30 Y\n{once * 3}\n"

    genome = make("assembly", ont=long_reads(), found=found)

    plasmid, _ = read_fasta(genome.folder("assembly") / "contigs/S1.fna")
    assert plasmid.sequence == once
    assert "len=600 cov=90.0 corr=0 origname=contig_2_x3_cov_90_circular" in plasmid.name


def test_circles_without_dnaa_are_in_a_file_of_plasmids_too(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TBLASTN", "310.5\tcontig_2_cov_61_circular\t1\t101\t280\n")
    monkeypatch.setattr(assembly, "MAX_PLASMID", 300)
    large = "".join(random.Random(9).choices("ACGT", k=350))
    found = f">contig_1 30 Y\n{PLASMID}\n>contig_2 61 Y\n{CHROMOSOME}\n>contig_3 9 N\n{PLASMID}\n"

    genome = make("assembly", ont=long_reads(), found=f"{found}>contig_4 60 Y\n{large}\n")

    file = genome.published("assembly", "main/assembler/supplemental/S1-plasmids.fna.gz")
    [line, *sequence] = gzip.decompress(file.read_bytes()).decode().splitlines()
    assert "origname=contig_1_cov_30_circular" in line
    assert "".join(sequence) == PLASMID


@pytest.mark.parametrize("copies", [1, 2, 5])
def test_copies_may_differ_in_some_bases(copies: int) -> None:
    plasmid = "".join(random.Random(7).choices("ACGT", k=3000))
    others = [f"{plasmid[:at]}A{plasmid[at + 2 :]}" for at in range(500, 500 * copies, 500)]

    kept, number = cut_copies("".join([plasmid, *others]))

    assert number == copies
    assert abs(len(kept) - len(plasmid)) <= 1


def test_a_contig_with_repeats_is_no_circle_of_copies() -> None:
    unique = "".join(random.Random(8).choices("ACGT", k=3000))

    assert cut_copies(unique + unique[:2000]) == (unique + unique[:2000], 1)
    assert cut_copies("AC" * 500)[0] == "AC" * 500


def test_a_hit_that_begins_within_the_protein_is_extended_to_its_begin() -> None:
    assert find_starts("100\tc\t3\t107\t400\n") == {"c": (100, False)}
    assert find_starts("100\tc\t3\t394\t101\n") == {"c": (400, True)}


def test_short_reads_polish_what_long_reads_have_assembled(make: Make) -> None:
    pair = make_reads(20, seed=3, suffix="/1"), make_reads(20, seed=4, suffix="/2")

    genome = make("assembly", r1=pair[0], r2=pair[1], ont=long_reads(), polish=True)

    flye, bwa = command(genome, "flye"), [w for w in genome.commands("assembly") if "mem" in w]
    assert flye[2].endswith("S1_ONT.fastq.gz")
    assert [word.rpartition("/")[2] for word in bwa[0] if "fastq" in word] == [
        *("S1_R1.fastq.gz", "S1_R2.fastq.gz")
    ]
    first, _ = read_fasta(genome.folder("assembly") / "contigs/S1.fna")
    assert first.name.endswith("circular=true")
    assert "_circular_pilon" in first.name


def test_long_reads_are_kept_as_alignments_too(make: Make) -> None:
    genome = make("assembly", hifi=long_reads(), keep=["bam"])

    assert command(genome, "minimap2")[:4] == ["minimap2", "-a", "-x", "map-hifi"]
    assert genome.published("assembly", "main/assembler/supplemental/S1.bam").exists()


def test_reads_that_do_not_overlap_are_no_genome(make: Make) -> None:
    reason = excluded(make("assembly", ont=long_reads(), found=""), "assembly")

    assert reason["type"] == "assembly"


@pytest.mark.parametrize(("script", "status"), [("kill -9 $$", 137), ("exit 1", 1)])
def test_flye_that_was_killed_or_failed_is_no_genome_without_contigs(
    make: Make, tools: InstallTool, script: str, status: int
) -> None:
    tools("flye", script)
    # Reads that could become a contig: the same ones twice.
    reads = long_reads(20)
    reads += [read._replace(name=f"{read.name}b") for read in reads]

    genome = make("assembly", ont=reads, expect=status)

    assert "flye" in genome.failure()["message"]


def test_flye_is_not_started_with_too_little_memory(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "flye_memory_gb", lambda *_: 100)

    genome = make("assembly", ont=long_reads(), expect=137)

    assert genome.failure()["message"] == "Flye needs 100.0 GB and may use 3 GB"


def test_the_memory_that_flye_needs_grows_with_reads_depth_and_threads() -> None:
    assert flye_memory_gb(3e8, 100, 2) < flye_memory_gb(1e9, 100, 2)
    assert flye_memory_gb(5e8, 60, 4) < flye_memory_gb(5e8, 100, 4)
    assert flye_memory_gb(5e8, 100, 2) < flye_memory_gb(5e8, 100, 4)
    # A piece holds no more reads than there are.
    assert flye_memory_gb(1e8, 100, 4) == flye_memory_gb(1e8, 100, 64)


@pytest.mark.parametrize(
    ("size", "depth", "threads"), [(2.9e6, 60, 4), (2.9e6, 100, 4), (6.3e6, 60, 4), (6.3e6, 100, 2)]
)
def test_the_default_memory_is_enough_for_usual_genomes_with_fewer_threads_at_most(
    size: float, depth: float, threads: int
) -> None:
    metrics = {"qc_long_final_total_bp": size * depth, "qc_long_final_coverage": depth}

    assert flye_threads(metrics, 4, 6) == threads
    assert flye_memory_gb(size * depth, depth, threads) <= 6


def test_flye_keeps_half_of_the_threads_and_one_of_one() -> None:
    metrics = {"qc_long_final_total_bp": 1e10, "qc_long_final_coverage": 1000.0}

    assert [flye_threads(metrics, threads, 6) for threads in (8, 3, 1)] == [4, 1, 1]


def test_flyes_table_says_depth_and_shape() -> None:
    header = "#seq_name\tlength\tcov.\tcirc.\trepeat\tmult.\talt_group\tgraph_path\n"
    rows = "contig_1\t4000\t57\tY\tN\t1\t*\t1\nscaffold_2\t90\t3\tN\tY\t2\t*\t*,2,*\n"

    assert read_flye_info(header + rows) == {"contig_1": (57, True), "scaffold_2": (3, False)}


# Flye's own way to use a manager, with results that no pipe would hold until they are read.
MANAGED = """
import multiprocessing, socket
socket.socket = None
manager = multiprocessing.Manager()
results, errors, lock, names = manager.Queue(), manager.Queue(), manager.Lock(), manager.dict()
names[b"contig"] = b"ACGT"

def work(number):
    lock.acquire()
    lock.release()
    for part in range(3):
        results.put((number, part, names[b"contig"].decode() * 100_000))
    errors.put(ValueError(number))

workers = [multiprocessing.get_context("fork").Process(target=work, args=(n,)) for n in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
    assert worker.exitcode == 0
found = []
while not results.empty():
    number, part, bases = results.get()
    assert bases == "ACGT" * 100_000
    found.append((number, part))
assert sorted(found) == [(n, part) for n in range(3) for part in range(3)], found
assert isinstance(errors.get(), ValueError)
print("managed")
"""


def test_flyes_processes_need_no_sockets() -> None:
    folder = Path(without_sockets.__file__).parent
    answer = subprocess.run(
        [sys.executable, "-c", MANAGED],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.stdout == "managed\n", answer.stderr


def test_flye_is_started_without_sockets_and_other_tools_as_ever(
    make: Make, tools: InstallTool, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    tools("flye", f'echo "$PYTHONPATH" >{seen}; exec {FAKE_TOOLS}/flye "$@"')

    make("assembly", ont=long_reads())

    assert seen.read_text().strip().endswith("bactofleet/genome/without_sockets")
    assert "PYTHONPATH" not in os.environ


# --- the same file in another column --------------------------------------------------------------


def test_a_genome_is_made_anew_after_its_file_was_moved_to_another_column(tmp_path: Path) -> None:
    file = str(write_gzip(tmp_path / "x.fq.gz", b""))
    samples = Sample("S1", r1=[file]), Sample("S1", ont=[file])
    before, after = (identify(sample, "parameters", None) for sample in samples)

    assert find_other_input(before, after) == "the column of long reads was none, is ont"
    assert before.key() != after.key()
