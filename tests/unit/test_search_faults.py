"""`bactofleet search` with services that fail: what it asks again, and where it goes on."""

import json
import re
import time
from collections.abc import Callable
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
    asked = [request.form["includeAccessions"][:10] for request in archives.requests[3:]]
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
    assert left_out() == {"SRX2000002": "access to its reads is controlled (GRU)"}


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


# --- answers that are not whole -------------------------------------------------------------------

HTML = b"<!DOCTYPE html><html><body>Sorry, the service is unavailable</body></html>"
XML = b'<?xml version="1.0"?><eFetchResult><ERROR>Unable to obtain query #1</ERROR></eFetchResult>'
Change = Callable[[bytes], bytes]


def cut(table: bytes) -> bytes:
    """Break a table off in the middle of its last row."""
    return table.rstrip()[:-60]


def lose_a_column(table: bytes) -> bytes:
    return re.sub(rb"(?m)[^\t,]*$", b"", table)


def lose_a_run(table: bytes) -> bytes:
    """End a table a row early, at the end of a line."""
    lines = table.rstrip().splitlines(keepends=True)
    return b"".join(lines[:-1])


@pytest.fixture
def change(archives: Archives, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Change], None]:
    """Return a function that changes what is answered at paths that end so."""
    answer = archives.answer

    def install(end: str, change: Change) -> None:
        def changed(request: Request) -> tuple[int, bytes]:
            status, body = answer(request)
            return (200, change(body)) if request.path.endswith(end) else (status, body)

        monkeypatch.setattr(archives, "answer", changed)

    return install


Install = Callable[[str, Change], None]


@pytest.mark.parametrize("query", ["1280", "SRX2000001"])
@pytest.mark.parametrize(
    "answer",
    [
        lambda _: HTML,
        lambda _: XML,
        lambda _: b"",
        lambda _: b"x\nInternal error",
        lose_a_column,
        cut,
    ],
    ids=["html", "xml", "empty", "another table", "a column less", "cut"],
)
def test_an_answer_of_ena_that_is_not_whole_is_no_answer_and_sra_is_asked(
    archives: Archives, change: Install, answer: Change, query: str
) -> None:
    archives.ena = archives.sra = make_runs(1)
    change("/search", answer)

    assert search(query) == 0

    sample = samples()["SRX2000001"]
    assert (sample.runs, sample.fastq) == (["SRR1000001"], [])


