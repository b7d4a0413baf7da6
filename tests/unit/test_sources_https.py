"""Files over HTTPS: whole and right in the end, whatever happens on the way, or a reason why."""

import hashlib
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.archive_server import Archive, Fault

from bactofleet.archives import disk, https, retry, web
from bactofleet.archives.files import fetch
from bactofleet.archives.retry import Denied, NotFound, Throttled, Unavailable, Unreachable
from bactofleet.core.errors import ConfigurationError, MissingInput, TemporaryFailure, TooLarge
from bactofleet.core.files import CHUNK_BYTES

DATA = random.Random(1).randbytes(3_000_000)
MD5 = hashlib.md5(DATA).hexdigest()  # noqa: S324
SHA256 = hashlib.sha256(DATA).hexdigest()
PATH = "/reads/a.fastq.gz"


@pytest.fixture(autouse=True)
def file(archive: Archive) -> None:
    """Put one file into the archive."""
    archive.files = {PATH: DATA}


@pytest.fixture
def said() -> list[str]:
    """Return the lines that go into the stage's log."""
    return []


def download(archive: Archive, folder: Path, said: list[str], **known: Any) -> https.Fetched:
    expected: dict[str, Any] = {"size": len(DATA), "md5": MD5}
    return https.download(archive.url + PATH, folder / "a", said.append, **expected | known)


