"""The changes to Snakemake in docs/upstream apply to the release in use and pass their tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import snakemake

PATCH = (
    Path(__file__).parents[2] / "docs" / "upstream" / "snakemake-group-postprocess.patch"
).resolve()


def test_snakemake_does_not_wait_between_levels_that_touch_no_files(tmp_path: Path) -> None:
    shutil.copytree(Path(snakemake.__file__).parent, tmp_path / "snakemake")
    environment = os.environ | {
        "GIT_CEILING_DIRECTORIES": str(tmp_path.parent),
        "PYTHONPATH": str(tmp_path),
    }
    # Of a/src/snakemake/jobs.py, an installed package has what follows a/src.
    patch = ["git", "apply", "-p2", str(PATCH)]
    subprocess.run(patch, cwd=tmp_path, env=environment, check=True)

    test = [sys.executable, "-m", "pytest", "-q", "test_group_postprocess.py"]
    done = subprocess.run(
        test, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert "handles_output_here" in (tmp_path / "snakemake" / "jobs.py").read_text()
    assert done.returncode == 0, done.stdout
    assert "10 passed" in done.stdout
