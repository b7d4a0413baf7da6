"""Extract chosen files from a tarball; its file names are not trusted."""

from __future__ import annotations

import errno
import tarfile
import zlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from bactofleet.transfer.places import ObjectFault
from snakemake_executor_plugin_aws_batch_array import api


def unpack(tarball: Path, sample: str, patterns: Sequence[str], folder: Path) -> int:
    """Write the files of a sample that match a pattern below `folder`; return their number.

    Patterns are those of `fnmatch` and are compared with paths below the sample's folder; `*` also
    matches slashes. Raises `ObjectFault` if any member of the tarball, chosen or not, is outside
    of the sample's folder or not a regular file.
    """
    count = 0
    try:
        with (
            tarball.open("rb") as handle,
            api.open_tarball(handle) as tar,
        ):
            for member in tar:
                name = _name_below(sample, member)
                if any(fnmatchcase(name, pattern) for pattern in patterns):
                    # PEP 706: ignores owners; refuses devices, and paths and links outside.
                    tar.extract(member, folder, filter="data")
                    count += 1
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ObjectFault(f"{sample}: its tarball cannot be unpacked: {error}") from error
    # A time that no clock has is an OverflowError.
    except (tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise ObjectFault(f"{sample}: its tarball cannot be unpacked: {error}") from error
    return count


def _name_below(sample: str, member: tarfile.TarInfo) -> str:
    path = PurePosixPath(member.name)
    if not member.isreg() or member.issparse() or ".." in path.parts or path.parts[:1] != (sample,):
        raise ObjectFault(
            f"{sample}: its tarball holds {member.name!r}, which is not "
            "a regular file in the sample's folder; nothing of the tarball was kept"
        )
    return str(path.relative_to(sample))
