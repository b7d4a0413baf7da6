"""Reads that are not whole, not FASTQ or not in step are excluded, each under its own name."""

import gzip
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.fastq import Read, make_reads, to_fastq, write_gzip, write_reads

from bactofleet.core.errors import Excluded
from bactofleet.genome import fastq
from bactofleet.genome.fastq import mate_number, scan_reads

READS = make_reads(200)


def reason_of(*paths: Path) -> tuple[str, str]:
    with pytest.raises(Excluded) as caught:
        scan_reads(list(paths))
    return caught.value.kind, caught.value.message


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# --- compression ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [3, 10, 100, -8, -1])
def test_a_gzip_file_that_is_cut_off_is_not_whole(tmp_path: Path, kept: int) -> None:
    whole = gzip.compress(to_fastq(READS))

    kind, message = reason_of(write(tmp_path / "x.fastq.gz", whole[:kept]))

    assert kind == "gzip"
    assert message.startswith("x.fastq.gz is not whole")


def test_a_damaged_byte_within_a_gzip_file_is_found(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(to_fastq(READS)))
    data[len(data) // 2] ^= 0xFF

    kind, _ = reason_of(write(tmp_path / "x.fastq.gz", bytes(data)))

    assert kind == "gzip"


def test_a_wrong_checksum_at_the_end_of_a_gzip_file_is_found(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(to_fastq(READS)))
    data[-8] ^= 0xFF

    assert reason_of(write(tmp_path / "x.fastq.gz", bytes(data)))[0] == "gzip"


@pytest.mark.parametrize("garbage", [b"x", b"garbage behind the end\n" * 9])
def test_garbage_behind_a_gzip_file_is_found(tmp_path: Path, garbage: bytes) -> None:
    data = gzip.compress(to_fastq(READS)) + garbage

    assert reason_of(write(tmp_path / "x.fastq.gz", data))[0] == "gzip"


def test_a_second_member_that_is_cut_off_is_found(tmp_path: Path) -> None:
    data = gzip.compress(to_fastq(READS[:100])) + gzip.compress(to_fastq(READS[100:]))[:-20]

    assert reason_of(write(tmp_path / "x.fastq.gz", data))[0] == "gzip"


def test_several_members_and_zero_padding_are_one_file(tmp_path: Path) -> None:
    members = [gzip.compress(to_fastq(READS[i : i + 50])) for i in range(0, 200, 50)]

    (stats,) = scan_reads([write(tmp_path / "x.fastq.gz", b"".join(members) + b"\0" * 512)])

    assert stats.read_total == 200


def test_what_was_compressed_twice_or_archived_is_reported_as_such(tmp_path: Path) -> None:
    twice = gzip.compress(gzip.compress(to_fastq(READS)))
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        tar.add(write(tmp_path / "reads.fastq", to_fastq(READS)))

    assert reason_of(write(tmp_path / "x.fastq.gz", twice)) == (
        "gzip",
        "x.fastq.gz is compressed twice; unpack it once (gunzip)",
    )
    assert reason_of(tmp_path / "x.tar.gz") == (
        "gzip",
        "x.tar.gz is a tar archive; unpack it (tar)",
    )


@pytest.mark.parametrize("name", ["x.fastq", "x.fastq.gz"])
def test_compression_is_recognized_by_the_data_and_not_by_the_name(
    tmp_path: Path, name: str
) -> None:
    plain = write(tmp_path / name, to_fastq(READS))

    assert scan_reads([plain])[0].read_total == 200


# --- FASTQ ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n\n"])
def test_a_file_without_reads_is_empty(tmp_path: Path, data: bytes) -> None:
    kind, message = reason_of(write_gzip(tmp_path / "x.fastq.gz", data))

    assert (kind, message) == ("empty", "x.fastq.gz holds no reads")


NOT_FASTQ = {
    "a FASTA file": (b">r1\nACGT\n>r2\nACGT\n", "does not start with '@'"),
    "a page of HTML": (b"<html>\n<body>\nNot found\n</body>\n", "does not start with '@'"),
    "bytes": (bytes(range(256)) * 20, ""),
    "no plus": (b"@r1\nACGT\nIIII\n@r2\n", "third line"),
    "qualities too short": (b"@r1\nACGT\n+\nIII\n", "differ in length"),
    "qualities too long": (b"@r1\nACGT\n+\nIIIII\n", "differ in length"),
    "no qualities": (b"@r1\nACGT\n+\n", "differ in length"),
    "cut off in the bases": (b"@r1\nACGT\n+\nIIII\n@r2\nAC", "cut off"),
    "cut off behind the bases": (b"@r1\nACGT\n+\nIIII\n@r2\nAC\n", "cut off"),
    "cut off in the qualities": (b"@r1\nACGT\n+\nIIII\n@r2\nACGT\n+\nII", "differ in length"),
    "a line lost": (b"@r1\nACGT\n+\n@r2\nACGT\n+\nIIII\n", ""),
    "a space as quality": (b"@r1\nACGT\n+\nII I\n", "outside Phred+33"),
    "a quality beyond ASCII": (b"@r1\nACGT\n+\nII\x7fI\n", "outside Phred+33"),
    "a quality of 8 bits": (b"@r1\nACGT\n+\nII\xffI\n", "outside Phred+33"),
    "colours of SOLiD": (b"@r1\nT0123\n+\nIIIII\n", "a read holds '0', which is no base"),
    "a protein": (b"@r1\nMKVLE\n+\nIIIII\n", "a read holds 'L', which is no base"),
    "a space among bases": (b"@r1\nAC GT\n+\nIIIII\n", "a read holds ' ', which is no base"),
    "a BAM file": (b"BAM\1\n\n\n\n", "does not start with '@', but with 'BAM\\x01"),
    "Windows line ends": (b"@r1\r\nACGT\r\n+\r\nIIII\r\n", "dos2unix"),
    "Windows, last line open": (b"@r1\r\nACGT\r\n+\r\nIIII", "dos2unix"),
}


@pytest.mark.parametrize(("data", "why"), NOT_FASTQ.values(), ids=NOT_FASTQ.keys())
def test_what_is_not_fastq_is_excluded_with_the_reason(
    tmp_path: Path, data: bytes, why: str
) -> None:
    kind, message = reason_of(write(tmp_path / "x.fastq", data))

    assert kind == "fastq-format"
    assert message.startswith("x.fastq is not FASTQ: ")
    assert why in message


def test_a_fault_far_into_a_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastq, "read_blocks", partial(fastq.read_blocks, size=100))
    data = to_fastq(READS) + b"@bad\nACGT\n-\nIIII\n" + to_fastq(READS)

    assert reason_of(write(tmp_path / "x.fastq", data))[0] == "fastq-format"


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"])
def test_the_last_line_may_lack_its_line_end_or_have_empty_lines_behind(
    tmp_path: Path, end: str
) -> None:
    data = to_fastq(READS).rstrip(b"\n") + end.encode()

    assert scan_reads([write(tmp_path / "x.fastq", data)])[0].read_total == 200


