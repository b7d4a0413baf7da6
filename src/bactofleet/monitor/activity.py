"""What is at work on this machine: the run that holds the lock, and genomes in scratch."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from bactofleet.genome.stage import STAGES
from bactofleet.records.failure import Failure
from bactofleet.records.folder import LOCK

# https://man7.org/linux/man-pages/man5/proc_locks.5.html
KERNEL_LOCKS = Path("/proc/locks")


def get_start(results: Path) -> float | None:
    """Return when the run that is under way began, in seconds since the epoch; None without one.

    A run opens its lock anew when it begins, which sets the time of the file. Only the kernel is
    asked who holds it: to try the lock would keep out a run that starts at this moment.
    """
    try:
        lock = (results / LOCK).stat()
        held = KERNEL_LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    device = f"{os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}"
    wanted = f"{device}:{lock.st_ino}"
    locks = (line.split() for line in held)
    is_held = any(words[1] == "FLOCK" and wanted in words for words in locks)
    return lock.st_mtime if is_held else None


def find_running(
    scratch: Path, samples: Collection[str], failures: Mapping[str, Failure]
) -> dict[str, str]:
    """Return the stage that each genome under way has begun last, by sample.

    A genome is under way while stages have a folder in scratch. One that failed leaves those of
    the stages before; its failed stage has a folder again when it is tried again.
    """
    try:
        names = [path.name for path in scratch.iterdir()]
    except FileNotFoundError:
        return {}
    running = {}
    for name in names:
        if name in samples:
            stages = _stages_in(scratch / name)
            if stages and (name not in failures or failures[name].stage in stages):
                running[name] = stages[-1]
    return running


def get_stage_start(scratch: Path, sample: str) -> float | None:
    """Return when a genome under way began its last stage, in seconds since the epoch.

    That stage made its folder then, the last thing that changed the folder around it.
    """
    try:
        return (scratch / sample).stat().st_mtime
    except OSError:
        return None  # finished at this moment


def _stages_in(folder: Path) -> list[str]:
    """Return the stages that have files, in their order.

    Snakemake removes what is in a stage's folder and, when the run ends, the folder.
    """
    return [stage for stage in STAGES if _has_files(folder / stage)]


def _has_files(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False  # finished at this moment, or not ours
