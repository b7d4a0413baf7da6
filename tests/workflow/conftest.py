"""Run the real workflow in the real container, each test in a folder of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.archive_server import archive, archive_server  # noqa: F401 (fixtures)

from bactofleet.core.destination import scratch_folder

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "demo" / "reads"
SHARED = REPOSITORY.parent / "shared" / "data"
IMAGE = "bactofleet:latest"
# The demo's reads are few: the limits are lowered as the demo does.
SMALL = {
    "min_reads": 500,
    "min_basepairs": 100000,
    "min_coverage": 5,
    "min_genome_size": 10000,
    # They take longer than all else of such a genome.
    "species_references": "",
    "resistance": False,
}
TIMEOUT_S = 1500


@dataclass
class Result:
    """How a run ended, and what it said (standard output and error together)."""

    status: int
    output: str


@dataclass
class Project:
    """A folder with a configuration and a sample sheet, as a user has it."""

    folder: Path
    config: dict[str, object] = field(default_factory=dict)
    image: str = IMAGE

    @property
    def scratch(self) -> Path:
        """Where genomes are worked on."""
        return scratch_folder(str(self.folder / "scratch"), str(self.folder / "results"))

    def write_samples(self, rows: list[dict[str, object]]) -> None:
        """Write the sample sheet; columns are those that any row has."""
        columns = list(dict.fromkeys(column for row in rows for column in row))
        lines = ["\t".join(str(row.get(column, "")) for column in columns) for row in rows]
        text = "\n".join(["\t".join(columns), *lines]) + "\n"
        (self.folder / "config" / "samples.tsv").write_text(text)

    def command(self, *arguments: str) -> list[str]:
        """Return the command that starts the workflow in the container."""
        options = [f"{key}={json.dumps(value)}" for key, value in self.config.items()]
        return [
            *(sys.executable, "-m", "bactofleet.run.container", "--image", self.image, "--"),
            *("snakemake", "--snakefile", str(REPOSITORY / "workflow" / "Snakefile")),
            *("--profile", str(REPOSITORY / "profiles" / "local")),
            *arguments,
            *(["--config", *options] if options else []),
        ]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the workflow and do not wait for it."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> Result:
        """Run the workflow to its end."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=TIMEOUT_S)
        return Result(process.returncode, output)

    def receipt(self, sample: str) -> dict:
        return json.loads((self.folder / "results/receipts" / f"{sample}.json").read_text())

    def has_receipt(self, sample: str) -> bool:
        return (self.folder / "results/receipts" / f"{sample}.json").exists()

    def tarball(self, sample: str) -> Path:
        return self.folder / "results" / f"{sample}.tar.gz"

    def unpack(self, sample: str) -> Path:
        """Unpack a genome's tarball; return its folder."""
        target = self.folder / "unpacked"
        with tarfile.open(self.tarball(sample)) as tar:
            tar.extractall(target, filter="data")
        return target / sample


def make_project(folder: Path, **config: object) -> Project:
    """Make a project with the default configuration and the limits of small data."""
    (folder / "config").mkdir(parents=True)
    default = (REPOSITORY / "config" / "config.yaml").read_text()
    (folder / "config" / "config.yaml").write_text(default)
    return Project(folder, SMALL | config)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return make_project(tmp_path / "project")


def plasmid(name: str = "plasmid") -> dict[str, object]:
    """Return the row of a sample that becomes a complete genome within a minute."""
    return {
        "sample": name,
        "r1": DEMO / "plasmid_R1.fastq.gz",
        "r2": DEMO / "plasmid_R2.fastq.gz",
        "species": "Staphylococcus aureus",
    }


def broken(name: str = "broken") -> dict[str, object]:
    """Return the row of a sample that is excluded within seconds."""
    return plasmid(name) | {"r1": DEMO / "truncated_R1.fastq.gz"}


def build_image(folder: Path, tag: str, skesa: str) -> str:
    """Build the image with a script in place of SKESA, and return its tag."""
    (folder / "skesa").write_text(skesa)
    (folder / "skesa").chmod(0o755)
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nCOPY skesa /usr/local/bin/skesa\n")
    subprocess.run(["docker", "build", "--quiet", "--tag", tag, str(folder)], check=True)
    return tag


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C; return what the workflow said."""
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    return output
