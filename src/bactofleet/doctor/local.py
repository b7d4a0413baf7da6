"""The checks of this machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from bactofleet import __version__
from bactofleet.archives.files import find
from bactofleet.archives.retry import Denied, NotFound
from bactofleet.core.confine import find_missing
from bactofleet.core.errors import ConfigurationError, TemporaryFailure
from bactofleet.core.image import IMAGE, VARIABLES
from bactofleet.core.references import url_and_checksum
from bactofleet.core.versions import missing_tools
from bactofleet.doctor.findings import Check, Finding
from bactofleet.doctor.work import GIB, Work
from bactofleet.run import contained
from bactofleet.run.container import choose_engine

# A receipt and its log take some kilobytes; the tables and the report of 67,000 genomes take less
# than this.
CONTROLLER_GIB = 2


def examine(work: Work) -> Iterator[Finding]:
    """Yield the findings."""
    yield Check("versions").ok(
        f"bactofleet {__version__}, Snakemake {metadata.version('snakemake')}, "
        f"Python {platform.python_version()}"
    )
    yield _tools()
    yield from _references(work)
    yield _disk(work)
    yield _memory(work)
    yield _confinement()


def _references(work: Work) -> Iterator[Finding]:
    """Report references that are not at their addresses, which only jobs would find otherwise."""
    for option, address in work.addresses.items():
        check, (url, _) = Check(option), url_and_checksum(address)
        try:
            find(url)
        except Denied as error:
            yield check.warning(str(error), "see that the jobs have the right to read it")
        except NotFound as error:
            yield check.error(str(error), "correct its address in config/config.yaml")
        except TemporaryFailure as error:
            yield check.warning(str(error), "run the doctor again")
        else:
            yield check.ok(f"{url} is there")


def _tools() -> Finding:
    check, missing = Check("tools"), missing_tools({})
    if contained.is_wanted():
        return _named_image(check)
    if not missing:
        return check.ok("all tools are on PATH")
    engine = choose_engine()
    if engine and _has_image(engine):
        return check.ok(f"all tools are in the image {IMAGE}")
    return check.warning(
        f"the image {IMAGE} is not here, and these tools are missing: {', '.join(missing)}; "
        "only runs on AWS work without them",
        "`make setup`",
    )


def _named_image(check: Check) -> Finding:
    """Report the image of BACTOFLEET_IMAGE; only the nodes of a cluster may be able to run it."""
    try:
        contained.check_image(is_engine_here=True)
    except ConfigurationError as error:
        return check.warning(
            str(error), "on a cluster, look again in a job: `srun bactofleet doctor`"
        )
    image = os.environ[VARIABLES["name"]]
    return check.ok(f"the image {image} runs here, and has bactofleet {__version__}")


def _has_image(engine: str) -> bool:
    words = [engine, "image", "inspect", IMAGE]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _disk(work: Work) -> Finding:
    check, free = Check("local disk"), shutil.disk_usage(Path.cwd()).free / GIB
    message = f"{free:.0f} GiB free in this folder"
    if free < CONTROLLER_GIB:
        remedy = "`df -h .` and make room, or start elsewhere"
        return check.error(f"{message}; a run needs {CONTROLLER_GIB}", remedy)
    if free < work.scratch_gib:
        remedy = "set `scratch:` in config/config.yaml to a folder on a larger disk"
        return check.warning(
            f"{message}; a genome on this machine needs {work.scratch_gib:.0f}", remedy
        )
    return check.ok(message)


def _memory(work: Work) -> Finding:
    check = Check("local memory")
    total_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    message = f"this machine has {total_mb:,.0f} MB and {os.cpu_count()} CPUs"
    if total_mb < work.memory_mb:
        remedy = "run genomes elsewhere, or make memory_mb in config/config.yaml smaller"
        return check.warning(f"{message}; a genome needs {work.memory_mb:,} MB", remedy)
    return check.ok(message)


def _confinement() -> Finding:
    check, missing = Check("local confinement"), find_missing()
    if missing:
        return check.warning("; ".join(missing), "docs/security.md says what that means")
    return check.ok("the tools of a genome get no network, and write only to its folders")
