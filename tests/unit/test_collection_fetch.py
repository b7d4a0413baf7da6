"""`bactofleet fetch`: chosen genomes come once, verified, or not at all."""

import hashlib
import io
import shutil
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ReadTimeoutError
from support.cohorts import PREFIX, Cohort
from support.tarballs import HOSTILE, pack

from bactofleet.archives import retry
from bactofleet.core.files import write_json
from bactofleet.transfer import fetch
from snakemake_executor_plugin_aws_batch_array import gunzip


@pytest.fixture
def whole(cohort: Cohort) -> Cohort:
    """A cohort of two species."""
    cohort.publish("S1", "Staphylococcus aureus")
    cohort.publish("S2", "Staphylococcus aureus")
    cohort.publish("E1", "Escherichia coli")
    return cohort


def files_in(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )


def count_requests(cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which names are added as tarballs are asked for."""
    asked: list[str] = []
    ask = fetch.Bucket.open

    def remember(bucket: Any, name: str, first_bytes: int | None = None) -> Any:
        asked.append(name)
        return ask(bucket, name, first_bytes)

    monkeypatch.setattr(fetch.Bucket, "open", remember)
    return asked


def replace_tarball(cohort: Cohort, content: bytes) -> None:
    """Put another tarball of S1 there, and say so in the receipt."""
    cohort.put("S1.tar.gz", content)
    receipt = cohort.receipt("S1")
    receipt["tarball"] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    write_json(cohort.receipts / "S1.json", receipt)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["S1"], ["S1"]),
        (["--species", "Staphylococcus aureus"], ["S1", "S2"]),
        (["--status", "complete"], ["E1", "S1", "S2"]),
        (["S2", "E1", "--species", "Escherichia coli"], ["E1"]),
        (["--names", "wanted.txt", "S1"], ["E1", "S1"]),
    ],
)
def test_the_chosen_genomes_come_and_no_others(
    whole: Cohort, options: list[str], expected: list[str]
) -> None:
    (whole.folder / "wanted.txt").write_text("E1\n\n")

    assert whole.call("fetch", *options) == 0

    assert files_in(Path("fetched")) == [f"{sample}.tar.gz" for sample in expected]
    assert Path(f"fetched/{expected[0]}.tar.gz").read_bytes() == whole.get(f"{expected[0]}.tar.gz")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "choose genomes: by names"),
        (["S1", "S8", "../S9"], "2 of 3 names have no receipt in results: 'S8', '../S9'"),
        (["--names", "nothing.txt"], "nothing.txt cannot be read"),
        (["--status", "excluded"], "none of 3 receipts"),
    ],
)
def test_a_choice_of_nothing_is_refused_with_what_to_do(
    whole: Cohort, capsys: pytest.CaptureFixture[str], options: list[str], problem: str
) -> None:
    assert whole.call("fetch", *options) == 1
    assert problem in capsys.readouterr().err


def test_a_dry_run_says_how_many_bytes_would_come_and_writes_nothing(
    whole: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    size = sum(whole.receipt(sample)["tarball"]["bytes"] for sample in ("S1", "S2"))

    assert whole.call("fetch", "S1", "S2", "--dry-run") == 0

    assert f"2 tarballs, {size:,} bytes, come from" in capsys.readouterr().out
    assert not Path("fetched").exists()


def test_what_is_there_already_does_not_come_again(
    whole: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole.call("fetch", "S1")
    asked = count_requests(whole, monkeypatch)

    assert whole.call("fetch", "S1", "S2") == 0

    assert asked == ["S2.tar.gz"]


def test_a_tarball_that_was_damaged_here_comes_again(whole: Cohort) -> None:
    whole.call("fetch", "S1")
    Path("fetched/S1.tar.gz").write_bytes(b"x" * whole.receipt("S1")["tarball"]["bytes"])

    assert whole.call("fetch", "S1") == 0

    assert Path("fetched/S1.tar.gz").read_bytes() == whole.get("S1.tar.gz")


def test_a_tarball_that_differs_from_its_receipt_is_not_kept_and_the_others_come(
    whole: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    whole.put("S1.tar.gz", b"x" * whole.receipt("S1")["tarball"]["bytes"])
    whole.put("S2.tar.gz", b"short")

    assert whole.call("fetch", "S1", "S2", "E1") == 1

    said = capsys.readouterr().err
    assert "S1.tar.gz has the SHA-256" in said
    assert "S2.tar.gz has 5 bytes, its receipt says" in said
    assert "2 genomes were not fetched" in said
    assert sorted(path.name for path in Path("fetched").iterdir()) == [".lock", "E1.tar.gz"]


def test_a_missing_tarball_is_named(whole: Cohort, capsys: pytest.CaptureFixture[str]) -> None:
    whole.delete("S1.tar.gz")

    assert whole.call("fetch", "S1") == 1
    assert f"{PREFIX}/S1.tar.gz: S3 answers NoSuchKey" in capsys.readouterr().err


def test_a_transfer_that_breaks_off_is_begun_anew(
    whole: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(body: Any, target: Path) -> str:
        monkeypatch.setattr(fetch, "_write", write)
        target.write_bytes(body.read(10))
        raise ReadTimeoutError(endpoint_url="s3")

    write = fetch._write
    monkeypatch.setattr(fetch, "_write", break_off)
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.001)

    assert whole.call("fetch", "S1") == 0

    assert Path("fetched/S1.tar.gz").read_bytes() == whole.get("S1.tar.gz")


def test_only_files_that_match_a_pattern_are_unpacked_and_no_tarball_is_kept(
    whole: Cohort,
) -> None:
    assert whole.call("fetch", "S1", "E1", "--only", "*.gff.gz", "--into", "genes") == 0

    assert files_in(Path("genes")) == [
        "E1/main/gather/E1.gff.gz",
        "S1/main/gather/S1.gff.gz",
    ]
    assert Path("genes/S1/main/gather/S1.gff.gz").read_text() == "genes of S1"


def test_files_of_a_genome_that_are_there_do_not_come_again(
    whole: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole.call("fetch", "S1", "--only", "*.gff.gz", "--only", "*.tsv")
    asked = count_requests(whole, monkeypatch)

    assert whole.call("fetch", "S1", "--only", "*.tsv", "--only", "*.gff.gz") == 0

    assert asked == []


def test_files_of_a_genome_that_was_made_anew_replace_those_of_before(whole: Cohort) -> None:
    whole.call("fetch", "S1", "--only", "*.gff.gz")
    replace_tarball(whole, pack({"S1/new.gff.gz": b"new"}))

    assert whole.call("fetch", "S1", "--only", "*.gff.gz") == 0

    assert files_in(Path("fetched")) == ["S1/new.gff.gz"]


def test_a_folder_with_other_files_of_a_genome_is_left_alone(
    whole: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    whole.call("fetch", "S1", "--only", "*.gff.gz")

    assert whole.call("fetch", "S1", "--only", "*.tsv") == 1

    assert "choose another folder with --into" in capsys.readouterr().err
    assert files_in(Path("fetched")) == ["S1/main/gather/S1.gff.gz"]


@pytest.mark.parametrize("content", HOSTILE)
def test_nothing_of_a_hostile_tarball_is_kept(
    whole: Cohort, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    replace_tarball(whole, content)

    assert whole.call("fetch", "S1", "--only", "*") == 1

    assert "S1: its tarball" in capsys.readouterr().err
    assert not list(whole.folder.rglob("*evil*"))
    assert [path.name for path in Path("fetched").iterdir()] == [".lock"]


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_without_room_is_reported_before_anything_comes(
    whole: Cohort, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 9, 1))
    asked = count_requests(whole, monkeypatch)

    assert whole.call("fetch", "S1") == 1

    assert "fetched has 0.0 GB free" in capsys.readouterr().err
    assert asked == []


def test_a_disk_that_fills_up_meanwhile_is_reported_and_leaves_no_half_of_a_tarball(
    whole: Cohort, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(body: Any, target: Path) -> str:
        target.write_bytes(body.read(10))
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(fetch, "_write", fill)

    assert whole.call("fetch", "S1") == 1

    assert "the disk is full at fetched/" in capsys.readouterr().err
    assert [path.name for path in Path("fetched").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    "names",
    [["S1/" + "a" * 300], ["S1/a", "S1/a/b"], ["S1/a/b", "S1/a"], ["S1"]],
    ids=["a long name", "a file as a folder", "a folder as a file", "the genome's folder"],
)
def test_a_tarball_with_names_that_no_folder_takes_is_one_genomes_trouble(
    whole: Cohort, capsys: pytest.CaptureFixture[str], names: list[str]
) -> None:
    replace_tarball(whole, pack(dict.fromkeys(names, b"x")))

    assert whole.call("fetch", "S1", "E1", "--only", "*") == 1

    assert "S1: its tarball cannot be unpacked" in capsys.readouterr().err
    assert sorted(path.name for path in Path("fetched").iterdir()) == [".lock", "E1"]


def pack_long_header() -> bytes:
    """A tarball whose first header takes 50 MB of memory and 50 kB of the tarball."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("S1/a")
        member.pax_headers = {"comment": "a" * 50_000_000}
        tar.addfile(member)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content", [pack({"S1/a": bytes(50_000_000)}), pack_long_header()], ids=["a file", "a header"]
)
def test_a_small_tarball_that_unpacks_to_a_full_disk_is_one_genomes_trouble(
    whole: Cohort,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
) -> None:
    monkeypatch.setattr(gunzip, "ALWAYS_ALLOWED_BYTES", 1_000_000)
    replace_tarball(whole, content)

    assert whole.call("fetch", "S1", "E1", "--only", "*") == 1

    assert "bytes unpack to more than" in capsys.readouterr().err
    assert sorted(path.name for path in Path("fetched").iterdir()) == [".lock", "E1"]


def test_an_answer_without_a_length_is_one_genomes_trouble(
    whole: Cohort, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = fetch.Bucket.open

    def answer(bucket: Any, name: str, first_bytes: int | None = None) -> Any:
        reply = ask(bucket, name, first_bytes)
        if name == "S1.tar.gz":
            del reply["ContentLength"]
        return reply

    monkeypatch.setattr(fetch.Bucket, "open", answer)

    assert whole.call("fetch", "S1", "E1") == 1

    assert "S1.tar.gz has an unknown number of bytes" in capsys.readouterr().err
    assert files_in(Path("fetched")) == ["E1.tar.gz"]
