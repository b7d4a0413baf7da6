"""The archives on this machine: an HTTPS server with a certificate authority of its own.

It answers as ENA's Portal API and the E-utilities (`support.archives`) and as NCBI's SDL, serves
files with Range and ETag, and has faults on request: each file has a queue of them, of which every
request takes one.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from support import archives as metadata
from support.archives import Archives

from bactofleet.archives import retry, sra

SLOW_BYTES_S = 10e6
CHUNK_BYTES = 1 << 17
METADATA_URL = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
QUESTIONS = ("/ena/portal/", "/entrez/eutils/")


class Fault(Enum):
    """What goes wrong with one request."""

    RESET = "the connection is reset after half of the body"
    SHORT = "the body is half of the file, and the header says that it is all"
    WRONG = "the body has a wrong byte"
    TOO_MANY = "429, with Retry-After"
    UNAVAILABLE = "503"
    SLOW = "the body drips"
    NO_RANGE = "Range is ignored"
    DENIED = "403"
    ELSEWHERE = "redirected to http://"
    TO_FILE = "redirected to a file of the client's machine"
    TO_METADATA = "redirected to the metadata service of an instance"
    NO_NUMBER = "Content-Length: abc"
    ENDLESS = "the body has no announced length, and no end"


@dataclass
class Request:
    """A request that was made."""

    path: str
    range: str | None
    form: str = ""


@dataclass
class Archive:
    """What the server has, and what it was asked."""

    port: int
    authority: Path
    """Certificate of its authority (PEM)."""
    files: dict[str, bytes | Path] = field(default_factory=dict)
    """Contents by path."""
    metadata: Archives = field(default_factory=Archives)
    """What ENA and SRA say of runs."""
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    down: set[str] = field(default_factory=set)
    """Beginnings of paths that are answered with 503."""
    pages: dict[str, bytes] = field(default_factory=dict)
    """What is answered to any question at a path."""
    bytes_per_second: float = 0
    """Limit of each connection; 0 for none."""
    retry_after: str = "0"
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://localhost:{self.port}"

    def clear(self) -> None:
        """Forget everything, so that a test begins anew."""
        self.__init__(self.port, self.authority)  # type: ignore[misc]

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead bactofleet here."""
        return {
            "NO_PROXY": "localhost,127.0.0.1",
            "REQUESTS_CA_BUNDLE": str(self.authority),
            "BACTOFLEET_ENA_URL": f"{self.url}/ena",
            "BACTOFLEET_PUBMLST_URL": f"{self.url}/pubmlst",
            "BACTOFLEET_DATASETS_URL": f"{self.url}/datasets",
            "BACTOFLEET_ENA_FILES_URL": self.url,
            "BACTOFLEET_EUTILS_URL": f"{self.url}/entrez/eutils",
        }

    def asked(self, beginning: str) -> list[Request]:
        """Return the requests for paths that begin so."""
        return [request for request in self.requests if request.path.startswith(beginning)]


