"""The machine of a controller: a process with a disk and a clock of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from aws.troubles import can_mount

COMMAND = [sys.executable, "-m", "bactofleet.launch.controller"]
# Mounts the disk at $TMPDIR, which the namespace of the process alone sees, and runs the command.
ON_ITS_DISK = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
MOUNT = 'mount -t tmpfs -o size="$0" none "$TMPDIR"; exec "$@"'
DISK = "64m"
CLOCK = Path(__file__).with_name("clock.c")

# Process id, age (s), resident memory (kB), open files, threads.
Sample = tuple[int, float, int, int, int]


def find_lack() -> str:
    """Return what machines need and this computer does not offer; "" if it offers all."""
    if not shutil.which("cc"):
        return "a C compiler (cc)"
    return "" if can_mount() else "user namespaces, for disks of their own"


def build_clock(folder: Path) -> Path:
    """Return the library that gives a process its own clock."""
    library = folder / "clock.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, CLOCK], check=True)
    return library


class Machine:
    """One attempt of a controller, in a new folder, until it ends or is lost."""

    def __init__(self, environment: Mapping[str, str], folder: Path, clock: Path) -> None:
        """Start the controller; `clock` is the library of `build_clock`."""
        self._scratch, self._clock = folder / "scratch", folder / "clock"
        self._scratch.mkdir(parents=True)
        self.set_clock(0)
        own = {"TMPDIR": self._scratch, "LD_PRELOAD": clock, "SOAK_CLOCK": self._clock}
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*ON_ITS_DISK, MOUNT, DISK, *COMMAND],
                cwd=folder,
                env={**environment, **{name: str(path) for name, path in own.items()}},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def lose(self) -> None:
        """Kill everything on the machine, as when its host is lost."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def set_clock(self, seconds: int) -> None:
        """Set how far the clock is ahead of the true time."""
        with self._clock.open("r+b" if self._clock.exists() else "wb") as handle:
            handle.write(struct.pack("l", seconds))

    @contextmanager
    def filled(self) -> Iterator[None]:
        """Leave no room on the disk for some time."""
        root = Path(f"/proc/{self.process.pid}/root")
        path = root / self._scratch.relative_to("/") / "filled"
        # It is full, as it should be, or the process has ended.
        with suppress(OSError), path.open("wb", buffering=0) as handle:
            while True:
                handle.write(bytes(1 << 12))
        yield
        with suppress(OSError):
            path.unlink()

    def iter_samples(self) -> Iterator[Sample]:
        """Yield what the processes of the machine hold now."""
        yield from _iter_samples(self.process.pid)


def _iter_samples(pid: int) -> Iterator[Sample]:
    """Yield what a process and its children hold, while they live."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        started = Path(f"/proc/{pid}").stat().st_mtime
        resident = re.search(r"VmRSS:\s+(\d+)", status)
        threads = re.search(r"Threads:\s+(\d+)", status)
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        if resident and threads:
            yield pid, time.time() - started, int(resident[1]), files, int(threads[1])
        for listed in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in listed.read_text().split():
                yield from _iter_samples(int(child))
    except OSError:  # it has just ended
        return