def test_a_file_of_zeros_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_blocks(*_: object, **__: object) -> Iterator[bytes]:
        yield bytes(1000)
        raise AssertionError

    monkeypatch.setattr(fastq, "read_blocks", read_blocks)

    assert reason_of(write(tmp_path / "x.fastq", b""))[0] == "fastq-format"


@pytest.mark.parametrize("form", ["", "read {i}"])
def test_reads_whose_names_all_begin_alike_are_no_pairs(tmp_path: Path, form: str) -> None:
    reads = [read._replace(name=form.format(i=i)) for i, read in enumerate(READS)]

    (stats,) = scan_reads([write_reads(tmp_path / "x.fastq", reads)])

    assert not stats.irregularities


def test_every_letter_of_iupac_is_a_base(tmp_path: Path) -> None:
    bases = "ACGTUNRYSWKMBDHV"

    (stats,) = scan_reads(
        [write_reads(tmp_path / "x.fq", [Read("r1", bases + bases.lower(), "I" * 32)])]
    )

    assert stats.total_bp == 32


def test_a_read_longer_than_a_block_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastq, "read_blocks", partial(fastq.read_blocks, size=50))
    long = [Read(f"r{i}", "A" * 1000, "I" * 1000) for i in range(3)]

    assert scan_reads([write_reads(tmp_path / "x.fastq", long)])[0].total_bp == 3000


# --- pairs ----------------------------------------------------------------------------------------


def named(names: list[str]) -> list[Read]:
    return [Read(name, "ACGT", "IIII") for name in names]


def write_pair(folder: Path, names1: list[str], names2: list[str]) -> list[Path]:
    return [
        write_reads(folder / f"x_R{mate}.fastq.gz", named(names))
        for mate, names in ((1, names1), (2, names2))
    ]