def test_a_file_is_brought_here_in_one_request(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    fetched = download(archive, tmp_path, said)

    assert (tmp_path / "a").read_bytes() == DATA
    assert fetched.describe() == {
        "source": archive.url + PATH,
        "bytes": len(DATA),
        "md5": MD5,
        "sha256": SHA256,
    }
    assert [request.range for request in archive.requests] == [None]
    assert said == []


def test_a_length_that_is_no_number_is_ignored(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    archive.faults[PATH] = [Fault.NO_NUMBER]

    assert download(archive, tmp_path, said).sha256 == SHA256
    assert said == []


@pytest.mark.parametrize("fault", list(Fault)[:7])
def test_a_temporary_fault_is_overcome(
    archive: Archive, tmp_path: Path, said: list[str], fault: Fault
) -> None:
    archive.faults[PATH] = [Fault.RESET, fault]

    download(archive, tmp_path, said)

    assert (tmp_path / "a").read_bytes() == DATA


def test_a_reset_transfer_goes_on_where_it_broke_off(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    archive.faults[PATH] = [Fault.RESET, Fault.RESET]

    fetched = download(archive, tmp_path, said)

    assert fetched.sha256 == SHA256
    first, second, third = (request.range for request in archive.requests)
    assert first is None
    assert second is not None and 0 < int(second[6:-1]) <= len(DATA) // 2
    assert third is not None and int(third[6:-1]) > int(second[6:-1])
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_transfer_starts_over_where_the_file_has_changed_meanwhile(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    archive.faults[PATH] = [Fault.RESET]
    new = DATA[::-1]

    def change(line: str) -> None:
        archive.files[PATH] = new

    https.download(archive.url + PATH, tmp_path / "a", change)

    assert (tmp_path / "a").read_bytes() == new


def test_a_connection_that_is_too_slow_is_given_up_and_what_came_is_kept(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.faults[PATH] = [Fault.SLOW]
    monkeypatch.setattr(https, "PATIENCE_S", 0.05)
    monkeypatch.setattr(https, "SLOWEST_BYTES_S", 1e9)
    transfer = https._Transfer(archive.url + PATH, tmp_path / "a", len(DATA), MD5)

    with pytest.raises(TemporaryFailure, match="kB/s only"):
        transfer.go_on()

    assert 0 < transfer.written < len(DATA)


def test_a_wrong_checksum_means_all_of_the_file_again(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    archive.faults[PATH] = [Fault.WRONG]

    download(archive, tmp_path, said)

    assert [request.range for request in archive.requests] == [None, None]
    assert f"not {MD5}" in said[0]


@pytest.mark.parametrize(
    ("known", "problem"),
    [
        ({"md5": "0" * 32}, "has the MD5"),
        (
            {"size": len(DATA) - 1, "md5": ""},
            f"has {len(DATA):,} or more bytes, not {len(DATA) - 1:,}",
        ),
        ({"size": len(DATA) + 1, "md5": ""}, "answers 416"),
    ],
)
def test_a_file_that_stays_wrong_is_a_temporary_failure(
    archive: Archive, tmp_path: Path, said: list[str], known: dict[str, object], problem: str
) -> None:
    with pytest.raises(TemporaryFailure, match=problem):
        download(archive, tmp_path, said, **known)

    assert len(said) == retry.ATTEMPTS - 1


@pytest.mark.parametrize(
    ("fault", "limit"),
    [(Fault.ENDLESS, 4_000_000), (None, len(DATA) - 1)],
    ids=["not", "announced"],
)
def test_a_file_of_more_bytes_than_a_genome_takes_is_not_brought_here(
    archive: Archive, tmp_path: Path, said: list[str], fault: Fault | None, limit: int
) -> None:
    archive.faults[PATH] = [fault] if fault else []

    with pytest.raises(TooLarge, match=rf"{PATH} has more than {limit:,} bytes") as caught:
        fetch(archive.url + PATH, tmp_path / "a", said.append, limit)

    assert caught.value.kind == "file-size"
    assert len(archive.requests) == 1
    written = (tmp_path / "a").stat().st_size if fault else 0
    assert written <= limit + CHUNK_BYTES
    assert (tmp_path / "a").exists() is bool(fault)


def test_more_bytes_than_the_archive_has_announced_are_not_brought_here(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    archive.faults[PATH] = [Fault.ENDLESS]

    download(archive, tmp_path, said)

    assert "or more bytes, not 3,000,000" in said[0]
    assert (tmp_path / "a").read_bytes() == DATA


def test_an_answer_without_an_end_is_no_answer(
    archive: Archive, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.faults[PATH] = [Fault.ENDLESS]
    monkeypatch.setattr(web, "MAX_ANSWER_BYTES", 1_000_000)

    with pytest.raises(Unavailable, match="answers with more than 1,000,000 bytes"):
        web.Client(said.append).ask(archive.url + PATH)


@pytest.mark.parametrize(
    ("status", "expected"), [(Fault.DENIED, Denied), (Fault.ELSEWHERE, NotFound)]
)
def test_what_no_attempt_changes_is_not_tried_again(
    archive: Archive, tmp_path: Path, said: list[str], status: Fault, expected: type[Exception]
) -> None:
    archive.faults[PATH] = [status]

    with pytest.raises(expected):
        download(archive, tmp_path, said)

    assert len(archive.requests) == 1


def test_a_file_that_is_not_there_is_not_asked_for_again(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    archive.files.clear()

    with pytest.raises(NotFound, match="answers 404"):
        download(archive, tmp_path, said)

    assert len(archive.requests) == 1


def test_a_server_is_given_the_time_that_it_asks_for(
    archive: Archive, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.faults[PATH] = [Fault.TOO_MANY]
    archive.retry_after = "7"
    slept: list[float] = []
    monkeypatch.setattr(retry.time, "sleep", slept.append)

    download(archive, tmp_path, said)

    assert slept == [pytest.approx(7, abs=0.01)]
    assert "answers 429" in said[0]


def test_a_server_that_asks_for_an_hour_is_left_for_the_next_source(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    archive.faults[PATH] = [Fault.TOO_MANY]
    archive.retry_after = "3600"

    with pytest.raises(Throttled):
        download(archive, tmp_path, said)

    assert len(archive.requests) == 1


def test_a_date_to_come_back_at_is_understood() -> None:
    assert web._seconds("Fri, 31 Dec 1999 23:59:59 GMT") == 0
    assert web._seconds("Fri, 31 Dec 2100 23:59:59 GMT") > 1e9
    assert web._seconds("soon") == 0


def test_a_certificate_of_an_unknown_authority_is_refused(
    archive: Archive, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    with pytest.raises(TemporaryFailure, match=r"\(SSLError: .*CERTIFICATE_VERIFY_FAILED"):
        download(archive, tmp_path, said)

    assert archive.requests == []


def test_certificates_that_are_not_there_are_named(
    archive: Archive, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such.pem")

    with pytest.raises(
        ConfigurationError,
        match=r"REQUESTS_CA_BUNDLE must be a file of certificates \(PEM\), not /no/such\.pem",
    ):
        download(archive, tmp_path, said)


def test_a_server_that_cannot_be_reached_is_not_waited_for_as_long_as_others(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    with pytest.raises(Unreachable, match="Connection refused"):
        fetch("https://127.0.0.1:1/a?X-Amz-Signature=secret", tmp_path / "a", said.append)

    assert len(said) == retry.CONNECT_ATTEMPTS - 1 < retry.ATTEMPTS - 1
    assert "secret" not in f"{said}"


def test_files_come_without_the_start_of_libraries_that_they_do_not_need() -> None:
    code = (
        "import sys, bactofleet.archives.providers, bactofleet.archives.files; print(*sys.modules)"
    )

    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()

    assert "urllib3" in loaded
    assert {"boto3", "botocore", "requests", "pandas"}.isdisjoint(loaded)


def test_signatures_of_a_url_are_neither_recorded_nor_logged(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    archive.faults[PATH] = [Fault.UNAVAILABLE, Fault.RESET]

    fetched = fetch(f"{archive.url}{PATH}?X-Amz-Signature=secret", tmp_path / "a", said.append)

    assert archive.requests[0].path.endswith("?X-Amz-Signature=secret")
    assert len(said) == 2
    assert "secret" not in f"{said}{fetched}"


def test_a_full_disk_is_known_before_a_byte_is_written(
    archive: Archive, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "DISK_RESERVE_BYTES", 1 << 60)

    with pytest.raises(OSError, match=r"takes 0\.0 GB and 0\.0 GB are free in") as caught:
        download(archive, tmp_path, said)

    assert caught.value.errno == 28
    assert not (tmp_path / "a").exists()


def test_a_url_of_the_sheet_that_leads_to_nothing_is_the_users_to_correct(
    archive: Archive, tmp_path: Path, said: list[str]
) -> None:
    with pytest.raises(MissingInput, match=r"answers 404 .* correct the sample sheet"):
        fetch(f"{archive.url}/no.fastq.gz", tmp_path / "a", said.append)
