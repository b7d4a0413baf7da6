"""The changes in docs/upstream apply to the releases in use and pass their tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import moto
import pytest
import snakemake
import snakemake_executor_plugin_aws_batch

PATCHES = (Path(__file__).parents[2] / "docs" / "upstream").resolve()


@pytest.mark.parametrize(
    ("name", "tests", "changed", "passed"),
    [
        ("snakemake-group-postprocess", "test_group_postprocess", "handles_output_here", 10),
        ("snakemake-large-graphs", "test_large_graphs", "shows_jobs", 27),
        ("snakemake-replaced-group-jobs", "test_replaced_group_jobs", "same rule, as in groups", 5),
    ],
)
def test_a_patch_of_snakemake_applies_and_its_tests_pass(
    tmp_path: Path, name: str, tests: str, changed: str, passed: int
) -> None:
    # Of a/src/snakemake/jobs.py, an installed package has what follows a/src.
    said = run_tests(tmp_path, snakemake, name, "-p2", f"{tests}.py")

    assert changed in (tmp_path / "snakemake/jobs.py").read_text()
    assert f"{passed} passed" in said


def test_the_patch_of_moto_applies_and_its_tests_pass(tmp_path: Path) -> None:
    tests = "tests/test_batch/test_batch_arrays.py"

    said = run_tests(tmp_path, moto, "moto-array-jobs", "-p1", tests)

    assert "AWS_BATCH_JOB_ARRAY_INDEX" in (tmp_path / "moto/batch/models.py").read_text()
    assert "9 passed" in said


def test_the_patch_of_aws_batch_applies_and_its_tests_pass(tmp_path: Path) -> None:
    package, name = snakemake_executor_plugin_aws_batch, "aws-batch-job-names"

    said = run_tests(tmp_path, package, name, "-p1", "tests/test_names.py")

    assert "5 passed" in said


def run_tests(folder: Path, package: ModuleType, name: str, strip: str, tests: str) -> str:
    """Apply a patch to a copy of a package, and return what its tests say, which must pass."""
    installed = Path(str(package.__file__)).parent
    shutil.copytree(installed, folder / installed.name)
    environment = os.environ | {
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "PYTHONPATH": str(folder),
    }
    patch = ["git", "apply", strip, str(PATCHES / f"{name}.patch")]
    subprocess.run(patch, cwd=folder, env=environment, check=True)
    command = [sys.executable, "-m", "pytest", "-q", tests]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