@pytest.mark.parametrize(
    ("name1", "name2"),
    [
        ("r{}", "r{}"),
        ("r{}/1", "r{}/2"),
        ("M0:1:FC:1:1:1:{} 1:N:0:ACGT", "M0:1:FC:1:1:1:{} 2:N:0:ACGT"),
        ("SRR1.{} {} length=4", "SRR1.{} {} length=4"),
        ("r{}\t1:N:0", "r{}\t2:N:0"),
        ("SRR1.{}.1 {} length=4", "SRR1.{}.2 {} length=4"),
    ],
    ids=["alike", "slash", "Casava", "SRA", "tab", "SRA with read ids"],
)
def test_pairs_of_every_way_of_naming_are_in_step(tmp_path: Path, name1: str, name2: str) -> None:
    numbers = range(20)

    stats = scan_reads(
        write_pair(
            tmp_path, [name1.format(i, i) for i in numbers], [name2.format(i, i) for i in numbers]
        )
    )

    assert [one.read_total for one in stats] == [20, 20]


@pytest.mark.parametrize("count", [1, 19])
def test_mates_of_different_number_are_excluded_with_both_counts(
    tmp_path: Path, count: int
) -> None:
    names = [f"r{i}" for i in range(20)]

    kind, message = reason_of(*write_pair(tmp_path, names, names[:count]))

    assert (kind, message) == ("different-read-count", f"R1 and R2 hold 20 and {count} reads")


@pytest.mark.parametrize("block", [13, 1 << 20])
def test_mates_out_of_step_are_excluded_with_the_first_pair_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(fastq, "read_blocks", partial(fastq.read_blocks, size=block))
    names = [f"r{i}" for i in range(20)]
    shifted = names[:10] + [names[11], names[10]] + names[12:]

    kind, message = reason_of(*write_pair(tmp_path, names, shifted))

    assert kind == "paired-end"
    assert "'@r10' and '@r11' are not mates" in message


def test_a_missing_first_read_is_seen_though_the_first_two_names_look_like_mates(
    tmp_path: Path,
) -> None:
    names = [f"SRR1.{i}" for i in range(1, 21)]

    kind, message = reason_of(*write_pair(tmp_path, names[:-1], names[1:]))

    assert kind == "paired-end"
    assert "'@SRR1.2' and '@SRR1.3' are not mates" in message


def test_mates_may_lie_in_blocks_of_different_numbers_of_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastq, "read_blocks", partial(fastq.read_blocks, size=500))
    r1 = write_reads(tmp_path / "1.fastq", make_reads(100, lengths=(200, 300)))
    r2 = write_reads(tmp_path / "2.fastq", make_reads(100, lengths=(10, 20)))

    assert [one.read_total for one in scan_reads([r1, r2])] == [100, 100]


def test_a_broken_file_is_reported_rather_than_the_pairs_that_it_spoils(tmp_path: Path) -> None:
    r1, r2 = write_pair(tmp_path, ["a", "b"], ["b", "a"])
    r2.write_bytes(r2.read_bytes()[:-4])

    assert reason_of(r1, r2)[0] == "gzip"


@pytest.mark.parametrize(
    ("name", "mate"),
    [
        ("r1/1", "1"),
        ("r1/2", "2"),
        ("r1 1:N:0:ACGT", "1"),
        ("r1 2:Y:18:ACGT", "2"),
        ("r1/2 length=100", "2"),
        ("SRR1.1 1/1", "1"),
        ("SRR1.1 1/2 length=100", "2"),
        ("r1", None),
        ("r1 length=100", None),
        ("SRR1.1 1 length=100", None),
    ],
)
def test_the_first_read_tells_which_mate_a_file_holds(
    tmp_path: Path, name: str, mate: str | None
) -> None:
    assert mate_number(write_reads(tmp_path / "x.fastq.gz", named([name]))) == mate


@pytest.mark.parametrize("data", [b"@" + b"A" * (40 << 20), b"@" + b"\n" + b"A" * (40 << 20)])
def test_a_record_without_an_end_is_no_read(tmp_path: Path, data: bytes) -> None:
    kind, message = reason_of(write(tmp_path / "x.fastq.gz", gzip.compress(data)))

    assert kind == "fastq-format"
    assert "x.fastq.gz is not FASTQ: a record has more than" in message
