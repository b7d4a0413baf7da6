"""The demo as a project of a stack."""

import shutil
from pathlib import Path

from aws.emulator.client import EmulatedAWS
from infra.fleet import REPOSITORY, Fleet

IMAGE = "bactofleet:latest"


def make_project(account: EmulatedAWS, folder: Path, name: str) -> Fleet:
    """Return a project whose reads are in the bucket of its stack, and whose results go there."""
    fleet = Fleet(account, folder, name)
    (fleet.folder / "Snakefile").unlink()  # of the pretend workflow
    for part in ("config", "demo", "workflow"):
        shutil.rmtree(fleet.folder / part, ignore_errors=True)
        shutil.copytree(REPOSITORY / part, fleet.folder / part)
    deployed = fleet.aws("deploy", "--yes")
    assert deployed.returncode == 0, deployed.stderr
    fleet.set(image=IMAGE)
    move_to_bucket(fleet, fleet.outputs["Bucket"])
    return fleet


def move_to_bucket(fleet: Fleet, bucket: str) -> None:
    """Upload the demo's reads, and say so in its sheet and configuration."""
    demo = fleet.folder / "demo"
    for path in (demo / "reads").iterdir():
        fleet.client("s3").upload_file(str(path), bucket, f"reads/{path.name}")
    shutil.rmtree(demo / "reads")
    sheet, config = demo / "samples.tsv", demo / "config.yaml"
    sheet.write_text(sheet.read_text().replace("demo/reads/", f"s3://{bucket}/reads/"))
    text = config.read_text()
    assert "results: demo-results\n" in text
    config.write_text(text.replace("demo-results", f"s3://{bucket}/results/demo"))
