"""The server: moto behind a request log, faults, and the emulator's own paths."""

import json
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from moto.batch.models import batch_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from .batch import responses
from .batch.backend import ArrayBatchBackend
from .batch.containers import ContainerRunner
from .batch.stubs import StubFunction, StubRunner
from .faults import Faults, RequestFault
from .identify import identify
from .instance import InstanceServices
from .provision import ACCOUNT, CONTROLLER_KEY, REGION, RENEWED_KEY, provision
from .request_log import RequestLog

HOST = "127.0.0.1"
TOO_MANY_REQUESTS = 429
CUT = 0
PATHS = Map(
    [
        Rule("/emulator/faults", endpoint="faults", methods=["POST", "DELETE"]),
        Rule("/emulator/held", endpoint="held", methods=["GET"]),
        Rule("/emulator/containers", endpoint="containers", methods=["GET"]),
        Rule("/emulator/credentials/<task_id>", endpoint="credentials", methods=["GET"]),
        Rule("/emulator/tasks/<task_id>", endpoint="container", methods=["GET"]),
        Rule("/emulator/hosts/<instance_id>/<path:path>", endpoint="metadata"),
    ]
)


@dataclass(frozen=True)
class Options:
    """How the emulator is started; see the README."""

    port: int = 0
    spot_vcpus: int = 16
    on_demand_vcpus: int = 16
    request_log: Path | None = None
    stub: StubFunction | None = None
    stub_seconds: float = 0.0


class RequestHandler(MotoRequestHandler):
    """HTTP/1.1, so that ``Expect: 100-continue`` of S3 clients is answered; quiet."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *args: Any) -> None:
        """The request log has it."""


class Emulator:
    """A running emulator."""

    def __init__(self, options: Options) -> None:
        responses.install()
        backend = batch_backends[ACCOUNT][REGION]
        assert isinstance(backend, ArrayBatchBackend)
        self._batch = backend
        self._log = RequestLog(options.request_log)
        for key in (CONTROLLER_KEY, RENEWED_KEY):
            self._log.name_caller(key, "controller")
        self._faults = Faults(backend)
        self._instances = InstanceServices(backend, self._log)
        self._aws = DomainDispatcherApplication(create_backend_app)
        self._server: BaseWSGIServer = make_server(
            HOST, options.port, self, threaded=True, request_handler=RequestHandler
        )
        self.endpoint_url = f"http://{HOST}:{self._server.server_port}"
        self._runner = self._make_runner(options)
        backend.engine.runner = self._runner
        backend.engine.watch = self._faults.on_start
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        provision(self.endpoint_url, options.spot_vcpus, options.on_demand_vcpus)

    def close(self) -> None:
        """Stop every job and wait until its container is gone, then the server."""
        self._batch.engine.close()
        self._runner.join()
        self._server.shutdown()

    def _make_runner(self, options: Options) -> ContainerRunner | StubRunner:
        engine = self._batch.engine
        if options.stub is not None:
            s3 = s3_backends[ACCOUNT][self._batch.partition]
            return StubRunner(engine, s3, options.stub, options.stub_seconds)
        return ContainerRunner(
            engine,
            self._batch.logs_backend,
            self.endpoint_url,
            self._faults.refuses_pull,
            self._faults.on_line,
        )

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        if environ["PATH_INFO"].startswith("/emulator/"):
            return self._own(environ)(environ, start_response)
        operation = identify(environ)
        # What was held is not done: whoever asked may have died meanwhile.
        is_held = self._faults.holds(operation)
        fault = self._faults.answers(operation)
        if fault is not None:
            response = _instead(operation.service, fault)
        elif is_held or self._faults.throttles(operation.full_name):
            response = _throttled(operation.service)
        else:
            response = Response.from_app(self._aws, environ, buffered=True)
        lost = self._faults.loses_response(operation.full_name) or response.status_code == CUT
        size = len(response.data)
        request_bytes = int(environ.get("CONTENT_LENGTH") or 0)
        self._log.write(operation, 0 if lost else response.status_code, request_bytes, size)
        if lost:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            response = Response(status=500)
        return response(environ, start_response)

    def _own(self, environ: dict[str, Any]) -> Response:
        request = Request(environ)
        try:
            name, arguments = PATHS.bind_to_environ(environ).match()
            response: Response = getattr(self, f"_on_{name}")(request, **arguments)
        except HTTPException as error:
            return Response(error.description, status=error.code)
        return response

    def _on_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
            return Response("{}")
        try:
            self._faults.add(request.get_json())
        except (KeyError, TypeError, ValueError) as error:
            return Response(f"not a fault: {error!r}", status=400)
        return Response("{}")

    def _on_held(self, request: Request) -> Response:
        return Response(json.dumps(self._faults.count_held()), mimetype="application/json")

    def _on_containers(self, request: Request) -> Response:
        record = self._runner.record if isinstance(self._runner, ContainerRunner) else []
        return Response(json.dumps(record), mimetype="application/json")

    def _on_credentials(self, request: Request, task_id: str) -> Response:
        return self._instances.credentials(task_id)

    def _on_container(self, request: Request, task_id: str) -> Response:
        return self._instances.container(task_id)

    def _on_metadata(self, request: Request, instance_id: str, path: str) -> Response:
        return self._instances.metadata(instance_id, path, request)


def _throttled(service: str) -> Response:
    """The answer to one request too many: S3 says 503 SlowDown, the others 429."""
    if service == "s3":
        return _refusal(service, 503, "SlowDown", "Reduce your request rate.")
    return _refusal(service, TOO_MANY_REQUESTS, "TooManyRequestsException", "Too Many Requests")


def _instead(service: str, fault: RequestFault) -> Response:
    """What a fault answers; only DescribeJobs and ListJobs have answers without a result."""
    if fault.status == HTTPStatus.OK:
        return Response('{"jobs": [], "jobSummaryList": []}', mimetype="application/json")
    code = fault.code.removesuffix("Exception") if service == "s3" else fault.code
    return _refusal(service, fault.status, code, fault.message)


def _refusal(service: str, status: int, code: str, message: str) -> Response:
    """An error as the service words it: S3 in XML, the others in JSON."""
    if service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return Response(body, status, mimetype="application/xml")
    headers = {"x-amzn-ErrorType": code}  # of REST; of JSON it is in the body
    body = json.dumps({"__type": code, "message": message})
    return Response(body, status, headers, mimetype="application/json")
