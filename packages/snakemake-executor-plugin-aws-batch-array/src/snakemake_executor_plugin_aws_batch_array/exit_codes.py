"""How an attempt ends: the exit code that Batch and the controller decide by."""

from pathlib import Path
from typing import NamedTuple

# sysexits.h: "temporary failure; the user is invited to retry". Staging failed; another attempt.
TEMPORARY = 75
# sysexits.h: "configuration error". Another attempt would end in the same way.
MISCONFIGURED = 78
# 128 + SIGILL: the processor lacks an instruction; another host may have it.
ILLEGAL_INSTRUCTION = 132
# 128 + SIGKILL: the memory limit of the container was reached; more memory.
OUT_OF_MEMORY = 137
# 128 + SIGTERM: the host or the job is being stopped.
TERMINATED = 143

# https://docs.kernel.org/admin-guide/cgroup-v2.html (memory.events) and cgroup-v1/memory.html
_MEMORY_EVENTS = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)


class Ending(NamedTuple):
    """Exit code of an attempt and one sentence about it (may be empty)."""

    code: int
    reason: str


def get_ending(snakemake_code: int, code_file: Path) -> Ending:
    """Decide how a failed attempt ends.

    Snakemake exits with 1 whatever its rules exit with, so that a rule may leave its own code in
    a file. Where it left none, the kernel's count of processes killed for memory decides.
    """
    if code_file.is_file():
        first, _, rest = code_file.read_text(errors="replace").partition("\n")
        if first.strip().isdigit() and 0 < int(first) <= 255:
            return Ending(int(first), rest.strip().split("\n")[0])
    if count_memory_kills():
        return Ending(OUT_OF_MEMORY, "a process was killed at the memory limit of the container")
    return Ending(snakemake_code, "")


def count_memory_kills() -> int:
    """Number of processes of this container that the kernel killed for memory."""
    for path in _MEMORY_EVENTS:
        if path.is_file():
            counts = dict(line.split(maxsplit=1) for line in path.read_text().splitlines())
            return int(counts.get("oom_kill", 0))
    return 0
