"""Where the files that come with bactofleet are: workflow, profiles, configuration, template.

A checkout has them in its root, an installed package in its folder `project`, where
`pyproject.toml` puts them when the wheel is built.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import metadata
from pathlib import Path

from bactofleet import __version__

_PACKAGE = Path(__file__).parents[1]
_CHECKOUT = _PACKAGE.parents[1]
IS_INSTALLED = (_PACKAGE / "project").is_dir()
ROOT = _PACKAGE / "project" if IS_INSTALLED else _CHECKOUT

WORKFLOW = ROOT / "workflow"
SCHEMAS = WORKFLOW / "schemas"
TEMPLATE = ROOT / "infra/bactofleet.yaml"

# How the path of an installed workflow ends.
_SHIPPED_PARTS = ("bactofleet", "project", "workflow")


def find_stale() -> str:
    """Say what to do if a checkout got new sources, and its installation still has an old version.

    Others read the installed version, such as the jobs that compare theirs with it.
    """
    installed = __version__  # as where Python only finds the sources on its path
    with suppress(metadata.PackageNotFoundError):
        installed = metadata.version("bactofleet")
    if installed == __version__:
        return ""
    return (
        f"the sources are bactofleet {__version__}, installed as {installed}: run `make setup` in "
        "the checkout, which installs them anew"
    )


def find_file(name: str) -> Path:
    """Return a file or folder of the current folder if it is there, else the one that we ship."""
    own = Path(name)
    return own if own.exists() else ROOT / name


def link_workflow() -> None:
    """Let the current folder have the workflow, where Snakemake and its executors look for it.

    A workflow that is there stays. A link to another installation of bactofleet, which may have
    been removed, is replaced: the workflow must be of the same version as the package.
    """
    link = Path("workflow")
    if link.is_symlink() and (not link.exists() or link.resolve().parts[-3:] == _SHIPPED_PARTS):
        link.unlink()
    with suppress(FileExistsError):
        link.symlink_to(WORKFLOW)
