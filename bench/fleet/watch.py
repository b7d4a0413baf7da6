"""A controller as it looks from outside: its log, its CPU time and its memory, as time goes by."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LOOK_S = 0.1


@dataclass(frozen=True)
class Reading:
    """What a process had used up to a moment.

    Attributes:
        at: Seconds since the epoch.
        cpu_s: User and system time, of the process and of its children that have ended.
        peak_mib: The most resident memory of the process itself.
    """

    at: float
    cpu_s: float
    peak_mib: float


class Watch:
    """Watches a process that has just been started and appends to a log.

    Attributes:
        begin: When it was started.
        readings: What it had used when each phase ended, by the name of the phase.
    """

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log.open()
        self._log.seek(0, os.SEEK_END)
        self._last = self.begin = Reading(time.time(), 0.0, 0.0)
        self.readings: dict[str, Reading] = {}

    def until_logged(self, phase: str, pattern: str, count: int = 1) -> None:
        """Wait until the numbers that a pattern finds in the log, or its finds, are so many."""
        total = 0

        def has_come() -> bool:
            nonlocal total
            found = filter(None, (re.search(pattern, line) for line in self._log))
            total += sum(int(match[1]) if match.groups() else 1 for match in found)
            return total >= count

        self._wait(phase, has_come)

    def until_started(self, phase: str, program: str) -> None:
        """Wait until the process has started a program."""
        self._wait(phase, lambda: any(program in c for c in _iter_commands(self._process.pid)))

    def until_ended(self, phase: str) -> None:
        """Wait until the process has succeeded."""
        while self._look():
            time.sleep(LOOK_S)
        self._check(is_over=self._process.returncode == 0, phase=phase)

    def _wait(self, phase: str, has_come: Callable[[], bool]) -> None:
        while self._look() and not has_come():
            time.sleep(LOOK_S)
        self._check(is_over=self._process.returncode is None, phase=phase)

    def _check(self, *, is_over: bool, phase: str) -> None:
        if not is_over:
            log = Path(self._log.name).read_text()
            status = self._process.returncode
            raise RuntimeError(f"{phase}: the controller ended with {status}:\n{log[-2000:]}")
        self.readings[phase] = self._last

    def _look(self) -> bool:
        """Take a reading; say whether the process still runs."""
        pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        if pid:
            self._process.returncode = os.waitstatus_to_exitcode(status)
            cpu_s = usage.ru_utime + usage.ru_stime
            self._last = Reading(time.time(), cpu_s, self._last.peak_mib)
        else:
            self._last = _read(self._process.pid, self._last.peak_mib)
        return not pid


def _read(pid: int, peak_mib: float) -> Reading:
    # Of the fields of proc(5), the 14th to 17th, of which the first two end with the name.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak_kib = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    cpu_s = sum(map(int, fields[11:15])) / TICKS_PER_S
    # A process that is just ending has no memory any more.
    return Reading(time.time(), cpu_s, int(peak_kib[1]) / 1024 if peak_kib else peak_mib)


def _iter_commands(pid: int) -> Iterator[str]:
    """Yield the command lines of the descendants of a process."""
    try:
        for listed in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, listed.read_text().split()):
                yield Path(f"/proc/{child}/cmdline").read_text()
                yield from _iter_commands(child)
    except OSError:  # one has just ended
        return
