"""What a receipt tells is divided between a tarball and its object's metadata, and put together."""

import gzip
import io
import random
import tarfile
from pathlib import Path
from typing import Any

import pytest
from support.tarballs import pack

from bactofleet.core.files import write_json
from bactofleet.core.identity import identify
from bactofleet.core.samples import Sample
from bactofleet.genome.tarball import write_tarball
from bactofleet.records.portable import (
    FILE,
    HEAD_BYTES,
    METADATA_BYTES,
    Fields,
    _pack,
    _unpack,
    rebuild,
    repeatable_part,
    to_metadata,
)
from bactofleet.records.receipt import check_fields

URL = "s3://genomes/S1.tar.gz"


def make_receipt(runs: int = 1, **changed: Any) -> Fields:
    rng = random.Random(runs)
    made = [make_run(rng) for _ in range(runs)]
    sample = Sample(
        "S1",
        accession="SRX1",
        runs=[run["run"] for run in made],
        fastq_md5=[file["md5"] for run in made for file in run["files"]],
    )
    receipt = {
        "schema": 1,
        "sample": "S1",
        "status": "complete",
        "reason": None,
        "input": {
            "kind": "accession",
            "sources": ["SRX1"],
            "species": "Vibrio choleræ",
            "runs": made,
        },
        "metrics": {"qc_original_read_total": 7},
        "stages": {"download": {"seconds": 9.55}},
        "versions": {"pigz": "2.8"},
        "parameters": {"coverage": 100},
        "fingerprint": {"parameters": "ab", "image": "cd"},
        "identity": identify(sample, "ab", "cd").to_json(),
        "tarball": {"bytes": 12, "sha256": "ef"},
        "image": {"name": "bactofleet:latest", "id": f"sha256:{rng.randbytes(32).hex()}"},
        "host": {"name": "ip-10-0-0-1", "cores": 4},
        "finished": "2026-11-22T23:00:00Z",
    }
    return receipt | changed


def make_run(rng: random.Random) -> dict[str, Any]:
    """Return what a receipt says of a run of two files from ENA."""
    run = f"SRR{rng.randrange(10**7, 10**8)}"
    files = [
        {
            "source": f"https://ftp.sra.ebi.ac.uk/vol1/fastq/{run[:6]}/{run}/{run}_{mate}.fastq.gz",
            "bytes": rng.randrange(10**9),
            "md5": rng.randbytes(16).hex(),
            "sha256": rng.randbytes(32).hex(),
        }
        for mate in (1, 2)
    ]
    return {"run": run, "provider": "ena", "layout": "paired", "files": files}


def write_genome(folder: Path, receipt: Fields) -> bytes:
    """Return the first bytes of a tarball of this genome, which is larger than that."""
    write_json(folder / FILE, repeatable_part(receipt) | {"multiqc": {"prokka": "organism"}})
    (folder / "contigs").write_bytes(random.Random(1).randbytes(2 * HEAD_BYTES))
    files = {"S1/main/contigs": folder / "contigs", f"S1/{FILE}": folder / FILE}
    write_tarball(folder / "S1.tar.gz", files)
    content = (folder / "S1.tar.gz").read_bytes()
    assert len(content) > HEAD_BYTES
    return content[:HEAD_BYTES]


@pytest.mark.parametrize("runs", [1, 4])
def test_head_and_metadata_together_are_the_receipt_with_keys_in_their_order(
    tmp_path: Path, runs: int
) -> None:
    receipt = make_receipt(runs)

    found = rebuild("S1", URL, write_genome(tmp_path, receipt), to_metadata(receipt))

    receipt["tarball"]["path"] = URL
    assert found == receipt
    assert list(found) == list(receipt)


@pytest.mark.parametrize("runs", [1, 10, 500])
def test_metadata_are_ascii_and_never_larger_than_s3_takes(runs: int) -> None:
    metadata = to_metadata(make_receipt(runs))

    assert sum(len(f"x-amz-meta-{name}{text}") for name, text in metadata.items()) <= METADATA_BYTES
    assert all(text.isascii() for text in metadata.values())


def test_what_many_runs_were_made_of_is_reported_but_for_the_runs(tmp_path: Path) -> None:
    receipt = make_receipt(runs=8)

    found = rebuild("S1", URL, write_genome(tmp_path, receipt), to_metadata(receipt))

    assert found["identity"] == receipt["identity"] | {"runs": [], "md5": []}


