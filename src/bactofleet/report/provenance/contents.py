"""Descriptions of the files in the results folder for the crate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bactofleet.core.files import sha256_of
from bactofleet.records.folder import (
    CITATIONS,
    FAILED,
    FAILURES,
    INPUTS,
    MULTIQC,
    PAGE,
    PARQUET,
    RECEIPTS,
    TABLE,
    TIMINGS,
    USAGE,
)
from bactofleet.report import columns
from bactofleet.report.columns import Column
from bactofleet.report.provenance import inputs
from bactofleet.report.provenance.graph import Graph, identify, refer


@dataclass(frozen=True)
class Content:
    """A file or a folder."""

    name: str
    media_type: str
    meaning: str
    columns: Sequence[Column] = ()


TSV = "text/tab-separated-values"
CONTENTS = (
    Content(TABLE, TSV, "a row a genome: how it ended, its metrics, its tarball", columns.COLUMNS),
    Content(PARQUET, "application/vnd.apache.parquet", "the same rows and columns, with types"),
    Content(TIMINGS, TSV, "a row a genome: time and memory of its stages", columns.TIMING_COLUMNS),
    Content(INPUTS, TSV, "a row a file that a genome was made from", inputs.COLUMNS),
    Content(PAGE, "text/html", "the table as a page with plots"),
    Content(MULTIQC, "text/html", "MultiQC's report of fastp and prokka"),
    Content(CITATIONS, "application/x-bibtex", "references of the software that was used"),
    Content(USAGE, TSV, "a row an attempt of a job on AWS Batch"),
    Content(FAILURES, TSV, "a row a job that failed on AWS Batch"),
    Content(RECEIPTS, "", "a JSON file a genome: all that is known of how it was made"),
    Content(FAILED, "", "a JSON file a genome that failed: where and why"),
)


def add_contents(graph: Graph, results: Path, own: Sequence[Column]) -> None:
    """Add the files and folders that exist in the results folder.

    `own` are the user's own columns of the table of the cohort.
    """
    for content in CONTENTS:
        path = results / content.name
        if path.is_dir():
            name = f"{content.name}/"
            graph.add(name, "Dataset", name=name, description=content.meaning)
        elif path.is_file():
            _add_file(graph, path, content, own if content.name == TABLE else ())


def _add_file(graph: Graph, path: Path, content: Content, own: Sequence[Column]) -> None:
    described = [_add_column(graph, content.name, column) for column in (*content.columns, *own)]
    graph.add_file(
        content.name,
        sha256_of(path),
        name=content.name,
        description=content.meaning,
        encodingFormat=content.media_type,
        contentSize=str(path.stat().st_size),
        variableMeasured=refer(*described),
    )


def _add_column(graph: Graph, table: str, column: Column) -> str:
    return graph.add(
        identify("column", table, column.name),
        "PropertyValue",
        name=column.name,
        description=column.meaning,
        unitText=column.unit,
    )
