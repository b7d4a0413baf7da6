"""The web server: a few read-only addresses for browsers on this machine.

It answers only GET, with the latest view of a `ViewUpdater`. A sample in a request is looked up in
the sample sheet before it becomes part of a path. Web pages of others cannot use the server through
the reader's browser: requests after DNS rebinding have another Host and are refused, and the
headers of answers forbid other origins to use them.
"""

from __future__ import annotations

import gzip
import ipaddress
import json
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bactofleet.monitor.page.answers import ANSWERS, BadRequest
from bactofleet.monitor.page.assets import read_assets
from bactofleet.monitor.page.updater import ViewUpdater

TIMEOUT_S = 30
MAX_FIELDS = 20
HEADERS = {
    # Plotly adds inline styles; everything else comes from this server.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; "
        "style-src 'self' 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class PageServer(ThreadingHTTPServer):
    """Serves the page of one run."""

    daemon_threads = True

    def __init__(self, host: str, port: int, updater: ViewUpdater) -> None:
        """Start to listen; raises `OSError` if this fails. Port 0 means any free port."""
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self.address_family = family
        self._address = ipaddress.ip_address(str(address[0]))
        self.updater = updater
        self.names = frozenset({"localhost", host, socket.gethostname()})
        self.assets = read_assets()
        super().__init__((str(address[0]), port), _Handler)

    def server_bind(self) -> None:
        """Bind the socket; the parent class would also look up this machine's name by DNS."""
        TCPServer.server_bind(self)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self._address.is_loopback

    @property
    def url(self) -> str:
        """URL of the page."""
        host = socket.gethostname() if self._address.is_unspecified else str(self._address)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}/"


def is_own_host(header: str, names: frozenset[str]) -> bool:
    """Return whether a request's Host is an IP address or one of this server's names.

    The port may differ, for example with an SSH tunnel.
    """
    try:
        host = urlsplit(f"//{header}").hostname or ""
        if host.lower() in {name.lower() for name in names}:
            return True
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _Handler(BaseHTTPRequestHandler):
    """Answers one request. Only GET has a method here, so the base class refuses all others."""

    server: PageServer
    server_version = "bactofleet"
    sys_version = ""
    timeout = TIMEOUT_S
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(explain)s\n"

    def do_GET(self) -> None:
        """Answer a GET request."""
        if not is_own_host(self.headers.get("Host", ""), self.server.names):
            reason = "Host is the name of another server"
            return self.send_error(HTTPStatus.MISDIRECTED_REQUEST, explain=reason)
        try:
            kind, body = self._find()
        except BadRequest as error:
            # Not as `message`: that becomes the status line, where arbitrary text is unsafe.
            return self.send_error(error.status, explain=str(error))
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        # The rows of 67,000 genomes take megabytes, and may pass through a slow tunnel.
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def _find(self) -> tuple[str, bytes]:
        """Return the media type and the content for the requested address."""
        try:
            address = urlsplit(self.path)
            query = dict(parse_qsl(address.query, max_num_fields=MAX_FIELDS))
        except ValueError as error:
            raise BadRequest(f"the address cannot be understood: {error}") from error
        if asset := self.server.assets.get(address.path):
            return asset
        if answer := ANSWERS.get(address.path):
            return "application/json", json.dumps(answer(self.server.updater, query)).encode()
        raise BadRequest("there is nothing at this address", HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        """Add the headers that every answer has, including errors."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing, to leave the terminal to the user."""
