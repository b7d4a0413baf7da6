"""Reads that tools would read differently are made plain when they are brought here."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fastq import Read, make_reads, to_fastq
from support.stages import DOWNLOAD_PARAMETERS, Genome

from bactofleet.core import versions
from bactofleet.core.samples import Sample
from bactofleet.genome import download

Gather = Callable[..., Genome]
R1, R2 = make_reads(20, seed=1, suffix="/1"), make_reads(20, seed=2, suffix="/2")


@pytest.fixture
def gather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gather:
    """Return a function that brings reads here, each file given as its bytes, runs as lists."""
    image = tmp_path / "versions.json"
    image.write_text("{}")
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", image)

    def run(r1: list[bytes], r2: list[bytes] | None = None) -> Genome:
        row: dict[str, Any] = {"genome_size": 5000}
        for column, files in (("r1", r1), ("r2", r2 or [])):
            paths = [tmp_path / f"run{i}_{column}.fastq.gz" for i in range(1, len(files) + 1)]
            for path, data in zip(paths, files, strict=True):
                path.write_bytes(data)
            row[column] = list(map(str, paths))
        genome = Genome(tmp_path)
        parameters = DOWNLOAD_PARAMETERS | genome.plan(Sample("S1", **row))
        assert genome.run("download", download.run, parameters=parameters) == 0
        return genome

    return run


def pack(reads: list[Read]) -> bytes:
    return gzip.compress(to_fastq(reads), mtime=0)


def rename(reads: list[Read], form: str) -> list[Read]:
    return [read._replace(name=form.format(i=i)) for i, read in enumerate(reads, start=1)]


def reads_of(genome: Genome, mate: str) -> bytes:
    return gzip.decompress((genome.folder("download") / f"reads/S1_{mate}.fastq.gz").read_bytes())


def names_of(genome: Genome, mate: str) -> list[str]:
    return [line[1:] for line in reads_of(genome, mate).decode().splitlines()[::4]]


def bases_of(genome: Genome, mate: str) -> list[str]:
    return reads_of(genome, mate).decode().splitlines()[1::4]


def excluded(genome: Genome) -> tuple[str, str]:
    reason = genome.record("download").excluded
    assert reason
    return reason["type"], reason["message"]


def note_of(genome: Genome) -> str:
    return str(genome.record("download").input.get("note", ""))


def test_files_that_all_tools_read_alike_are_taken_as_they_are(gather: Gather) -> None:
    genome = gather([pack(R1)], [pack(R2)])

    compressed = (genome.folder("download") / "reads/S1_R1.fastq.gz").read_bytes()
    assert compressed == pack(R1)
    assert not note_of(genome)


@pytest.mark.parametrize("part", [R1, R1[10:]], ids=["all", "second half"])
def test_a_tab_behind_a_name_becomes_a_space(gather: Gather, part: list[Read]) -> None:
    names = [f"{read.name}\tRG:Z:a" if read in part else read.name for read in R1]
    tabbed = [read._replace(name=name) for read, name in zip(R1, names, strict=True)]

    genome = gather([pack(tabbed)])

    assert names_of(genome, "SE") == [name.replace("\t", " ") for name in names]
    assert bases_of(genome, "SE") == [read.bases for read in R1]


def test_names_that_are_too_long_for_sam_become_numbers_the_same_for_mates(gather: Gather) -> None:
    long = "x" * 250 + "{i:05d}"

    genome = gather([pack(rename(R1, long))], [pack(rename(R2, long))])

    assert names_of(genome, "R1") == names_of(genome, "R2") == [f"S1.1.{i}" for i in range(1, 21)]
    assert bases_of(genome, "R2") == [read.bases for read in R2]


@pytest.mark.parametrize("forms", [("SRR1.{i}.1", "SRR1.{i}.2"), ("x{i}_1:N:0", "x{i}_2:N:0")])
def test_mates_that_aligners_would_take_for_two_reads_get_one_name(
    gather: Gather, forms: tuple[str, str]
) -> None:
    genome = gather(*([pack(rename(r, f))] for r, f in zip((R1, R2), forms, strict=True)))

    assert names_of(genome, "R1") == names_of(genome, "R2")
    assert "names of mates" in note_of(genome)


def test_numbers_of_joined_runs_are_not_given_twice(gather: Gather) -> None:
    others = [make_reads(20, seed=seed) for seed in (3, 4)]
    mates = [
        [pack(rename(run, f"SRR{{i}}.{mate}")) for run in runs]
        for mate, runs in ((1, (R1, others[0])), (2, (R2, others[1])))
    ]

    genome = gather(*mates)

    assert len(set(names_of(genome, "R1"))) == 40


def test_dots_are_bases_that_were_not_called(gather: Gather) -> None:
    dotted = [read._replace(bases="." + read.bases[1:]) for read in R1]

    genome = gather([pack(dotted)])

    assert bases_of(genome, "SE") == ["N" + read.bases[1:] for read in R1]
    assert "dots" in note_of(genome)


def test_dots_in_names_are_only_names(gather: Gather) -> None:
    named = pack(rename(R1, "SRR1.{i}"))

    genome = gather([named])

    assert (genome.folder("download") / "reads/S1_SE.fastq.gz").read_bytes() == named


def test_phred_64_becomes_phred_33(gather: Gather) -> None:
    shifted = [
        read._replace(qualities="".join(chr(ord(q) + 31) for q in read.qualities)) for read in R1
    ]

    genome = gather([pack(shifted)])

    assert reads_of(genome, "SE") == to_fastq(R1)
    assert "Phred+64" in note_of(genome)


def test_high_qualities_of_phred_33_stay(gather: Gather) -> None:
    good = [read._replace(qualities="I" * len(read.bases)) for read in R1]

    assert reads_of(gather([pack(good)]), "SE") == to_fastq(good)


@pytest.mark.parametrize("end", [b"", b"\n\n", b"\n\n\n"], ids=["open", "blank", "two blank"])
def test_runs_are_joined_whatever_their_last_lines_are(gather: Gather, end: bytes) -> None:
    first = gzip.compress(to_fastq(R1)[:-1] + end)
    second = make_reads(20, seed=3, suffix="/1")

    genome = gather([first, pack(second)])

    assert reads_of(genome, "SE") == to_fastq(R1) + to_fastq(second)


def test_a_fault_is_reported_for_the_file_that_has_it(gather: Gather) -> None:
    windows = gzip.compress(to_fastq(R2).replace(b"\n", b"\r\n"))

    kind, message = excluded(gather([pack(R1), windows]))

    assert kind == "fastq-format"
    assert "run2_r1.fastq.gz is not FASTQ: it has Windows line ends" in message


@pytest.mark.parametrize(
    ("begin", "program"),
    [
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\x00\x00\x04", "xz"),
        (b"\x28\xb5\x2f\xfd\x24", "zstd"),
        (b"PK\x03\x04\x14", "zip"),
    ],
    ids=["bzip2", "xz", "zstd", "zip"],
)
def test_another_compression_is_named(gather: Gather, begin: bytes, program: str) -> None:
    kind, message = excluded(gather([begin + bytes(100)]))

    assert kind == "gzip"
    assert f"run1_r1.fastq.gz is compressed with {program}; allowed is gzip" in message


@pytest.mark.parametrize("form", ["x{i}", "x{i}/{mate}", "x{i} {mate}:N:0:A"])
def test_interleaved_mates_are_parted(gather: Gather, form: str) -> None:
    named = [
        [read._replace(name=form.format(i=i, mate=mate)) for i, read in enumerate(reads)]
        for mate, reads in ((1, R1), (2, R2))
    ]

    genome = gather([pack([read for pair in zip(*named, strict=True) for read in pair])])

    assert bases_of(genome, "R1") == [read.bases for read in R1]
    assert bases_of(genome, "R2") == [read.bases for read in R2]
    assert genome.record("download").input["layout"] == "paired"
    assert "mates one after the other" in note_of(genome)


@pytest.mark.parametrize("level", [1, 9], ids=["a copy", "compressed anew"])
def test_the_same_reads_as_both_mates_are_no_pair(gather: Gather, level: int) -> None:
    kind, message = excluded(gather([pack(R1)], [gzip.compress(to_fastq(R1), level)]))

    assert kind == "paired-end"
    assert "run1_r1.fastq.gz and " in message
    assert "hold the same reads" in message


@pytest.mark.parametrize("level", [1, 9], ids=["a copy", "compressed anew"])
@pytest.mark.parametrize("is_paired", [False, True])
def test_the_same_reads_as_two_runs_are_not_used_twice(
    gather: Gather, is_paired: bool, level: int
) -> None:
    files = [[pack(reads), gzip.compress(to_fastq(reads), level)] for reads in (R1, R2)]

    kind, message = excluded(gather(*(files if is_paired else files[:1])))

    assert kind == "duplicate-reads"
    assert "run1_r1.fastq.gz and " in message
    assert "run2_r1.fastq.gz, two runs, hold the same reads" in message


@pytest.mark.parametrize("form", ["x{i}/{mate}", "x{i} {mate}:N:0:A", "x.{i} {i}/{mate}"])
def test_both_mates_in_r1_are_not_taken_for_single_reads(gather: Gather, form: str) -> None:
    mates = [
        pack([read._replace(name=form.format(i=i, mate=mate)) for i, read in enumerate(reads)])
        for mate, reads in ((1, R1), (2, R2))
    ]

    kind, message = excluded(gather(mates))

    assert kind == "paired-end"
    assert "run2_r1.fastq.gz, both in r1, hold the mates of pairs; r2 is empty" in message


def test_two_files_in_r1_with_the_same_names_of_reads_are_reported(gather: Gather) -> None:
    genome = gather([pack(rename(R1, "SRR1.{i}")), pack(rename(R2, "SRR1.{i}"))])

    assert "have the same names" in note_of(genome)


def test_second_mates_without_the_first_are_reported(gather: Gather) -> None:
    genome = gather([pack(R2)])

    assert "holds second mates, and no file holds the first" in note_of(genome)


def test_mates_that_both_say_they_are_the_first_are_taken_and_it_is_reported(
    gather: Gather,
) -> None:
    genome = gather([pack(R1)], [pack(make_reads(20, seed=2, suffix="/1"))])

    assert bases_of(genome, "R2") == [read.bases for read in R2]
    assert "both say that they hold mate 1" in note_of(genome)
