"""Measure a search: seconds and memory for many experiments, beside bactopia-search.

usage: run.py [--experiments N ...]

Both ask the same local server, which speaks ENA's Portal API. `broken` breaks every fifth answer in
its middle; the client waits between attempts as it does in earnest. One experiment tells what a
client takes for its start.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from support.archives import Fault, Request, Server, make_run

ROOT = Path(__file__).parents[2]
SEARCH = "import sys; from bactofleet.cli.main import main; sys.exit(main(sys.argv[1:]))"
BACTOPIA = """
import sys
from bactopia.databases import ena
ena.ENA_URL = sys.argv.pop(1)
from bactopia.cli.search import search
search()
"""


def serve(count: int, broken: bool, connection: Connection) -> None:
    """Serve experiments, two runs for every tenth, until the parent says so."""
    runs = [make_run(number) for number in range(count)]
    runs += [make_run(count + number, number) for number in range(0, count, 10)]
    with Server(runs) as archives:

        def fault(request: Request) -> Fault | None:
            return Fault(broken=True) if len(archives.requests) % 5 == 0 else None

        if broken:
            archives.fault = fault
        connection.send(archives.environment())
        connection.recv()
        connection.send(len(archives.requests))


def measure(folder: str, environment: dict[str, str], *command: str) -> dict[str, float]:
    """Run a Python program to its end; return what it took."""
    start = time.monotonic()
    with Path(folder, "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", *command],
            cwd=folder,
            env=os.environ | environment,
            stdout=log,
            stderr=log,
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(Path(folder, "log").read_text())
    return {
        "seconds": round(time.monotonic() - start, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": usage.ru_maxrss // 1024,
    }


def run(name: str, count: int, broken: bool = False) -> dict[str, object]:
    """Search all experiments with one of the clients."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(count, broken, theirs), daemon=True)
    server.start()
    environment = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "workflow").symlink_to(ROOT / "workflow")
        if name == "bactopia-search":
            url = f"{environment['BACTOFLEET_ENA_URL']}/portal/api/search"
            took = measure(folder, {}, BACTOPIA, url, "--query", "1280")
            rows = len(Path(folder, "bactopia-accessions.txt").read_text().splitlines()) - 1
        else:
            took = measure(folder, environment, SEARCH, "search", "1280")
            rows = len(Path(folder, "config/samples.tsv").read_text().splitlines()) - 1
    ours.send("end")
    requests = ours.recv()
    server.join()
    return {"client": name, "broken": broken, "rows": rows, "requests": requests, **took}


def main() -> None:
    """Print one line of JSON for each client and number of experiments."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--experiments", type=int, nargs="+", default=[1, 10_000, 100_000])
    for count in parser.parse_args().experiments:
        for name, broken in (("search", False), ("search", True), ("bactopia-search", False)):
            print(json.dumps(run(name, count, broken)), flush=True)


if __name__ == "__main__":
    main()
