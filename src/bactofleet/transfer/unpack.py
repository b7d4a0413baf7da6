"""Extract chosen files from a tarball; its file names are not trusted."""

from __future__ import annotations

import errno
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from bactofleet.transfer.places import ObjectFault
from snakemake_executor_plugin_aws_batch_array import api


def unpack(tarball: Path, sample: str, patterns: Sequence[str], folder: Path) -> int:
    """Write the files of a sample that match a pattern below `folder`; return their number.

    Patterns are those of `fnmatch` and are compared with paths below the sample's folder; `*` also
    matches slashes. Raises `ObjectFault` if any member of the tarball, chosen or not, is outside
    of the sample's folder or not a regular file.
    """
    count = 0
    with as_fault(sample), tarball.open("rb") as handle:
        for name, member, tar in iter_members(handle, sample):
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                # PEP 706: ignores owners; refuses devices, and paths and links outside.
                tar.extract(member, folder, filter="data")
                count += 1
    return count


def iter_members(
    stream: IO[bytes], sample: str
) -> Iterator[tuple[str, tarfile.TarInfo, tarfile.TarFile]]:
    """Yield the members of a tarball as they are read, with their paths below the sample's folder.

    Raises `ObjectFault` at a member that is outside of that folder or not a regular file. Damage
    raises what `as_fault` takes.
    """
    with api.open_tarball(stream) as tar:
        for member in tar:
            yield _name_below(sample, member), member, tar


@contextmanager
def as_fault(sample: str) -> Iterator[None]:
    """Raise `ObjectFault` for what a damaged or hostile tarball causes; not for a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ObjectFault(f"{sample}: its tarball cannot be unpacked: {error}") from error
    # A time that no clock has is an OverflowError.
    except (tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise ObjectFault(f"{sample}: its tarball cannot be unpacked: {error}") from error


def _name_below(sample: str, member: tarfile.TarInfo) -> str:
    path = PurePosixPath(member.name)
    if not member.isreg() or member.issparse() or ".." in path.parts or path.parts[:1] != (sample,):
        raise ObjectFault(
            f"{sample}: its tarball holds {member.name!r}, which is not "
            "a regular file in the sample's folder; nothing of the tarball was kept"
        )
    return str(path.relative_to(sample))
