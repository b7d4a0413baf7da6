"""Hostile input and a hostile tool in the real container: nothing gets out, and others finish."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from workflow.conftest import REPOSITORY, Project, Result, build_image, make_project, plasmid

SECRET = "planted-secret-of-the-user"
ESCAPE = "\x1b]0;owned\x07"
FORMULA = '=HYPERLINK("https://evil.example","x")'
# A SKESA that attacks whatever it can reach, and then does its work.
HOSTILE = f"""#!/bin/sh
exec 3>&2 2>/dev/null
for name in .git/hooks/pre-commit .venv/bin/owned src/owned.py Makefile config/owned \\
        config/config.yaml config/samples.tsv workflow/Snakefile owned \
        results/victim.tar.gz results/receipts/victim.json scratch/victim; do
    echo owned >>"$BACTOFLEET_LOOT/../$name"
done
echo owned >>{REPOSITORY}/owned
echo owned >>{REPOSITORY}/src/owned.py
exec 2>&3
# The one place outside of the scratch of its genome that the stage can write to.
cd "$BACTOFLEET_LOOT/logs/good"
env >environment
cat /run/bactofleet/credentials >credentials 2>&1
python3 - <<END 2>connection
import urllib.request
urllib.request.urlopen("http://127.0.0.1:$BACTOFLEET_PORT/", timeout=5)
END
cd "$OLDPWD"
exec /usr/bin/skesa "$@"
"""
TAG = "bactofleet-test:hostile"


class Listener(http.server.BaseHTTPRequestHandler):
    """A service of this machine that counts who comes."""

    visits: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.visits.append(self.path)
        self.send_response(200)
        self.end_headers()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Return the port of a service on the loopback of this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def hostile_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image with that SKESA before the real one."""
    return build_image(tmp_path_factory.mktemp("image"), TAG, HOSTILE)


def write_reads(path: Path, name: str) -> Path:
    """Write reads whose names attack whoever shows them, and whose last record is cut off."""
    record = f"@{name}\nACGT\n+\nIIII\n"
    path.write_bytes(gzip.compress(f"{record * 10}@{name}\nACGT\n+\nII".encode()))
    return path


def read_tree(folder: Path) -> dict[str, str]:
    """Return a checksum of every file outside of what a run writes."""
    written = {"results", "scratch", ".snakemake"}
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in written
    }


@pytest.fixture(scope="module")
def attacked(hostile_image: str, port: int) -> Iterator[tuple[Project, Result, dict[str, str]]]:
    """A run with a hostile tool and hostile reads; and the files of the project before it."""
    # Tools may write anything to /tmp.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield run_attack(
            make_project(Path(folder) / "p", threads=2, memory_mb=4000), hostile_image, port
        )


def run_attack(
    project: Project, hostile_image: str, port: int
) -> tuple[Project, Result, dict[str, str]]:
    project.image = hostile_image
    for name in (".git/hooks", ".venv/bin", "src", "workflow", "reads"):
        (project.folder / name).mkdir(parents=True)
    for name in ("Makefile", "workflow/Snakefile"):
        (project.folder / name).write_text("mine\n")
    bomb = project.folder / "reads/bomb.fastq.gz"
    # 64 MiB in one line, as 64 kB of gzip: more than a record of reads may have.
    with gzip.open(bomb, "wb") as file:
        file.write(b"@bomb\n")
        for _ in range(64):
            file.write(b"A" * (1 << 20))
    escape = write_reads(project.folder / "reads/escape.fastq.gz", ESCAPE + FORMULA)
    project.write_samples(
        [plasmid("good"), {"sample": "bomb", "r1": bomb}, {"sample": "escape", "r1": escape}]
    )
    before = read_tree(project.folder)
    loot = project.folder / "results"
    loot.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAPLANTED")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("BACTOFLEET_LOOT", str(loot))
        patch.setenv("BACTOFLEET_PORT", str(port))
        result = project.run()
    return project, result, before


def test_the_other_genomes_are_complete(attacked: tuple[Project, Result, dict[str, str]]) -> None:
    project, result, _ = attacked

    assert result.status == 0, result.output
    statuses = {name: project.receipt(name)["status"] for name in ("good", "bomb", "escape")}
    assert statuses == {"good": "complete", "bomb": "excluded", "escape": "excluded"}


def test_nothing_outside_of_results_and_scratch_has_changed(
    attacked: tuple[Project, Result, dict[str, str]],
) -> None:
    project, _, before = attacked

    assert read_tree(project.folder) == before
    assert not [name for name in ("owned", "src/owned.py") if (REPOSITORY / name).exists()]


def test_a_tool_finds_no_credentials_and_none_are_left_behind(
    attacked: tuple[Project, Result, dict[str, str]],
) -> None:
    project, result, _ = attacked
    loot = project.folder / "results/logs/good"
    environment = (loot / "environment").read_text()
    files = [path for path in project.folder.rglob("*") if path.is_file()]

    assert "BACTOFLEET_LOOT" in environment
    assert "credentials: Permission denied" in (loot / "credentials").read_text()
    assert SECRET not in environment + result.output
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_a_tool_writes_nothing_into_the_results_of_other_genomes(
    attacked: tuple[Project, Result, dict[str, str]],
) -> None:
    project, _, _ = attacked

    assert not [path for path in project.folder.rglob("*victim*") if "logs" not in path.parts]


def test_a_tool_has_no_network(
    attacked: tuple[Project, Result, dict[str, str]],
) -> None:
    project, _, _ = attacked

    connection = (project.folder / "results/logs/good/connection").read_text()
    assert "Address family not supported" in connection
    assert Listener.visits == []


def test_foreign_text_controls_no_terminal_and_no_spreadsheet(
    attacked: tuple[Project, Result, dict[str, str]],
) -> None:
    project, result, _ = attacked
    cells = (project.folder / "results/cohort.tsv").read_text().replace("\n", "\t").split("\t")

    assert "\x1b]" not in result.output
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@")) or "\x1b" in cell]
