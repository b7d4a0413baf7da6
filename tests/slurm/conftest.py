"""A real Slurm of one node, in a container without privileges or network, and a user of it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
IMAGE = "bactofleet-test-slurm"
# The folder of a user on the shared file system.
PROJECT = "/shared/bactofleet"
# What it has where nothing is installed: this project, without its environment.
SOURCES = ("workflow", "config", "profiles", "demo")
# The node's own disk.
DISK = "/tmp"  # noqa: S108
SCRATCH = f"{DISK}/genomes"
# The limits of the demo's small reads, and a node of this size.
OPTIONS = [
    *("--config", "samples=config/samples.tsv", "results=results", f"scratch={SCRATCH}"),
    *("threads=1", "memory_mb=4000"),
]
# The cluster has no accounting database, and a test no time for the default of 40 s.
SLURM_OPTIONS = [
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3"),
]
WORKFLOW = [
    *("snakemake", "--profile", "profiles/slurm", "--configfile", "demo/config.yaml"),
    *SLURM_OPTIONS,
    *OPTIONS,
]
TIMEOUT_S = 1500


@dataclass
class Ended:
    """How a command ended, and what it said (standard output and error together)."""

    status: int
    output: str


@dataclass
class Cluster:
    """The running cluster; all commands are those of an ordinary user in the project's folder."""

    container: str

    def command(self, *command: str) -> list[str]:
        """Return the command line that runs a command on the cluster."""
        options = ("--interactive", "--user", "bactofleet", "--workdir", PROJECT)
        return ["docker", "exec", *options, self.container, *command]

    def run(self, *command: str, stdin: str | None = None) -> Ended:
        """Run a command to its end."""
        process = self.start(*command)
        output, _ = process.communicate(stdin, timeout=TIMEOUT_S)
        return Ended(process.returncode, output)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command and do not wait for it."""
        return subprocess.Popen(
            self.command(*command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def read(self, path: str) -> str:
        """Return a file's text; empty where there is none."""
        found = self.run("cat", path)
        return "" if found.status else found.output

    def write_samples(self, genomes: Mapping[str, Mapping[str, str]]) -> None:
        """Write the sample sheet: by name, the columns of each genome."""
        rows = [
            "sample\tr1\tr2",
            *("\t".join([name, *row.values()]) for name, row in genomes.items()),
        ]
        self.run("tee", "config/samples.tsv", stdin="\n".join(rows) + "\n")

    def start_workflow(self) -> subprocess.Popen[str]:
        """Start the workflow as docs/slurm.md says, and do not wait for it."""
        return self.start(*WORKFLOW)

    def run_workflow(self) -> Ended:
        """Run the workflow to its end."""
        return self.run(*WORKFLOW)

    def receipt(self, sample: str) -> dict:
        """Return a genome's receipt, as found on the shared file system."""
        return json.loads(self.read(f"results/receipts/{sample}.json"))

    def jobs(self) -> dict[str, dict[str, str]]:
        """Return what Slurm knows of each of the user's jobs, by id."""
        lines = self.run("scontrol", "show", "job", "--oneliner").output.splitlines()
        jobs = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]
        return {job["JobId"]: job for job in jobs if "JobId" in job}


def wait_for(condition: Callable[[], object], timeout_s: float = TIMEOUT_S) -> None:
    """Wait until `condition()` holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to this"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster with the tools on PATH and the project on its shared file system."""
    with start_cluster("tools", f"--volume={HERE}/skesa:/usr/local/bin/skesa:ro") as cluster:
        copy = [f"/source/{name}" for name in SOURCES]
        assert cluster.run("cp", "--recursive", *copy, PROJECT).status == 0
        yield cluster


@contextmanager
def start_cluster(image: str, *options: str) -> Iterator[Cluster]:
    """Start a cluster with an idle node, in an image of image/Dockerfile."""
    subprocess.run([HERE / "image" / "build", image], check=True)
    container = subprocess.check_output(
        ["docker", "run", "--detach", "--network", "none", "--hostname", "node"]
        # slurmd reads /proc/<pid>/io of its users, or counts nothing of a process, memory included.
        + ["--add-host", "node:127.0.0.1", "--cap-add", "SYS_PTRACE"]
        + [f"--volume={REPOSITORY}:/source:ro", "--workdir", PROJECT]
        + [*options, f"{IMAGE}:{image}"],
        text=True,
    ).strip()
    cluster = Cluster(container)
    try:
        wait_for(lambda: "idle" in cluster.run("sinfo", "--noheader", "--format=%T").output, 60)
        yield cluster
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", container], check=True)
