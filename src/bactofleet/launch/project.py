"""What a controller needs of a user's folder, as one archive in the bucket."""

from __future__ import annotations

import io
import logging
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import yaml

from bactofleet.aws.settings import SETTINGS, format_settings
from bactofleet.core.config import CONFIG_FILE, read_config, read_options
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.project import find_file
from bactofleet.core.samples import cut_sheet, read_samples
from bactofleet.launch.place import Place
from bactofleet.launch.shards import get_shard
from snakemake_executor_plugin_aws_batch_array import api

logger = logging.getLogger(__name__)

ARCHIVE = "project.tar.gz"
# Member with the path of the configuration.
CONFIG_NAME = ".launched-config"
PROFILE = "profiles/aws/config.yaml"


def pack_project(config_file: Path, config: dict[str, Any], settings: dict[str, str]) -> bytes:
    """Pack the workflow, the configuration, the files that it names, and the profile.

    It may hold signed URLs of the sheet, so it goes nowhere but into the private bucket. Files that
    hold secrets by their names stay here, as with the bundle of the jobs. Raises
    `ConfigurationError` for files outside of the current folder.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", dereference=True) as archive:
        for path, name in _iter_files(config_file, config):
            archive.add(path, name, recursive=False)
        add_bytes(archive, str(SETTINGS), format_settings(settings).encode())
        add_bytes(archive, CONFIG_NAME, str(config_file).encode())
    return buffer.getvalue()


def fetch_project(s3: Any, place: Place, folder: Path) -> Path:
    """Unpack the project of a run into a folder; return the path of its configuration there.

    Raises `ConfigurationError` if there is no such run.
    """
    try:
        body = s3.get_object(Bucket=place.bucket, Key=place.key(ARCHIVE))["Body"].read()
    except s3.exceptions.NoSuchKey:
        raise ConfigurationError(
            [f"{place.address} has no run; `bactofleet launch` shows the address of its run"]
        ) from None
    unpack_project(body, folder)
    return Path((folder / CONFIG_NAME).read_text(encoding="utf-8"))


def cut_project(archive: bytes, shard: int, number: int) -> bytes:
    """Return the project of one of several shards: its genomes, and its share of `max_cost`."""
    if number == 1:
        return archive
    with tempfile.TemporaryDirectory(prefix="bactofleet-") as folder, chdir(folder):
        unpack_project(archive, Path.cwd())
        config_file = Path(Path(CONFIG_NAME).read_text(encoding="utf-8"))
        config = read_config(config_file)
        sheet = Path(config["samples"])
        names = set(read_samples(sheet))
        cut_sheet(sheet, lambda name: get_shard(name, number) == shard)
        options = read_options(config_file) | _divide(config, set(read_samples(sheet)), len(names))
        config_file.write_text(yaml.safe_dump(options), encoding="utf-8")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            tar.add(".")
        return buffer.getvalue()


def _divide(config: dict[str, Any], genomes: set[str], total: int) -> dict[str, Any]:
    """Return the options about all `total` genomes as they are for those of a shard."""
    divided: dict[str, Any] = {}
    if config["max_cost"] is not None:
        divided["max_cost"] = config["max_cost"] * len(genomes) / total
    if (redo := config["redo"]) not in ("none", "changed"):
        names = redo.split(",") if isinstance(redo, str) else redo
        divided["redo"] = [name for name in names if name in genomes] or "none"
    return divided


def unpack_project(archive: bytes, folder: Path) -> None:
    """Unpack a packed project into a folder."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        tar.extractall(folder, filter="data")


def _iter_files(config_file: Path, config: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield the files to send, and their names in the project."""
    # The Snakefile reads the default one even if another configuration is given.
    named = {config_file, CONFIG_FILE, Path(str(config["samples"]))}
    if config["proteins"]:
        named.add(Path(str(config["proteins"])))
    for path in sorted(named):
        if path.is_absolute() or ".." in path.parts:
            raise ConfigurationError(
                [f"{path} is outside of this folder; copy it here, and give its path from here"]
            )
    sources = {str(path): path for path in named} | {PROFILE: find_file(PROFILE)}
    workflow = find_file("workflow")
    for path in workflow.rglob("*"):
        if "__pycache__" not in path.parts:
            sources[f"workflow/{path.relative_to(workflow)}"] = path
    for name, path in sorted(sources.items()):
        if api.is_secret(name):
            logger.warning("Not sent, as it may hold secrets: %s", name)
        elif path.is_file():
            yield path, name


def add_bytes(archive: tarfile.TarFile, name: str, content: bytes, modified: float = 0) -> None:
    """Add a file of that content, with its modification time (s since the epoch)."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(content), modified
    archive.addfile(info, io.BytesIO(content))
