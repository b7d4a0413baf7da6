"""Parts of the plots: scatter plots, heat maps, histograms, boxes and axes.

Figures do not set the colours of text and grid: the browser does, for a light or dark page.
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

# Up to this many genomes are drawn as single points: a histogram of three says nothing.
MAX_STRIP = 30
MAX_FAR = 25
LABEL_WIDTH = 20
# Share of the values at each end that a histogram's axis need not cover.
TAIL = 0.002

# Okabe and Ito's palette, distinct for colour-blind readers: https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
)
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)

Series = Mapping[str, "pd.Series[float]"]


def new_figure(x_title: str, y_title: str) -> go.Figure:
    """Return a figure without traces."""
    layout = {
        "template": {},
        "xaxis": {"title": {"text": x_title}, "automargin": True},
        "yaxis": {"title": {"text": y_title}, "automargin": True},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        # On the right: the vertical row of buttons.
        "margin": {"l": 10, "r": 44, "t": 36, "b": 10},
        "hovermode": "closest",
    }
    return go.Figure(layout=layout)


def escape(text: Any) -> str:
    """Escape text for Plotly, which interprets some HTML in labels."""
    return html.escape(str(text), quote=False)


def names(genomes: pd.DataFrame, index: pd.Index) -> list[str]:
    """Return the names of some genomes as labels."""
    return [escape(sample) for sample in genomes["sample"].loc[index]]


def points(
    genomes: pd.DataFrame, x: pd.Series[float], y: pd.Series[float], hover: str, **style: Any
) -> go.Scatter:
    """Return genomes as points with their names and, for clicks, their row numbers."""
    return go.Scatter(
        x=x,
        y=y,
        text=names(genomes, x.index),
        customdata=x.index.to_numpy(),
        mode="markers",
        hovertemplate=f"<b>%{{text}}</b><br>{hover}<extra></extra>",
        **style,
    )


def density(x: pd.Series[float], y: pd.Series[float], hover: str, *, is_log: bool) -> go.Heatmap:
    """Return a heat map of the number of genomes; both axes are logarithmic, or neither is."""
    values = (np.log10(x), np.log10(y)) if is_log else (x, y)
    counts, *edges = np.histogram2d(*values, bins=(60, 45))
    shown = np.where(counts > 0, counts, np.nan).T
    ticks = range(int(math.log10(counts.max())) + 1)
    return go.Heatmap(
        x=10 ** edges[0] if is_log else edges[0],
        y=10 ** edges[1] if is_log else edges[1],
        z=np.log10(shown),
        text=counts.T,
        colorscale="Cividis",
        colorbar={
            "title": {"text": "Genomes"},
            "tickvals": list(ticks),
            "ticktext": [f"{10**tick:,}" for tick in ticks],
            "thickness": 14,
            # Below the buttons.
            "len": 0.7,
            "y": 0,
            "yanchor": "bottom",
        },
        hovertemplate=f"%{{text}} genomes<br>about {hover}<extra></extra>",
    )


def distribution(
    series: Series, genomes: pd.DataFrame, title: str, *, stacked: bool
) -> go.Figure | None:
    """Plot a few genomes as points, more as a histogram; return None if there are no values."""
    present = {name: values.dropna() for name, values in series.items()}
    present = {name: values for name, values in present.items() if len(values)}
    if not present:
        return None
    if max(map(len, present.values())) <= MAX_STRIP:
        return _strip(present, genomes, title)
    return _histogram(present, title, stacked)


def _strip(series: Series, genomes: pd.DataFrame, title: str) -> go.Figure:
    figure = new_figure(title, "")
    for (name, values), colour in zip(series.items(), PALETTE, strict=False):
        figure.add_trace(_labelled_points(values, genomes, name, colour, size=12))
    return figure.update_yaxes(_rows(len(series)))


def _labelled_points(
    values: pd.Series[float], genomes: pd.DataFrame, label: str, colour: str, size: int
) -> go.Scatter:
    """Plot the values of one row, each with the name of its genome."""
    y = pd.Series(wrap(label), values.index)
    marker = {"color": colour, "size": size, "opacity": 0.75}
    return points(genomes, values, y, "%{x:,.4~g}", marker=marker, showlegend=False)


def wrap(label: str) -> str:
    """Break a long axis label into lines."""
    return "<br>".join(escape(line) for line in textwrap.wrap(label, LABEL_WIDTH))


def _histogram(series: Series, title: str, stacked: bool) -> go.Figure:
    figure = new_figure(title, "Genomes")
    edges = _bin_edges(np.concatenate([part.to_numpy() for part in series.values()]))
    for (name, part), colour in zip(series.items(), PALETTE, strict=False):
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=np.histogram(part.clip(edges[0], edges[-1]), edges)[0],
            width=np.diff(edges),
            name=escape(name),
            marker={"color": colour, "opacity": 1 if stacked else 0.65},
            hovertemplate="about %{x:,.4~g}: %{y:,} genomes<extra></extra>",
        )
    figure.update_layout(
        barmode="stack" if stacked else "overlay",
        bargap=0,
        showlegend=len(series) > 1,
        legend_traceorder="normal",
    )
    return figure


def _bin_edges(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the edges of bins for nearly all values; the outermost bins also take the rest."""
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    margin = (high - low) / 10
    core = np.clip(values, low - margin, high + margin)
    return np.histogram_bin_edges(core, bins=min(60, 2 * math.isqrt(len(values))))


