"""Compare downloads of a pair of FASTQ files with curl and fastq-dl, from one local HTTPS server.

usage: PYTHONPATH=tests python bench/download/run.py [--megabytes 200] [--repeats 3]

Without and with a limit of each connection's rate, as public servers have one. All verify MD5: what
curl brings is given to md5sum. Prints a table; needs curl, md5sum and wget (which fastq-dl runs).
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
from dataclasses import dataclass
from pathlib import Path

from support.archive_data import add_run, path_at_ena
from support.archive_server import Archive, serve

RUN = "SRR9000001"
FASTQ_DL = "fastq-dl==4.0.1"
LIMITS_MB_S = (0, 25)

# As the download stage does it, with a row of the sheet that a search wrote.
OURS = """
import json
import sys
from pathlib import Path
from bactofleet.samples import Sample
from bactofleet.sources.providers import Workplace, fetch_accession
from bactofleet.tools import Toolbox

row, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
fetch_accession(Sample("S1", **row), ["ena"], Workplace(folder, Toolbox(folder, sys.stdout), 2))
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
            print_table(taken, 2 * given.megabytes, limit)


def make_file(seed: int, megabytes: int) -> bytes:
    """Return the contents of a file; nothing on the way compresses or reads it."""
    return random.Random(seed).randbytes(1_000_000) * megabytes  # noqa: S311


def make_clients(
    archive: Archive, row: dict[str, str], library: Path, folder: Path
) -> list[Client]:
    """Return ours and the others, led to the archive."""
    paths = [path_at_ena(RUN, f"_{mate}.fastq.gz") for mate in (1, 2)]
    urls = [archive.url + path for path in paths]
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
    return [
        Client("bactofleet", lambda to: [[sys.executable, "-c", OURS, json.dumps(known), str(to)]]),
        Client("curl, md5sum", curl),
        Client("curl --parallel, md5sum", lambda to: curl(to, "--parallel")),
        Client("fastq-dl", lambda to: [[*fastq_dl, str(to), theirs, row["fastq_md5"]]]),
    ]


def install_fastq_dl(folder: Path) -> Path:
    """Return a folder with fastq-dl, without what it needs for SRA."""
    library = folder / "library"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(library)]
    subprocess.run([*pip, FASTQ_DL], check=True)
    return library


def measure_all(clients: list[Client], target: Path, repeats: int) -> dict[str, list[Measure]]:
    """Return what each client took, in turn, so that none has the quiet moments for itself."""
    taken: dict[str, list[Measure]] = {client.name: [] for client in clients}
    for _ in range(repeats):
        for client in clients:
            target.mkdir()
            taken[client.name].append(measure(client.commands(target)))
            shutil.rmtree(target)
    return taken


def measure(commands: list[list[str]]) -> Measure:
    """Run commands, one after the other."""
    before, start = os.times(), time.monotonic()
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return Measure(time.monotonic() - start, cpu)


def print_table(taken: dict[str, list[Measure]], megabytes: int, limit: int) -> None:
    """Print medians as rows of a table in Markdown, and the ratios to the best of the others."""
    seconds = {name: statistics.median(m.seconds for m in all_) for name, all_ in taken.items()}
    cpu = {name: statistics.median(m.cpu_seconds for m in all_) for name, all_ in taken.items()}
    print(f"\n{limit} MB/s a connection" if limit else "\nno limit of the rate")
    print("\n| client | seconds | MB/s | CPU seconds |\n|---|---|---|---|")
    for name, value in seconds.items():
        print(f"| {name} | {value:.2f} | {megabytes / value:.0f} | {cpu[name]:.2f} |")
    for what, values in (("seconds", seconds), ("CPU seconds", cpu)):
        ours, *others = values.values()
        print(f"\nratio to the best of the others, {what}: {min(others) / ours:.2f}")


if __name__ == "__main__":
    main()
