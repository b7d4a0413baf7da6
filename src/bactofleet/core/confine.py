"""Confinement of a process that needs no network: stages that only compute.

Two features of Linux need no privilege and also work in containers of Docker and AWS Batch:

- A seccomp filter refuses every new socket, as if the machine had no network. Credentials of a job
  on AWS are out of reach then too, because they come over HTTP
  (https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html).
- Landlock limits the folders that can be written to, hides files, and keeps the process from
  reading or changing the memory of processes outside
  (https://www.kernel.org/doc/html/latest/userspace-api/landlock.html; Linux 5.19 or later).

Both also hold for all processes that are started later, and cannot be undone. Where one of them is
missing, the other is used, and the caller learns what is not prevented.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import struct
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

# include/uapi/linux/prctl.h, seccomp.h, filter.h, audit.h
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_ALLOW, SECCOMP_ERRNO = 0x7FFF0000, 0x00050000
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET = 0, 4
X32 = 0x40000000  # first number of x86's second set of calls
# AUDIT_ARCH_*, and the numbers of socket, ptrace, process_vm_readv, process_vm_writev.
ARCHITECTURES = {
    "x86_64": (0xC000003E, (41, 101, 310, 311)),
    "aarch64": (0xC00000B7, (198, 117, 270, 271)),
}
IO_URING_SETUP, PIDFD_GETFD = 425, 438  # would get a socket in other ways

# include/uapi/linux/landlock.h
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION, PATH_BENEATH = 1, 1
REFER_VERSION, TRUNCATE_VERSION = 2, 3
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE = 1 << 14
READ = EXECUTE | READ_FILE | READ_DIR
ALL = (1 << 14) - 1  # of version 2: also to make, remove and move
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE

SECRET_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Credentials that tools need not know; they would be in the variables of each."""
NO_LANDLOCK = (
    "Landlock is not available here (Linux 5.19 or later has it, unless it is switched off): the "
    "tools of a genome could write to the folders of others"
)
NO_SECCOMP = "seccomp is not available here: the tools of a genome have the network"

_libc = ctypes.CDLL(None)


def confine(writable: Iterable[Path], hidden: Collection[Path] = ()) -> list[str]:
    """Take the network from this process and its children, and the right to write elsewhere.

    Also removes AWS keys from the variables that children get.

    Args:
        writable: Files and folders, with all below them; those that do not exist are skipped.
        hidden: Files that cannot be opened, unless they are below a writable folder.

    Returns:
        What this machine lacks for it, and what follows; usually nothing.
    """
    for name in SECRET_VARIABLES:
        os.environ.pop(name, None)
    if platform.system() != "Linux":
        return [NO_LANDLOCK, NO_SECCOMP]
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    has_landlock = _limit_files(writable, {path.absolute() for path in hidden})
    has_seccomp = _refuse_sockets()
    return [NO_LANDLOCK] * (not has_landlock) + [NO_SECCOMP] * (not has_seccomp)


def find_missing() -> list[str]:
    """Confine a process of its own, and return what `confine` says there."""
    command = [sys.executable, "-m", "bactofleet.core.confine"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def _call(function: str, *arguments: int | bytes) -> int:
    """Call a C function that takes words and pointers; return -1 if the kernel refuses."""
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return int(getattr(_libc, function)(*words))


def _refuse_sockets() -> bool:
    """Install the filter; return whether the kernel has taken it."""
    if platform.machine() not in ARCHITECTURES:
        return False
    architecture, (socket, *others) = ARCHITECTURES[platform.machine()]
    refused = {
        socket: errno.EAFNOSUPPORT,
        IO_URING_SETUP: errno.ENOSYS,
        **dict.fromkeys((*others, PIDFD_GETFD), errno.EPERM),
    }
    program = [
        (LOAD, 0, 0, ARCHITECTURE_OFFSET),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, SECCOMP_ERRNO | errno.ENOSYS),
        (LOAD, 0, 0, NUMBER_OFFSET),
        (AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, SECCOMP_ERRNO | errno.ENOSYS),
    ]
    for number, error in refused.items():
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, SECCOMP_ERRNO | error)]
    program.append((RETURN, 0, 0, SECCOMP_ALLOW))
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    packed = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    return _call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, packed, 0, 0) == 0


def _limit_files(writable: Iterable[Path], hidden: Collection[Path]) -> bool:
    """Restrict this process; return whether the kernel has done so."""
    version = _call("syscall", CREATE_RULESET, 0, 0, ASK_VERSION)
    if version < REFER_VERSION:  # without it, no file could be moved to another folder
        return False
    rights = ALL | (TRUNCATE if version >= TRUNCATE_VERSION else 0)
    handled = struct.pack("=Q", rights)
    rules = _call("syscall", CREATE_RULESET, handled, len(handled), 0)
    if rules < 0:
        return False
    try:
        for path in writable:
            _allow(rules, path, rights)
        for path in _iter_visible(Path("/"), hidden):
            _allow(rules, path, READ)
        return _call("syscall", RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


def _iter_visible(folder: Path, hidden: Collection[Path]) -> Iterator[Path]:
    """Yield files and folders that hold all below a folder, without what is hidden.

    A link would lead past what is hidden; its target is yielded by its own path.
    """
    if folder in hidden or folder.is_symlink():
        return
    if not any(path.is_relative_to(folder) for path in hidden):
        yield folder
        return
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            yield from _iter_visible(path, hidden)


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH)
    except OSError:
        return  # not there, or not ours
    try:
        beneath = struct.pack("=Qi", rights if path.is_dir() else rights & OF_FILES, descriptor)
        _call("syscall", ADD_RULE, rules, PATH_BENEATH, beneath, 0)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    for line in confine(()):
        print(line)
