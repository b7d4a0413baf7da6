"""All genomes of a run in one table, with the software and parameters that made them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import polars

from bactofleet.core.files import replace_atomically, write_atomically
from bactofleet.core.samples import OWN, Row
from bactofleet.core.text import clean, to_cell
from bactofleet.report.columns import TIMING_COLUMNS, TIMINGS, describe_column, order_columns
from bactofleet.report.outliers import Outliers, find_outliers, outlier_columns
from bactofleet.report.ranks import ANY_SIZE, SizeLimits, rank_genome
from bactofleet.report.rows import GenomeRow, InputFile, iter_records
from bactofleet.report.values import plain

# In the order of the page: what needs a decision comes first.
STATUSES = ("failed", "unreadable", "excluded", "waiting", "complete")
NO_CELLS: Mapping[str, Row] = {}
_PARQUET_TYPES = {
    "string": polars.String,
    "Int64": polars.Int64,
    "Float64": polars.Float64,
    "boolean": polars.Boolean,
}


@dataclass(frozen=True)
class Cohort:
    """The genomes of a run.

    `genomes` has one row per genome, in the order of the sample sheet, and the columns of
    `bactofleet.report.columns`. `tails` holds the end of the log of each failed genome.
    `versions` and `parameters` count the genomes made with each (name, value); `software` and
    `settings` hold the same by the fingerprints in the table. `inputs` are the input files of the
    genomes. `rank_limits` counts for each criterion the genomes that miss the next better rank
    because of it.
    """

    genomes: pd.DataFrame
    tails: dict[str, list[str]]
    versions: Counter[tuple[str, str]]
    parameters: Counter[tuple[str, str]]
    inputs: list[InputFile] = field(default_factory=list)
    software: dict[str, dict[str, str]] = field(default_factory=dict)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    rank_limits: Counter[str] = field(default_factory=Counter)
    outliers: Outliers = field(default_factory=Outliers)

    @property
    def table(self) -> pd.DataFrame:
        """The genomes without the time and memory of their stages."""
        return self.genomes.drop(columns=[column.name for column in TIMINGS])

    @property
    def timings(self) -> pd.DataFrame:
        """The time and memory of the stages of each genome."""
        return self.genomes[[column.name for column in TIMING_COLUMNS]]

    def count(self, status: str) -> int:
        """Return the number of genomes with a status."""
        return int((self.genomes["status"] == status).sum())

    def with_status(self, *statuses: str) -> pd.DataFrame:
        """Return the rows of the genomes that have one of the statuses."""
        return self.genomes[self.genomes["status"].isin(statuses)]


def read_cohort(
    results: Path,
    samples: Sequence[str],
    sizes: SizeLimits = ANY_SIZE,
    own: Mapping[str, Row] = NO_CELLS,
) -> Cohort:
    """Read the receipts and failures of the samples below `results`; rank and compare genomes.

    `own` holds the cells of the user's own columns of the sheet, by sample.
    """
    rows: list[GenomeRow] = []
    inputs: list[InputFile] = []
    tails: dict[str, list[str]] = {}
    versions: Counter[tuple[str, str]] = Counter()
    parameters: Counter[tuple[str, str]] = Counter()
    software: dict[str, dict[str, str]] = {}
    settings: dict[str, dict[str, str]] = {}
    rank_limits: Counter[str] = Counter()
    for sample, record in zip(samples, iter_records(results, samples), strict=True):
        record.row.update((OWN + name, clean(cell)) for name, cell in own.get(sample, {}).items())
        rows.append(record.row)
        inputs += record.inputs
        # A receipt names only the tools that its genome needed, so those of an image are the
        # tools of all genomes that were made with it.
        software.setdefault(str(record.row.get("fingerprint_image", "")), {}).update(
            record.versions
        )
        settings.setdefault(str(record.row.get("fingerprint_parameters", "")), record.parameters)
        versions.update(record.versions.items())
        parameters.update(record.parameters.items())
        if record.tail:
            tails[sample] = record.tail
        if record.row["status"] == "complete":
            rank, reasons = rank_genome(record.row, sizes)
            record.row.update(rank=rank, rank_reason="; ".join(reasons.values()) or None)
            rank_limits.update(reasons.keys())
    genomes = tabulate(rows)
    outliers = find_outliers(genomes)
    genomes = genomes.assign(**outlier_columns(genomes, outliers))
    return Cohort(
        genomes, tails, versions, parameters, inputs, software, settings, rank_limits, outliers
    )


def tabulate(rows: Sequence[GenomeRow]) -> pd.DataFrame:
    """Return the rows as a table whose columns have their documented types.

    A column of whole numbers becomes one of floating-point numbers if a receipt has a fraction.
    """
    names = order_columns(dict.fromkeys(name for row in rows for name in row))
    return pd.DataFrame({name: _to_column(name, [row.get(name) for row in rows]) for name in names})


def _to_column(name: str, values: list[Any]) -> pd.Series[Any]:
    column = describe_column(name)
    if not column.type:
        return pd.Series(values, dtype=object).convert_dtypes()
    if column.type == "text":
        return pd.Series(values, dtype="string")
    numbers = pd.Series(values, dtype="Float64")
    is_whole = column.type == "whole" and (numbers.dropna() % 1 == 0).all()
    return numbers.astype("Int64") if is_whole else numbers


def write_tsv(genomes: pd.DataFrame, path: Path) -> None:
    """Write the table as tab-separated text in UTF-8; missing values are empty cells."""
    cells = genomes.assign(
        **{
            str(name): column.map(to_cell, na_action="ignore")
            for name, column in genomes.select_dtypes("string").items()
        }
    )
    write_atomically(path, cells.to_csv(sep="\t", index=False, lineterminator="\n"))


def write_parquet(genomes: pd.DataFrame, path: Path) -> None:
    """Write the table as Parquet: the same columns and rows; missing values are null."""
    columns = [
        polars.Series(str(name), plain(values), _PARQUET_TYPES[str(values.dtype)])
        for name, values in genomes.items()
    ]
    with replace_atomically(path) as partial:
        polars.DataFrame(columns).write_parquet(partial)
