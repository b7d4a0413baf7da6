"""`bactofleet aws push`: build the image and push it into the stack's repository."""

from __future__ import annotations

import argparse
import base64
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bactofleet import __version__
from bactofleet.aws.faults import translated
from bactofleet.aws.session import open_session
from bactofleet.aws.settings import SETTINGS, read_settings, write_settings
from bactofleet.aws.stack import Stack
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.image import IMAGE, IMAGE_MISSING

# In a checkout; elsewhere the image must be there already.
BUILD = "containers/build.sh"
DOCKERFILE = "containers/Dockerfile"
# Architectures as the template and https://github.com/opencontainers/image-spec name them.
PLATFORMS = {"x86_64": "amd64", "arm64": "arm64"}


def push(args: argparse.Namespace) -> None:
    """Carry out the command."""
    if shutil.which("docker") is None:
        raise ConfigurationError(["docker is not on PATH; install it to push the image"])
    with translated():
        session = open_session(args.region)
        outputs = Stack(session.client("cloudformation"), args.stack).outputs()
        token = session.client("ecr").get_authorization_token()["authorizationData"][0]
    # A new tag each time: instances do not pull a tag that they already have.
    tag = f"{__version__}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    image = f"{outputs['Repository']}:{tag}"
    if not args.multi_arch:
        _build_here(outputs["Architecture"])
    with _logged_in(outputs["Repository"].partition("/")[0], token):
        if args.multi_arch:
            _build_and_push_all(image)
        else:
            _run(["docker", "tag", IMAGE, image])
            _run(["docker", "push", image])
    write_settings(read_settings() | {"image": image})
    print(f"Pushed {image} and wrote it into {SETTINGS}.")


def _build_here(architecture: str) -> None:
    """Have an image of this machine's architecture, which must be that of the instances."""
    if Path(BUILD).is_file():
        _run([BUILD])
    words = ["docker", "image", "inspect", "--format", "{{.Architecture}}", IMAGE]
    inspected = subprocess.run(words, check=False, capture_output=True, text=True)
    if inspected.returncode != 0:
        raise ConfigurationError([f"{IMAGE_MISSING}; Docker says: {inspected.stderr.strip()}"])
    built, wanted = inspected.stdout.strip(), PLATFORMS[architecture]
    if built != wanted:
        raise ConfigurationError(
            [
                f"the image of this machine is for {built}, the instances are {wanted}; "
                "push from such a machine, or give --multi-arch"
            ]
        )


def _build_and_push_all(image: str) -> None:
    """Build for both architectures and push one multi-platform image; this needs buildx.

    https://docs.docker.com/build/building/multi-platform/
    """
    if not Path(DOCKERFILE).is_file():
        raise ConfigurationError(["--multi-arch builds the image: run it in a checkout"])
    platforms = ",".join(f"linux/{name}" for name in PLATFORMS.values())
    words = ["docker", "buildx", "build", "--platform", platforms, "--push", "--tag", image]
    _run([*words, "--file", DOCKERFILE, "."])


@contextmanager
def _logged_in(registry: str, token: dict[str, Any]) -> Iterator[None]:
    """Log in for the push and out afterwards, because Docker keeps the password in a file."""
    user, _, password = base64.b64decode(token["authorizationToken"]).decode().partition(":")
    _run(["docker", "login", "--username", user, "--password-stdin", registry], text=password)
    try:
        yield
    finally:
        _run(["docker", "logout", registry])


def _run(words: Sequence[str], *, text: str | None = None) -> None:
    """Run a command with `text` as its input.

    Raises `ConfigurationError` if it fails, after it has printed the reason itself.
    """
    done = subprocess.run(words, input=text, text=True, check=False)
    if done.returncode != 0:
        raise ConfigurationError([f"`{' '.join(words)}` failed with status {done.returncode}"])