@pytest.mark.parametrize("query", ["1280", "SRX2000001"])
def test_ena_without_an_answer_is_an_error_where_sra_does_not_know(
    archives: Archives, change: Install, query: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change("/search", lambda _: HTML)

    assert search(query) == 1

    said = capsys.readouterr().err
    assert "ENA's answer does not have the documented form" in said
    assert "neither ENA nor SRA" not in said + "".join(left_out().values())


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: HTML,
        lambda _: XML,
        lambda _: b"",
        lambda table: table.replace(b"Consent", b"public"),
        cut,
    ],
    ids=["html", "xml", "empty", "a column less", "cut"],
)
def test_an_answer_of_sra_that_is_not_whole_is_an_error(
    archives: Archives, change: Install, answer: Change, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.sra = make_runs(1, 2)
    change("/efetch.fcgi", answer)

    assert search("PRJNA239251") == 1

    assert "SRA" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            {"esearchresult": {"count": "3", "idlist": ["9000001", "9000002"]}},
            "SRA names 2 of 3 experiments",
        ),
        (
            {"esearchresult": {"count": "0", "idlist": [], "ERROR": "no backend"}},
            "SRA cannot search: no backend",
        ),
        (
            {"esearchresult": {"ERROR": "Invalid db name specified: sra"}},
            "SRA cannot search: Invalid db name specified: sra",
        ),
        (
            {"error": "API rate limit exceeded", "count": "4"},
            "SRA cannot search: API rate limit exceeded",
        ),
        ({"esearchresult": ["9000001"]}, "SRA's answer does not have the documented form"),
        (["9000001"], "SRA's answer does not have the documented form"),
        ("[" * 100_000, "SRA's answer does not have the documented form"),
    ],
)
def test_fewer_experiments_than_sra_announces_are_an_error(
    archives: Archives,
    change: Install,
    answer: object,
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    archives.sra = make_runs(1, 2)
    text = answer if isinstance(answer, str) else json.dumps(answer)
    change("/esearch.fcgi", lambda _: text.encode())

    assert search("PRJNA239251") == 1

    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("surplus", "why"), [(1, "SRA names 1 of 2 experiments"), (10**9, "narrow the search")]
)
def test_a_server_that_always_announces_more_is_asked_once(
    archives: Archives,
    change: Install,
    surplus: int,
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    archives.sra = make_runs(1, 2)
    asked: list[str] = []

    def answer(_: object) -> bytes:
        asked.append(str(9_000_001 + len(asked)))
        found = {"count": str(len(asked) + surplus), "idlist": asked[-1:]}
        end = {"ERROR": "it was asked too often"} if len(asked) > 20 else {}
        return json.dumps({"esearchresult": found | end}).encode()

    change("/esearch.fcgi", answer)

    assert search("PRJNA239251") == 1

    assert len(asked) == 1
    assert why in capsys.readouterr().err


def test_what_sra_finds_in_pages_is_put_together(
    archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bactofleet.archives.sra.MAX_NUMBERS", 2)
    archives.sra = make_runs(1, 2, 3)

    assert search("PRJNA239251") == 0

    assert len(samples()) == 3


@pytest.mark.usefixtures("small_batches")
def test_experiments_that_sra_names_and_does_not_describe_are_an_error_and_the_others_are_kept(
    archives: Archives, change: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.sra = make_runs(1, 2, 3)
    change("/efetch.fcgi", lambda table: table if b"SRX2000003" in table else lose_a_run(table))

    assert search("PRJNA239251") == 1

    assert list(samples()) == ["SRX2000001", "SRX2000003"]
    assert "SRA describes 1 of 2 experiments" in capsys.readouterr().err


def test_runs_that_ena_counts_and_does_not_name_are_asked_of_sra(
    archives: Archives, change: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.ena = archives.sra = make_runs(1, 2, 3)
    change("/search", lose_a_run)

    assert search("1280") == 0

    assert list(samples()) == ["SRX2000001", "SRX2000002", "SRX2000003"]
    assert "ENA names 2 of 3 runs" in capsys.readouterr().err


def test_an_experiment_that_is_named_and_nowhere_described_is_an_error(
    archives: Archives, change: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.ena = make_runs(1, 2)
    change("/search", lambda table: lose_a_run(table) if b"base_count" in table else table)

    assert search("1280") == 1

    assert len(samples()) == 1
    assert "ENA describes 1 of 2 experiments" in capsys.readouterr().err


def test_accessions_that_nobody_answered_for_are_listed(archives: Archives) -> None:
    archives.sra = make_runs(1)
    archives.fault = lambda request: DOWN if "/ena/" in request.path else None
    Path("list").write_text("SRX2000001\nSRX2000002\n")

    assert search("list") == 1

    assert list(samples()) == ["SRX2000001"]
    assert list(left_out()) == ["SRX2000002"]
    assert "answers 503" in left_out()["SRX2000002"]


def test_a_run_that_an_archive_lists_twice_is_taken_once(archives: Archives) -> None:
    archives.ena = [make_run(1), make_run(1), make_run(2, 1)]

    search("1280")

    assert samples()["SRX2000001"].runs == ["SRR1000001", "SRR1000002"]


def test_a_run_without_an_experiment_stands_for_itself(archives: Archives) -> None:
    archives.ena = [make_run(1), make_run(2, experiment_accession="")]

    assert search("1280") == 0

    assert list(samples()) == ["SRR1000002", "SRX2000001"]


def test_a_count_that_is_none_is_no_answer(
    archives: Archives, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.ena = make_runs(1, base_count="3e8")
    archives.sra = make_runs(1)

    assert search("1280") == 0

    assert samples()["SRX2000001"].bases == [150_000_000]
    assert "answers '3e8' where a number" in capsys.readouterr().err


def test_an_experiment_without_a_run_is_left_out_with_the_reason(archives: Archives) -> None:
    archives.sra = [make_run(1), make_run(2, run_accession="", read_count="", base_count="")]

    assert search("PRJNA239251") == 0

    assert list(samples()) == ["SRX2000001"]
    assert left_out() == {"SRX2000002": "the archive has no run of it"}


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


def test_a_taxon_that_ena_describes_in_json_without_end_is_searched_by_its_name(
    archives: Archives, change: Install
) -> None:
    archives.ena = make_runs(1)
    change("aureus", lambda _: b"[" * 100_000)

    assert search("Staphylococcus aureus") == 0

    assert list(samples()) == ["SRX2000001"]


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
