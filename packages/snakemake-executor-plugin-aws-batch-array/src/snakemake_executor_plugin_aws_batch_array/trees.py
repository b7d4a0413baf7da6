"""Files and folders in a tar archive, with links that work wherever it is unpacked."""

import os
import tarfile
from pathlib import Path


class DanglingLinkError(Exception):
    """A link has no target that could be packed with it."""


def add_tree(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """Add a file or a folder.

    A link into the same folder becomes a relative link; any other link is replaced by its target,
    which may not exist where the archive is unpacked.

    Args:
        archive: Opened for writing.
        path: Relative to the working directory.
        name: Name in the archive.

    Raises:
        FileNotFoundError: there is no such file.
        DanglingLinkError: a link leads to nothing, and out of the working directory.
    """
    _add(archive, path, name, path.resolve())


def _add(archive: tarfile.TarFile, path: Path, name: str, root: Path) -> None:
    if path.is_symlink():
        target, parent = path.resolve(), path.parent.resolve()
        is_kept = target.is_relative_to(root) and path.resolve() != root
        if is_kept or parent.is_relative_to(target) or not target.exists():
            _add_link(archive, path, name, os.path.relpath(target, parent))
            return
        path = target
    archive.add(path, name, recursive=False)
    if path.is_dir():
        for child in sorted(path.iterdir()):
            _add(archive, child, f"{name}/{child.name}", root)


def _add_link(archive: tarfile.TarFile, path: Path, name: str, destination: str) -> None:
    if not path.exists() and not path.resolve().is_relative_to(Path.cwd()):
        raise DanglingLinkError(f"the link {path} leads to {path.readlink()}, which does not exist")
    info = archive.gettarinfo(path, name)
    info.linkname = destination
    archive.addfile(info)
