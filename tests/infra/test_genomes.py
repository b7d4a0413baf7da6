"""The demo's genomes on a stack: reads and results in its bucket, under its roles, in the image."""

import json
import shutil
from pathlib import Path

import pytest
from emulator.client import EmulatedAWS
from fleet import REPOSITORY, Fleet

IMAGE = "bactofleet:latest"


@pytest.fixture(scope="module")
def project(account: EmulatedAWS, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A project whose reads are in the bucket of its stack, and whose results go there."""
    fleet = Fleet(account, tmp_path_factory.mktemp("genomes"), "genome-stack")
    (fleet.folder / "Snakefile").unlink()  # of the pretend workflow
    for name in ("config", "demo", "workflow"):
        shutil.rmtree(fleet.folder / name, ignore_errors=True)
        shutil.copytree(REPOSITORY / name, fleet.folder / name)
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


def test_the_demo_is_made_on_the_stack_with_the_rights_of_its_roles(project: Fleet) -> None:
    controller = project.assume(project.outputs["ControllerRole"])

    with project.start_snakemake(controller, "--configfile", "demo/config.yaml") as process:
        status = process.wait(timeout=600)

    assert status == 0, (project.folder / "snakemake.log").read_text()
    receipts = (project.folder / "results/receipts").glob("*.json")
    found = {path.stem: json.loads(path.read_text())["status"] for path in receipts}
    assert found == {"ecoli_part": "complete", "pUSA300HOUMR": "complete", "truncated": "excluded"}
    keys = [Path(key).name for key in project.get_keys() if key.startswith("results/demo/")]
    assert keys == [f"{name}.tar.gz" for name in sorted(found)]
    multiqc = (project.folder / "results/multiqc_report.html").read_text()
    assert "is left out" not in multiqc[:1000]
    jobs = [r for r in project.account.requests() if r["caller"].startswith("job/")]
    assert {r["status"] for r in jobs if "genome-stack" in r["resource"]} == {200, 206}
