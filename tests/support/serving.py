"""A `bactofleet serve` of a project, in threads of this process or as a process of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bactofleet.monitor.page.server import PageServer
from bactofleet.monitor.page.updater import ViewUpdater

TIMEOUT_S = 20
COMMAND = "import sys; from bactofleet.cli.main import main; sys.exit(main(sys.argv[1:]))"


@contextmanager
def serve_here(host: str = "127.0.0.1") -> Iterator[PageServer]:
    """Serve the project of the current folder, of which a first look has been taken."""
    updater = ViewUpdater(Path("config/config.yaml"), live=False)
    updater.open()
    updater.start()
    with PageServer(host, 0, updater) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        wait_for(lambda: updater.view)
        yield server
        server.shutdown()


@contextmanager
def run_serve(project: Path, port: int = 0) -> Iterator[str]:
    """Run the command in a project's folder; give the address that it prints."""
    command = [sys.executable, "-c", COMMAND, "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().partition(" ")[0]
        finally:
            process.terminate()


def wait_for(condition):
    """Wait until something is true, and return it."""
    end = time.monotonic() + TIMEOUT_S
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found
