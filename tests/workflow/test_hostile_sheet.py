"""A run of a hostile sheet with a hostile server of files: nothing gets out, and others finish.

Only the tools are stand-ins here. test_attack.py attacks the real container with a hostile tool and
hostile reads, and tests/unit/test_attack.py the single steps.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.archive_server import Archive, Fault, serve
from support.hostile import (
    COMMANDS,
    CONTROL,
    FORMULA,
    QUERY,
    READS,
    SECRET,
    SHELL,
    iter_cells,
    read_tree,
    write_sheet,
)
from support.tools import FAKE_TOOLS

from bactofleet.cli.main import main
from bactofleet.core.toolset import needed_programs

REPOSITORY = Path(__file__).parents[2]
# Few reads are enough, and of what an archive gives no more than needed.
OPTIONS = {
    **{"min_reads": 10, "min_basepairs": 100, "min_coverage": 0.1, "min_contig_length": 50},
    **{"min_genome_size": 1000, "max_genome_size": 100_000, "threads": 1, "polish": False},
    **{"species_references": "", "providers": ["ena"]},
}
# What the runs are asked for; the table and the report come from the command.
RECEIPTS = "results/.gathered/0"
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
NOT_HTTPS = "leads to an address that is not https://"


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
