"""Gathering reads and assemblies: real copies, checked to the end, whatever they are."""

import gzip
import io
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.archive_server import Archive, Fault
from support.fastq import Read, make_reads, to_fastq, write_gzip, write_reads
from support.stages import DOWNLOAD_PARAMETERS, Genome

from bactofleet.core import versions
from bactofleet.core.files import read_json, sha256_of
from bactofleet.core.samples import Sample, to_sample
from bactofleet.genome import download

Gather = Callable[..., Genome]


@pytest.fixture
def gather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gather:
    """Return a function that gathers one sample and gives back what there is of its genome."""
    image = tmp_path / "versions.json"
    image.write_text("{}")
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", image)

    def run(*, expect: int = 0, **row: Any) -> Genome:
        genome = Genome(tmp_path)
        sample = Sample("S1", **{"genome_size": 5000} | row)
        parameters = DOWNLOAD_PARAMETERS | genome.plan(sample)
        assert genome.run("download", download.run, parameters=parameters) == expect
        return genome

    return run


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """Return the files of a good pair."""
    r1, r2 = (
        write_reads(tmp_path / f"x_{mate}.fq.gz", make_reads(20, seed=mate, suffix=f"/{mate}"))
        for mate in (1, 2)
    )
    return str(r1), str(r2)


def reads_of(genome: Genome, name: str) -> bytes:
    return gzip.decompress((genome.folder("download") / f"reads/{name}.fastq.gz").read_bytes())


def meta_of(genome: Genome) -> dict[str, str]:
    table = genome.published("download", "main/gather/S1-meta.tsv").read_text()
    header, row = (line.split("\t") for line in table.splitlines())
    return dict(zip(header, row, strict=True))


def test_a_pair_is_copied_and_described_under_bactopias_names(
    gather: Gather, pair: tuple[str, str]
) -> None:
    genome = gather(r1=[pair[0]], r2=[pair[1]])

    folder = genome.folder("download")
    assert genome.record("download").excluded is None
    assert not (folder / "reads/S1_R1.fastq.gz").is_symlink()
    assert reads_of(genome, "S1_R1") == gzip.decompress(Path(pair[0]).read_bytes())
    scan = read_json(folder / "reads/S1_R2-original.json")
    assert scan["qc_stats"]["read_total"] == 20
    assert scan["qc_stats"]["coverage"] == pytest.approx(scan["qc_stats"]["total_bp"] / 5000)


def test_single_end_reads_are_named_so(gather: Gather, pair: tuple[str, str]) -> None:
    genome = gather(r1=[pair[0]])

    assert [path.name for path in (genome.folder("download") / "reads").glob("*.gz")] == [
        "S1_SE.fastq.gz"
    ]
    assert meta_of(genome)["runtype"] == "single-end"


def test_runs_are_joined_in_the_order_of_the_sheet(gather: Gather, tmp_path: Path) -> None:
    runs = [make_reads(10, seed=seed) for seed in (5, 3, 4)]
    paths = [write_reads(tmp_path / f"run{i}.fq.gz", run) for i, run in enumerate(runs)]

    genome = gather(r1=[str(path) for path in paths])

    assert reads_of(genome, "S1_SE") == b"".join(map(to_fastq, runs))


def test_mates_given_the_wrong_way_round_are_exchanged_and_it_is_said(
    gather: Gather, pair: tuple[str, str]
) -> None:
    genome = gather(r1=[pair[1]], r2=[pair[0]])

    stats = read_json(genome.folder("download") / "reads/S1_R1-original.json")
    assert reads_of(genome, "S1_R1").startswith(b"@r1/1\n")
    assert stats["qc_stats"]["total_bp"] == sum(len(r.bases) for r in make_reads(20, seed=1))
    assert "exchanged" in genome.record("download").input["note"]


def test_the_table_of_the_sample_has_bactopias_columns(
    gather: Gather, pair: tuple[str, str]
) -> None:
    genome = gather(r1=[pair[0]], r2=[pair[1]], species="Escherichia coli")

    assert meta_of(genome) == {
        "sample": "S1",
        "runtype": "paired-end",
        "original_runtype": "paired-end",
        "is_paired": "true",
        "is_compressed": "true",
        "species": "Escherichia coli",
        "genome_size": "5000",
    }


