"""Columns of the cohort's table as plain numbers and texts, whatever is missing in them."""

from __future__ import annotations

from typing import Any

import pandas as pd


def numbers(genomes: pd.DataFrame, name: str) -> pd.Series[float]:
    """Return a column as floats, NaN where there is no number."""
    return pd.to_numeric(genomes[name], errors="coerce").astype("float64")


def texts(genomes: pd.DataFrame, name: str, missing: str = "") -> pd.Series[Any]:
    """Return a column as strings, with `missing` where there is none."""
    return genomes[name].astype(object).where(genomes[name].notna(), missing)


def plain(values: pd.Series[Any]) -> list[Any]:
    """Return a column's values as Python's own, None where there is none."""
    return list(values.astype(object).where(values.notna(), None))
