"""The demo's genomes on a stack: reads and results in its bucket, under its roles, in the image."""

import json
from pathlib import Path

import pytest
from aws.emulator.client import EmulatedAWS
from infra.demo_project import make_project
from infra.fleet import Fleet


@pytest.fixture(scope="module")
def project(account: EmulatedAWS, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A project of the demo."""
    return make_project(account, tmp_path_factory.mktemp("genomes"), "genome-stack")


def test_the_demo_is_made_on_the_stack_with_the_rights_of_its_roles(project: Fleet) -> None:
    controller = project.assume(project.outputs["ControllerRole"])

    with project.start_snakemake(controller, "--configfile", "demo/config.yaml") as process:
        status = process.wait(timeout=600)

    assert status == 0, (project.folder / "snakemake.log").read_text()
    receipts = (project.folder / "results/receipts").glob("*.json")
    found = {path.stem: json.loads(path.read_text())["status"] for path in receipts}
    assert found == {
        "ecoli_part": "complete",
        "mixture": "complete",
        "pUSA300HOUMR": "complete",
        "truncated": "excluded",
    }
    keys = [Path(key).name for key in project.get_keys() if key.startswith("results/demo/")]
    assert keys == [f"{name}.tar.gz" for name in sorted(found)]
    multiqc = (project.folder / "results/multiqc_report.html").read_text()
    assert "is left out" not in multiqc[:1000]
    jobs = [r for r in project.account.requests() if r["caller"].startswith("job/")]
    assert {r["status"] for r in jobs if "genome-stack" in r["resource"]} == {200, 206}
