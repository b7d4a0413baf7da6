"""The image is made of what Debian has signed, and of packages with known checksums."""

import os
import re
import shutil
import subprocess
from pathlib import Path

CONTAINERS = Path(__file__).parents[2] / "containers"
PINNED = re.compile(r"docker\.io/library/debian@sha256:[0-9a-f]{64}")
STUBS = {
    # An engine that has no image and reaches no registry.
    "engine": 'echo "$@" >>"$(dirname "$0")/asked"; exit 1',
    # Root, whoever runs the test.
    "id": "echo 0",
    "apt-get": "exit 0",
    "debootstrap": 'echo "$@" >"$(dirname "$0")/arguments"; exit 1',
}
# What could lead the script elsewhere, if it took its settings from the environment.
ENVIRONMENT = {
    "mirror": "http://evil.example/debian",
    "keyring": "/tmp/evil.gpg",  # noqa: S108 - a hostile name
    "base": "evil:latest",
    "DEBOOTSTRAP_OPTS": "--no-check-gpg",
}


def run_script(folder: Path, **stubs: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the script with stand-ins for its programs; return also what the engine was asked."""
    for name, text in (STUBS | stubs).items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    (folder / "containers").mkdir()
    for name in ("base.sh", "Dockerfile"):
        shutil.copy(CONTAINERS / name, folder / "containers" / name)
    ended = subprocess.run(
        ["bash", folder / "containers/base.sh", "engine"],
        env=ENVIRONMENT | {"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended, (folder / "asked").read_text().splitlines()


def test_debootstrap_must_check_the_signature_of_the_mirror(tmp_path: Path) -> None:
    ended, asked = run_script(tmp_path)

    assert ended.returncode == 1
    assert "debootstrap failed" in ended.stderr
    words = (tmp_path / "arguments").read_text().split()
    assert "--force-check-gpg" in words
    assert "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg" in words
    assert "--no-check-gpg" not in words
    assert words[-1] == "http://deb.debian.org/debian"
    # What debootstrap refuses does not become an image.
    assert [line.split()[0] for line in asked] == ["image", "pull"]


def test_the_base_image_is_pulled_by_its_digest(tmp_path: Path) -> None:
    engine = 'echo "$@" >>"$(dirname "$0")/asked"; [ "$1" != image ]'

    ended, asked = run_script(tmp_path, engine=engine)

    assert ended.returncode == 0, ended.stderr
    pulled = asked[1].removeprefix("pull ")
    assert PINNED.fullmatch(pulled)
    assert asked[2] == f"tag {pulled} docker.io/library/debian:trixie-slim"
    assert not (tmp_path / "arguments").exists()


def test_an_image_for_several_architectures_is_built_from_the_same_digest() -> None:
    """`bactofleet aws push --multi-arch` names no base, so that of the Dockerfile is pulled."""
    arguments = re.findall("^ARG (.*)", (CONTAINERS / "Dockerfile").read_text(), re.MULTILINE)

    assert PINNED.fullmatch(arguments[0].removeprefix("BASE="))
    assert arguments[1] == "BUILD_BASE=${BASE}"


def test_python_packages_are_installed_by_the_checksums_of_the_lock_files() -> None:
    """Only the project's own wheels, which were built there, have no checksum."""
    text = (CONTAINERS / "Dockerfile").read_text()
    fetching = re.findall(r"pip (?:--python \S+ )?(?:install|download) (.*)", text)

    assert len(fetching) == 4
    assert [words for words in fetching if not words.startswith("--require-hashes ")] == [
        "--no-deps --root /project /wheel/*.whl"
    ]
