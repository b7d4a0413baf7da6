"""`bactofleet search` with services that fail: what it asks again, and where it goes on."""

import time
from pathlib import Path

import pytest
import trustme
from support.archives import Archives, Fault, Request, Server, make_run
from support.searches import (
    DOWN,
    SHEET,
    break_once,
    describes,
    left_out,
    make_runs,
    samples,
    search,
)

from bactofleet.archives import ena


@pytest.mark.usefixtures("small_batches")
def test_a_connection_that_breaks_costs_the_batch_that_it_broke(archives: Archives) -> None:
    archives.ena = make_runs(*range(6))
    archives.fault = break_once(
        lambda request: describes(request) and "SRX2000002" in request.form["includeAccessions"]
    )

    assert search("1280") == 0

    assert len(samples()) == 6
    asked = [request.form["includeAccessions"][:10] for request in archives.requests[2:]]
    assert asked == ["SRX2000000", "SRX2000002", "SRX2000002", "SRX2000004"]


def test_the_names_of_experiments_are_asked_for_again_when_the_connection_breaks(
    archives: Archives,
) -> None:
    archives.ena = make_runs(*range(6))
    archives.fault = break_once(lambda request: "query" in request.form)

    search("1280")

    assert len(samples()) == 6


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_service_with_a_fault_that_passes_is_asked_again(archives: Archives, status: int) -> None:
    archives.ena = archives.sra = make_runs(1)
    faults = [Fault(status)] * 3
    archives.fault = lambda request: faults.pop() if faults and describes(request) else None

    search("1280")

    assert samples()["SRX2000001"].fastq
    assert not archives.asked("eutils")


def test_a_service_that_asks_for_a_pause_gets_it(
    archives: Archives, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.ena = make_runs(1)
    pauses = [Fault(status=429, Retry_After="1")]
    archives.fault = lambda request: pauses.pop() if pauses and describes(request) else None
    start = time.monotonic()

    assert search("1280") == 0

    assert time.monotonic() - start >= 1
    said = capsys.readouterr().err
    assert "127.0.0.1 answers 429" in said
    assert "attempt 2 of 7 follows in 1.0 s" in said


@pytest.mark.parametrize("query", ["Staphylococcus aureus", "1280", "PRJNA239251", "SAMN30000001"])
def test_sra_answers_where_ena_does_not(archives: Archives, query: str) -> None:
    archives.sra = [make_run(1), make_run(2, 1)]
    archives.fault = lambda request: DOWN if "/ena/" in request.path else None

    assert search(query) == 0

    sample = samples()["SRX2000001"]
    assert (sample.runs, sample.layout) == (["SRR1000001", "SRR1000002"], "paired")
    assert (sample.genome_size, sample.fastq) == (2_800_000, [])


def test_reads_with_controlled_access_are_not_found(archives: Archives) -> None:
    archives.sra = [make_run(1), make_run(2) | {"consent": "GRU"}]
    Path("list").write_text("SRX2000001\nSRX2000002\n")

    search("list")

    assert list(samples()) == ["SRX2000001"]
    assert list(left_out()) == ["SRX2000002"]


@pytest.mark.usefixtures("small_batches")
def test_sra_goes_on_where_ena_stopped(
    archives: Archives, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.ena = archives.sra = make_runs(*range(6))
    archives.fault = lambda request: (
        DOWN if "SRX2000002" in request.form.get("includeAccessions", "") else None
    )

    assert search("1280") == 0

    assert [bool(sample.fastq) for sample in samples().values()] == [True] * 2 + [False] * 4
    assert "asking the next archive" in capsys.readouterr().err


@pytest.mark.usefixtures("small_batches")
def test_what_was_found_is_kept_when_all_fail_and_the_same_command_goes_on(
    archives: Archives, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.ena = make_runs(*range(6))
    archives.fault = lambda request: (
        DOWN
        if "eutils" in request.path or "SRX2000004" in request.form.get("includeAccessions", "")
        else None
    )
    assert search("1280") == 1
    assert "the same command goes on from there" in capsys.readouterr().err
    assert len(samples()) == 4

    archives.fault = lambda _: None
    assert search("1280") == 0

    assert len(samples()) == 6


def test_an_experiment_that_ena_names_and_does_not_describe_is_asked_of_sra(
    archives: Archives,
) -> None:
    archives.sra = make_runs(1, 2)
    archives.ena = make_runs(1, 2)

    def lose(request: Request) -> None:
        if describes(request):
            archives.ena = make_runs(1)

    archives.fault = lose

    search("1280")

    assert list(samples()) == ["SRX2000001", "SRX2000002"]


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"Internal error"])
def test_an_answer_in_another_form_is_no_answer(
    archives: Archives, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives.sra = make_runs(1)
    answer = archives.answer
    monkeypatch.setattr(
        archives,
        "answer",
        lambda request: (200, b"x\n" + body) if "/search" in request.path else answer(request),
    )

    assert search("1280") == 0

    assert list(samples()) == ["SRX2000001"]


def test_a_key_for_ncbi_is_sent_and_nowhere_shown(
    archives: Archives, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "secret")
    archives.fault = break_once(lambda request: "efetch" in request.path)
    archives.sra = make_runs(1)

    search("SRX2000001")

    assert {request.form.get("api_key") for request in archives.asked("eutils")} == {"secret"}
    assert not archives.asked("secret")
    assert "secret" not in "".join(capfd.readouterr()) + SHEET.read_text()


def test_requests_say_who_asks(archives: Archives) -> None:
    archives.ena = make_runs(1)

    search("1280")

    assert all(request.user_agent.startswith("bactofleet/") for request in archives.requests)


def test_a_taxon_is_searched_by_its_name_where_its_number_cannot_be_had(
    archives: Archives,
) -> None:
    archives.ena = make_runs(1)
    archives.fault = lambda request: DOWN if "/taxonomy/" in request.path else None

    assert search("Staphylococcus aureus") == 0

    assert list(samples()) == ["SRX2000001"]
    assert archives.asked("/search")[0].form["query"] == 'tax_name("Staphylococcus aureus")'


def test_certificates_are_verified(
    archives: Archives,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    with Server(make_runs(1), authority=authority) as secure:
        for name, value in secure.environment().items():
            monkeypatch.setenv(name, value)
        assert search("1280") == 1
        assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err
        assert not secure.requests

        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        assert search("1280") == 0

    assert list(samples()) == ["SRX2000001"]


def test_what_was_found_is_kept_when_the_user_interrupts(
    archives: Archives, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.ena = make_runs(*range(6))
    describe = ena.Ena.describe

    def interrupt(self: ena.Ena, experiments: list[str]) -> object:
        if "SRX2000002" in experiments:
            raise KeyboardInterrupt
        return describe(self, experiments)

    monkeypatch.setattr(ena.Ena, "batch_size", 2)
    monkeypatch.setattr(ena.Ena, "describe", interrupt)

    assert search("1280") == 1

    assert len(samples()) == 2
    assert "interrupted" in capsys.readouterr().err


def test_a_proxy_of_the_environment_is_used(
    archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives.ena = make_runs(1)
    monkeypatch.setenv("BACTOFLEET_ENA_URL", "http://ena.example/ena")
    monkeypatch.setenv("http_proxy", archives.url.replace("://", "://me:pass%20word@"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    assert search("1280") == 0

    asked = archives.asked("http://ena.example/ena/portal/api/search")
    assert {request.proxy_login for request in asked} == {"Basic bWU6cGFzcyB3b3Jk"}
