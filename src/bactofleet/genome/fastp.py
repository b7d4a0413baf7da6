"""fastp's report, reduced to what the cohort's report shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_AFTER_FILTERING = ("read1_after_filtering", "read2_after_filtering")


def trim_fastp(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of fastp's JSON that MultiQC 1.35 shows: 3 to 7 of 100 to 200 kB.

    MultiQC recognizes the file by the text `"before_filtering": {` in its first 50 lines and skips
    it without `command`. It shows `filtering_result`; `duplication.rate`; `insert_size.histogram`;
    the read, base, Q30 and GC numbers of `summary.before_filtering` and `.after_filtering`;
    `summary.fastp_version`; `adapter_cutting.adapter_trimmed_reads`; and the mean quality at each
    position, kept here after filtering only, to one decimal. A part that `report` lacks (insert
    size of single-end reads, say) is left out. The command is emptied because it names folders of
    the worker and MultiQC does not show it.

    Format: https://github.com/OpenGene/fastp#json-report and MultiQC's modules/fastp/fastp.py.
    """
    trimmed: dict[str, Any] = {
        name: report[name] for name in ("summary", "filtering_result") if name in report
    }
    trimmed |= _select(report, "duplication", ("rate",))
    trimmed |= _select(report, "insert_size", ("peak", "unknown", "histogram"))
    trimmed |= _select(
        report, "adapter_cutting", ("adapter_trimmed_reads", "adapter_trimmed_bases")
    )
    for name in _AFTER_FILTERING:
        if name in report:
            mean = report[name]["quality_curves"]["mean"]
            trimmed[name] = {"quality_curves": {"mean": [round(value, 1) for value in mean]}}
    return {**trimmed, "command": ""}


def _select(report: Mapping[str, Any], part: str, names: Iterable[str]) -> dict[str, Any]:
    if part not in report:
        return {}
    return {part: {name: report[part][name] for name in names if name in report[part]}}
