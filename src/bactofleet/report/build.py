"""Write the files of the cohort report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bactofleet.core.files import write_atomically
from bactofleet.core.samples import Row
from bactofleet.records.folder import MULTIQC, PAGE, PARQUET, TABLE, TIMINGS, check_names
from bactofleet.report.cohort import NO_CELLS, read_cohort, write_parquet, write_tsv
from bactofleet.report.multiqc import write_multiqc
from bactofleet.report.page import render_page
from bactofleet.report.provenance.build import write_provenance
from bactofleet.report.ranks import ANY_SIZE, SizeLimits
from bactofleet.report.spending import read_bill
from bactofleet.report.tool_outputs import iter_tool_outputs

DEFAULT_TITLE = "Bacterial genomes"


@dataclass(frozen=True)
class ReportPaths:
    """Paths of the report's files."""

    table: Path
    parquet: Path
    timings: Path
    page: Path
    multiqc: Path


def write_report(
    results: Path,
    samples: Sequence[str],
    sizes: SizeLimits = ANY_SIZE,
    own: Mapping[str, Row] = NO_CELLS,
    title: str = DEFAULT_TITLE,
) -> ReportPaths:
    """Write the tables, report.html, multiqc_report.html and the provenance.

    For each of the given samples it reads `receipts/<sample>.json`, or `failed/<sample>.json` if
    there is no receipt. A sample with neither is `waiting`; one whose file cannot be read is
    `unreadable`. An assembly whose size is outside of `sizes` is excluded from the ranks. `own`
    holds the cells of the user's own columns of the sheet, by sample. Each file is written
    completely or not at all.

    Raises `ConfigurationError` if a sample's name is not a valid file name.
    """
    check_names(samples)
    paths = ReportPaths(
        *(results / name for name in (TABLE, PARQUET, TIMINGS, PAGE, MULTIQC)),
    )
    cohort = read_cohort(results, samples, sizes, own)
    write_tsv(cohort.table, paths.table)
    write_parquet(cohort.table, paths.parquet)
    write_tsv(cohort.timings, paths.timings)
    outputs = iter_tool_outputs(results, samples)
    left_out = write_multiqc(outputs, len(samples), paths.multiqc, title)
    bill = read_bill(results, cohort.genomes)
    write_atomically(paths.page, render_page(cohort, title, left_out, bill))
    write_provenance(results, cohort, title)
    return paths
