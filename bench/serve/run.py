"""Measure `bactofleet serve`: its first look, another look, memory, and what a reader asks for.

usage: run.py [--genomes N ...]

Writes a synthetic run under way on AWS Batch, 60 % of its genomes ended, into a temporary folder,
serves it in a process of its own, and asks over HTTP as the page does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from support.synthetic_run import write_run

REPOSITORY = Path(__file__).parents[2]
ENDED = 0.6
LOOKS = 3
ASKED = 9
POLL_S = 0.2
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A `bactofleet serve` under measurement."""

    def __init__(self, project: Path) -> None:
        command = [sys.executable, "-c", "from bactofleet.cli.main import main; main()"]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}
        self.process = subprocess.Popen(
            [*command, "serve", "--port", "0"],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.process.stdout is None or not (line := self.process.stdout.readline()):
            raise SystemExit("bactofleet serve did not start")
        self.url = line.split()[0]

    def ask(self, address: str, **query: Any) -> tuple[bytes, float]:
        """Return an answer, and the wall seconds until it was here."""
        begun = time.perf_counter()
        reply = requests.get(f"{self.url}api/{address}", query, timeout=60)
        reply.raise_for_status()
        return reply.content, time.perf_counter() - begun

    def count_packed(self, address: str) -> int:
        """Return the bytes of an answer on their way."""
        reply = requests.get(f"{self.url}api/{address}", timeout=60, stream=True)
        return len(reply.raw.read())

    def wait_for_look(self, last: float | None) -> float:
        """Return the time of the first look after the `last` one."""
        while (found := json.loads(self.ask("state")[0]).get("time")) == last:
            time.sleep(POLL_S)
        return float(found)

    def cpu_s(self) -> float:
        """Return the processor time that was used so far.

        https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
        """
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / CLOCK_TICKS

    def peak_mb(self) -> int:
        """Return the most memory that was used so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024


def main() -> None:
    """Print one line of JSON for each cohort."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--genomes", type=int, nargs="+", default=[3, 2_000, 67_000])
    for count in parser.parse_args().genomes:
        with tempfile.TemporaryDirectory() as folder:
            write_run(Path(folder), count, machines=max(1, count // 100), ended=ENDED, on_aws=True)
            print(json.dumps({"genomes": count, **measure(Path(folder), count)}), flush=True)


def measure(project: Path, count: int) -> dict[str, Any]:
    """Serve a run and ask for it."""
    with serving(project) as server:
        started = server.cpu_s()
        look = server.wait_for_look(None)
        first = server.cpu_s()
        for _ in range(LOOKS):
            look = server.wait_for_look(look)
        return {
            "start_cpu_s": round(started, 1),
            "first_look_cpu_s": round(first - started, 1),
            "another_look_cpu_s": round((server.cpu_s() - first) / LOOKS, 2),
            "peak_mb": server.peak_mb(),
            "state_kb": round(len(server.ask("state")[0]) / 1000, 1),
            "rows_mb": round(len(server.ask("genomes")[0]) / 1e6, 2),
            "rows_packed_mb": round(server.count_packed("genomes") / 1e6, 2),
            "rows_ms": median_ms(server.ask("genomes")[1] for _ in range(ASKED)),
            "changes_ms": median_ms(server.ask("genomes", since=look)[1] for _ in range(ASKED)),
        }


@contextmanager
def serving(project: Path) -> Iterator[Server]:
    """Give a server, which ends with the block."""
    server = Server(project)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


def median_ms(seconds: Iterator[float]) -> float:
    """Return the median in milliseconds."""
    return round(1000 * statistics.median(seconds), 1)


if __name__ == "__main__":
    main()
