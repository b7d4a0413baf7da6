"""Columns of the cohort's table as plain numbers and texts; values may be missing."""

from __future__ import annotations

from typing import Any

import pandas as pd


def numbers(genomes: pd.DataFrame, name: str) -> pd.Series[float]:
    """Return a column as floats; missing values are NaN."""
    return pd.to_numeric(genomes[name], errors="coerce").astype("float64")


def texts(genomes: pd.DataFrame, name: str, missing: str = "") -> pd.Series[Any]:
    """Return a column as strings; missing values and empty cells are replaced by `missing`."""
    column = genomes[name].astype(object)
    return column.where(column.notna() & (column != ""), missing)


def plain(values: pd.Series[Any]) -> list[Any]:
    """Return the values of a column as Python objects; missing values are None."""
    return list(values.astype(object).where(values.notna(), None))