@contextmanager
def serve(folder: Path) -> Iterator[Archive]:
    """Run an archive until the block ends; its certificate is written into `folder`."""
    authority = trustme.CA()
    server = _Server(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    certificate = folder / "authority.pem"
    authority.cert_pem.write_to_path(certificate)
    server.archive = Archive(server.server_port, certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.archive
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def archive_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Archives on this machine."""
    with serve(tmp_path_factory.mktemp("authority")) as archive:
        yield archive


@pytest.fixture
def archive(archive_server: Archive, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Archives that know nothing yet; the environment leads there, pauses are short."""
    archive_server.clear()
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(sra, "PAUSE_S", 0)
    for name, value in archive_server.environment.items():
        monkeypatch.setenv(name, value)
    return archive_server


class _Server(ThreadingHTTPServer):
    archive: Archive

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing; `Archive.requests` has it all."""

    server: _Server

    @property
    def archive(self) -> Archive:
        return self.server.archive

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.archive.requests.append(Request(self.path, self.headers.get("Range")))
        if any(path.startswith(beginning) for beginning in self.archive.down):
            return self._answer(503)
        if path in self.archive.pages:
            return self._answer(200, self.archive.pages[path])
        if path not in self.archive.files:
            return self._answer(404)
        faults = self.archive.faults[path]
        return self._send(path, faults.pop(0) if faults else None)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        form = self.rfile.read(length).decode(errors="replace")
        self.archive.requests.append(Request(self.path, None, form))
        if any(self.path.startswith(beginning) for beginning in self.archive.down):
            return self._answer(503)
        if Fault.ENDLESS in self.archive.faults.get(self.path, []):
            self.send_response(200)
            self.end_headers()
            return self._write(b"", Fault.ENDLESS)
        if self.path in self.archive.pages:
            return self._answer(200, self.archive.pages[self.path])
        if self.path.startswith(QUESTIONS):
            asked = {name: values[0] for name, values in parse_qs(form).items()}
            return self._answer(*self.archive.metadata.answer(metadata.Request(self.path, asked)))
        return self._locate(form)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send(self, path: str, fault: Fault | None) -> None:
        if fault is Fault.TOO_MANY:
            return self._answer(429, Retry_After=self.archive.retry_after)
        if fault is Fault.UNAVAILABLE:
            return self._answer(503)
        if fault is Fault.DENIED:
            return self._answer(403)
        places = {
            Fault.ELSEWHERE: f"http://localhost:{self.archive.port}{path}",
            Fault.TO_FILE: "file:///etc/passwd",
            Fault.TO_METADATA: METADATA_URL,
        }
        if fault in places:
            return self._answer(302, Location=places[fault])
        stored = self.archive.files[path]
        data = stored if isinstance(stored, bytes) else stored.read_bytes()
        etag = f'"{hashlib.sha1(data).hexdigest()}"'  # noqa: S324
        first, last = self._range(len(data), etag if fault is not Fault.NO_RANGE else "")
        if first > last:
            return self._answer(416)
        body = data[first : last + 1]
        if fault is Fault.WRONG:
            body = body[:-1] + bytes([body[-1] ^ 1])
        if fault is Fault.SHORT:
            body = body[: len(body) // 2]
        self.send_response(206 if (first, last) != (0, len(data) - 1) else 200)
        self.send_header("ETag", etag)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        if fault is not Fault.ENDLESS:
            length = "abc" if fault is Fault.NO_NUMBER else str(len(body))
            self.send_header("Content-Length", length)
        self.end_headers()
        return None if self.command == "HEAD" else self._write(body, fault)

    def _range(self, size: int, etag: str) -> tuple[int, int]:
        """Return the first and last byte that are wanted."""
        wanted = self.headers.get("Range")
        if not wanted or not etag or self.headers.get("If-Range", etag) != etag:
            return 0, size - 1
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        return int(first), min(int(last or size), size - 1)

    def _write(self, body: bytes, fault: Fault | None) -> None:
        # Without a known length, the end of the connection ends the body.
        self.close_connection = fault in (Fault.NO_NUMBER, Fault.ENDLESS)
        while fault is Fault.ENDLESS:
            self.wfile.write(bytes(CHUNK_BYTES))  # until the client hangs up
        if fault is Fault.RESET:
            self.wfile.write(body[: len(body) // 2])
            # Closed with linger 0, a connection ends with RST and not with FIN.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_WR)
        else:
            limit = SLOW_BYTES_S if fault is Fault.SLOW else self.archive.bytes_per_second
            if limit:
                self._write_slowly(body, limit)
            else:
                self.wfile.write(body)

    def _write_slowly(self, body: bytes, bytes_per_second: float) -> None:
        start = time.monotonic()
        for i in range(0, len(body), CHUNK_BYTES):
            self.wfile.write(body[i : i + CHUNK_BYTES])
            time.sleep(max(0, start + i / bytes_per_second - time.monotonic()))

    def _locate(self, form: str) -> None:
        """Answer as NCBI's SDL does: where a run's file is, or 404 inside an answer of 200."""
        known = (run["run_accession"] for run in self.archive.metadata.sra)
        run = next((name for name in known if name in form), "unknown")
        path = f"/sos/{run}"
        found: dict[str, object] = {
            "bundle": run,
            "status": 404,
            "msg": "No data at given location",
        }
        if path in self.archive.files:
            stored = self.archive.files[path]
            data = stored if isinstance(stored, bytes) else stored.read_bytes()
            file = {
                "object": f"remote|{run}",
                "type": "sra",
                "name": run,
                "size": len(data),
                "md5": hashlib.md5(data).hexdigest(),  # noqa: S324
                "modificationDate": "2020-01-01T00:00:00Z",
                "locations": [
                    {
                        "service": "sra-ncbi",
                        "region": "public",
                        "link": f"{self.archive.url}{path}",
                    }
                ],
            }
            found = {"bundle": run, "status": 200, "msg": "ok", "files": [file]}
        body = json.dumps({"version": "2", "result": [found]}).encode()
        self._answer(200, body, Content_Type="application/json")
