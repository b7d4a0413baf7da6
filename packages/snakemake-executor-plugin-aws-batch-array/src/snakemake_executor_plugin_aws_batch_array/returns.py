"""What a child sends back: its declared outputs and a record of its attempt, in one object."""

import io
import json
import shutil
import tarfile
import tempfile
import time
from pathlib import Path
from typing import IO, Any

# Member that holds the record; paths of outputs never begin with it (tasks.check_path).
RECORD_FILE = ".aws-batch-array-attempt.json"


def pack_outputs(archive_path: Path, outputs: list[str], record: dict[str, Any]) -> None:
    """Write the archive of a child that succeeded, from its working directory.

    Raises:
        FileNotFoundError: a declared output does not exist.
    """
    content = json.dumps(record).encode()
    with tarfile.open(archive_path, "w:gz") as archive:
        info = tarfile.TarInfo(RECORD_FILE)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
        for path in outputs:
            archive.add(path)


def unpack_outputs(stream: IO[bytes], outputs: list[str], staging: Path) -> dict[str, Any]:
    """Put the outputs in their places below the working directory and return the record.

    All is unpacked beside first, so that half an output never looks finished. Members that were
    not declared are left out, and links cannot lead outside (PEP 706).

    Args:
        stream: The archive.
        outputs: Paths that were declared, relative to the working directory.
        staging: Existing folder for what is not complete.

    Raises:
        FileNotFoundError: a declared output is not in the archive.
    """
    with tempfile.TemporaryDirectory(dir=staging) as folder:
        record = _extract(stream, outputs, Path(folder))
        for path in outputs:
            _move(Path(folder, path), Path(path))
    return record


class Salvage:
    """Outputs of a group that failed: what those of its jobs have made that did not fail.

    They are unpacked beside, as Snakemake removes the outputs of a job that failed.

    Attributes:
        outputs: Those that came, relative to the working directory.
    """

    def __init__(self, stream: IO[bytes], outputs: list[str], staging: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=staging))
        _extract(stream, outputs, self._folder)
        self.outputs = [path for path in outputs if Path(self._folder, path).exists()]

    def restore(self) -> None:
        """Put the outputs in their places below the working directory, once."""
        for path in self.outputs:
            _move(self._folder / path, Path(path))
        shutil.rmtree(self._folder)


def _extract(stream: IO[bytes], outputs: list[str], folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = {}
    now = time.time()
    with tarfile.open(fileobj=stream, mode="r|gz") as archive:
        for member in archive:
            if member.name == RECORD_FILE:
                content = archive.extractfile(member)
                record = json.load(content) if content else {}
            elif any(_is_part(member.name, path) for path in outputs):
                member.mtime = now  # the clock of the instance says nothing about order here
                archive.extract(member, folder, filter="data")
    return record


def _is_part(name: str, output: str) -> bool:
    return name == output or name.startswith(f"{output}/")


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(source, target)
    else:
        source.replace(target)
