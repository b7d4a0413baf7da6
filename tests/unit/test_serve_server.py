"""The server of `bactofleet serve`: what it answers, and what it refuses."""

import gzip
import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from support.projects import write_project
from support.serving import run_serve, serve_here, wait_for
from support.synthetic_cohort import write_genomes

from bactofleet.cli import main as cli
from bactofleet.core.files import write_json
from bactofleet.monitor.page.server import PageServer, is_own_host

KINDS = ["complete"] * 6 + ["excluded"] + ["failed"] * 3 + ["waiting"] * 10
FAILED = "SRX10400259"
HOSTILE = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder after a run; the tests work in it."""
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path, write_genomes(tmp_path / "results", KINDS))
    return tmp_path


@pytest.fixture
def server(project: Path) -> Iterator[PageServer]:
    with serve_here() as server:
        yield server


def request(
    server: PageServer, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer, answer.read()


def ask(server: PageServer, path: str, **query: str | int) -> dict:
    answer, body = request(server, f"{path}?{urlencode(query)}")
    assert answer.status == 200, body
    return json.loads(body)


def genome(server: PageServer, sample: str = FAILED, **query: str) -> dict:
    return ask(server, "/api/genome", sample=sample, **query)


def replace_record(project: Path, **changes: object) -> None:
    """Put another record of the genome that failed in the place of the first, as stages do."""
    path = project / "results" / "failed" / f"{FAILED}.json"
    write_json(path, json.loads(path.read_text()) | changes)


def test_the_state_has_the_counts_of_bactofleet_status(
    server: PageServer, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["status", "--json"]) == 0

    assert ask(server, "/api/state")["genomes"] == json.loads(capsys.readouterr().out)["genomes"]


def test_everything_that_the_page_names_is_there(server: PageServer):
    types = {
        path: request(server, path)[0].getheader("Content-Type")
        for path in ("/", "/serve.css", "/serve.js", "/plotly.js")
    }

    assert types == {
        "/": "text/html; charset=utf-8",
        "/serve.css": "text/css; charset=utf-8",
        "/serve.js": "text/javascript; charset=utf-8",
        "/plotly.js": "text/javascript; charset=utf-8",
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT"])
def test_no_method_but_get_is_answered(server: PageServer, method: str):
    assert request(server, "/api/state", method)[0].status == 501


@pytest.mark.parametrize(
    "path",
    ["/../config/config.yaml", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/serve.html", "/api"],
)
def test_no_other_file_can_be_read(server: PageServer, path: str):
    assert request(server, path)[0].status == 404


@pytest.mark.parametrize(
    "sample", ["", "unknown", "../config/config", "/etc/passwd", "\0", HOSTILE]
)
def test_a_sample_that_the_sheet_does_not_have_leads_nowhere(server: PageServer, sample: str):
    answer, body = request(server, "/api/genome?" + urlencode({"sample": sample}))

    assert (answer.status, body) == (404, b"the sample sheet has no such sample\n")


def test_a_stage_that_is_none_names_no_file(server: PageServer, project: Path):
    (project / "results" / "secret.log").write_text("secret")

    assert "secret" not in json.dumps(genome(server, stage="../../secret"))


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {f"field{number}": number for number in range(30)},
    ],
)
def test_rows_that_are_asked_for_wrongly_are_refused(server: PageServer, query: dict):
    assert request(server, "/api/genomes?" + urlencode(query))[0].status == 400


def test_a_page_is_told_the_genomes_that_have_changed(server: PageServer, project: Path):
    before = ask(server, "/api/genomes")

    replace_record(project, message="other")
    wait_for(lambda: ask(server, "/api/state") and ask(server, "/api/genomes") != before)

    (row,) = ask(server, "/api/genomes", since=before["version"])["rows"]
    assert (before["count"], len(before["rows"])) == (20, 20)
    assert row[1:3] == [FAILED, "failed"]
    assert row[4].endswith(": other")


def test_answers_are_packed_for_a_browser_that_unpacks_them(server: PageServer):
    plain = ask(server, "/api/genomes", since=0)

    answer, body = request(server, "/api/genomes?since=0", **{"Accept-Encoding": "gzip, br"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(body))["rows"] == plain["rows"]


def test_an_address_of_any_bytes_does_not_end_the_server(server: PageServer):
    paths = ("/" + "a" * 70_000, "/%ff%00", "http://[/", "/api/genomes?since=%ff%00")

    assert [request(server, path, Host="localhost")[0].status for path in paths] == [
        414,
        404,
        400,
        400,
    ]
    assert ask(server, "/api/state")["genomes"]["total"] == 20


def test_a_name_that_was_pointed_here_is_refused(server: PageServer):
    answer, body = request(server, "/api/state", Host="evil.example:80")

    assert (answer.status, body) == (421, b"Host is the name of another server\n")


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1:8642", True),
        ("localhost:9000", True),
        ("LOCALHOST", True),
        ("[::1]:8642", True),
        ("10.0.0.3", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
        ("[", False),
    ],
)
def test_a_host_is_an_address_or_a_name_of_this_server(host: str, is_own: bool):
    assert is_own_host(host, frozenset({"localhost"})) is is_own


@pytest.mark.parametrize("path", ["/", "/api/state", "/missing"])
def test_every_answer_forbids_scripts_of_others_frames_and_use_by_other_origins(
    server: PageServer, path: str
):
    headers = request(server, path)[0].headers

    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers
    assert "Python" not in headers["Server"]


def test_a_failure_is_reported_with_its_reason_what_to_do_and_the_log_that_was_kept(
    server: PageServer, project: Path
):
    (project / "results" / "failed" / f"{FAILED}.log").write_text("first\nlast words\n")

    found = genome(server)

    record = json.loads((project / "results" / "failed" / f"{FAILED}.json").read_text())
    assert found["reason"]["message"] == record["message"]
    assert found["reason"]["stage"] == record["stage"]
    assert "Start the same command again" in found["next"]
    assert found["log"]["text"] == "first\nlast words"


def test_without_a_log_the_lines_in_the_record_are_shown(server: PageServer, project: Path):
    replace_record(project, tail=["one", "two"])

    assert genome(server)["log"]["text"] == "one\ntwo"


def test_of_a_log_of_gigabytes_the_end_is_read(server: PageServer, project: Path):
    with (project / "results" / "failed" / f"{FAILED}.log").open("wb") as log:
        log.truncate(5 << 30)
        log.seek(0, 2)
        log.write(b"\nthe end\n")

    tail = genome(server)["log"]

    assert tail["text"].endswith("the end")
    assert tail["is_cut"]
    assert len(tail["text"]) < 70_000


def test_a_log_of_any_bytes_is_text_without_control_characters(server: PageServer, project: Path):
    log = project / "results" / "failed" / f"{FAILED}.log"
    log.write_bytes(b"\x1b[31mred\x00\xff\r50 %\n" + HOSTILE.encode())

    text = genome(server)["log"]["text"]

    assert all(map(str.isprintable, text.split("\n")))
    assert text.endswith(HOSTILE)


def test_a_log_that_is_a_link_or_a_pipe_is_not_opened(server: PageServer, project: Path):
    logs = project / "results" / "logs" / FAILED
    logs.mkdir(parents=True)
    (logs / "qc.log").symlink_to("/etc/passwd")
    os.mkfifo(logs / "assembly.log")

    assert [genome(server, stage=stage)["log"] for stage in ("qc", "assembly")] == [None, None]


def test_the_files_of_a_genome_are_named(server: PageServer, project: Path):
    assert genome(server)["files"] == [str(Path("results") / "failed" / f"{FAILED}.json")]


def test_the_log_of_each_stage_can_be_chosen(server: PageServer, project: Path):
    logs = project / "results" / "logs" / FAILED
    logs.mkdir(parents=True)
    for stage in ("download", "qc"):
        (logs / f"{stage}.log").write_text(f"this is {stage}")

    found = genome(server, stage="qc")

    assert found["logs"] == ["download", "qc"]
    assert found["log"]["text"] == "this is qc"


def test_a_message_of_markup_comes_as_it_is_and_as_json(server: PageServer, project: Path):
    replace_record(project, message=HOSTILE)
    server.updater.ask()

    wait_for(lambda: genome(server)["reason"]["message"] == HOSTILE)
    answer, _ = request(server, f"/api/genome?sample={FAILED}")
    assert answer.getheader("Content-Type") == "application/json"


@pytest.mark.parametrize(
    ("log", "link"),
    [("javascript:alert(1)", None), ("https://a.example/log", "https://a.example/log")],
)
def test_a_link_to_a_log_is_one_of_https_alone(
    server: PageServer, project: Path, log: str, link: str | None
):
    replace_record(project, log=log)
    server.updater.ask()
    wait_for(lambda: server.updater.view and server.updater.view.failures[FAILED].log == log)

    assert genome(server)["link"] == link


def test_nothing_in_the_projects_folder_changes(server: PageServer, project: Path):
    def list_files() -> dict:
        return {path: path.stat().st_mtime_ns for path in project.rglob("*")}

    before = list_files()
    ask(server, "/api/state")
    ask(server, "/api/genomes")
    genome(server)

    assert list_files() == before


def test_the_command_prints_the_address_of_the_loopback_alone(project: Path):
    with run_serve(project) as url:
        host, port = url.removeprefix("http://").rstrip("/").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        connection.request("GET", "/")

        assert host == "127.0.0.1"
        assert connection.getresponse().status == 200


def test_a_port_that_is_taken_is_reported_with_what_to_do(
    server: PageServer, capsys: pytest.CaptureFixture[str]
):
    port = str(server.server_address[1])

    assert cli.main(["serve", "--port", port]) == 1
    assert "choose another --port, or 0" in capsys.readouterr().err


def test_an_address_beyond_this_machine_is_known_as_such(project: Path):
    with serve_here("0.0.0.0") as server:  # noqa: S104
        assert not server.is_local
    with serve_here() as server:
        assert server.is_local
