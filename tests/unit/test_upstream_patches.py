"""The changes to Snakemake in docs/upstream apply to the release in use and pass their tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import snakemake

PATCHES = (Path(__file__).parents[2] / "docs" / "upstream").resolve()


@pytest.mark.parametrize(
    ("name", "test", "changed", "passed"),
    [
        ("snakemake-group-postprocess", "test_group_postprocess", "handles_output_here", 10),
        ("snakemake-large-graphs", "test_large_graphs", "shows_jobs", 27),
    ],
)
def test_a_patch_applies_and_its_tests_pass(
    tmp_path: Path, name: str, test: str, changed: str, passed: int
) -> None:
    shutil.copytree(Path(snakemake.__file__).parent, tmp_path / "snakemake")
    environment = os.environ | {
        "GIT_CEILING_DIRECTORIES": str(tmp_path.parent),
        "PYTHONPATH": str(tmp_path),
    }
    # Of a/src/snakemake/jobs.py, an installed package has what follows a/src.
    patch = ["git", "apply", "-p2", str(PATCHES / f"{name}.patch")]
    subprocess.run(patch, cwd=tmp_path, env=environment, check=True)

    command = [sys.executable, "-m", "pytest", "-q", f"{test}.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert changed in (tmp_path / "snakemake" / "jobs.py").read_text()
    assert done.returncode == 0, done.stdout
    assert f"{passed} passed" in done.stdout
