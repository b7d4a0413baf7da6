"""Assemblies are read as nucleotides or excluded, and described as assembly-scan does."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from bactofleet.core.errors import Excluded
from bactofleet.genome import fasta
from bactofleet.genome.fasta import (
    Contig,
    assembly_stats,
    gc_percent,
    n50_of,
    read_fasta,
    write_fasta,
)

# The header of an assembly's table in Bactopia's results (assembly-scan 1.0.0).
COLUMNS = [
    "sample",
    "total_contig",
    "total_contig_length",
    "max_contig_length",
    "mean_contig_length",
    "median_contig_length",
    "min_contig_length",
    "n50_contig_length",
    "l50_contig_count",
    "num_contig_non_acgtn",
    "contig_percent_a",
    "contig_percent_c",
    "contig_percent_g",
    "contig_percent_t",
    "contig_percent_n",
    "contig_non_acgtn",
    "contigs_greater_1m",
    "contigs_greater_100k",
    "contigs_greater_10k",
    "contigs_greater_1k",
    "percent_contigs_greater_1m",
    "percent_contigs_greater_100k",
    "percent_contigs_greater_10k",
    "percent_contigs_greater_1k",
]


def write(folder: Path, text: str) -> Path:
    path = folder / "x.fna"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        ">a one\nACGT\nNN\n>b\nacgt\n",
        ">a one\nACGTNN\n\n>b\nacgt",
        "\n>a one\nACGTNN\n>b\nacgt\n\n",
        ">a one  \r\nACGT\r\nNN\r\n>b\r\nacgt\r\n",
    ],
    ids=["plain", "empty line", "empty line first", "Windows line ends"],
)
def test_names_and_sequences_are_read(tmp_path: Path, text: str) -> None:
    found = read_fasta(write(tmp_path, text))

    assert found == [Contig("a one", "ACGTNN"), Contig("b", "acgt")]


def test_compressed_fasta_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.fna.gz"
    path.write_bytes(gzip.compress(b">a\nACGT\n"))

    assert read_fasta(path) == [Contig("a", "ACGT")]


def test_compressed_fasta_that_is_cut_off_is_excluded(tmp_path: Path) -> None:
    path = tmp_path / "x.fna.gz"
    path.write_bytes(gzip.compress(b">a\nACGT\n")[:-4])

    with pytest.raises(Excluded) as caught:
        read_fasta(path)

    assert caught.value.kind == "gzip"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not FASTA"),
        ("\n\n", "is not FASTA"),
        ("ACGT\n", "is not FASTA"),
        ("ACGT\n>a\nACGT\n", "is not FASTA"),
        (">\nACGT\n", "is not FASTA"),
        ("@r1\nACGT\n+\nIIII\n", "is not FASTA"),
        (">a\nMKVLAAGIE\n", "is not nucleotides: see 'a'"),
        (">a\nACGT\n>b\nAC GT\n", "is not nucleotides: see 'b'"),
        (">a first\nACGT\n>a second\nACGT\n", "more than one sequence 'a'"),
    ],
)
def test_what_is_not_nucleotide_fasta_is_excluded(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(Excluded) as caught:
        read_fasta(write(tmp_path, text))

    assert caught.value.kind == "assembly"
    assert why in caught.value.message


def test_what_is_written_is_read_back_from_lines_of_60(tmp_path: Path) -> None:
    contigs = [Contig("a len=130", "ACGTN" * 26), Contig("b", "A" * 60)]
    path = tmp_path / "x.fna"

    write_fasta(path, contigs)

    assert read_fasta(path) == contigs
    assert [len(line) for line in path.read_text().splitlines()] == [10, 60, 60, 10, 2, 60]


def test_columns_are_those_of_assembly_scan_in_their_order() -> None:
    assert list(assembly_stats("S1", ["ACGT"])) == COLUMNS


def test_lengths_bases_and_counts_are_those_of_assembly_scan() -> None:
    sequences = ["A" * 1200 + "C" * 300, "g" * 400, "T" * 90 + "N" * 10, "RY" * 5]

    row = assembly_stats("S1", sequences)

    assert row == dict(
        zip(
            COLUMNS,
            ["S1", 4, 2010, 1500, 502, 250, 10, 1500, 1, 1]
            + ["59.70", "14.93", "19.90", "4.48", "0.50", "0.50"]
            + [0, 0, 0, 1, "0.00", "0.00", "0.00", "25.00"],
            strict=True,
        )
    )


def test_a_contig_counts_as_greater_only_beyond_the_size() -> None:
    row = assembly_stats("S1", ["A" * 1000, "A" * 1001, "A" * 10_001])

    assert (row["contigs_greater_1k"], row["contigs_greater_10k"]) == (2, 1)


@pytest.mark.parametrize(
    ("lengths", "n50", "l50"),
    [
        ([100], 100, 1),
        ([50, 30, 20], 50, 1),
        ([40, 30, 20, 10], 30, 2),
        ([10, 10, 10, 10], 10, 2),
        ([2, 2, 1], 2, 1),
        ([], 0, 0),
    ],
)
def test_n50_is_the_length_at_which_half_of_the_assembly_is_reached(
    lengths: list[int], n50: int, l50: int
) -> None:
    assert n50_of(lengths) == (n50, l50)


def test_gc_is_a_share_of_the_four_bases_in_either_case() -> None:
    assert gc_percent(["GGCc", "AaTNNNN"]) == 57.14
    assert gc_percent(["NNN"]) == 0


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["Unix", "Windows", "old Mac"])
def test_lines_end_as_on_any_system(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.fna"
    path.write_bytes(end.join(["", ">a one", "ACGT", "", "AC", ">b", "GG"]).encode())

    assert read_fasta(path) == [Contig("a one", "ACGTAC"), Contig("b", "GG")]


@pytest.mark.parametrize("character", ["\v", "\f", "\x1c", "\x85", "\u2028"])
def test_other_characters_end_no_line(tmp_path: Path, character: str) -> None:
    path = tmp_path / "a.fna"
    path.write_text(f">a{character}b\nACGT\n", encoding="utf-8")

    assert [contig.sequence for contig in read_fasta(path)] == ["ACGT"]


def test_what_unpacks_to_more_than_a_genome_is_excluded(tmp_path: Path) -> None:
    path = tmp_path / "a.fna.gz"
    path.write_bytes(gzip.compress(b">a\n" + b"A" * 1000))

    assert read_fasta(path, max_bytes=1003)
    with pytest.raises(Excluded, match=r"a\.fna\.gz has more than 1,002 bytes"):
        read_fasta(path, max_bytes=1002)


def test_more_sequences_than_an_assembly_has_are_excluded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fasta, "MAX_SEQUENCES", 2)
    path = tmp_path / "a.fna"
    path.write_text(">a\nA\n>b\nC\n")
    assert len(read_fasta(path)) == 2

    path.write_text(">a\nA\n>b\nC\n>c\nG\n")
    with pytest.raises(Excluded, match=r"a\.fna has more than 2 sequences"):
        read_fasta(path)


def test_millions_of_names_take_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a tenth of the size: a list of all lines would take 50 MB, for a file of 1.2 MB."""
    monkeypatch.setattr(fasta, "MAX_SEQUENCES", fasta.MAX_SEQUENCES // 10)
    path = tmp_path / "a.fna"
    path.write_bytes(b">a\n" * 400_000)
    tracemalloc.start()
    try:
        with pytest.raises(Excluded, match="has more than 100,000 sequences"):
            read_fasta(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 25_000_000
