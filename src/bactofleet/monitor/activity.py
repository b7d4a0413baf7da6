"""Activity on this machine: the run that holds the lock, and genomes in scratch."""

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
    """Return when the active run began, in seconds since the epoch; None if there is none.

    A run opens its lock file when it begins, which sets the file's modification time. The kernel
    says whether the lock is held: trying to lock it could block a run that is just starting.
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
    """Return the current stage of each running genome, by sample.

    A genome is running while its stages have folders in scratch. A failed genome leaves the folders
    of earlier stages; the folder of the failed stage exists again when the stage is retried.
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
    """Return when the current stage of a running genome began, in seconds since the epoch.

    The stage created its folder then, which was the last change of the folder around it.
    """
    try:
        return (scratch / sample).stat().st_mtime
    except OSError:
        return None  # has just finished


def _stages_in(folder: Path) -> list[str]:
    """Return the stages that have files, in their order.

    Snakemake removes the contents of a stage's folder and, when the run ends, the folder itself.
    """
    return [stage for stage in STAGES if _has_files(folder / stage)]


def _has_files(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False  # has just finished, or is not a stage's folder
