"""Choose genomes by a condition on the columns of the cohort's table."""

from __future__ import annotations

from pathlib import Path

import polars

from bactofleet.core.errors import ConfigurationError
from bactofleet.records.folder import PARQUET


def read_samples(results: Path, condition: str | None = None) -> set[str]:
    """Return the samples of the table below `results`, or those for which a condition is true.

    The condition is an SQL expression of polars
    (https://docs.pola.rs/api/python/stable/reference/api/polars.sql_expr.html), such as
    `rank = 'gold'`; it can only read columns of this table. The Parquet file is read because its
    columns have types. Raises `ConfigurationError`.
    """
    path = results / PARQUET
    if not path.is_file():
        raise ConfigurationError([f"{path} does not exist; `bactofleet report` writes it"])
    try:
        table = polars.read_parquet(path)
        chosen = table if condition is None else table.filter(polars.sql_expr(condition))
        return set(chosen["sample"])
    except polars.exceptions.PolarsError as error:
        reason = str(error).split("\n", 1)[0]
        raise ConfigurationError(
            [
                f"--where {condition!r}: {reason}; write it as in \"rank = 'gold' and "
                'assembler_total_contig < 200": columns of cohort.tsv, text in single quotes'
            ]
        ) from error
