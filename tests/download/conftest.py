"""Archives on this machine that the real workflow in the real container downloads from."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from support.archive_server import Archive, serve
from support.plasmid import plain_reads
from workflow.conftest import IMAGE

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}
# https://github.com/ncbi/sra-tools/wiki/03.-Quick-Toolkit-Configuration: where prefetch asks.
SETTINGS = """
/LIBS/GUID = "00000000-0000-0000-0000-000000000000"
/repository/remote/main/SDL.2/resolver-cgi = "{url}/sdl/2/retrieve"
/tls/ca.crt/test = "{certificate}"
"""
# A real archive file from FASTQ: latf-load fills a table, kar packs it.
PACK = """
cd results
latf-load --quality PHRED_33 -p ILLUMINA -1 mate1.fastq -2 mate2.fastq -o table
kar --create run.sra --directory table
"""


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """ENA, SRA and NCBI's resolver; the environment leads to them."""
    folder = tmp_path_factory.mktemp("authority")
    with serve(folder) as archive, pytest.MonkeyPatch.context() as patch:
        certificate = archive.authority.read_text().replace("\n", r"\r\n")
        settings = folder / "settings.mkfg"
        settings.write_text(SETTINGS.format(url=archive.url, certificate=certificate))
        for name, value in archive.environment.items():
            patch.setenv(name, value)
        patch.setenv("NCBI_SETTINGS", str(settings))
        yield archive


@pytest.fixture(scope="session")
def s3() -> Iterator[Any]:
    """A client of an emulated S3, which the environment leads to."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        yield boto3.client("s3")
    server.stop()


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an archive file of the plasmid's reads, made by NCBI's own tools."""
    folder = tmp_path_factory.mktemp("packed")
    # The only folder of these that a container may write to.
    results = folder / "results"
    results.mkdir()
    for mate in (1, 2):
        (results / f"mate{mate}.fastq").write_text(plain_reads(mate))
    command = [sys.executable, "-m", "bactofleet.run.container", "--image", IMAGE]
    subprocess.run([*command, "--", "bash", "-ec", PACK], cwd=folder, check=True)
    return results / "run.sra"
