"""Run a module as `python -m` does, and write how many functions were called in all threads.

    python bench/fleet/count_calls.py FILE -m snakemake ...

The count is nearly the same each time, however busy the machine is, which seconds are not.
"""

from __future__ import annotations

import atexit
import cProfile
import runpy
import sys
import threading
from pathlib import Path

profiles: list[cProfile.Profile] = []


def enable(*_: object) -> None:
    """Count the calls of this thread; it is called at the first event of each new one."""
    profile = cProfile.Profile()
    profiles.append(profile)
    profile.enable()


def write(path: Path) -> None:
    """Write the sum."""
    for profile in profiles:
        profile.disable()
    path.write_text(str(sum(entry.callcount for p in profiles for entry in p.getstats())))


if __name__ == "__main__":
    target, _, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    # The first entry is this script's folder, where `python -m` has the current one.
    sys.path[0] = ""
    atexit.register(write, Path(target).absolute())
    threading.setprofile(enable)
    enable()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
