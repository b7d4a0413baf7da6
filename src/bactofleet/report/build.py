"""Write the three files of the cohort report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bactofleet.errors import ConfigurationError
from bactofleet.files import write_atomically
from bactofleet.provenance.build import write_provenance
from bactofleet.report.cohort import read_cohort, write_tsv
from bactofleet.report.multiqc import write_multiqc
from bactofleet.report.page import render_page
from bactofleet.report.records import iter_tool_outputs

DEFAULT_TITLE = "Bacterial genomes"


@dataclass(frozen=True)
class ReportPaths:
    """Where the report is."""

    table: Path
    page: Path
    multiqc: Path


def write_report(results: Path, samples: Sequence[str], title: str = DEFAULT_TITLE) -> ReportPaths:
    """Write cohort.tsv, report.html, multiqc_report.html and the cohort's provenance.

    Read are `receipts/<sample>.json`, and `failed/<sample>.json` where there is no receipt, of the
    given samples alone. A sample with neither is `waiting`; a file that cannot be understood makes
    a row `unreadable`. Each file appears whole or not at all.

    Raises `ConfigurationError` if a sample's name cannot be the name of a file.
    """
    _check_names(samples)
    paths = ReportPaths(
        results / "cohort.tsv", results / "report.html", results / "multiqc_report.html"
    )
    cohort = read_cohort(results, samples)
    write_tsv(cohort.genomes, paths.table)
    outputs = iter_tool_outputs(results, samples)
    left_out = write_multiqc(outputs, len(samples), paths.multiqc, title)
    write_atomically(paths.page, render_page(cohort, title, left_out))
    write_provenance(results, cohort, title)
    return paths


def _check_names(samples: Sequence[str]) -> None:
    """Refuse names that would lead out of the folder of the receipts."""
    problems = [
        f"sample {name!r} cannot be the name of a file; use letters, digits, '_', '-' and '.'"
        for name in samples
        if name in {"", ".", ".."} or "/" in name or "\0" in name
    ]
    if problems:
        raise ConfigurationError(problems)