def boxes(series: Series, genomes: pd.DataFrame, title: str) -> go.Figure | None:
    """Plot one row per stage on a logarithmic axis: points, or a box and the genomes above it."""
    present = {name: values[values > 0] for name, values in series.items()}
    present = {name: values for name, values in present.items() if len(values)}
    if not present:
        return None
    if max(map(len, present.values())) <= MAX_STRIP:
        figure = _strip(present, genomes, title)
    else:
        figure = _boxes_of_many(present, genomes, title)
    return figure.update_xaxes(log_axis(pd.concat(present.values())))


def _boxes_of_many(series: Series, genomes: pd.DataFrame, title: str) -> go.Figure:
    figure = new_figure(title, "")
    quartiles = {name: values.quantile([0.25, 0.5, 0.75]) for name, values in series.items()}
    figure.add_trace(_box(series, quartiles))
    for name, values in series.items():
        shown = _outliers(values, quartiles[name])
        figure.add_trace(_labelled_points(shown, genomes, name, ORANGE, size=7))
    return figure.update_yaxes(_rows(len(series)))


def _box(series: Series, quartiles: Mapping[str, pd.Series[float]]) -> go.Box:
    fences = {name: _fences(values, quartiles[name]) for name, values in series.items()}
    return go.Box(
        y=list(series),
        q1=[quartiles[name][0.25] for name in series],
        median=[quartiles[name][0.5] for name in series],
        q3=[quartiles[name][0.75] for name in series],
        lowerfence=[fences[name][0] for name in series],
        upperfence=[fences[name][1] for name in series],
        orientation="h",
        marker_color=BLUE,
        showlegend=False,
        width=0.55,
    )


def _fences(values: pd.Series[float], quartiles: pd.Series[float]) -> tuple[float, float]:
    """Return the ends of the whiskers: the last values within 1.5 interquartile ranges (Tukey)."""
    reach = 1.5 * (quartiles[0.75] - quartiles[0.25])
    inside = values[values.between(quartiles[0.25] - reach, quartiles[0.75] + reach)]
    return float(inside.min()), float(inside.max())


def _outliers(values: pd.Series[float], quartiles: pd.Series[float]) -> pd.Series[float]:
    return values[values > _fences(values, quartiles)[1]].nlargest(MAX_FAR)


def _rows(count: int) -> dict[str, Any]:
    """Return an axis for `count` named rows, the first at the top, with room above and below."""
    return {"type": "category", "range": [count - 0.5, -0.5]}


def log_axis(values: pd.Series[float]) -> dict[str, Any]:
    """Return a logarithmic axis with full numbers as labels; Plotly's own are 2, 5, 1 and so on.

    If there are fewer than three round numbers within the axis, Plotly chooses the labels.
    """
    low, high = math.log10(values.min()), math.log10(values.max())
    margin = max(0.04 * (high - low), 0.03)
    low, high = low - margin, high + margin
    digits = (1,) if high - low > 4 else (1, 2, 5) if high - low > 0.8 else (1, 2, 3, 4, 5, 7)
    decades = range(math.floor(low), math.ceil(high))
    ticks = [digit * 10.0**decade for decade in decades for digit in digits]
    axis: dict[str, Any] = {"type": "log", "range": [low, high]}
    if sum(low <= math.log10(tick) <= high for tick in ticks) < 3:
        return axis | {"nticks": 5}
    return axis | {"tickvals": ticks, "ticktext": [f"{tick:,.10g}" for tick in ticks]}


def whole_ticks(largest: int) -> dict[str, int]:
    """Return settings that keep an axis from showing fractions of a few genomes."""
    return {"dtick": 1} if largest < 8 else {}