def test_a_receipt_of_a_time_without_identities_is_whole(tmp_path: Path) -> None:
    receipt = make_receipt()
    metadata = to_metadata(receipt)
    old = _unpack(metadata["receipt"])
    del old["identity"]

    found = rebuild("S1", URL, write_genome(tmp_path, receipt), {"receipt": _pack(old)})

    assert "identity" not in found
    check_fields(found)


def test_of_an_input_of_many_runs_the_checksum_of_the_archive_is_kept(tmp_path: Path) -> None:
    receipt = make_receipt(runs=8)

    found = rebuild("S1", URL, write_genome(tmp_path, receipt), to_metadata(receipt))

    files = [file for run in found["input"]["runs"] for file in run["files"]]
    assert len(files) == 16
    assert {tuple(file) for file in files} == {("source", "bytes", "md5")}


def test_where_the_archive_gave_no_checksum_our_own_is_kept(tmp_path: Path) -> None:
    receipt = make_receipt(runs=8)
    del receipt["input"]["runs"][0]["files"][0]["md5"]

    found = rebuild("S1", URL, write_genome(tmp_path, receipt), to_metadata(receipt))

    assert set(found["input"]["runs"][0]["files"][0]) == {"source", "bytes", "sha256"}


def test_of_an_input_of_too_many_runs_all_but_the_files_is_kept(tmp_path: Path) -> None:
    receipt = make_receipt(runs=500)

    found = rebuild("S1", URL, write_genome(tmp_path, receipt), to_metadata(receipt))

    assert found["input"] == {
        "kind": "accession",
        "sources": ["SRX1"],
        "species": "Vibrio choleræ",
    }
    assert found["stages"] == receipt["stages"]


def test_of_an_input_of_too_many_paths_the_parts_of_the_table_are_kept(tmp_path: Path) -> None:
    receipt = make_receipt()
    paths = [f"/data/{random.Random(i).getrandbits(64)}.fastq.gz" for i in range(500)]
    receipt["input"] |= {"sources": paths}

    found = rebuild("S1", URL, write_genome(tmp_path, receipt), to_metadata(receipt))

    assert found["input"] == {"kind": "accession", "species": "Vibrio choleræ"}


@pytest.mark.parametrize("metadata", [{}, {"receipt": "no base64"}, {"receipt": "AAAA"}])
def test_metadata_that_are_no_receipt_are_reported(
    tmp_path: Path, metadata: dict[str, str]
) -> None:
    head = write_genome(tmp_path, make_receipt())

    with pytest.raises(ValueError, match="metadata"):
        rebuild("S1", URL, head, metadata)


def make_sparse_tarball() -> bytes:
    """A first file of 100 MB, almost all of it a hole, which takes no bytes in the tarball."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("S1/bactofleet.json")
        member.size = 2
        member.pax_headers = {"GNU.sparse.map": "0,2", "GNU.sparse.size": "100000000"}
        tar.addfile(member, io.BytesIO(b"{}"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"", "does not begin as a tarball"),
        (b"something else", "does not begin as a tarball"),
        (gzip.compress(b"no tarball", mtime=0), "does not begin as a tarball"),
        (pack({"S1/main/x": b"{}"}), "its first file is not S1/bactofleet.json"),
        (pack({"S1/bactofleet.json": b""}, tarfile.SYMTYPE), "its first file is not"),
        (pack({"S1/bactofleet.json": b"{}"}), "its receipt has no schema, sample"),
        (pack({"S1/bactofleet.json": b"[1]"}), "does not begin as a tarball"),
        (pack({"S1/bactofleet.json": b"{"}), "Expecting property name"),
        (make_sparse_tarball(), "its first file has holes"),
    ],
    ids=[
        *("empty", "text", "gzip of text", "other first file", "link", "empty receipt"),
        *("a list", "cut off", "sparse"),
    ],
)
def test_a_tarball_without_a_receipt_is_reported(head: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        rebuild("S1", URL, head, to_metadata(make_receipt()))


def test_the_receipt_of_another_sample_is_refused(tmp_path: Path) -> None:
    receipt = make_receipt(sample="S2")
    head = write_genome(tmp_path, receipt)

    with pytest.raises(ValueError, match="belongs to another sample, 'S2'"):
        rebuild("S1", URL, head, to_metadata(receipt))
