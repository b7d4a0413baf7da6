"""The size of a genome is the number of its k-mers beyond the valley that errors leave."""

import random
from functools import partial
from math import exp, lgamma, log
from pathlib import Path

import pytest
from support.fastq import Read, make_reads, to_fastq, write_reads
from support.stages import Genome
from support.tools import InstallTool

from bactofleet.genome import genome_size
from bactofleet.genome.genome_size import estimate_genome_size, find_valley
from bactofleet.genome.stage import Stage

GENOME = 2_800_000


def spectrum(depth: float, *, errors: float, noise: int = 0, seed: int = 1) -> list[int]:
    """Return a histogram of k-mers that are there 2, 3, ... 1000 times, as KMC's with -ci2.

    A genome's k-mers are spread as Poisson around `depth`, those of errors fall by five for each
    further count from `errors` at 2, and up to `noise` stray ones are at every count.
    """
    rng = random.Random(seed)
    return [
        round(GENOME * exp(n * log(depth) - depth - lgamma(n + 1)))
        + round(errors / 5 ** (n - 2))
        + rng.randint(0, noise)
        for n in range(2, 1001)
    ]


def estimate(counts: list[int]) -> int:
    return sum(counts[find_valley(counts) :])


@pytest.mark.parametrize("depth", [10, 15, 30, 60, 100, 200, 400])
@pytest.mark.parametrize("errors", [100_000, 1_000_000, 3_000_000])
def test_the_genome_is_found_beyond_the_errors_at_every_depth(depth: float, errors: int) -> None:
    assert estimate(spectrum(depth, errors=errors)) == pytest.approx(GENOME, rel=0.05)


@pytest.mark.parametrize("depth", [20, 100, 200])
def test_stray_kmers_at_every_count_do_not_hide_the_genome(depth: float) -> None:
    counts = spectrum(depth, errors=1_000_000, noise=60)

    assert estimate(counts) == pytest.approx(GENOME, rel=0.05)


@pytest.mark.parametrize("depth", [5, 20, 100])
def test_all_kmers_of_error_free_reads_are_the_genome(depth: float) -> None:
    counts = spectrum(depth, errors=0)

    assert estimate(counts) == sum(counts)
    assert estimate(counts) == pytest.approx(GENOME, rel=0.05)


@pytest.mark.parametrize("depth", [1, 1.5, 2])
def test_a_depth_so_low_that_there_is_no_valley_takes_every_kmer(depth: float) -> None:
    counts = spectrum(depth, errors=200_000)

    assert find_valley(counts) == 0


def test_noise_that_rises_in_the_tail_is_not_taken_for_a_genome() -> None:
    counts = [100_000, 5_000, 300, 20, 3, 1, 2, 0, 1] + [0] * 900

    assert find_valley(counts) == 0


@pytest.mark.parametrize("counts", [[], [7], [0, 0, 0]])
def test_a_spectrum_without_kmers_has_no_valley(counts: list[int]) -> None:
    assert find_valley(counts) == 0


# --- the part of the reads that is counted --------------------------------------------------------


@pytest.mark.parametrize("size", [1, 500, 999, 1000, 3000, 10**6])
def test_the_first_reads_are_taken_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(genome_size, "read_blocks", partial(genome_size.read_blocks, size=500))
    reads = make_reads(100)
    path = write_reads(tmp_path / "x.fastq.gz", reads)

    taken = b"".join(genome_size._first_records(path, size))

    whole = to_fastq(reads)
    assert whole.startswith(taken)
    assert taken.count(b"\n") % 4 == 0
    assert len(taken) > min(size, len(whole)) - 300


def test_reads_without_a_line_end_at_the_end_get_one_before_other_reads_follow(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.fastq"
    path.write_bytes(b"@r1\nACGT\n+\nIIII")

    assert b"".join(genome_size._first_records(path, 1000)) == b"@r1\nACGT\n+\nIIII\n"


# --- counting -------------------------------------------------------------------------------------


@pytest.fixture
def estimated(tmp_path: Path, tools: InstallTool) -> Genome:
    return Genome(tmp_path)


def run(genome: Genome, *reads: list[Read]) -> int:
    """Estimate the size of the genome of mates, as a stage; return the exit status."""

    def estimate_size(stage: Stage) -> None:
        paths = [write_reads(stage.work / f"{i}.fastq.gz", mate) for i, mate in enumerate(reads)]
        stage.record.metrics["size"] = estimate_genome_size(stage, paths)

    return genome.run("download", estimate_size)


def tiled(size: int, step: int, seed: int = 1) -> list[Read]:
    """Return reads of 60 bp from every `step` bases of a random genome."""
    genome = "".join(random.Random(seed).choices("ACGT", k=size))
    return [Read(f"r{i}", genome[i : i + 60], "I" * 60) for i in range(0, size - 60 + step, step)]


def test_both_mates_are_counted_together_with_kmc(estimated: Genome) -> None:
    whole = tiled(2000, 10)

    assert run(estimated, whole[::2], whole[1::2]) == 0

    kmc, histogram = estimated.commands("download")
    assert {"-k21", "-ci2", "-cs1000", "-t1"} <= set(kmc)
    assert histogram[0] == "kmc_tools"
    assert estimated.record("download").metrics["size"] == pytest.approx(2000, rel=0.05)


def test_reads_that_share_no_kmers_exclude_the_genome(estimated: Genome) -> None:
    assert run(estimated, make_reads(20)) == 0

    excluded = estimated.record("download").excluded
    assert excluded
    assert excluded["type"] == "genome-size"
    assert "share no k-mers" in excluded["message"]


@pytest.mark.parametrize("tool", ["kmc", "kmc_tools"])
def test_a_counter_that_fails_is_a_failure_and_never_biology(
    estimated: Genome, tools: InstallTool, tool: str
) -> None:
    tools(tool, "exit 1")

    assert run(estimated, tiled(2000, 10)) == 1

    assert estimated.failure()["message"] == f"{tool} ended with exit status 1"
