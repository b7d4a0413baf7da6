"""How an attempt ends: the exit code by which Batch and the controller decide what to do."""

from pathlib import Path
from typing import NamedTuple

# sysexits.h: "temporary failure; the user is invited to retry". Staging failed; try again.
TEMPORARY = 75
# sysexits.h: "configuration error". Another attempt would end in the same way.
MISCONFIGURED = 78
# 128 + SIGILL: the processor lacks an instruction; another host may have it.
ILLEGAL_INSTRUCTION = 132
# 128 + SIGKILL: for a rule, the memory limit was reached; for a container, its host is lost.
OUT_OF_MEMORY = 137
# 128 + SIGTERM: the host or the job is being stopped.
TERMINATED = 143
# The exit code of a container whose host is reclaimed, if it has one at all.
# https://docs.seqera.io/platform-cloud/tutorials/retry-strategy
OF_LOST_HOSTS = (OUT_OF_MEMORY, TERMINATED)
# Batch has only five retry rules, so two codes must share one: 132 and 137.
OF_KILLED = "13*"
# Added to the exit code if the container's own rules ended with it, so that Batch can distinguish.
_OF_RULES = 100
_SHIFTED = frozenset({13, *range(130, 140), TERMINATED}) - {ILLEGAL_INSTRUCTION}

# https://docs.kernel.org/admin-guide/cgroup-v2.html (memory.events) and cgroup-v1/memory.html
_MEMORY_EVENTS = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)


class ExitStatus(NamedTuple):
    """The exit code of an attempt and a sentence about it (may be empty)."""

    code: int
    reason: str


def get_exit_status(snakemake_code: int, code_file: Path) -> ExitStatus:
    """Decide how a failed attempt ends.

    Snakemake exits with 1 whatever its rules exit with, so a rule may write its own code to a file.
    If it wrote none, the kernel's count of processes killed for lack of memory decides.
    """
    if code_file.is_file():
        first, _, rest = code_file.read_text(errors="replace").partition("\n")
        if first.strip().isdigit() and 0 < int(first) <= 255:
            return ExitStatus(int(first), rest.strip().split("\n")[0])
    if count_memory_kills():
        text = "a process was killed at the memory limit of the container"
        return ExitStatus(OUT_OF_MEMORY, text)
    return ExitStatus(snakemake_code, "")


def to_container(code: int) -> int:
    """Exit code of a container whose rules ended with this code."""
    return code + _OF_RULES if code in _SHIFTED else code


def from_container(code: int | None) -> int | None:
    """The code that the rules of a container ended with, or that of the container itself."""
    is_of_rules = code is not None and code - _OF_RULES in _SHIFTED
    return code - _OF_RULES if code is not None and is_of_rules else code


def count_memory_kills() -> int:
    """Number of processes of this container that the kernel killed for lack of memory."""
    for path in _MEMORY_EVENTS:
        if path.is_file():
            counts = dict(line.split(maxsplit=1) for line in path.read_text().splitlines())
            return int(counts.get("oom_kill", 0))
    return 0
