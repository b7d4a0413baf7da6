"""The web server: a few addresses that can be read, for browsers on this machine.

It answers only GET, with the latest view of a `ViewUpdater`. A sample in a request is looked up in
the sample sheet before it becomes part of a path. What a page of somebody else might do through
the reader's browser is refused: an address whose name was pointed here (DNS rebinding) has another
Host, and answers say that no other origin may use them.
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
    # Plotly writes rules of style; nothing else is used but what this server has.
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
        """Listen; raises `OSError` where that is not possible. Port 0 is any that is free."""
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self.address_family = family
        self._address = ipaddress.ip_address(str(address[0]))
        self.updater = updater
        self.names = frozenset({"localhost", host, socket.gethostname()})
        self.assets = read_assets()
        super().__init__((str(address[0]), port), _Handler)

    def server_bind(self) -> None:
        """Bind; the parent would ask the network for the name of this machine."""
        TCPServer.server_bind(self)

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine reaches it."""
        return self._address.is_loopback

    @property
    def url(self) -> str:
        """Address of the page."""
        host = socket.gethostname() if self._address.is_unspecified else str(self._address)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}/"


def is_own_host(header: str, names: frozenset[str]) -> bool:
    """Say whether a request's Host is this server, by its address or one of its names.

    The port may be another one, as of an SSH tunnel.
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
    """Answers one request. There are no methods for others than GET, so the base refuses them."""

    server: PageServer
    server_version = "bactofleet"
    sys_version = ""
    timeout = TIMEOUT_S
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(explain)s\n"

    def do_GET(self) -> None:
        """Answer."""
        if not is_own_host(self.headers.get("Host", ""), self.server.names):
            reason = "Host is the name of another server"
            return self.send_error(HTTPStatus.MISDIRECTED_REQUEST, explain=reason)
        try:
            kind, body = self._find()
        except BadRequest as error:
            # Not as the message, which goes into the status line: that is no place for any text.
            return self.send_error(error.status, explain=str(error))
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        # All rows of 67,000 genomes are megabytes, and may come through a tunnel.
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def _find(self) -> tuple[str, bytes]:
        """Return the type and the content of what is at the address."""
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
        """Add what every answer has, errors too."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: the terminal is the user's."""
