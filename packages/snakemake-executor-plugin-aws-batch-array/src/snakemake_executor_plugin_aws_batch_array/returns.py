"""What a child sends back: its declared outputs and a record of its attempt, in one object."""

import errno
import gzip
import io
import json
import os
import shutil
import tarfile
import tempfile
import time
import zlib
from pathlib import Path
from typing import IO, Any

from .gunzip import open_tarball
from .records import MAX_RECORD_BYTES, parse_record
from .trees import add_tree

# Member that holds the record; paths of outputs never begin with it (tasks.check_path).
RECORD_FILE = ".aws-batch-array-attempt.json"


# What unpacking raises if an object is not a valid archive.
_MALFORMED = (
    *(tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError),
    *(ValueError, RecursionError),
    KeyError,  # a link to a member that is not there
)
# A name in an archive that cannot be stored: too long, or below a file.
_MALFORMED_ERRNOS = frozenset({errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST})


class MalformedReturnError(Exception):
    """An object is not a valid return of a child; the message says why."""


def pack_outputs(archive_path: Path, outputs: list[str], record: dict[str, Any]) -> None:
    """Write the archive of a child that succeeded, from its working directory.

    Raises:
        FileNotFoundError: a declared output does not exist.
        DanglingLinkError: a link in an output leads to nothing.
    """
    content = json.dumps(record).encode()
    with tarfile.open(archive_path, "w:gz") as archive:
        info = tarfile.TarInfo(RECORD_FILE)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
        for path in outputs:
            add_tree(archive, Path(path), path)


def unpack_outputs(
    stream: IO[bytes], outputs: list[str], logs: list[str], staging: Path
) -> dict[str, Any]:
    """Put outputs and logs into place below the working directory and return the record.

    Everything is first unpacked elsewhere, so that a partial output never looks finished.
    Undeclared members are left out, and links cannot lead outside (PEP 706).

    Args:
        stream: The archive.
        outputs: Declared paths, relative to the working directory.
        logs: Declared paths that need not exist.
        staging: Existing folder for incomplete files.

    Raises:
        MalformedReturnError: the archive cannot be read, or a declared output is not in it.
        OSError: this machine cannot take an output, for example as its disk is full.
    """
    with tempfile.TemporaryDirectory(dir=staging) as folder:
        record = _extract(stream, [*outputs, *logs], Path(folder))
        for path in outputs:
            if not os.path.lexists(Path(folder, path)):
                raise MalformedReturnError(f"the declared output {path!r} is not in it")
        for path in [*outputs, *_find(Path(folder), logs, outputs)]:
            _put(Path(folder, path), Path(path))
    return record


class LeftFiles:
    """What a failed job left: its logs, and the outputs of other jobs in its group.

    It is kept elsewhere, because Snakemake removes the outputs of a failed job.

    Attributes:
        outputs: Those that came, relative to the working directory.
    """

    def __init__(self, staging: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=staging))
        self._kept: list[str] = []
        self.outputs: list[str] = []

    def add_returned(self, stream: IO[bytes], outputs: list[str], logs: list[str]) -> None:
        """Unpack what the child sent in spite of its failure."""
        _extract(stream, [*outputs, *logs], self._folder)
        self.outputs = _find(self._folder, outputs)
        self._kept += [*self.outputs, *_find(self._folder, logs, self.outputs)]

    def keep(self, paths: list[str]) -> None:
        """Keep files of the working directory, where they also stay for now."""
        for path in paths:
            target = self._folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if Path(path).is_dir():
                shutil.copytree(path, target, symlinks=True, copy_function=_link)
            else:
                _link(path, str(target))
        self._kept += paths

    def restore(self) -> None:
        """Put everything into place below the working directory, once.

        Raises:
            OSError: this machine cannot store a file; another call continues with the rest.
        """
        for path in self._kept:
            if os.path.lexists(self._folder / path):
                _put(self._folder / path, Path(path))
        self.remove()

    def remove(self) -> None:
        """Remove what is kept."""
        shutil.rmtree(self._folder)


def _link(source: str, target: str) -> None:
    """Copy a file, in no time where source and target are on one disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _extract(stream: IO[bytes], outputs: list[str], folder: Path) -> dict[str, Any]:
    try:
        with open_tarball(stream) as archive:
            return _extract_members(archive, outputs, folder)
    except _MALFORMED as error:
        raise MalformedReturnError(str(error)) from error
    except OSError as error:
        if error.errno in _MALFORMED_ERRNOS:
            raise MalformedReturnError(str(error)) from error
        raise


def _extract_members(archive: tarfile.TarFile, outputs: list[str], folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = {}
    now = time.time()
    for member in archive:
        if member.name == RECORD_FILE:
            content = archive.extractfile(member)
            record = parse_record(content.read(MAX_RECORD_BYTES + 1) if content else b"")
        elif any(_is_part(member.name, path) for path in outputs):
            if member.issparse():  # holes take nothing there, and any size here
                raise MalformedReturnError(f"{member.name!r} has holes")
            member.mtime = now  # the instance's clock says nothing about the order on this machine
            archive.extract(member, folder, filter="data")
    return record


def _find(folder: Path, paths: list[str], containers: list[str] | None = None) -> list[str]:
    """The unpacked ones among the paths, without those inside others."""
    return [
        path
        for path in paths
        if Path(folder, path).exists() and not any(_is_part(path, c) for c in containers or [])
    ]


def _is_part(name: str, output: str) -> bool:
    return name == output or name.startswith(f"{output}/")


def _put(source: Path, target: Path) -> None:
    """Put a file or a folder into place, whole or not at all, even on another disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as beside:
            copy = Path(beside, "copy")
            if source.is_dir():
                shutil.copytree(source, copy, symlinks=True)
            else:
                shutil.copy2(source, copy)
            _replace(copy, target)


def _replace(source: Path, target: Path) -> None:
    if source.is_dir() and target.is_dir():
        shutil.rmtree(target)
    source.replace(target)
