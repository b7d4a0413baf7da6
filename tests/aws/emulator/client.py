"""Starts an emulated AWS for a test, and tells it what shall go wrong."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import boto3

from . import provision

STOP_S = 60


class EmulatedAWS:
    """An emulated AWS in a process of its own; a context manager that stops it."""

    module = "aws.emulator"
    region = provision.REGION
    queue = provision.SPOT_QUEUE
    fallback_queue = provision.ON_DEMAND_QUEUE
    bucket = provision.BUCKET
    job_role_arn = provision.role_arn(provision.JOB_ROLE)
    execution_role_arn = provision.role_arn(provision.EXECUTION_ROLE)

    def __init__(self, **options: object) -> None:
        """Start it with the command line's options, ``spot_vcpus=64`` for ``--spot-vcpus 64``."""
        self._folder = tempfile.TemporaryDirectory(prefix="emulated-aws-")
        self.request_log = Path(self._folder.name, "requests.jsonl")
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module, f"--request-log={self.request_log}", *words],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.endpoint_url = self._wait_until_ready()
        self.environment = provision.controller_environment(self.endpoint_url)

    def _wait_until_ready(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(provision.READY):
                return line.removeprefix(provision.READY).strip()
        raise RuntimeError(f"the emulated AWS did not start: status {self._process.wait()}")

    def __enter__(self) -> "EmulatedAWS":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop it and every container that it runs."""
        self._process.terminate()
        self._process.wait(STOP_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._folder.cleanup()

    def client(self, service: str) -> Any:
        """A boto3 client with the controller's credentials."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def requests(self) -> list[dict[str, Any]]:
        """The request log so far."""
        return [json.loads(line) for line in self.request_log.read_text().splitlines()]

    def containers(self) -> list[dict[str, Any]]:
        """The containers that were started, as Docker described them."""
        started: list[dict[str, Any]] = self._get("containers")
        return started

    def count_held(self) -> int:
        """How many requests wait that are held."""
        held: int = self._get("held")
        return held

    def reclaim(self, **attempts: object) -> None:
        """Take away the hosts of these attempts (``job``, ``name``, ``index``, ``attempts``).

        At once, ``after_s`` seconds after their start, or when ``after_log`` is logged; it shows
        as ``shows`` says: ``host`` (the instance is named), ``143``, ``137`` or ``fargate``.
        """
        self._add_fault("reclaim", **attempts)

    def refuse_pull(self, **attempts: object) -> None:
        """Let the image pull of these attempts fail; the registry ``says`` why."""
        self._add_fault("refuse_pull", **attempts)

    def throttle(self, operation: str, per_second: float) -> None:
        """Refuse what comes faster; ``batch:*`` counts all operations of the service together."""
        self._add_fault("throttle", operation=operation, per_second=per_second)

    def fail(self, operation: str = "*", status: int = 500, **members: object) -> None:
        """Answer with an error, for so many ``times`` or ``seconds``, or a ``share`` of them.

        ``operation`` is a glob on ``service:Operation``; ``code`` and ``message`` are the error's.
        """
        error = {"code": "InternalError", "message": "We encountered an internal error."}
        self._add_fault("answer", operation=operation, status=status, **{**error, **members})

    def disconnect(self, operation: str = "*", **members: object) -> None:
        """Close the connection before anything is done, as ``fail`` does with its members."""
        self._add_fault("answer", operation=operation, status=0, **members)

    def answer_empty(self, operation: str = "batch:DescribeJobs", **members: object) -> None:
        """Answer DescribeJobs, or ListJobs, as if there were no job."""
        self._add_fault("answer", operation=operation, status=200, **members)

    def expire_token(self) -> None:
        """Refuse the controller's credentials; those of `renewed_environment` are valid."""
        self.fail(
            status=403,
            code="ExpiredTokenException",
            message="The security token included in the request is expired",
            access_key=provision.CONTROLLER_KEY,
        )

    def stick(self, queue: str, reason: str, index: int = 0) -> None:
        """Start nothing from a queue; the reason is on child ``index`` of an array."""
        self._add_fault("stick", queue=queue, reason=reason, index=index)

    def lose_response(self, operation: str, times: int = 1) -> None:
        """Do what is asked and close the connection without an answer."""
        self._add_fault("lose_response", operation=operation, times=times)

    def hold(self, operation: str, resource: str = "*", *, after: int = 0) -> None:
        """Keep requests waiting, undone, until faults are cleared; they are to be made again then.

        ``resource`` is a glob, for S3 on ``bucket/key``; the first ``after`` requests pass.
        """
        self._add_fault("hold", operation=operation, resource=resource, after=after)

    def hide_submitted(self, seconds: float = 1e9) -> None:
        """Let new jobs be unknown until faults are cleared, or so many seconds old."""
        self._add_fault("hide_submitted", seconds=seconds)

    def forget_after(self, seconds: float) -> None:
        """Forget finished jobs."""
        self._add_fault("forget_after", seconds=seconds)

    def clear_faults(self) -> None:
        """Switch every fault off."""
        self._send("DELETE", None)

    def _add_fault(self, kind: str, **members: object) -> None:
        self._send("POST", {"kind": kind, **members})

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.endpoint_url}/emulator/{path}") as reply:  # noqa: S310
            return json.load(reply)

    def _send(self, method: str, body: dict[str, object] | None) -> None:
        request = urllib.request.Request(  # noqa: S310 - loopback only
            f"{self.endpoint_url}/emulator/faults",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request):  # noqa: S310
            pass