def cut_off(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    Path(pair[1]).write_bytes(Path(pair[1]).read_bytes()[:-10])
    return {"r1": [pair[0]], "r2": [pair[1]]}


def fewer_mates(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    write_reads(Path(pair[1]), make_reads(19, seed=2, suffix="/2"))
    return {"r1": [pair[0]], "r2": [pair[1]]}


def shuffled(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    write_reads(Path(pair[1]), reversed(make_reads(20, seed=2, suffix="/2")))
    return {"r1": [pair[0]], "r2": [pair[1]]}


def empty(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    return {"r1": [str(write_gzip(folder / "empty.fq.gz", b""))]}


def not_fastq(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    return {"r1": [str(write_gzip(folder / "x.fq.gz", b">contig\nACGT\n"))]}


def few(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    return {"r1": [str(write_reads(folder / "x.fq.gz", make_reads(9)))]}


def long(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    reads = make_reads(20, lengths=(2000, 9000))
    return {"r1": [str(write_reads(folder / "x.fq.gz", reads))]}


def of_ion_torrent(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    reads = [read._replace(name=f"1ABCD:00012:0{i:04}") for i, read in enumerate(make_reads(20))]
    return {"r1": [str(write_reads(folder / "x.fq.gz", reads))]}


def short(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    reads = [Read(f"r{i}", "A", "I") for i in range(20)]
    return {"r1": [str(write_reads(folder / "x.fq.gz", reads))]}


def lopsided(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    write_reads(Path(pair[1]), make_reads(20, lengths=(5, 5), suffix="/2"))
    return {"r1": [pair[0]], "r2": [pair[1]]}


def too_large(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    return {"r1": [pair[0]], "genome_size": 12_000_000}


def proteins(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    (folder / "x.faa").write_text(">a\nMKVLE\n")
    return {"assembly": str(folder / "x.faa")}


def bomb_of_reads(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    """100 kB that unpack to 30 MB, for a genome of at most 10 kb."""
    (folder / "x.fastq.gz").write_bytes(gzip.compress(b"@r\nACGT\n+\nIIII\n" * 2_000_000))
    return {"r1": [str(folder / "x.fastq.gz")]}


def bomb_of_an_assembly(folder: Path, pair: tuple[str, str]) -> dict[str, Any]:
    (folder / "x.fna.gz").write_bytes(gzip.compress(b">a\n" + b"A" * 40_000))
    return {"assembly": str(folder / "x.fna.gz")}


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (cut_off, "gzip"),
        (fewer_mates, "different-read-count"),
        (shuffled, "paired-end"),
        (empty, "empty"),
        (not_fastq, "fastq-format"),
        (long, "long-reads"),
        (of_ion_torrent, "ion-torrent"),
        (few, "low-read-count"),
        (short, "low-sequence-depth"),
        (lopsided, "low-basepair-proportion"),
        (too_large, "genome-size"),
        (proteins, "assembly"),
        (bomb_of_reads, "file-size"),
        (bomb_of_an_assembly, "file-size"),
    ],
)
def test_bad_data_exclude_the_genome_with_an_error_file_and_its_table(
    gather: Gather, tmp_path: Path, pair: tuple[str, str], make: Any, kind: str
) -> None:
    genome = gather(**make(tmp_path, pair))

    excluded = genome.record("download").excluded
    assert excluded
    assert (excluded["type"], excluded["stage"]) == (kind, "download")
    assert genome.published("download", f"main/gather/S1-{kind}-error.txt").is_file()
    assert meta_of(genome)["sample"] == "S1"


@pytest.mark.parametrize("name", ["x.fna", "x.fna.gz"])
def test_an_assembly_is_unpacked_and_measured(gather: Gather, tmp_path: Path, name: str) -> None:
    text = b">a\n" + (b"ACGT" * 15 + b"\n") * 33 + b"ACGT" * 5 + b"\n>b\nAC\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)

    genome = gather(assembly=str(path), genome_size=0)

    assert (genome.folder("download") / "assembly/S1.fna").read_bytes() == text
    assert genome.record("download").input["genome_size"] == 2002
    assert genome.record("download").input["genome_size_source"] == "assembly"


def package(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


NCBI = "GCF_000013425.1"
PLACE = f"/datasets/{NCBI}/download"
GENOMIC = f"ncbi_dataset/data/{NCBI}/{NCBI}_ASM1342v1_genomic.fna"


def test_an_assembly_of_ncbi_is_fetched_and_unpacked(gather: Gather, archive: Archive) -> None:
    fasta = b">a\n" + b"ACGT" * 500 + b"\n"
    content = package({"README.md": b"x", GENOMIC: fasta, "md5sum.txt": b"x"})
    archive.files[PLACE] = content

    genome = gather(assembly=to_sample("S1", {"assembly": NCBI}).assembly, genome_size=0)

    assert (genome.folder("download") / "assembly/S1.fna").read_bytes().count(b"ACGT") == 500
    origin = genome.record("download").input
    assert origin["sources"][0].endswith(f"/{NCBI}/download")
    assert origin["files"][0]["sha256"] == sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (package({"README.md": b"x"}), 1, f"NCBI has 0 files of sequences for {NCBI}"),
        (package({GENOMIC: b">a\n", f"x/y{GENOMIC}": b">b\n"}), 1, "NCBI has 2 files"),
        (package({GENOMIC: b">a\nACGT\n"})[:-20], 75, "is damaged"),
        (b"<html>", 75, "is damaged"),
        (None, 1, "correct the sample sheet"),
    ],
    # Packages have the time of their making in them, so their bytes cannot be names.
    ids=["no sequences", "two files of sequences", "cut off", "no package", "not found"],
)
def test_what_is_no_package_of_ncbi_fails(
    gather: Gather, archive: Archive, content: bytes | None, status: int, reason: str
) -> None:
    if content is not None:
        archive.files[PLACE] = content

    genome = gather(assembly=to_sample("S1", {"assembly": NCBI}).assembly, expect=status)

    assert reason in genome.failure()["message"]


def test_a_package_that_unpacks_to_more_than_a_genome_is_excluded(
    gather: Gather, archive: Archive
) -> None:
    archive.files[PLACE] = package({GENOMIC: b">a\n" + b"A" * 1_000_000})

    genome = gather(assembly=to_sample("S1", {"assembly": NCBI}).assembly)

    excluded = genome.record("download").excluded
    assert excluded
    assert (excluded["type"], NCBI in excluded["message"]) == ("file-size", True)


@pytest.mark.parametrize("end", [b">b\n", b">b", b">b\n>c\nACGT\n"])
def test_an_assembly_that_is_cut_off_behind_a_name_is_excluded(
    gather: Gather, tmp_path: Path, end: bytes
) -> None:
    path = tmp_path / "x.fna"
    path.write_bytes(b">a\n" + b"ACGT" * 500 + b"\n" + end)

    excluded = gather(assembly=str(path)).record("download").excluded

    assert excluded
    assert excluded["type"] == "assembly"
    assert "x.fna has no sequence below 'b'; is the file cut off?" in excluded["message"]


def test_files_named_by_urls_are_fetched_checked_and_described(
    gather: Gather, archive: Archive, pair: tuple[str, str]
) -> None:
    archive.files = {f"/r{i}": Path(path) for i, path in enumerate(pair, start=1)}
    r1, r2 = f"{archive.url}/r1?signature=secret", f"{archive.url}/r2"

    genome = gather(r1=[r1], r2=[r2])

    origin = genome.record("download").input
    assert reads_of(genome, "S1_R1") == gzip.decompress(Path(pair[0]).read_bytes())
    assert reads_of(genome, "S1_R2") == gzip.decompress(Path(pair[1]).read_bytes())
    assert origin["sources"] == [f"{archive.url}/r1", r2]
    assert [one["bytes"] for one in origin["files"]] == [Path(p).stat().st_size for p in pair]
    assert [one["sha256"] for one in origin["files"]] == [sha256_of(Path(p)) for p in pair]
    assert meta_of(genome)["runtype"] == "paired-end"


def test_files_of_the_machine_are_described_each_by_itself(gather: Gather, tmp_path: Path) -> None:
    runs = [write_reads(tmp_path / f"run{i}.fq.gz", make_reads(10, seed=i)) for i in range(2)]

    genome = gather(r1=[str(path) for path in runs])

    assert genome.record("download").input["files"] == [
        {"source": str(path), "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in runs
    ]


def test_an_assembly_of_the_machine_is_described_too(gather: Gather, tmp_path: Path) -> None:
    path = tmp_path / "x.fna.gz"
    path.write_bytes(gzip.compress(b">a\n" + b"ACGT" * 500 + b"\n"))

    genome = gather(assembly=str(path))

    (file,) = genome.record("download").input["files"]
    assert file["sha256"] == sha256_of(path)


def test_users_files_stay_as_they_are(gather: Gather, pair: tuple[str, str]) -> None:
    before = [sha256_of(Path(path)) for path in pair]

    gather(r1=list(pair))

    assert [sha256_of(Path(path)) for path in pair] == before


def test_an_assembly_named_by_a_url_is_fetched(gather: Gather, archive: Archive) -> None:
    text = b">a\n" + (b"ACGT" * 15 + b"\n") * 33
    archive.files = {"/x.fna": gzip.compress(text)}

    genome = gather(assembly=f"{archive.url}/x.fna")

    assert (genome.folder("download") / "assembly/S1.fna").read_bytes() == text


def test_a_url_of_an_endless_assembly_excludes_the_genome(gather: Gather, archive: Archive) -> None:
    archive.files = {"/x.fna": b">a\n"}
    archive.faults["/x.fna"] = [Fault.ENDLESS]

    excluded = gather(assembly=f"{archive.url}/x.fna").record("download").excluded

    assert excluded
    assert excluded["type"] == "file-size"
    assert "/x.fna has more than 40,000 bytes" in excluded["message"]


def test_a_url_that_leads_to_nothing_fails_the_genome_at_once(
    gather: Gather, archive: Archive
) -> None:
    genome = gather(expect=1, r1=[f"{archive.url}/gone.fq.gz"])

    assert genome.failure()["kind"] == "input"
    assert "correct the sample sheet" in genome.failure()["message"]


def test_a_file_that_has_vanished_since_the_check_may_be_tried_again(
    gather: Gather, tmp_path: Path
) -> None:
    genome = gather(expect=75, r1=[str(tmp_path / "gone.fq.gz")])

    assert genome.published("download", "main/gather/S1-meta.tsv").is_file()
