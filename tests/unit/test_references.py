"""References that options name by address: fetched once for the genomes that share a folder."""

import errno
import fcntl
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.archive_server import Archive
from support.stages import DOWNLOAD_PARAMETERS, Genome
from support.tarballs import pack

from bactofleet.core import versions
from bactofleet.core.references import local_place
from bactofleet.core.samples import Sample
from bactofleet.genome import download
from bactofleet.genome.references import fetch_reference
from bactofleet.genome.stage import Stage

SCHEME = {"toy/toy.txt": b"ST\tadk\n1\t1\n", "toy/adk.tfa": b">adk_1\nACGT\n"}
SKETCH = {"x/r.msh": b"sketch", "x/r.tsv": b"genome\tspecies\tlength\nA\tB c\t1000\n"}


@pytest.fixture
def address_of(archive: Archive) -> Any:
    """Return a function that puts content on a server and returns its address."""

    def put(name: str, content: bytes) -> str:
        archive.files[f"/{name}"] = content
        return f"{archive.url}/{name}#sha256={hashlib.sha256(content).hexdigest()}"

    return put


@pytest.fixture
def gather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that downloads a sample of one folder, and says how that ended."""
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", tmp_path / "versions.json")
    (tmp_path / "versions.json").write_text("{}")
    (tmp_path / "a.fna").write_bytes(b">a\n" + b"ACGT" * 500 + b"\n")

    def run(sample: str = "S1", **references: str) -> tuple[int, Genome]:
        genome = Genome(tmp_path, sample)
        row = Sample(sample, assembly=str(tmp_path / "a.fna"))
        options = DOWNLOAD_PARAMETERS | genome.plan(row) | {"references": references}
        return genome.run("download", download.run, parameters=options), genome

    return run


def test_references_are_fetched_once_for_all_genomes_of_a_folder(
    gather: Any, address_of: Any, archive: Archive, tmp_path: Path
) -> None:
    schemes = address_of("schemes.tar.gz", pack(SCHEME))
    sketch = address_of("refs.tgz", pack(SKETCH))
    proteins = address_of("mine.faa", b">a\nMKVL\n")
    named = {"mlst_schemes": schemes, "species_references": sketch, "proteins": proteins}

    assert [gather(sample, **named)[0] for sample in ("S1", "S2")] == [0, 0]

    scratch = tmp_path / "scratch"
    assert (local_place(schemes, scratch) / "toy/adk.tfa").read_bytes() == SCHEME["toy/adk.tfa"]
    assert (local_place(sketch, scratch) / "x/r.msh").read_bytes() == b"sketch"
    assert local_place(proteins, scratch).read_bytes() == b">a\nMKVL\n"
    assert sorted(request.path for request in archive.requests) == [
        *("/mine.faa", "/refs.tgz", "/schemes.tar.gz")
    ]


def test_genomes_that_begin_together_wait_for_the_one_that_fetches(
    address_of: Any, archive: Archive, tmp_path: Path
) -> None:
    address = address_of("schemes.tar.gz", pack(SCHEME))

    def make(sample: str) -> int:
        return Genome(tmp_path, sample).run(
            "download", lambda stage: fetch_reference(stage, "mlst_schemes", address)
        )

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(make, ("S1", "S2", "S3", "S4")))

    assert statuses == [0] * 4
    assert [request.path for request in archive.requests] == ["/schemes.tar.gz"]


def test_an_archive_may_hold_the_folder_itself(
    gather: Any, address_of: Any, tmp_path: Path
) -> None:
    packed = pack({f"schemes/{name}": SCHEME[name] for name in SCHEME} | {"._schemes": b"Mac OS X"})
    address = address_of("schemes.tar.gz", packed)

    assert gather(mlst_schemes=address)[0] == 0

    place = local_place(address, tmp_path / "scratch")
    assert (place / "toy/adk.tfa").read_bytes() == SCHEME["toy/adk.tfa"]


def test_what_macos_packs_beside_a_sketch_is_no_sketch(gather: Any, address_of: Any) -> None:
    packed = pack(SKETCH | {"x/._r.msh": b"Mac OS X"})

    assert gather(species_references=address_of("refs.tgz", packed))[0] == 0


def test_who_cleans_up_too_much_is_told_how_to_fetch_a_reference_again(
    address_of: Any, tmp_path: Path
) -> None:
    address, genome = address_of("schemes.tar.gz", pack(SCHEME)), Genome(tmp_path)

    def use(stage: Stage) -> None:
        stage.find_reference("mlst_schemes")

    status = genome.run("typing", use, parameters={"mlst_schemes": address})

    assert status == 1
    message = genome.failure()["message"]
    assert str(local_place(address, tmp_path / "scratch")) in message
    assert f"remove {tmp_path / 'scratch/S1'} too" in message


def test_nobody_waits_where_the_file_system_has_no_locks(
    address_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", refuse)
    address = address_of("schemes.tar.gz", pack(SCHEME))

    def make(sample: str) -> int:
        return Genome(tmp_path, sample).run(
            "download", lambda stage: fetch_reference(stage, "mlst_schemes", address)
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(make, ("S1", "S2", "S3", "S4"))) == [0] * 4

    place = local_place(address, tmp_path / "scratch")
    assert (place / "toy/adk.tfa").read_bytes() == SCHEME["toy/adk.tfa"]
    assert sorted(place.parent.iterdir()) == [place, place.with_suffix(".lock")]


@pytest.mark.parametrize("proteins", ["mine.faa", "killed.faa"])
def test_a_reference_is_never_renamed_from_one_mount_to_another(
    gather: Any, address_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proteins: str
) -> None:
    """In a container the genome's folder and that of references are mounts of their own."""
    rename = Path.rename
    mounts = [tmp_path / "scratch" / name for name in (".references", "S1")]

    def rename_within_mount(source: Path, target: Path) -> Path:
        if any(source.is_relative_to(one) != target.is_relative_to(one) for one in mounts):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", rename_within_mount)
    address = address_of(proteins, b">a\nMKVL\n")
    place = local_place(address, tmp_path / "scratch")
    if proteins == "killed.faa":
        (half := place.with_name(f"{place.name}.S1")).mkdir(parents=True)
        (half / "reference").write_bytes(b">a")

    status, _ = gather(proteins=address)

    assert status == 0
    assert place.read_bytes() == b">a\nMKVL\n"
    assert sorted(place.parent.iterdir()) == [place, place.with_suffix(".lock")]


