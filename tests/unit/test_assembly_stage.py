"""The assembly stage: which tool gets which reads, what it leaves, and what excludes a genome."""

import gzip
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fastq import Read, make_reads, write_reads
from support.stages import ASSEMBLY_PARAMETERS, DOWNLOAD_PARAMETERS, QC_PARAMETERS, Genome
from support.tools import InstallTool

from bactofleet.core import versions
from bactofleet.core.samples import Sample
from bactofleet.genome import assembly, download, qc
from bactofleet.genome.assembly import measured_insert_size, needs_few_steps, skesa_memory_gb
from bactofleet.genome.fasta import Contig, read_fasta

Assemble = Callable[..., Genome]
VERSIONS = (
    '{"skesa": "2.5.1", "spades": "4.0.0", "megahit": "1.2.9", "bwa": "0.7.18", '
    '"samtools": "1.21", "pilon": "1.24", "pigz": "2.8"}'
)


def dna(length: int, seed: int) -> str:
    return "A" + "".join(random.Random(seed).choices("ACGT", k=length - 1))


LONG, SHORT = dna(300, 1), dna(120, 2)
# How each assembler names a contig of 12-fold coverage.
NAMES = {
    "skesa": ("Contig_1_12.5", "Contig_2_12.5"),
    "spades": ("NODE_1_length_300_cov_12.5", "NODE_2_length_120_cov_12.5"),
    "megahit": ("k141_0 flag=1 multi=12.5000 len=300", "k141_1 flag=1 multi=12.5000 len=120"),
}


