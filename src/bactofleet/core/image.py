"""Which container image a genome is made in, according to the engine that runs it.

An image does not know its own digest. On one machine `bactofleet.run.container` asks the engine and
passes the answer on in the environment; on AWS Batch the ECS agent provides it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

# The name that containers/build.sh gives it.
IMAGE = "bactofleet:latest"
IMAGE_MISSING = (
    f"the image {IMAGE} is not on this machine: get it with `docker load --input FILE`, build it "
    "with `make image` in a checkout, or name an image that you have in the variable "
    "BACTOFLEET_IMAGE"
)
VARIABLES = {
    "name": "BACTOFLEET_IMAGE",
    "id": "BACTOFLEET_IMAGE_ID",
    "digest": "BACTOFLEET_IMAGE_DIGEST",
}
# Tells bactofleet in the image which version started it.
CALLER_VERSION = "BACTOFLEET_VERSION"
# ECS sets it in every container, and so in those of Batch, on EC2 and Fargate:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
ECS_METADATA = "ECS_CONTAINER_METADATA_URI_V4"
TIMEOUT_S = 2.0
# The agent runs on the same machine; it may be busy when hundreds of tasks start.
ATTEMPTS = 3

Image = dict[str, str]


def describe_image(say: Callable[[str], None]) -> Image | None:
    """Return the known ones of `name`, `id` and `digest` of the image; None without an image.

    `id` is the `Id` of `docker image inspect`; `digest` is `repository@sha256:...` if the image
    came from a registry. `say` is called with the reason if ECS should answer and does not.
    """
    if ECS_METADATA in os.environ:
        return _ask_ecs(os.environ[ECS_METADATA], say)
    known = {key: name for key, name in VARIABLES.items() if os.environ.get(name)}
    return {key: os.environ[name] for key, name in known.items()} or None


def find_mismatch(inside: str, outside: str | None) -> str:
    """Compare the versions of bactofleet in an image and outside; say what to do if they differ."""
    if outside in (None, inside):
        return ""
    return (
        f"the image has bactofleet {inside}, but {outside} is installed outside of it: get the "
        f"image of version {outside} (docs/install.md), or install bactofleet {inside}"
    )


def to_variables(image: Image) -> dict[str, str]:
    """Return the environment variables that describe the image to its container."""
    return {VARIABLES[key]: value for key, value in image.items()}


def _ask_ecs(url: str, say: Callable[[str], None]) -> Image | None:
    """Return what ECS says; without an answer the genome is made anyway.

    On EC2 `ImageID` is the `Id` of `docker image inspect`: `RecordContainerReference` in the
    agent's agent/engine/docker_image_manager.go (https://github.com/aws/amazon-ecs-agent).
    """
    import urllib3  # noqa: PLC0415  # only in jobs of Batch

    http = urllib3.PoolManager(timeout=TIMEOUT_S, retries=urllib3.Retry(ATTEMPTS - 1, redirect=0))
    try:
        metadata = json.loads(http.request("GET", url).data)
        return {"name": str(metadata["Image"]), "id": str(metadata["ImageID"])}
    except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError) as error:
        say(f"ECS does not name the container's image: {type(error).__name__}: {error}")
        return None
