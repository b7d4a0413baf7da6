"""Write the provenance of a cohort into its results folder."""

from __future__ import annotations

from pathlib import Path

from bactofleet.core.files import write_atomically
from bactofleet.records.folder import CITATIONS, INPUTS
from bactofleet.report.cohort import Cohort
from bactofleet.report.provenance.citations import cite_cohort, to_bibtex
from bactofleet.report.provenance.crate import render_crate
from bactofleet.report.provenance.graph import DESCRIPTOR
from bactofleet.report.provenance.inputs import write_inputs


def write_provenance(results: Path, cohort: Cohort, title: str) -> None:
    """Write inputs.tsv, citations.bib, and last the RO-Crate's metadata, which describe both."""
    write_inputs(cohort.inputs, results / INPUTS)
    write_atomically(results / CITATIONS, to_bibtex(cite_cohort(cohort)))
    write_atomically(results / DESCRIPTOR, render_crate(results, cohort, title))
