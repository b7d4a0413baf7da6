"""One run of Snakemake on the emulated AWS, measured from outside."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from aws.emulator.client import EmulatedAWS
from executors import SCHEDULING, Contestant, patch_peer
from workloads import Workload

VCPUS = 100_000
"""So many that no stub waits for room."""
KIB_PER_MIB = 1024


@dataclass(frozen=True)
class Measurement:
    """What one run took; times in seconds from the instant at which the graph stood.

    Attributes:
        executor: Its name.
        genomes: How many jobs.
        graph_s: From the start of Snakemake until its scheduler gave jobs to the executor.
        submitted_s: Until the last SubmitJob was answered.
        collected_s: Until Snakemake had ended.
        cpu_s: CPU time of the controller and the programs that it started.
        peak_mib: Largest resident memory of the controller.
        batch_calls: Requests of the controller to Batch, by operation.
        s3_requests: Requests of the controller to S3, by operation.

    """

    executor: str
    genomes: int
    graph_s: float
    submitted_s: float
    collected_s: float
    cpu_s: float
    peak_mib: float
    batch_calls: dict[str, int]
    s3_requests: dict[str, int]

    def as_record(self) -> dict[str, Any]:
        """For JSON, with the quotients by genome."""
        return asdict(self) | {
            "batch_calls_a_genome": sum(self.batch_calls.values()) / self.genomes,
            "s3_requests_a_genome": sum(self.s3_requests.values()) / self.genomes,
        }


def measure(
    contestant: Contestant, workload: Workload, genomes: int, limit_s: float | None = None
) -> Measurement:
    """Run so many stub jobs.

    Raises TimeoutError after the limit, RuntimeError with the end of Snakemake's output if that
    failed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fleet-") as folder,
        EmulatedAWS(stub=workload.stubs[contestant.name], spot_vcpus=VCPUS) as aws,
    ):
        controller = Controller(contestant, workload, genomes, aws, Path(folder, "project"))
        controller.wait(limit_s)
        calls = [entry for entry in aws.requests() if entry["caller"] == "controller"]
        submissions = [entry["time"] for entry in calls if entry["operation"] == "SubmitJob"]
        return Measurement(
            executor=contestant.name,
            genomes=genomes,
            graph_s=controller.graph_at - controller.started_at,
            submitted_s=max(submissions) - controller.graph_at,
            collected_s=controller.ended_at - controller.graph_at,
            cpu_s=controller.cpu_s,
            peak_mib=controller.peak_mib,
            batch_calls=_count(calls, "batch"),
            s3_requests=_count(calls, "s3"),
        )


class Controller:
    """Snakemake as a process whose output and memory are watched."""

    def __init__(
        self,
        contestant: Contestant,
        workload: Workload,
        genomes: int,
        aws: EmulatedAWS,
        folder: Path,
    ) -> None:
        self.graph_at = self.ended_at = self.cpu_s = self.peak_mib = 0.0
        self._status: int | None = None
        workload.lay_out(aws, folder, genomes)
        self._log = folder / "snakemake.log"
        environment = os.environ | aws.environment | patch_peer(folder / "patched")
        self.started_at = time.time()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "snakemake"),
                *SCHEDULING,
                *workload.get_arguments(genomes),
                *contestant.arguments(aws),
            ],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._watcher = threading.Thread(target=self._watch, args=[self._process.stdout])
        self._watcher.start()

    def wait(self, limit_s: float | None) -> None:
        """Wait for its end; it is killed after the limit.

        Raises TimeoutError after the limit, RuntimeError if it failed.
        """
        self._watcher.join(limit_s)
        if self._watcher.is_alive():
            self._process.kill()
            self._watcher.join()
            raise TimeoutError(f"snakemake took longer than {limit_s} s")
        if self._status != 0:
            tail = "".join(self._log.read_text().splitlines(keepends=True)[-20:])
            raise RuntimeError(f"snakemake ended with status {self._status}:\n{tail}")

    def _watch(self, output: IO[str]) -> None:
        with self._log.open("w") as log:
            for line in output:
                if not self.graph_at and line.startswith("Execute "):
                    self.graph_at = time.time()
                log.write(line)
        _, status, usage = os.wait4(self._process.pid, 0)
        self.ended_at = time.time()
        self._status = self._process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_s = usage.ru_utime + usage.ru_stime
        # Linux counts what this process held when it forked, too: so it imports little (no moto).
        self.peak_mib = usage.ru_maxrss / KIB_PER_MIB


def _count(calls: list[dict[str, Any]], service: str) -> dict[str, int]:
    return dict(Counter(call["operation"] for call in calls if call["service"] == service))
