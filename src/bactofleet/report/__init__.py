"""The cohort report: one table, one page and a MultiQC report from the receipts of a run.

`write_report` is imported when it is first used: the workers import `bactofleet.report.multiqc`
from this package, and should not have to load pandas and Plotly.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bactofleet.report.build import ReportPaths, write_report
    from bactofleet.report.ranks import SizeLimits

__all__ = ["ReportPaths", "SizeLimits", "write_report"]

_MODULES = {"ReportPaths": "build", "SizeLimits": "ranks", "write_report": "build"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"bactofleet.report.{_MODULES[name]}"), name)
