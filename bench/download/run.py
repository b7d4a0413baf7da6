"""Compare downloads of a pair of FASTQ files with curl and fastq-dl, from one local HTTPS server.

usage: PYTHONPATH=tests python bench/download/run.py [--megabytes 200] [--repeats 3]

Without and with a limit of each connection's rate, as public servers have one. All verify MD5: what
curl brings is given to md5sum. bactofleet computes SHA-256 too, for its receipts, so that the
others are measured with and without it. Prints a table; needs curl, md5sum, openssl, and wget
(which fastq-dl runs).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

from support.archive_data import add_run, path_at_ena
from support.archive_server import Archive, serve

RUN = "SRR9000001"
FASTQ_DL = "fastq-dl==4.0.1"
PATHS = [path_at_ena(RUN, f"_{mate}.fastq.gz") for mate in (1, 2)]
LIMITS_MB_S = (0, 25)

# As the download stage does it, with a row of the sheet that a search wrote.
OURS = """
import json
import sys
from pathlib import Path
from bactofleet.core.samples import Sample
from bactofleet.archives.providers import Workspace, fetch_accession
from bactofleet.core.tools import Toolbox

row, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
fetch_accession(Sample("S1", **row), ["ena"], Workspace(folder, Toolbox(folder, sys.stdout), 2))
"""
# The library of fastq-dl; its command asks the real ENA for metadata first.
THEIRS = """
import sys
from fastq_dl.providers.ena import ena_download

ftp, md5 = sys.argv[3].split(";"), sys.argv[4]
run = {"run_accession": sys.argv[1], "library_layout": "PAIRED", "fastq_ftp": ";".join(ftp),
       "fastq_md5": md5}
found = ena_download(run, sys.argv[2], protocol="https")
sys.exit(not found["r2"])
"""


@dataclass(frozen=True)
class Client:
    """Something that downloads both files into a folder: its name and its commands."""

    name: str
    commands: Callable[[Path], list[list[str]]]
    knows_sha256: bool = False

    def with_sha256(self) -> Client:
        """Return the same client, with SHA-256 of what it brought."""

        def commands(target: Path) -> list[list[str]]:
            files = [str(target / Path(path).name) for path in PATHS]
            return [*self.commands(target), ["openssl", "sha256", *files]]

        return Client(f"{self.name}, openssl sha256", commands, knows_sha256=True)


@dataclass(frozen=True)
class Measure:
    """What one download took."""

    seconds: float
    cpu_seconds: float


def main() -> None:
    """Measure all clients in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200, help="size of each of the two files")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serve(Path(name)) as archive:
        folder = Path(name)
        library = install_fastq_dl(folder)
        files = [(f"_{mate}.fastq.gz", make_file(mate, given.megabytes)) for mate in (1, 2)]
        row = add_run(archive, RUN, *files)
        os.environ |= archive.environment | {"CURL_CA_BUNDLE": str(archive.authority)}
        clients = make_clients(archive, row, library, folder)
        for limit in LIMITS_MB_S:
            archive.bytes_per_second = limit * 1e6
            taken = measure_all(clients, folder / "files", given.repeats)
            print(f"\n{limit} MB/s a connection" if limit else "\nno limit of the rate")
            print_table(taken, 2 * given.megabytes)
            print_ratios(clients, taken)


def make_file(seed: int, megabytes: int) -> bytes:
    """Return the contents of a file; nothing on the way compresses or reads it."""
    return random.Random(seed).randbytes(1_000_000) * megabytes  # noqa: S311


def make_clients(
    archive: Archive, row: dict[str, str], library: Path, folder: Path
) -> list[Client]:
    """Return ours and the others, led to the archive."""
    urls = [archive.url + path for path in PATHS]
    sums = row["fastq_md5"].split(";")
    sizes = list(map(int, row["fastq_bytes"].split(";")))
    known = {"accession": RUN, "runs": [RUN], "spots": [1], "bases": [100], "layout": "paired"}
    known |= {"fastq": row["fastq_ftp"].split(";"), "fastq_md5": sums, "fastq_bytes": sizes}
    theirs = ";".join(url.removeprefix("https://") for url in urls)
    settings = folder / "wgetrc"
    settings.write_text(f"ca_certificate = {archive.authority}\n")
    os.environ["WGETRC"] = str(settings)

    def curl(target: Path, *options: str) -> list[list[str]]:
        (folder / "sums").write_text(
            "".join(
                f"{md5}  {target / Path(url).name}\n" for md5, url in zip(sums, urls, strict=True)
            )
        )
        get = [
            "curl",
            "--fail",
            "--no-progress-meter",
            *options,
            "--output-dir",
            str(target),
            "--remote-name-all",
        ]
        return [[*get, *urls], ["md5sum", "--check", "--status", str(folder / "sums")]]

    fastq_dl = ["env", f"PYTHONPATH={library}", sys.executable, "-c", THEIRS, RUN]
    ours = [sys.executable, "-c", OURS, json.dumps(known)]
    others = [
        Client("curl, md5sum", curl),
        Client("curl --parallel, md5sum", lambda to: curl(to, "--parallel")),
        Client("fastq-dl", lambda to: [[*fastq_dl, str(to), theirs, row["fastq_md5"]]]),
    ]
    return [
        Client("bactofleet", lambda to: [[*ours, str(to)]], knows_sha256=True),
        *others,
        *(client.with_sha256() for client in others),
    ]


def install_fastq_dl(folder: Path) -> Path:
    """Return a folder with fastq-dl, without what it needs for SRA."""
    library = folder / "library"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(library)]
    subprocess.run([*pip, FASTQ_DL], check=True)
    return library


def measure_all(clients: list[Client], target: Path, repeats: int) -> dict[str, Measure]:
    """Return medians of what each took; they take turns, so that none has the quiet moments."""
    taken: dict[str, list[Measure]] = {client.name: [] for client in clients}
    for _ in range(repeats):
        for client in clients:
            target.mkdir()
            taken[client.name].append(measure(client.commands(target)))
            shutil.rmtree(target)
    return {name: median(measures) for name, measures in taken.items()}


def median(measures: list[Measure]) -> Measure:
    """Return the medians of both numbers."""
    columns = zip(*map(astuple, measures), strict=True)
    return Measure(*map(statistics.median, columns))


def measure(commands: list[list[str]]) -> Measure:
    """Run commands, one after the other."""
    before, start = os.times(), time.monotonic()
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return Measure(time.monotonic() - start, cpu)


def print_table(taken: dict[str, Measure], megabytes: int) -> None:
    """Print rows of a table in Markdown."""
    print("\n| client | seconds | MB/s | CPU seconds |\n|---|---|---|---|")
    for name, one in taken.items():
        rate = megabytes / one.seconds
        print(f"| {name} | {one.seconds:.2f} | {rate:.0f} | {one.cpu_seconds:.2f} |")


def print_ratios(clients: list[Client], taken: dict[str, Measure]) -> None:
    """Print how many times as fast the first is as the best of the others, and in CPU time."""
    ours, *others = clients
    for checksums, knows_sha256 in (("MD5", False), ("MD5 and SHA-256", True)):
        group = [taken[one.name] for one in others if one.knows_sha256 == knows_sha256]
        best = Measure(min(m.seconds for m in group), min(m.cpu_seconds for m in group))
        seconds = best.seconds / taken[ours.name].seconds
        cpu = best.cpu_seconds / taken[ours.name].cpu_seconds
        print(f"\nratio to the best of those with {checksums}: {seconds:.2f}, of CPU {cpu:.2f}")


if __name__ == "__main__":
    main()
