"""`make` installs what a run needs; the tools of the tests come with what uses them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bactofleet.core import project

REPOSITORY = Path(__file__).parents[2]
# In the place of pip: what it was asked for, with the lists that it reads.
PIP = """#!/bin/sh
echo "$@" >>{told}
for word in "$@"; do [ "$word" != /dev/stdin ] || cat >>{told}; done
"""


def ask_pip(folder: Path, lock: str) -> str:
    """Make an environment whose pip only notes what it is asked for; return that."""
    for name in ("containers", "requirements"):
        shutil.copytree(REPOSITORY / name, folder / name)
    pip = folder / ".venv/bin/pip"
    pip.parent.mkdir(parents=True)
    pip.write_text(PIP.format(told=folder / "told"))
    pip.chmod(0o755)
    subprocess.run([folder / "containers/venv.sh", ".venv", lock], check=True, capture_output=True)
    return (folder / "told").read_text()


def test_a_run_gets_what_the_image_has(tmp_path: Path) -> None:
    told = ask_pip(tmp_path, "run")

    locked = names_in((REPOSITORY / "requirements/run.txt").read_text())
    unused = (REPOSITORY / "containers/python-unused.txt").read_text().splitlines()
    left_out = {line.split()[0] for line in unused if not line.startswith("#")}
    assert left_out <= locked
    assert names_in(told) == locked - left_out
    assert "--editable ." in told


def test_tests_get_all_that_their_lock_file_has(tmp_path: Path) -> None:
    told = ask_pip(tmp_path, "dev")

    assert names_in(told) == names_in((REPOSITORY / "requirements/dev.txt").read_text())


def names_in(lock: str) -> set[str]:
    return {line.partition("==")[0] for line in lock.splitlines() if "==" in line.split(" ")[0]}


@pytest.mark.parametrize(
    ("target", "environment"),
    [("setup", "run"), ("demo", "run"), ("run", "run"), ("check", "dev"), ("test", "dev")],
)
def test_a_target_installs_what_it_needs(target: str, environment: str) -> None:
    make = ["make", "--dry-run", "--always-make", target]

    said = subprocess.check_output(make, cwd=REPOSITORY, text=True)

    assert set(re.findall("containers/venv.sh .venv (.*)", said)) == {environment}


@pytest.mark.parametrize(
    ("user", "engines", "chosen"),
    [(1000, "docker podman", "podman"), (1000, "docker", ""), (1000, "podman", "podman")],
)
def test_who_may_not_use_docker_builds_the_image_with_podman(
    tmp_path: Path, user: int, engines: str, chosen: str
) -> None:
    # Docker's client is here; its daemon does not answer this user.
    stubs = {"id": f"echo {user}"} | dict.fromkeys(engines.split(), "exit 1")
    for name, text in stubs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "dirname").symlink_to(shutil.which("dirname") or "")

    found = subprocess.run(
        [shutil.which("bash") or "", REPOSITORY / "containers/engine.sh"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (found.stdout.strip(), bool(found.stderr)) == (chosen, not chosen)


def test_a_checkout_that_was_updated_alone_is_to_be_installed_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not project.find_stale()

    monkeypatch.setattr(project, "__version__", "99.1")

    assert "run `make setup`" in project.find_stale()


def test_a_checkout_on_the_path_of_python_alone_is_not_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find_none(name: str) -> str:
        raise project.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(project.metadata, "version", find_none)

    assert not project.find_stale()
