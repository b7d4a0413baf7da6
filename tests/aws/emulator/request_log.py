"""A log of every AWS request, from which tests count calls and collect IAM actions."""

import json
import threading
import time
from pathlib import Path

from .identify import Operation


class RequestLog:
    """JSON lines in a file; nothing is kept without one."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("a", buffering=1) if path else None
        self._lock = threading.Lock()
        self._callers: dict[str, str] = {}

    def name_caller(self, access_key: str, caller: str) -> None:
        """Say whose access key that is."""
        self._callers[access_key] = caller

    def write(
        self, operation: Operation, status: int, request_bytes: int, response_bytes: int
    ) -> None:
        """Add a request; status 0 is one whose response was lost."""
        if self._file is None:
            return
        key = operation.access_key or "anonymous"
        entry = {
            "time": round(time.time(), 3),
            "service": operation.service,
            "operation": operation.name,
            "action": operation.action,
            "status": status,
            "resource": operation.resource,
            "request_bytes": request_bytes,
            "response_bytes": response_bytes,
            "caller": self._callers.get(key, key),
        }
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")
