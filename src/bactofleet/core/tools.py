"""Run bioinformatics tools: no shell, every exit status checked, resource usage recorded."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bactofleet.core.errors import (
    IllegalInstruction,
    OutOfMemory,
    TemporaryFailure,
    ToolFailure,
)

SIGNAL_BASE = 128  # a shell's exit status for a process ended by signal n is 128 + n
JAVA_OUT_OF_MEMORY = 3  # exit status of the JVM under -XX:+ExitOnOutOfMemoryError
DISK_RESERVE_BYTES = 64 << 20
VMSTAT = Path("/proc/vmstat")
# Words before the command that they run: `faketime -f TIME`, `prlimit --fsize=BYTES`, `env A=B`.
WRAPPERS = {"faketime": 3, "prlimit": 2, "env": 2}

# The words of a command: text, paths and numbers.
Command = Sequence[object]


@dataclass
class ResourceUse:
    """Resources used by the processes that have ended."""

    cpu_seconds: float = 0.0
    max_rss_mb: float = 0.0
    """Resident memory (MB) of the largest single process."""

    def add(self, cpu_seconds: float, max_rss_mb: float) -> None:
        """Add one process and its descendants."""
        self.cpu_seconds += cpu_seconds
        self.max_rss_mb = max(self.max_rss_mb, max_rss_mb)


class Toolbox:
    """Runs the tools of one stage in its folder, with their output in its log."""

    def __init__(self, folder: Path, log: IO[str]) -> None:
        self.folder = folder
        self.usage = ResourceUse()
        self._log = log

    def say(self, line: str) -> None:
        """Write a line into the stage's log."""
        self._log.write(f"{line}\n")
        self._log.flush()

    def run(
        self, command: Command, *, stdout: Path | None = None, stderr: Path | None = None
    ) -> None:
        """Run one tool; its output goes to `stdout` and `stderr`, or to the stage's log."""
        self.pipe([command], stdout=stdout, stderr=stderr)

    def pipe(
        self, commands: Sequence[Command], *, stdout: Path | None = None, stderr: Path | None = None
    ) -> None:
        """Run commands joined by pipes, as `a | b | c` with pipefail.

        Raises the `StageFailure` that says what another attempt would need, according to how the
        first failing command ended.
        """
        words = [[str(word) for word in command] for command in commands]
        self.say("$ " + " | ".join(shlex.join(command) for command in words))
        kills_before = _count_oom_kills()
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(stdout.open("wb")) if stdout else self._log
            err = stack.enter_context(stderr.open("wb")) if stderr else self._log
            processes = self._start(words, out, err)
            statuses = [self._wait(process) for process in processes]
        failed = [(tool_of(c), end) for c, end in zip(words, statuses, strict=True) if end]
        # If a reader ends early, SIGPIPE ends its writer: the reader has the reason.
        failed.sort(key=lambda end: end[1] == -signal.SIGPIPE)
        if failed:
            tool, status = failed[0]
            self._raise(tool, status, _count_oom_kills() > kills_before)

    def _start(
        self, commands: list[list[str]], out: IO[bytes] | IO[str], err: IO[bytes] | IO[str]
    ) -> list[subprocess.Popen[bytes]]:
        processes: list[subprocess.Popen[bytes]] = []
        for i, command in enumerate(commands):
            last = i == len(commands) - 1
            upstream = processes[-1].stdout if processes else subprocess.DEVNULL
            try:
                process = subprocess.Popen(
                    command,
                    stdin=upstream,
                    stdout=out if last else subprocess.PIPE,
                    stderr=err,
                    cwd=self.folder,
                )
            except (FileNotFoundError, PermissionError) as error:
                for started in processes:
                    started.kill()
                    started.communicate()
                raise ToolFailure(f"{command[0]} is not installed, or not on PATH") from error
            if processes and processes[-1].stdout:
                processes[-1].stdout.close()  # so that the writer sees when its reader ends
            processes.append(process)
        return processes

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for a process; return its status, negative for a signal, as `Popen.returncode`."""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.usage.add(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
        return process.returncode

    def _raise(self, tool: str, status: int, oom_killed: bool) -> None:
        """Raise the failure that a tool's exit status stands for."""
        if status in (-signal.SIGILL, SIGNAL_BASE + signal.SIGILL):
            raise IllegalInstruction(f"{tool} met an instruction that this CPU lacks (SIGILL)")
        # A tool that runs others (prokka, spades.py) ends with its own status when one of them was
        # killed; the kernel's count of such kills reveals it.
        if status in (-signal.SIGKILL, SIGNAL_BASE + signal.SIGKILL) or oom_killed:
            raise OutOfMemory(f"{tool} was killed: out of memory")
        if status == JAVA_OUT_OF_MEMORY and tool == "pilon":
            raise OutOfMemory("the Java heap was too small")
        if shutil.disk_usage(self.folder).free < DISK_RESERVE_BYTES:
            raise TemporaryFailure(f"{tool} ended with exit status {status}: the disk is full")
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        raise ToolFailure(f"{tool} ended with {how}")


def tool_of(command: list[str]) -> str:
    """Return the name of the tool that a command line runs, even after one of `WRAPPERS`."""
    name = Path(command[0]).name
    return tool_of(command[WRAPPERS[name] :]) if name in WRAPPERS else name


def _count_oom_kills() -> int:
    """Return how many processes the kernel has killed for lack of memory since boot.

    The count of the whole machine, including cgroups (`oom_kill` in /proc/vmstat, Linux 4.13); 0
    elsewhere.
    """
    with contextlib.suppress(OSError):
        for line in VMSTAT.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


class Stopwatch:
    """Measures the seconds since it was created."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time in seconds."""
        return time.monotonic() - self._start
