"""Local inputs on their way from the controller to the working directory of a child.

A file becomes one object, a folder a tar archive. Both keep their modification times, by which
Snakemake and many tools decide which file is newer, and the executable bit.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from .store import Store
from .trees import add_tree

# Names in the metadata of an object:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
_MODE, _MODIFIED, _KIND = "mode", "modified-ns", "kind"
_FOLDER = "folder"


def send_input(store: Store, key: str, path: Path) -> None:
    """Write a file or a folder to S3.

    Raises:
        DanglingLinkError: a link in the folder leads to nothing.
    """
    if not path.is_dir():
        status = path.stat()
        metadata = {_MODE: f"{status.st_mode & 0o777:o}", _MODIFIED: str(status.st_mtime_ns)}
        store.put_file(key, str(path), metadata)
        return
    with tempfile.NamedTemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w") as members:
            add_tree(members, path, ".")
        archive.flush()
        store.put_file(key, archive.name, {_KIND: _FOLDER})


def place_input(stream: IO[bytes], metadata: Mapping[str, str], path: Path) -> None:
    """Put what was sent into place below the working directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if metadata.get(_KIND) == _FOLDER:
        path.mkdir(exist_ok=True)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            archive.extractall(path, filter="data")
        return
    path.unlink(missing_ok=True)  # the bundle may have an older version
    with path.open("wb") as target:
        shutil.copyfileobj(stream, target)
    path.chmod(int(metadata[_MODE], 8) | 0o600)
    modified = int(metadata[_MODIFIED])
    os.utime(path, ns=(modified, modified))


def get_version(path: Path) -> int:
    """A number that changes whenever a file, or the contents of a folder, changes."""
    if not path.is_dir():
        return path.stat().st_mtime_ns
    return hash(tuple(sorted((str(f), f.lstat().st_mtime_ns) for f in [path, *path.rglob("*")])))
