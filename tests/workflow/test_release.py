"""A release of the image: pushed to a registry on the loopback, used by its digest, saved."""

import os
import shutil
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from workflow.conftest import REPOSITORY

from bactofleet import __version__

IMAGE = "bactofleet-test-release:latest"
REGISTRY = """\
FROM debian:trixie-slim
RUN apt-get update && apt-get install --yes --no-install-recommends docker-registry
RUN echo '{"version": 0.1, "storage": {"filesystem": {"rootdirectory": "/tmp"}}}' > /registry.json
"""
# In the place of the whole image, which takes minutes to compress.
BUILD = f"""#!/bin/sh
printf 'FROM debian:trixie-slim\\nCMD ["echo", "released"]\\n' \\
    | docker build --quiet --tag {IMAGE} - >&2
"""
# Buildx would make the whole image, twice; tests/unit/test_release_script.py tries it.
WITHOUT_BUILDX = f"""#!/bin/sh
[ "$1" != buildx ] || exit 1
exec {shutil.which("docker")} "$@"
"""
WAIT = "until : </dev/tcp/127.0.0.1/$0; do sleep 0.1; done"


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """The address of an empty registry that nobody but this machine can reach."""
    build = ["docker", "build", "--quiet", "--network", "host", "-"]
    image = subprocess.check_output(build, input=REGISTRY, text=True).split()[-1]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve = ["docker-registry", "serve", "/registry.json"]
    listen = f"--env=REGISTRY_HTTP_ADDR=127.0.0.1:{port}"
    container = subprocess.check_output(
        ["docker", "run", "--detach", "--network", "host", listen, image, *serve], text=True
    ).strip()
    try:
        subprocess.run(["bash", "-c", WAIT, str(port)], check=True, timeout=60, capture_output=True)
        yield f"127.0.0.1:{port}"
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", container], check=True)


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The script of a checkout with an image that is built and pushed within seconds."""
    checkout = tmp_path / "checkout"
    shutil.copytree(REPOSITORY / "containers", checkout / "containers")
    (checkout / "src/bactofleet").mkdir(parents=True)
    shutil.copy(REPOSITORY / "src/bactofleet/__init__.py", checkout / "src/bactofleet")
    (checkout / "containers/build.sh").write_text(BUILD)
    script = checkout / "containers/release.sh"
    text = script.read_text()
    assert "\nimage=bactofleet:latest\n" in text
    script.write_text(text.replace("image=bactofleet:latest", f"image={IMAGE}"))
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text(WITHOUT_BUILDX)
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return script


def test_the_image_is_pulled_by_the_digest_that_the_release_prints(
    release: Path, registry: str
) -> None:
    repository = f"{registry}/lab/bactofleet"

    printed = subprocess.check_output([release, repository], text=True).split()

    (by_digest,) = printed
    assert by_digest.startswith(f"{repository}@sha256:")
    for name in (f"{repository}:{__version__}", by_digest):
        subprocess.run(["docker", "rmi", name], check=False, capture_output=True)
    run = ["docker", "run", "--rm", "--network", "none", by_digest]
    assert subprocess.check_output(run, text=True) == "released\n"


def test_a_push_that_fails_prints_no_image(release: Path) -> None:
    done = subprocess.run(
        [release, "127.0.0.1:1/lab/bactofleet"], capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert done.stdout == ""


def test_a_place_without_a_registry_gets_a_file(release: Path, tmp_path: Path) -> None:
    subprocess.run([release, "--save", "bactofleet.tar"], cwd=tmp_path, check=True)

    with tarfile.open(tmp_path / "bactofleet.tar") as archive:
        assert "manifest.json" in archive.getnames()


@pytest.mark.parametrize("words", [[], ["--save"], ["--push"], ["one", "two"]])
def test_it_says_how_it_is_used(release: Path, words: list[str]) -> None:
    done = subprocess.run([release, *words], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "release.sh REPOSITORY" in done.stderr
    assert "release.sh --save FILE" in done.stderr
