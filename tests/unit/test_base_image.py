"""The base image is made only of packages that Debian has signed."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "containers/base.sh"
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


def test_debootstrap_must_check_the_signature_of_the_mirror_whatever_the_environment_says(
    tmp_path: Path,
) -> None:
    for name, text in STUBS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "containers").mkdir()
    script = tmp_path / "containers" / "base.sh"
    script.write_text(SCRIPT.read_text())

    ended = subprocess.run(
        ["bash", script, "engine"],
        env=ENVIRONMENT | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "debootstrap failed" in ended.stderr
    words = (tmp_path / "arguments").read_text().split()
    assert "--force-check-gpg" in words
    assert "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg" in words
    assert "--no-check-gpg" not in words
    assert words[-1] == "http://deb.debian.org/debian"
    # What debootstrap refuses does not become an image.
    asked = [line.split()[0] for line in (tmp_path / "asked").read_text().splitlines()]
    assert asked == ["image", "pull"]
