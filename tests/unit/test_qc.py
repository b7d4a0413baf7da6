"""The qc stage: which tool gets which reads, what it leaves, and what excludes a genome."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fastq import Read, make_reads, write_reads
from support.stages import DOWNLOAD_PARAMETERS, QC_PARAMETERS, Genome
from support.tools import InstallTool

from bactofleet.core import versions
from bactofleet.core.files import read_json
from bactofleet.core.samples import Sample
from bactofleet.genome import download, qc

Clean = Callable[..., Genome]
VERSIONS = (
    '{"fastp": "0.24.0", "bbduk": "39.20", "lighter": "1.1.3", "seqtk": "1.4", "pigz": "2.8"}'
)


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: InstallTool) -> Clean:
    """Return a function that takes mates through download and qc; it gives back the genome."""
    image = tmp_path / "versions.json"
    image.write_text(VERSIONS)
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", image)

    def run(*mates: list[Read], expect: int = 0, **parameters: Any) -> Genome:
        genome = Genome(tmp_path)
        files = [
            str(write_reads(tmp_path / f"{i}.fq.gz", mate)) for i, mate in enumerate(mates, start=1)
        ]
        sample = Sample("S1", r1=files[:1], r2=files[1:], genome_size=1000)
        options = DOWNLOAD_PARAMETERS | genome.plan(sample)
        assert genome.run("download", download.run, parameters=options) == 0
        status = genome.run(
            "qc", qc.run, inputs=["download"], parameters=QC_PARAMETERS | parameters
        )
        assert status == expect
        return genome

    return run


@pytest.fixture
def pair() -> tuple[list[Read], list[Read]]:
    """Return the mates of 20 pairs."""
    return make_reads(20, seed=1, suffix="/1"), make_reads(20, seed=2, suffix="/2")


def kept(genome: Genome, name: str) -> list[str]:
    """Return the bases of the reads that the stage hands on."""
    path = genome.folder("qc") / f"reads/{name}.fastq.gz"
    return gzip.decompress(path.read_bytes()).decode().splitlines()[1::4]


def bases(reads: list[Read]) -> list[str]:
    return [read.bases for read in reads]


def programs(genome: Genome) -> list[str]:
    return [command[0] for command in genome.commands("qc")]


def excluded(genome: Genome) -> dict[str, str]:
    found = genome.record("qc").excluded
    assert found
    return found


# --- trimming -------------------------------------------------------------------------------------


def test_pairs_are_trimmed_with_fastps_defaults_and_handed_on(
    clean: Clean, pair: tuple[list[Read], list[Read]]
) -> None:
    genome = clean(*pair)

    [fastp] = genome.commands("qc")
    source = genome.folder("download") / "reads"
    assert fastp[:3] == ["fastp", "--in1", str(source / "S1_R1.fastq.gz")]
    assert fastp[fastp.index("--in2") + 1] == str(source / "S1_R2.fastq.gz")
    assert "--detect_adapter_for_pe" in fastp
    assert fastp[fastp.index("--thread") + 1] == "1"
    assert (kept(genome, "S1_R1"), kept(genome, "S1_R2")) == (bases(pair[0]), bases(pair[1]))
    assert genome.record("qc").versions == {"fastp": "0.24.0"}


@pytest.mark.parametrize(
    ("tails", "is_trimmed"), [(0, False), (1, False), (3, True)], ids=["none", "chance", "many"]
)
def test_ends_of_g_are_trimmed_where_the_reads_show_them(
    clean: Clean, tails: int, is_trimmed: bool
) -> None:
    """As of NovaSeq and NextSeq 2000, of which the names of public reads tell nothing."""
    first, second = make_reads(400, seed=1, suffix="/1"), make_reads(400, seed=2, suffix="/2")
    for i in range(tails):
        second[i] = second[i]._replace(bases=second[i].bases[:-10] + "G" * 10)

    genome = clean(first, second)

    [fastp] = genome.commands("qc")
    assert ("--trim_poly_g" in fastp) == is_trimmed


def test_fastp_gets_the_users_options(clean: Clean, pair: tuple[list[Read], list[Read]]) -> None:
    genome = clean(*pair, fastp_options="--cut_tail --length_required 35")

    [fastp] = genome.commands("qc")
    assert fastp[-3:] == ["--cut_tail", "--length_required", "35"]
    assert 0 < len(kept(genome, "S1_R1")) < len(pair[0])


def test_who_says_what_is_done_with_poly_g_is_obeyed(clean: Clean) -> None:
    reads = [read._replace(bases=read.bases[:-10] + "G" * 10) for read in make_reads(20)]

    [fastp] = clean(reads, fastp_options="--disable_trim_poly_g").commands("qc")

    assert "--trim_poly_g" not in fastp


def test_single_end_reads_are_trimmed_by_themselves(clean: Clean) -> None:
    genome = clean(make_reads(20))

    [fastp] = genome.commands("qc")
    assert not {"--in2", "--out2", "--detect_adapter_for_pe"} & set(fastp)
    assert kept(genome, "S1_SE") == bases(make_reads(20))


def test_fastps_report_is_kept_without_times_and_paths_of_this_machine(
    clean: Clean, pair: tuple[list[Read], list[Read]], tmp_path: Path
) -> None:
    genome = clean(*pair)

    folder = genome.published("qc", "main/qc")
    files = [
        folder / "supplemental/S1.fastp.json",
        folder / "supplemental/S1.fastp.html",
        folder / "logs/S1-fastp.log",
    ]
    text = "".join(path.read_text() for path in files)
    assert str(tmp_path) not in text
    assert "fastp report DATE" in text
    assert "time used: N seconds" in text
    summary = genome.record("qc").multiqc["fastp"]["summary"]
    assert summary["after_filtering"]["total_reads"] == 40


def test_reads_are_described_before_and_after(clean: Clean) -> None:
    short = [Read(f"s{i}", "ACGT", "IIII") for i in range(5)]
    genome = clean(make_reads(20) + short)

    folder = genome.published("qc", "main/qc/supplemental")
    before = read_json(folder / "S1_SE-original.json")["qc_stats"]
    after = read_json(folder / "S1_SE-final.json")["qc_stats"]
    assert (before["read_total"], after["read_total"]) == (25, 20)
    metrics = genome.record("qc").metrics
    assert (metrics["qc_original_read_total"], metrics["qc_final_read_total"]) == (25, 20)
    assert metrics["qc_final_total_bp"] == sum(len(read.bases) for read in make_reads(20))


# --- options --------------------------------------------------------------------------------------


def test_phix_is_removed_with_bactopias_options_when_asked_for(
    clean: Clean, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    phix = make_reads(1, seed=9, lengths=(200, 200))[0].bases
    (tmp_path / "phix.fa").write_text(f">phix\n{phix}\n")
    monkeypatch.setattr(qc, "PHIX", tmp_path / "phix.fa")
    spiked = [make_reads(20, seed=mate) for mate in (1, 2)]
    spiked[0][7] = Read("r8", phix[50:100], "I" * 50)

    genome = clean(*spiked, phix=True)

    bbduk = genome.commands("qc")[1]
    assert bbduk[:3] == ["bbduk.sh", "-Xmx3g", "threads=1"]
    assert {f"ref={tmp_path / 'phix.fa'}", "k=31", "hdist=1"} <= set(bbduk)
    assert kept(genome, "S1_R1") == bases(spiked[0][:7] + spiked[0][8:])
    assert kept(genome, "S1_R2") == bases(spiked[1][:7] + spiked[1][8:])
    assert genome.record("qc").versions["bbduk"] == "39.20"


def test_errors_are_corrected_for_the_size_of_the_genome_when_asked_for(
    clean: Clean, pair: tuple[list[Read], list[Read]]
) -> None:
    genome = clean(*pair, error_correction=True)

    lighter = genome.commands("qc")[1]
    assert lighter[0] == "lighter"
    assert lighter[lighter.index("-K") :][:3] == ["-K", "31", "1000"]
    assert lighter.count("-r") == 2
    path = genome.folder("qc") / "reads/S1_R2.fastq.gz"
    assert gzip.decompress(path.read_bytes()).startswith(b"@r1/2 cor\n")


def test_reads_that_are_too_deep_are_drawn_alike_from_both_mates(
    clean: Clean, pair: tuple[list[Read], list[Read]]
) -> None:
    genome = clean(*pair, coverage=0.9)

    samples = [command for command in genome.commands("qc") if command[0] == "seqtk"]
    total = sum(len(read.bases) for mate in pair for read in mate)
    assert [command[:3] for command in samples] == [["seqtk", "sample", "-s42"]] * 2
    assert {command[4] for command in samples} == {f"{900 / total:.6f}"}
    drawn = [bases(pair[0]).index(read) for read in kept(genome, "S1_R1")]
    assert 0 < len(drawn) < 20
    assert kept(genome, "S1_R2") == [pair[1][i].bases for i in drawn]
    assert genome.record("qc").metrics["qc_final_read_total"] == 2 * len(drawn)


def test_reads_no_deeper_than_the_cap_are_left_as_they_are(clean: Clean) -> None:
    reads = [Read(f"r{i}", "ACGTA" * 10, "I" * 50) for i in range(20)]

    assert programs(clean(reads, coverage=1)) == ["fastp"]


def test_reads_are_kept_in_the_result_when_asked_for(
    clean: Clean, pair: tuple[list[Read], list[Read]]
) -> None:
    genome = clean(*pair, keep=["reads"])

    for mate, name in zip(pair, ("S1_R1", "S1_R2"), strict=True):
        data = genome.published("qc", f"main/qc/{name}.fastq.gz").read_bytes()
        assert gzip.decompress(data).decode().splitlines()[1::4] == bases(mate)
        assert kept(genome, name) == bases(mate)


def test_an_assembly_without_reads_passes_through_with_a_note(
    tmp_path: Path, tools: InstallTool
) -> None:
    genome = Genome(tmp_path)
    (tmp_path / "a.fna").write_text(">a\n" + "ACGTTGCA" * 200 + "\n")
    sample = Sample("S1", assembly=str(tmp_path / "a.fna"))
    options = DOWNLOAD_PARAMETERS | genome.plan(sample)
    assert genome.run("download", download.run, parameters=options) == 0

    assert genome.run("qc", qc.run, inputs=["download"], parameters=QC_PARAMETERS) == 0

    note = genome.published("qc", "main/qc/S1-qc-skipped.txt").read_text()
    assert note == "S1 is an assembly without reads: nothing to trim.\n"
    assert genome.commands("qc") == []


# --- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        ({"min_reads": 41}, "low-read-count", "40 reads, fewer than 41 (min_reads)"),
        ({"min_basepairs": 10_000}, "low-sequence-depth", "fewer than 10,000 (min_basepairs)"),
        ({"min_coverage": 5}, "low-sequence-coverage", "less than 5x (min_coverage)"),
    ],
)
def test_too_little_left_excludes_the_genome_and_hands_no_reads_on(
    clean: Clean,
    pair: tuple[list[Read], list[Read]],
    parameters: dict[str, Any],
    kind: str,
    message: str,
) -> None:
    genome = clean(*pair, **parameters)

    assert excluded(genome)["type"] == kind
    assert message in excluded(genome)["message"]
    assert list((genome.folder("qc") / "reads").iterdir()) == []
    assert genome.published("qc", f"main/qc/S1-{kind}-error.txt").is_file()
    assert genome.published("qc", "main/qc/supplemental/S1_R1-final.json").is_file()


def test_nothing_left_after_trimming_excludes_the_genome_before_any_other_tool(
    clean: Clean,
) -> None:
    genome = clean(
        [Read(f"r{i}", "ACGTACGTAC", "I" * 10) for i in range(20)], phix=True, error_correction=True
    )

    assert excluded(genome)["type"] == "low-read-count"
    assert excluded(genome)["message"] == "no read was left after trimming"
    assert programs(genome) == ["fastp"]


@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        ("echo 'ERROR: igzip' >&2; exit 255", 1, "fastp ended with exit status 255"),
        ("kill -SEGV $$", 1, "fastp ended with signal 11"),
        ("kill -KILL $$", 137, "fastp was killed: out of memory"),
        ("kill -ILL $$", 132, "fastp met an instruction that this CPU lacks (SIGILL)"),
    ],
)
def test_what_ends_fastp_ends_the_stage(
    clean: Clean,
    pair: tuple[list[Read], list[Read]],
    tools: InstallTool,
    script: str,
    status: int,
    message: str,
) -> None:
    tools("fastp", script)

    genome = clean(*pair, expect=status)

    assert genome.failure()["message"] == message
    assert not (genome.folder("qc") / "stage.json").exists()


def test_a_subsample_that_cannot_be_compressed_is_a_failure(
    clean: Clean, pair: tuple[list[Read], list[Read]], tools: InstallTool
) -> None:
    tools("pigz", "cat >/dev/null; exit 28")

    genome = clean(*pair, coverage=0.9, expect=1)

    assert genome.failure()["message"] == "pigz ended with exit status 28"
