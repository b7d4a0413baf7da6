"""What a receipt tells is divided between a tarball and its object's metadata, and put together."""

import gzip
import io
import random
import tarfile
from pathlib import Path
from typing import Any

import pytest

from bactofleet.files import write_json
from bactofleet.receipt import (
    FILE,
    HEAD_BYTES,
    METADATA_BYTES,
    Receipt,
    rebuild,
    repeatable_part,
    to_metadata,
)
from bactofleet.tarball import write_tarball

URL = "s3://genomes/S1.tar.gz"


def make_receipt(runs: int = 1, **changed: Any) -> Receipt:
    files = [
        {
            "source": f"https://ftp.sra.ebi.ac.uk/SRR{i}.fastq.gz",
            "bytes": i,
            "md5": f"{i * 7919:032x}",
        }
        for i in range(runs)
    ]
    receipt = {
        "schema": 1,
        "sample": "S1",
        "status": "complete",
        "reason": None,
        "input": {"kind": "accession", "species": "Vibrio choleræ", "runs": files},
        "metrics": {"qc_original_read_total": 7},
        "stages": {"download": {"seconds": 9.55}},
        "versions": {"pigz": "2.8"},
        "parameters": {"coverage": 100},
        "fingerprint": {"parameters": "ab", "image": "cd"},
        "tarball": {"bytes": 12, "sha256": "ef"},
        "host": {"name": "ip-10-0-0-1", "cores": 4},
        "finished": "2026-11-22T23:00:00Z",
        "multiqc": {"prokka": {"text": "organism"}},
    }
    return receipt | changed


def write_genome(folder: Path, receipt: Receipt) -> bytes:
    """Return the first bytes of a tarball of this genome, which is larger than that."""
    write_json(folder / FILE, repeatable_part(receipt))
    (folder / "contigs").write_bytes(random.Random(1).randbytes(2 * HEAD_BYTES))
    files = {"S1/main/contigs": folder / "contigs", f"S1/{FILE}": folder / FILE}
    write_tarball(folder / "S1.tar.gz", files)
    content = (folder / "S1.tar.gz").read_bytes()
    assert len(content) > HEAD_BYTES
    return content[:HEAD_BYTES]


def test_head_and_metadata_together_are_the_receipt_with_keys_in_their_order(
    tmp_path: Path,
) -> None:
    receipt = make_receipt()

    found = rebuild("S1", URL, write_genome(tmp_path, receipt), to_metadata(receipt))

    receipt["tarball"]["path"] = URL
    assert found == receipt
    assert list(found) == list(receipt)


@pytest.mark.parametrize("runs", [1, 10, 500])
def test_metadata_are_ascii_and_never_larger_than_s3_takes(runs: int) -> None:
    metadata = to_metadata(make_receipt(runs))

    assert sum(len(f"x-amz-meta-{name}{text}") for name, text in metadata.items()) <= METADATA_BYTES
    assert all(text.isascii() for text in metadata.values())


def test_of_an_input_of_too_many_runs_the_parts_of_the_table_are_kept(tmp_path: Path) -> None:
    receipt = make_receipt(runs=500)

    found = rebuild("S1", URL, write_genome(tmp_path, receipt), to_metadata(receipt))

    assert found["input"] == {"kind": "accession", "species": "Vibrio choleræ"}
    assert found["stages"] == receipt["stages"]


@pytest.mark.parametrize("metadata", [{}, {"receipt": "no base64"}, {"receipt": "AAAA"}])
def test_metadata_that_are_no_receipt_are_told(tmp_path: Path, metadata: dict[str, str]) -> None:
    head = write_genome(tmp_path, make_receipt())

    with pytest.raises(ValueError, match="metadata"):
        rebuild("S1", URL, head, metadata)


def make_tarball(name: str, content: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"", "does not begin as a tarball"),
        (b"something else", "does not begin as a tarball"),
        (gzip.compress(b"no tarball"), "does not begin as a tarball"),
        (make_tarball("S1/main/x", b"{}"), "its first file is not S1/bactofleet.json"),
        (make_tarball("S1/bactofleet.json", b"", tarfile.SYMTYPE), "its first file is not"),
        (make_tarball("S1/bactofleet.json", b"{}"), "its receipt has no schema, sample"),
        (make_tarball("S1/bactofleet.json", b"[1]"), "does not begin as a tarball"),
        (make_tarball("S1/bactofleet.json", b"{"), "Expecting property name"),
    ],
)
def test_a_tarball_without_a_receipt_is_told(head: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        rebuild("S1", URL, head, to_metadata(make_receipt()))


def test_the_receipt_of_another_sample_is_refused(tmp_path: Path) -> None:
    receipt = make_receipt(sample="S2")
    head = write_genome(tmp_path, receipt)

    with pytest.raises(ValueError, match="belongs to another sample, 'S2'"):
        rebuild("S1", URL, head, to_metadata(receipt))
