"""All genomes of a run in one table, and what made them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bactofleet.files import write_atomically
from bactofleet.report.columns import order_columns
from bactofleet.report.records import InputFile, Row, iter_records

# The order of the page: what needs a decision comes first.
STATUSES = ("failed", "unreadable", "excluded", "waiting", "complete")


@dataclass(frozen=True)
class Cohort:
    """A run's genomes.

    `genomes` has a row a genome, in the order of the sample sheet, and the columns of
    `bactofleet.report.columns`. `tails` holds the end of the log of each failed genome.
    `versions` and `parameters` count the genomes made with each (name, value); `software` and
    `settings` hold the same by the fingerprints in the table. `inputs` are the files that the
    genomes were made from.
    """

    genomes: pd.DataFrame
    tails: dict[str, list[str]]
    versions: Counter[tuple[str, str]]
    parameters: Counter[tuple[str, str]]
    inputs: list[InputFile] = field(default_factory=list)
    software: dict[str, dict[str, str]] = field(default_factory=dict)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)

    def count(self, status: str) -> int:
        """Return how many genomes have a status."""
        return int((self.genomes["status"] == status).sum())

    def with_status(self, *statuses: str) -> pd.DataFrame:
        """Return the rows of the genomes that have one of the statuses."""
        return self.genomes[self.genomes["status"].isin(statuses)]


def read_cohort(results: Path, samples: Sequence[str]) -> Cohort:
    """Read the receipts and failures of the samples below `results`."""
    rows: list[Row] = []
    inputs: list[InputFile] = []
    tails: dict[str, list[str]] = {}
    versions: Counter[tuple[str, str]] = Counter()
    parameters: Counter[tuple[str, str]] = Counter()
    software: dict[str, dict[str, str]] = {}
    settings: dict[str, dict[str, str]] = {}
    for sample, record in zip(samples, iter_records(results, samples), strict=True):
        rows.append(record.row)
        inputs += record.inputs
        # A genome names the tools that it needed: all of an image are those of all its genomes.
        software.setdefault(str(record.row.get("fingerprint_image", "")), {}).update(
            record.versions
        )
        settings.setdefault(str(record.row.get("fingerprint_parameters", "")), record.parameters)
        versions.update(record.versions.items())
        parameters.update(record.parameters.items())
        if record.tail:
            tails[sample] = record.tail
    return Cohort(tabulate(rows), tails, versions, parameters, inputs, software, settings)


def tabulate(rows: Sequence[Row]) -> pd.DataFrame:
    """Return the rows as a table with whole numbers kept whole where values are missing."""
    names = order_columns({name for row in rows for name in row})
    columns = {
        name: pd.Series([row.get(name) for row in rows], dtype=object).convert_dtypes()
        for name in names
    }
    return pd.DataFrame(columns)


def write_tsv(genomes: pd.DataFrame, path: Path) -> None:
    """Write the table as tab-separated text, UTF-8, with empty cells for what is missing."""
    write_atomically(path, genomes.to_csv(sep="\t", index=False, lineterminator="\n"))