@pytest.mark.parametrize(
    ("option", "name", "content", "reason"),
    [
        ("mlst_schemes", "s.tgz", b"no archive", "cannot be unpacked"),
        ("mlst_schemes", "s.tgz", pack({"x.txt": b""}), "has no scheme"),
        ("mlst_schemes", "s.tgz", pack({"../x.txt": b""}), "cannot be unpacked"),
        ("mlst_schemes", "s.tgz", pack(SCHEME)[:-40], "cannot be unpacked"),
        ("species_references", "s.tgz", pack(SCHEME), "it has 0 sketches (.msh), not one"),
        ("species_references", "s.tgz", pack({"r.msh": b""}), "the table of its sketch (.tsv)"),
        ("amrfinder", "s.tgz", pack(SCHEME), "is no program"),
        ("proteins", "p.faa", b">a\nACGT\n", "holds nucleotides"),
    ],
    # Archives have the time of their making in them, so their bytes cannot be names.
    ids=[
        "no archive",
        "no scheme",
        "a file outside",
        "cut off",
        "no sketch",
        "no table",
        "no program",
        "no proteins",
    ],
)
def test_what_is_no_such_reference_fails_before_the_genome_is_made(
    gather: Any, address_of: Any, option: str, name: str, content: bytes, reason: str
) -> None:
    status, genome = gather(**{option: address_of(name, content)})

    assert status == 1
    assert reason in genome.failure()["message"]
    assert not list((genome.root / "scratch").glob(".references/*[0-9a-f]"))


def test_other_content_than_the_checksum_says_is_refused(
    gather: Any, address_of: Any, archive: Archive
) -> None:
    address = address_of("schemes.tar.gz", pack(SCHEME))
    archive.files["/schemes.tar.gz"] = pack(SCHEME | {"toy/adk.tfa": b">adk_1\nAAAA\n"})

    status, genome = gather(mlst_schemes=address)

    assert status == 1
    assert "has the SHA-256" in genome.failure()["message"]


def test_a_reference_that_does_not_exist_is_looked_for_in_the_configuration(
    gather: Any, archive: Archive
) -> None:
    status, genome = gather(proteins=f"{archive.url}/none.faa#sha256={'0' * 64}")

    assert status == 1
    assert "correct config/config.yaml" in genome.failure()["message"]
