"""A hostile sheet, archive, receipt and tarball: nothing gets out, and other genomes finish.

Only the tools are stand-ins here. tests/workflow/test_hostile_sheet.py is a whole run of a hostile
sheet, and tests/workflow/test_attack.py attacks the real container.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import tarfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.archive_data import add_run
from support.archive_server import Archive, Fault
from support.cohorts import Cohort
from support.hostile import (
    COMMANDS,
    CONTROL,
    EXTRACT,
    FORMULA,
    QUERY,
    READS,
    SECRET,
    SHELL,
    TERMINAL,
    iter_cells,
    read_tree,
    write_sheet,
)
from support.projects import write_project
from support.receipts import make_receipt
from support.serving import serve_here
from support.stages import DOWNLOAD_PARAMETERS, Genome
from support.tarballs import pack

from bactofleet.archives import web
from bactofleet.cli.main import main
from bactofleet.core.samples import Sample
from bactofleet.genome import download

INTO, CHECKSUMS = "extract --only *.gff.gz --into results/all.gff", "verify --checksums"
GENES = gzip.compress(b"genes", mtime=0)
NO_ANSWER = "SRA's answer does not have the documented form"
UNNAMED = "ENA did not name its files of SRR9000003, or not in a known form"


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
