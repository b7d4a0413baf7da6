"""Small workflows, one for each construct of Snakemake: on Batch they give what they give here.

Each folder of the package's `tests/workflows` has a Snakefile and may have a `case.yaml`:
`arguments` of Snakemake, variables of the `environment`, the `exit` code, words of the `log`,
`volatile` files whose content differs by nature; for what is `refused` before anything is
submitted, words of the message and the `rule` that it names with its line; for what cannot be
known before, what the job says that `fails_on_batch`.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from aws.controller import REPOSITORY, SNAKEMAKE, Controller, build_worker_image
from aws.emulator.client import EmulatedAWS

WORKFLOWS = (
    REPOSITORY / "packages" / "snakemake-executor-plugin-aws-batch-array" / "tests" / "workflows"
)
# A case waits more than it computes: for the queue, the container, the next look.
AT_ONCE = 4
# Of the controller, not of the workflow.
OWN = {".snakemake", "fleet", "controller.log"}
# Python keeps compiled modules beside its sources, where it may.
PYTHONS = "__pycache__"
TIMEOUT_S = 300


class Case(NamedTuple):
    """A workflow and what its case.yaml says."""

    name: str
    settings: dict[str, Any]

    @property
    def arguments(self) -> list[str]:
        """Given to Snakemake here and there."""
        return [str(word) for word in self.settings.get("arguments", [])]


def read_case(folder: Path) -> Case:
    path = folder / "case.yaml"
    return Case(folder.name, yaml.safe_load(path.read_text()) if path.exists() else {})


CASES = [read_case(folder) for folder in sorted(WORKFLOWS.iterdir())]
REFUSED = {case.name: case for case in CASES if "refused" in case.settings}
FAILING = {case.name: case for case in CASES if "fails_on_batch" in case.settings}
WORKING = {c.name: c for c in CASES if c.name not in REFUSED and c.name not in FAILING}


class Fleet(Controller):
    """Snakemake with the executor and no profile, as for any workflow."""

    def __init__(self, aws: EmulatedAWS, folder: Path, case: Case, image: str) -> None:
        super().__init__(aws, folder, image)
        self._case = case
        self.settings |= {"report_dir": "fleet"}
        shutil.copytree(WORKFLOWS / case.name, folder, symlinks=True, dirs_exist_ok=True)
        (folder / "case.yaml").unlink(missing_ok=True)

    def run_case(self) -> int:
        """Run it to its end and return the exit code."""
        variables = {
            f"SNAKEMAKE_AWS_BATCH_ARRAY_{name.upper()}": str(value)
            for name, value in self.settings.items()
        }
        words = ["--executor", "aws-batch-array", "--jobs", "100", "--latency-wait", "0"]
        environment = {**self.aws.environment, **variables}
        return snakemake(self.folder, self._case, words, environment)


def snakemake(
    folder: Path, case: Case, words: list[str], environment: dict[str, str] | None = None
) -> int:
    """Run a case in a folder, its output going to controller.log there."""
    arguments = [*SNAKEMAKE, *words, *case.arguments]
    variables = {**os.environ, **case.settings.get("environment", {}), **(environment or {})}
    with (folder / "controller.log").open("w") as log:
        process = subprocess.run(
            arguments,
            check=False,
            cwd=folder,
            env=variables,
            stdout=log,
            stderr=log,
            timeout=TIMEOUT_S,
        )
    return process.returncode


class Outcome(NamedTuple):
    """How a run ended and what it left."""

    exit_code: int
    files: dict[str, object]
    log: str


def run_here(case: Case, folder: Path) -> Outcome:
    """The case on this machine."""
    shutil.copytree(WORKFLOWS / case.name, folder, symlinks=True)
    (folder / "case.yaml").unlink(missing_ok=True)
    code = snakemake(folder, case, ["--cores", "2"])
    return Outcome(code, describe(folder, case), (folder / "controller.log").read_text())


def run_on_batch(case: Case, folder: Path, aws: EmulatedAWS, image: str) -> Outcome:
    """The case on the emulated AWS."""
    folder.mkdir()
    fleet = Fleet(aws, folder, case, image)
    code = fleet.run_case()
    return Outcome(code, describe(folder, case), fleet.log)


def describe(folder: Path, case: Case) -> dict[str, object]:
    """Every file: whether it may be run and written, and what is in it; a link is what it names."""
    volatile = case.settings.get("volatile", [])
    found: dict[str, object] = {}
    for path in walk(folder):
        name = str(path.relative_to(folder))
        mode = path.stat().st_mode & (stat.S_IXUSR | stat.S_IWUSR)
        content = None if path.is_dir() or name in volatile else path.read_bytes()
        found[name] = (oct(mode), content)
    return found


def walk(folder: Path) -> Iterator[Path]:
    """Files and folders below one, without the controller's own and Python's."""
    for parent, folders, files in os.walk(folder, followlinks=True):
        own = {PYTHONS, *(OWN if Path(parent) == folder else ())}
        folders[:] = [name for name in folders if name not in own]
        for name in [*folders, *files]:
            if Path(parent) != folder or name not in OWN:
                yield Path(parent, name)


class Pair(NamedTuple):
    """One case on the emulated AWS and on this machine."""

    remote: Outcome
    local: Outcome


def get_selected(request: pytest.FixtureRequest) -> list[Case]:
    """The cases of the tests that were selected, of those that run containers."""
    specs = [getattr(item, "callspec", None) for item in request.session.items]
    selected = {spec.params.get("name") for spec in specs if spec is not None}
    return [case for case in CASES if case.name in selected and case.name not in REFUSED]


@pytest.fixture(scope="module")
def pairs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Pair]]]:
    """The selected cases on one emulated AWS and here, a few at once."""
    image = build_worker_image()
    batch, here = tmp_path_factory.mktemp("batch"), tmp_path_factory.mktemp("here")

    def run_both(case: Case) -> Pair:
        remote = run_on_batch(case, batch / case.name, aws, image)
        return Pair(remote, run_here(case, here / case.name))

    with EmulatedAWS() as aws, ThreadPoolExecutor(AT_ONCE) as pool:
        yield {case.name: pool.submit(run_both, case) for case in get_selected(request)}


@pytest.mark.parametrize("name", WORKING)
def test_a_workflow_gives_what_it_gives_here(pairs: dict[str, Future[Pair]], name: str) -> None:
    remote, local = pairs[name].result()
    settings = WORKING[name].settings

    assert local.exit_code == settings.get("exit", 0), local.log
    assert remote.exit_code == local.exit_code, remote.log
    assert remote.files == local.files, remote.log
    assert settings.get("log", "") in remote.log


@pytest.mark.parametrize("name", FAILING)
def test_what_would_give_something_else_fails_and_says_why(
    pairs: dict[str, Future[Pair]], name: str
) -> None:
    remote, local = pairs[name].result()

    assert local.exit_code == 0, local.log
    assert remote.exit_code == 1, remote.log
    assert f"exit code 1; {FAILING[name].settings['fails_on_batch']}" in remote.log


@pytest.fixture(scope="module")
def stub_aws() -> Iterator[EmulatedAWS]:
    """An emulated AWS in which no job that is submitted would do anything."""
    with EmulatedAWS(stub="aws.stub_functions:succeed") as aws:
        yield aws


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused_before_anything_is_submitted(
    stub_aws: EmulatedAWS, tmp_path: Path, name: str
) -> None:
    case = REFUSED[name]
    fleet = Fleet(stub_aws, tmp_path, case, "any")

    assert fleet.run_case() == 1, fleet.log

    assert case.settings["refused"] in fleet.log
    if rule := case.settings.get("rule"):
        lines = (tmp_path / "Snakefile").read_text().splitlines()
        assert f"rule {rule}, line {lines.index(f'rule {rule}:') + 1} of Snakefile: " in fleet.log
    assert "Traceback" not in fleet.log
    assert fleet.count("batch", "SubmitJob").total() == 0
