"""Snakemake executor `aws-batch-array`: jobs as children of AWS Batch array jobs.

It extends snakemake-executor-plugin-aws-batch for workflows whose intermediate files stay on the
node that makes them; docs/executor.md describes the life of a job. Other programs use `api`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .versions import __version__

if TYPE_CHECKING:
    from .executor import Executor
    from .settings import ExecutorSettings, common_settings

__all__ = ["Executor", "ExecutorSettings", "__version__", "common_settings"]

_MODULES = {
    "Executor": "executor",
    "ExecutorSettings": "settings",
    "common_settings": "settings",
}


def __getattr__(name: str) -> Any:
    """Import what Snakemake asks for on demand: `api` alone does not need Snakemake."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
