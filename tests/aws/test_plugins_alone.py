"""The plugins without bactofleet: their wheels beside Snakemake alone, for a workflow of any kind.

With the variable SNAKEMAKE_RANGE (`make test-versions`) also with the oldest Snakemake that they
declare and with the newest, from the package index.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from aws.controller import WAIT_S, Controller, build_worker_image
from aws.emulator.client import EmulatedAWS
from packaging.requirements import Requirement
from support.distributions import EXECUTOR, SCHEDULER, build, example_of, make_environment

VERSIONS = ["ours", *(["oldest", "newest"] if os.environ.get("SNAKEMAKE_RANGE") else [])]
WORKFLOW = EXECUTOR / "tests/workflows/group_nodelocal"
MADE = {f"final/{sample}.txt": f"{sample}\n" for sample in "abc"}
UV = (sys.executable, "-m", "uv", "--quiet")
# Of the Python of Debian 13, which the worker has.
WORKER_PYTHON = "3.13"
WORKER = """\
FROM bactofleet-test-worker
COPY site /opt/site
ENV PYTHONPATH=/opt/site:/opt/plugin
"""


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Which Snakemake."""
    return str(request.param)


def install(plugin: Path, version: str, folder: Path) -> Path:
    """Install the wheel of a plugin beside a Snakemake; return the environment's Python."""
    wheel, _ = build(plugin, folder / "dist")
    if version == "ours":
        return make_environment(folder / "environment", wheel)
    python = folder / "environment/bin/python"
    subprocess.run([*UV, "venv", "--python", sys.executable, folder / "environment"], check=True)
    packages = [str(wheel), choose(plugin, version)]
    subprocess.run([*UV, "pip", "install", "--python", python, *packages], check=True)
    return python


def choose(plugin: Path, version: str) -> str:
    """Return the requirement of the oldest or newest Snakemake that a plugin declares."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    declared = map(Requirement, project["dependencies"])
    (specifier,) = (each.specifier for each in declared if each.name == "snakemake")
    (oldest,) = (each.version for each in specifier if each.operator == ">=")
    return f"snakemake=={oldest}" if version == "oldest" else f"snakemake{specifier}"


def snakemake(python: Path, folder: Path, *words: str, **variables: str) -> str:
    """Run Snakemake of an environment in a folder; return what it said."""
    done = subprocess.run(
        [python, "-P", "-m", "snakemake", *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=WAIT_S,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def read_outputs(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text() for name in MADE if (folder / name).exists()}


def write_profile(folder: Path, entries: dict[str, object]) -> None:
    """Write the profile `any`."""
    (folder / "any").mkdir()
    (folder / "any/config.yaml").write_text(yaml.safe_dump(entries))


@pytest.fixture(scope="module")
def scheduler(version: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the scheduler."""
    return install(SCHEDULER, version, tmp_path_factory.mktemp("scheduler"))


@pytest.fixture(scope="module")
def executor(version: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the executor."""
    return install(EXECUTOR, version, tmp_path_factory.mktemp("executor"))


@pytest.fixture(scope="module")
def image(version: str, executor: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of workers with the Snakemake of the controller."""
    worker = build_worker_image()
    if version == "ours":
        return worker
    folder = tmp_path_factory.mktemp("image")
    frozen = subprocess.check_output([*UV, "pip", "freeze", "--python", executor], text=True)
    packages = [line for line in frozen.splitlines() if "@ file:" not in line]
    target = ("--python-version", WORKER_PYTHON, "--target", str(folder / "site"))
    subprocess.run([*UV, "pip", "install", *target, *packages], check=True)
    (folder / "Dockerfile").write_text(WORKER)
    name = f"{worker}-{version}"
    subprocess.run(["docker", "build", "--quiet", "--tag", name, folder], check=True)
    return name


def test_the_scheduler_runs_a_workflow_with_the_profile_of_its_page(
    scheduler: Path, tmp_path: Path
) -> None:
    shutil.copytree(WORKFLOW, tmp_path, dirs_exist_ok=True)
    profile = yaml.safe_load(example_of(SCHEDULER / "docs/intro.md", "yaml"))
    write_profile(tmp_path, profile)

    log = snakemake(scheduler, tmp_path, "--profile", "any")

    assert profile["scheduler"] == "first-fit"
    assert "Select jobs to execute" in log
    assert read_outputs(tmp_path) == MADE


def test_snakemakes_help_shows_the_settings_of_the_executor(executor: Path, tmp_path: Path) -> None:
    text = snakemake(executor, tmp_path, "--help")

    settings = set(yaml.safe_load(example_of(EXECUTOR / "docs/further.md", "yaml")))
    own = {name for name in settings if name.startswith("aws-batch-array-")}
    assert own
    assert not [name for name in own if f"--{name} " not in text]


def test_the_executor_runs_a_workflow_with_the_profile_of_its_page(
    executor: Path, image: str, shared_aws: EmulatedAWS, tmp_path: Path
) -> None:
    shutil.copytree(WORKFLOW, tmp_path, dirs_exist_ok=True)
    settings = Controller(shared_aws, tmp_path, image).settings
    del settings["match_versions"]  # a profile cannot hold an empty text
    account = {f"aws-batch-array-{n.replace('_', '-')}": value for n, value in settings.items()}
    profile = yaml.safe_load(example_of(EXECUTOR / "docs/further.md", "yaml"))
    write_profile(tmp_path, profile | account)

    snakemake(executor, tmp_path, "--profile", "any", **shared_aws.environment)

    assert profile["executor"] == "aws-batch-array"
    assert read_outputs(tmp_path) == MADE
    assert not (tmp_path / "first").exists()  # stayed in the container
