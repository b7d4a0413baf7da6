"""`bactofleet aws push` builds, tags and pushes; Docker is a script that records its calls."""

import os
from pathlib import Path

import pytest
from infra.fleet import Fleet

from bactofleet import __version__

DOCKER = """#!/bin/sh
printf '%s\\n' "$*" >> "$DOCKER_CALLS"
case "$1 $2" in
    "image inspect") echo "$DOCKER_ARCHITECTURE" ;;
    "login --username") cat >> "$DOCKER_CALLS.password" ;;
    push*) exit "${DOCKER_PUSH_STATUS:-0}" ;;
esac
"""


class Docker:
    """The script in a fleet's folder, and what it was called with."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.calls_file = fleet, fleet.folder / "docker-calls"
        self.calls_file.unlink(missing_ok=True)
        files = {
            "bin/docker": DOCKER,
            "containers/build.sh": "#!/bin/sh\n",
            "containers/Dockerfile": "",
        }
        for name, text in files.items():
            path = fleet.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        self.variables = {
            "PATH": f"{fleet.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "DOCKER_CALLS": str(self.calls_file),
            "DOCKER_ARCHITECTURE": "amd64",
            "AWS_ACCESS_KEY_ID": "AKIAEMULATEDOWNER",
        }

    def push(self, *words: str, **variables: str) -> tuple[int, str]:
        """Push; return the status and what was said to be wrong."""
        command = ("bactofleet", "aws", "push", "--stack", "fleet", *words)
        done = self.fleet.run(*command, variables=self.variables | variables)
        return done.returncode, done.stderr

    @property
    def calls(self) -> list[str]:
        """Words of each call."""
        return self.calls_file.read_text().splitlines()


@pytest.fixture
def docker(fleet: Fleet) -> Docker:
    """Docker, for the fleet that is deployed."""
    return Docker(fleet)


def test_the_image_gets_a_new_tag_is_pushed_and_set(docker: Docker) -> None:
    status, said = docker.push()

    image = docker.fleet.settings["image"]
    registry = image.partition("/")[0]
    assert status == 0, said
    assert image.startswith(f"{docker.fleet.outputs['Repository']}:{__version__}-2")
    assert docker.calls == [
        "image inspect --format {{.Architecture}} bactofleet:latest",
        f"login --username AWS --password-stdin {registry}",
        f"tag bactofleet:latest {image}",
        f"push {image}",
        f"logout {registry}",
    ]


def test_the_password_is_in_no_command_line(docker: Docker) -> None:
    docker.push()

    password = Path(f"{docker.calls_file}.password").read_text()
    assert password
    assert password not in docker.calls_file.read_text()


def test_several_architectures_are_built_and_pushed_in_one_command(docker: Docker) -> None:
    docker.push("--multi-arch")

    image = docker.fleet.settings["image"]
    assert (
        f"buildx build --platform linux/amd64,linux/arm64 --push --tag {image} "
        "--file containers/Dockerfile ." in docker.calls
    )


def test_an_image_that_no_instance_could_run_is_not_pushed(docker: Docker) -> None:
    status, said = docker.push(DOCKER_ARCHITECTURE="arm64")

    assert status == 1
    assert "the image of this machine is for arm64, the instances are amd64" in said
    assert [call for call in docker.calls if call.startswith(("login", "push"))] == []


def test_a_push_that_fails_sets_nothing_and_logs_out(docker: Docker) -> None:
    before = docker.fleet.settings

    status, said = docker.push(DOCKER_PUSH_STATUS="1")

    assert status == 1
    assert "failed with status 1" in said
    assert docker.calls[-1].startswith("logout ")
    assert docker.fleet.settings == before