@pytest.fixture
def contigs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that says what the assembler will find."""
    path = tmp_path / "found.fasta"
    monkeypatch.setenv("FAKE_CONTIGS", str(path))

    def find(*found: tuple[str, str]) -> None:
        path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in found))

    find(("Contig_1_12.5", LONG), ("Contig_2_12.5", SHORT))
    return find


@pytest.fixture
def assemble(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tools: InstallTool,
    contigs: Callable[..., None],
) -> Assemble:
    """Return a function that takes reads through download, qc and assembly."""
    image = tmp_path / "versions.json"
    image.write_text(VERSIONS)
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", image)

    def run(*mates: list[Read], expect: int = 0, attempt: int = 1, **parameters: Any) -> Genome:
        genome = Genome(tmp_path)
        mates = mates or (make_reads(20, seed=1), make_reads(20, seed=2))
        files = [str(write_reads(tmp_path / f"{i}.fq.gz", mate)) for i, mate in enumerate(mates)]
        sample = Sample("S1", r1=files[:1], r2=files[1:], genome_size=1000)
        options = DOWNLOAD_PARAMETERS | genome.plan(sample)
        assert genome.run("download", download.run, parameters=options) == 0
        assert genome.run("qc", qc.run, inputs=["download"], parameters=QC_PARAMETERS) == 0
        status = genome.run(
            "assembly",
            assembly.run,
            inputs=["download", "qc"],
            attempt=attempt,
            parameters=ASSEMBLY_PARAMETERS | parameters,
        )
        assert status == expect
        return genome

    return run


def assembled(genome: Genome) -> list[Contig]:
    return read_fasta(genome.folder("assembly") / "contigs/S1.fna")


def command(genome: Genome, tool: str) -> list[str]:
    """Return the one command, or pipe, that a tool was run with."""
    [found] = [words for words in genome.commands("assembly") if words[0] == tool]
    return found


def value(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


@pytest.mark.parametrize(
    ("report", "size"),
    [
        ({"insert_size": {"peak": 401, "unknown": 4743, "histogram": [0, 2000, 2217]}}, 401),
        ({"insert_size": {"peak": 130, "unknown": 9001, "histogram": [0, 1000]}}, None),
        ({"insert_size": {"peak": 0, "unknown": 9000, "histogram": [0, 0]}}, None),
        ({"insert_size": {"peak": 0, "unknown": 0, "histogram": []}}, None),
        ({}, None),  # of single ends
    ],
    ids=["overlapping", "mostly unknown", "unknown", "no pairs", "single-end"],
)
def test_the_insert_size_is_known_where_enough_mates_overlap(
    report: dict[str, Any], size: int | None
) -> None:
    assert measured_insert_size(report) == size


@pytest.mark.parametrize(
    ("coverage", "read_mean", "are_few"),
    [(60, 148.2, True), (49.9, 148.2, False), (60, 240, False), (60, 101, False)],
    ids=["usual", "shallow", "long", "short"],
)
def test_skesa_needs_fewer_rounds_for_deep_reads_of_the_usual_length(
    coverage: float, read_mean: float, are_few: bool
) -> None:
    metrics = {"qc_final_coverage": coverage, "qc_final_read_mean": read_mean}

    assert needs_few_steps(metrics) is are_few


# --- assemblers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("assembler", NAMES)
def test_each_assembler_makes_named_contigs_of_its_own(
    assemble: Assemble, contigs: Callable[..., None], assembler: str
) -> None:
    contigs(*zip(NAMES[assembler], (LONG, SHORT), strict=True))

    genome = assemble(assembler=assembler)

    names = [name.split() for name, _ in assembled(genome)]
    assert [words[:3] for words in names] == [
        ["S1_00001", "len=300", "cov=12.5"],
        ["S1_00002", "len=120", "cov=12.5"],
    ]
    assert [sequence for _, sequence in assembled(genome)] == [LONG, SHORT]
    version = {"skesa": "2.5.1", "spades": "4.0.0", "megahit": "1.2.9"}[assembler]
    assert names[0][-1] == f"sw=bactofleet-{assembler}/{version}"
    assert genome.record("assembly").versions[assembler] == version


@pytest.mark.parametrize(
    ("assembler", "pair", "single"),
    [("spades", ["-1", "-2"], ["-s"]), ("megahit", ["-1", "-2"], ["-r"])],
)
def test_pairs_and_single_ends_are_given_each_with_its_option(
    assemble: Assemble, assembler: str, pair: list[str], single: list[str]
) -> None:
    program = {"spades": "spades.py"}.get(assembler, assembler)
    reads = assemble(assembler=assembler).folder("qc") / "reads"

    words = command(assemble(assembler=assembler), program)
    assert [value(words, option) for option in pair] == [
        str(reads / f"S1_{mate}.fastq.gz") for mate in ("R1", "R2")
    ]
    words = command(assemble(make_reads(20), assembler=assembler), program)
    assert [value(words, option) for option in single] == [str(reads / "S1_SE.fastq.gz")]
    assert not set(pair) & set(words)


@pytest.mark.parametrize(
    ("assembler", "option", "memory"),
    [("skesa", "--memory", "3"), ("spades", "--memory", "3"), ("megahit", "-m", "3000000000")],
)
def test_an_assembler_may_use_the_memory_of_the_job_less_one_gigabyte(
    assemble: Assemble, assembler: str, option: str, memory: str
) -> None:
    program = {"spades": "spades.py"}.get(assembler, assembler)

    assert value(command(assemble(assembler=assembler), program), option) == memory


def test_skesa_gets_both_mates_and_looks_for_no_adapters(assemble: Assemble) -> None:
    genome = assemble()

    reads = genome.folder("qc") / "reads"
    skesa = command(genome, "skesa")
    assert value(skesa, "--reads") == f"{reads}/S1_R1.fastq.gz,{reads}/S1_R2.fastq.gz"
    assert (value(skesa, "--vector_percent"), value(skesa, "--min_contig")) == ("1", "1")
    assert value(skesa, "--insert_size") == "310"  # as fastp measured it
    assert "--steps" not in skesa  # of such a depth


def test_skesa_works_in_fewer_rounds_where_they_are_enough(
    assemble: Assemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "needs_few_steps", lambda metrics: True)

    assert value(command(assemble(), "skesa"), "--steps") == "5"
    assert "--steps" not in command(assemble(make_reads(20)), "skesa")  # of single ends


def test_skesa_gets_no_insert_size_of_single_ends(assemble: Assemble) -> None:
    assert "--insert_size" not in command(assemble(make_reads(20)), "skesa")


def test_skesa_is_not_begun_with_less_memory_than_it_would_refuse(
    assemble: Assemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert skesa_memory_gb(1e9) == pytest.approx(4.4)
    monkeypatch.setattr(assembly, "skesa_memory_gb", lambda basepairs: 2 + basepairs / 1000)

    genome = assemble(expect=137)

    assert genome.failure()["message"].endswith("GB and may use 3 GB")
    assert genome.commands("assembly") == []


# --- polishing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("assembler", NAMES)
def test_pilon_corrects_bases_and_each_contig_tells_how_many(
    assemble: Assemble, contigs: Callable[..., None], assembler: str
) -> None:
    contigs(*zip(NAMES[assembler], (LONG, SHORT), strict=True))

    genome = assemble(polish=True, assembler=assembler)

    assert [sequence for _, sequence in assembled(genome)] == ["T" + LONG[1:], "T" + SHORT[1:]]
    assert all(" cov=12.5 corr=1 " in name for name, _ in assembled(genome))
    corrections = genome.published("assembly", "main/assembler/supplemental/shovill.corrections")
    assert corrections.read_text().count("\n") == 2
    assert {"bwa", "samtools", "pilon"} <= set(genome.record("assembly").versions)


def test_reads_are_mapped_alike_on_every_machine_and_clipped_ones_are_left_out(
    assemble: Assemble,
) -> None:
    genome = assemble(polish=True)

    [pipe] = [words for words in genome.commands("assembly") if "|" in words]
    bwa = pipe[: pipe.index("|")]
    assert bwa[:2] == ["bwa", "mem"]
    assert value(bwa, "-K") == "10000000"
    assert [Path(word).name for word in bwa[-3:]] == [
        "draft.fasta",
        "S1_R1.fastq.gz",
        "S1_R2.fastq.gz",
    ]
    assert "bactofleet.genome.clips" in pipe
    assert "--no-PG" in pipe


def test_pilon_gets_pairs_apart_from_single_ends_and_trusts_what_shovill_trusts(
    assemble: Assemble,
) -> None:
    pilon = command(assemble(polish=True), "pilon")
    assert Path(value(pilon, "--frags")).name == "draft.bam"
    assert [value(pilon, option) for option in ("--minmq", "--minqual", "--mindepth", "--fix")] == [
        "60",
        "3",
        "0.25",
        "bases",
    ]

    pilon = command(assemble(make_reads(20), polish=True), "pilon")
    assert Path(value(pilon, "--unpaired")).name == "draft.bam"
    assert "--frags" not in pilon


def test_pilons_java_may_use_the_memory_of_the_job_and_ends_where_it_is_short(
    assemble: Assemble, tools: InstallTool
) -> None:
    tools("pilon", 'echo "java: $_JAVA_OPTIONS"; exit 3')

    genome = assemble(polish=True, expect=137)

    assert "java: -Xmx3g -XX:+ExitOnOutOfMemoryError" in genome.log("assembly").read_text()
    assert genome.failure()["message"] == "the Java heap was too small"


def test_without_polishing_nothing_is_mapped(assemble: Assemble) -> None:
    genome = assemble(polish=False)

    assert [words[0] for words in genome.commands("assembly")] == ["skesa", "pigz"]
    assert all(" corr=0 " in name for name, _ in assembled(genome))


@pytest.mark.parametrize("polish", [False, True])
@pytest.mark.parametrize("keep", [[], ["bam"]])
def test_alignments_to_the_final_contigs_are_kept_when_asked_for(
    assemble: Assemble, keep: list[str], polish: bool
) -> None:
    genome = assemble(polish=polish, keep=keep)

    bam = genome.published("assembly", "main/assembler/supplemental/S1.bam")
    assert bam.exists() == bam.with_suffix(".bam.bai").exists() == bool(keep)
    if keep:
        names = [name.split()[0] for name, _ in assembled(genome)]
        assert re.findall(r"\tSN:(\S+)", bam.read_text()) == names


def test_without_contigs_there_is_nothing_to_align(
    assemble: Assemble, contigs: Callable[..., None]
) -> None:
    contigs()

    genome = assemble(keep=["bam"], expect=0)

    assert genome.record("assembly").excluded
    assert not genome.published("assembly", "main/assembler/supplemental").exists()


# --- what it leaves -------------------------------------------------------------------------------


def test_the_assembly_is_published_with_its_statistics(assemble: Assemble) -> None:
    genome = assemble()

    folder = genome.published("assembly", "main/assembler")
    contigs = genome.folder("assembly") / "contigs/S1.fna"
    assert gzip.decompress((folder / "S1.fna.gz").read_bytes()) == contigs.read_bytes()
    header, row = (line.split("\t") for line in (folder / "S1.tsv").read_text().splitlines())
    table = dict(zip(header, row, strict=True))
    assert (table["sample"], table["total_contig"], table["n50_contig_length"]) == (
        "S1",
        "2",
        "300",
    )
    metrics = genome.record("assembly").metrics
    assert metrics["assembler_total_contig_length"] == 420
    assert 0 < metrics["assembler_gc_percent"] < 100


def test_where_the_reads_came_from_is_passed_on(assemble: Assemble) -> None:
    genome = assemble()

    assert genome.record("assembly").input == genome.record("download").input


def test_a_given_assembly_is_taken_as_it_is(
    assemble: Assemble, tools: InstallTool, tmp_path: Path
) -> None:
    genome = Genome(tmp_path)
    (tmp_path / "a.fna").write_text(f">a\n{LONG * 5}\n")
    options = DOWNLOAD_PARAMETERS | genome.plan(Sample("S1", assembly=str(tmp_path / "a.fna")))
    assert genome.run("download", download.run, parameters=options) == 0
    assert genome.run("qc", qc.run, inputs=["download"], parameters=QC_PARAMETERS) == 0

    status = genome.run(
        "assembly", assembly.run, inputs=["download", "qc"], parameters=ASSEMBLY_PARAMETERS
    )

    assert status == 0
    assert assembled(genome) == [Contig("a", LONG * 5)]
    assert [words[0] for words in genome.commands("assembly")] == ["pigz"]


# --- how it ends ----------------------------------------------------------------------------------


def excluded(genome: Genome) -> dict[str, str]:
    found = genome.record("assembly").excluded
    assert found
    return found


@pytest.mark.parametrize(
    "found",
    [[], [("Contig_1_1.5", LONG)], [("Contig_1_12.5", SHORT[:49])], [("Contig_1_12.5", "A" * 99)]],
    ids=["none", "thin", "short", "one letter"],
)
def test_no_contig_that_is_good_enough_excludes_the_genome(
    assemble: Assemble, contigs: Callable[..., None], found: list[tuple[str, str]]
) -> None:
    contigs(*found)

    genome = assemble()

    assert excluded(genome)["type"] == "assembly"
    assert "found no contigs that are good enough" in excluded(genome)["message"]
    folder = genome.published("assembly", "main/assembler")
    assert gzip.decompress((folder / "S1-error.fna.gz").read_bytes()) == b""
    assert not (folder / "S1.fna.gz").exists()


@pytest.mark.parametrize("limits", [{"min_genome_size": 421}, {"max_genome_size": 419}])
def test_an_assembly_of_no_bacterial_size_excludes_the_genome_and_is_published_as_such(
    assemble: Assemble, limits: dict[str, int]
) -> None:
    genome = assemble(**limits)

    assert excluded(genome)["type"] == "assembly"
    assert "the assembly has 420 bp, outside" in excluded(genome)["message"]
    folder = genome.published("assembly", "main/assembler")
    assert sorted(path.name for path in folder.glob("S1*")) == [
        "S1-assembly-error.txt",
        "S1-error.fna.gz",
        "S1-error.tsv",
    ]
    assert genome.record("assembly").metrics["assembler_total_contig"] == 2


def test_sizes_at_the_limits_are_good(assemble: Assemble) -> None:
    genome = assemble(min_genome_size=420, max_genome_size=420)

    assert genome.record("assembly").excluded is None


@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        ("kill -KILL $$", 137, "skesa was killed: out of memory"),
        ("kill -ILL $$", 132, "skesa met an instruction that this CPU lacks (SIGILL)"),
    ],
)
def test_an_assembler_that_the_machine_ended_is_a_failure_and_never_biology(
    assemble: Assemble, tools: InstallTool, script: str, status: int, message: str
) -> None:
    tools("skesa", script)

    genome = assemble(expect=status)

    assert genome.failure()["message"] == message
    assert not (genome.folder("assembly") / "stage.json").exists()


def deep_reads(length: int) -> list[Read]:
    """Return reads that cover a stretch of so many bases twice."""
    return [Read(f"r{i}", dna(length, 5), "I" * length) for i in range(20)]


@pytest.mark.parametrize("assembler", NAMES)
def test_an_assembler_that_fails_on_reads_that_could_be_a_contig_is_a_failure(
    assemble: Assemble, tools: InstallTool, assembler: str
) -> None:
    program = {"spades": "spades.py"}.get(assembler, assembler)
    tools(program, "echo 'no such luck' >&2; exit 21")

    # 50 bp hold 30 21-mers, which is what one contig of 50 bp needs.
    genome = assemble(deep_reads(50), assembler=assembler, expect=1)

    assert genome.failure()["message"] == f"{program} ended with exit status 21"
    assert "no such luck" in genome.log("assembly").read_text()


@pytest.mark.parametrize("assembler", NAMES)
def test_an_assembler_that_fails_on_reads_that_can_be_no_contig_excludes_the_genome(
    assemble: Assemble, tools: InstallTool, assembler: str
) -> None:
    tools({"spades": "spades.py"}.get(assembler, assembler), "exit 21")

    genome = assemble(deep_reads(49), assembler=assembler)

    excluded = genome.record("assembly").excluded
    assert excluded
    assert excluded["type"] == "assembly"


def test_spades_that_ends_well_without_contigs_excludes_the_genome(
    assemble: Assemble, tools: InstallTool
) -> None:
    tools("spades.py", "mkdir spades")

    excluded = assemble(assembler="spades").record("assembly").excluded

    assert excluded
    assert excluded["type"] == "assembly"


@pytest.mark.parametrize("tool", ["bwa", "samtools", "pilon"])
def test_a_tool_that_fails_at_polishing_is_a_failure_though_there_is_a_draft(
    assemble: Assemble, tools: InstallTool, tool: str
) -> None:
    tools(tool, "cat >/dev/null; exit 4")

    genome = assemble(polish=True, expect=1)

    assert genome.failure()["message"] == f"{tool} ended with exit status 4"
