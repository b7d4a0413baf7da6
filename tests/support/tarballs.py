"""Tarballs as a bucket may hold them, hostile ones too."""

from __future__ import annotations

import io
import tarfile


def pack(files: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return a tarball of members of one kind; links lead to /etc/passwd."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


# Each as the tarball of S1.
HOSTILE = [
    pack({"S1/../../evil": b"x"}),
    pack({"/tmp/evil": b"x"}),  # noqa: S108 - the name of a hostile member
    pack({"S2/evil": b"x"}),
    pack({"S1/evil": b""}, tarfile.SYMTYPE),
    pack({"S1/evil": b""}, tarfile.LNKTYPE),
    pack({"S1/evil": b""}, tarfile.CHRTYPE),
    b"no tarball",
]
