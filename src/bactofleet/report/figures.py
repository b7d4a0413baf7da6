"""The plots of the report, as Plotly figures with units on every axis and no colours of the page.

Text and grid take their colours in the browser, light or dark. The size of a figure does not grow
with the cohort: above `MAX_POINTS` genomes a cloud of points becomes a density, distributions are
binned here, and boxes are drawn from quartiles.
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from bactofleet.report.columns import STAGES

MAX_POINTS = 2_500
# Up to this many genomes each is a point of its own: a histogram of three says nothing.
MAX_STRIP = 30
MAX_OUTLIERS = 25
MAX_SPECIES = 5
LABEL_WIDTH = 18

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
STATUS_COLOURS = {
    "complete": BLUE,
    "excluded": ORANGE,
    "failed": VERMILION,
    "unreadable": PURPLE,
    "waiting": "#8a8f98",
}

_BOX_CAPTION = "Box: middle half and median; whiskers reach 1.5 boxes further;"


@dataclass(frozen=True)
class Plot:
    """A figure with its heading and the sentence that says how to read it."""

    name: str
    heading: str
    caption: str
    figure: go.Figure


Series = Mapping[str, "pd.Series[float]"]


def build_plots(genomes: pd.DataFrame) -> list[Plot]:
    """Return the plots for which there are data, in the order of the page."""
    plots = (
        plot_contiguity(genomes),
        plot_assembly_size(genomes),
        plot_size_difference(genomes),
        plot_depth(genomes),
        plot_minutes(genomes),
        plot_memory(genomes),
        plot_reasons(genomes),
    )
    return [plot for plot in plots if plot is not None]


def plot_contiguity(genomes: pd.DataFrame) -> Plot | None:
    """N50 against the number of contigs, both logarithmic."""
    x, y = "assembler_total_contig", "assembler_n50_contig_length"
    assembled = genomes[(_numbers(genomes, x) > 0) & (_numbers(genomes, y) > 0)]
    if assembled.empty:
        return None
    assembled = assembled.assign(**{y: _numbers(assembled, y) / 1e3})
    figure = _figure("Contigs", "N50 (kb)")
    figure.update_xaxes(_log_axis(_numbers(assembled, x)))
    figure.update_yaxes(_log_axis(assembled[y]))
    if len(assembled) > MAX_POINTS:
        figure.add_trace(_density(assembled, x, y))
    else:
        for status, part in assembled.groupby("status", sort=True):
            figure.add_trace(_points(part, x, y, str(status)))
    caption = "Good assemblies are at the upper left: few contigs, and long ones."
    return Plot("contiguity", "N50 against contigs", caption, figure)


def plot_assembly_size(genomes: pd.DataFrame) -> Plot | None:
    """Sizes of the complete assemblies, by species."""
    complete = genomes[genomes["status"] == "complete"]
    sizes = _numbers(complete, "assembler_total_contig_length") / 1e6
    species = complete["species"].astype(object).fillna("species not given")
    common = species.value_counts().index[:MAX_SPECIES]
    groups = species.where(species.isin(common), "other species")
    series = {name: sizes[groups == name] for name in [*common, "other species"]}
    figure = _distribution(series, complete, "Assembly size (Mb)", stacked=True)
    return figure and Plot("size", "Assembly size", "Complete genomes, by species.", figure)


def plot_size_difference(genomes: pd.DataFrame) -> Plot | None:
    """How far the assemblies are from the expected sizes."""
    complete = genomes[genomes["status"] == "complete"]
    expected = _numbers(complete, "genome_size")
    size = _numbers(complete, "assembler_total_contig_length")
    difference = 100 * (size / expected.where(expected > 0) - 1)
    estimated = complete["genome_size_source"].astype(object) == "estimated"
    series = {
        "size given": difference[~estimated],
        "size estimated from the reads": difference[estimated],
    }
    figure = _distribution(series, complete, "Difference from the expected size (%)", stacked=True)
    if figure is None:
        return None
    figure.update_xaxes(rangemode="tozero")
    caption = "Far to the right of 0: contamination or mixed samples. Far to the left: lost genome."
    return Plot("difference", "Assembly size against expected", caption, figure)


def plot_depth(genomes: pd.DataFrame) -> Plot | None:
    """Depth of the reads before and after cleaning and the cap."""
    series = {
        "before cleaning": _numbers(genomes, "qc_original_coverage"),
        "after cleaning and capping": _numbers(genomes, "qc_final_coverage"),
    }
    figure = _distribution(series, genomes, "Depth (x)", stacked=False)
    caption = "Bases in the reads over the expected size of the genome, all genomes with reads."
    return figure and Plot("depth", "Depth", caption, figure)


def plot_minutes(genomes: pd.DataFrame) -> Plot | None:
    """Wall time of each stage."""
    series = {stage: _numbers(genomes, f"{stage}_seconds") / 60 for stage in STAGES}
    figure = _boxes(series, genomes, "Wall time (minutes)")
    caption = f"{_BOX_CAPTION} points are the slowest genomes."
    return figure and Plot("minutes", "Minutes a stage", caption, figure)


def plot_memory(genomes: pd.DataFrame) -> Plot | None:
    """Peak memory of each stage."""
    series = {stage: _numbers(genomes, f"{stage}_max_rss_mb") / 1000 for stage in STAGES}
    figure = _boxes(series, genomes, "Peak memory (GB)")
    caption = f"{_BOX_CAPTION} points are the largest, which decide what a job must ask for."
    return figure and Plot("memory", "Peak memory a stage", caption, figure)


def plot_reasons(genomes: pd.DataFrame) -> Plot | None:
    """Why genomes are excluded, failed or unreadable."""
    parts = genomes[genomes["status"].isin(["excluded", "failed", "unreadable"])]
    if parts.empty:
        return None
    kind = parts["reason_type"].astype(object).fillna("reason not given")
    reasons = parts["reason_stage"].astype(object).fillna("unknown stage") + ": " + kind
    counts = pd.DataFrame({"status": parts["status"], "reason": reasons}).value_counts()
    figure = _figure("Genomes", "")
    for status, group in counts.groupby(level="status"):
        figure.add_bar(
            x=group.to_numpy(),
            y=[_escape(reason) for _, reason in group.index],
            text=[f"{count:,}" for count in group],
            name=str(status),
            marker_color=STATUS_COLOURS[str(status)],
            orientation="h",
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    figure.update_layout(barmode="stack", showlegend=True)
    figure.update_yaxes(categoryorder="total ascending", type="category")
    figure.update_xaxes(rangemode="tozero", tickformat=",d", **_whole_ticks(counts.max()))
    return Plot("reasons", "Genomes without a result", "Genomes by stage and reason.", figure)


def _figure(x_title: str, y_title: str) -> go.Figure:
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


def _numbers(genomes: pd.DataFrame, name: str) -> pd.Series[float]:
    return pd.to_numeric(genomes[name], errors="coerce").astype("float64")


def _escape(text: Any) -> str:
    """Return text that Plotly shows as it is; its labels may hold a little HTML."""
    return html.escape(str(text), quote=False)


def _names(genomes: pd.DataFrame, index: pd.Index) -> list[str]:
    return [_escape(sample) for sample in genomes["sample"].loc[index]]


def _points(part: pd.DataFrame, x: str, y: str, status: str) -> go.Scatter:
    return go.Scatter(
        x=_numbers(part, x),
        y=_numbers(part, y),
        text=_names(part, part.index),
        customdata=part.index.to_numpy(),
        name=status,
        mode="markers",
        marker={
            "color": STATUS_COLOURS[status],
            "symbol": "circle" if status == "complete" else "diamond",
            "size": 7 if len(part) > 200 else 10,
            "opacity": 0.6 if len(part) > 200 else 0.9,
        },
        showlegend=True,
        hovertemplate="<b>%{text}</b><br>%{x:,} contigs<br>N50 %{y:,.0f} kb<extra></extra>",
    )


def _density(part: pd.DataFrame, x: str, y: str) -> go.Heatmap:
    """Count genomes in cells of even width on the logarithmic axes."""
    logs = np.log10(_numbers(part, x)), np.log10(_numbers(part, y))
    counts, x_edges, y_edges = np.histogram2d(*logs, bins=(60, 45))
    shown = np.where(counts > 0, counts, np.nan).T
    ticks = range(int(math.log10(counts.max())) + 1)
    return go.Heatmap(
        x=10**x_edges,
        y=10**y_edges,
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
        hovertemplate="%{text} genomes<br>about %{x:,.0f} contigs, N50 %{y:,.0f} kb<extra></extra>",
    )


def _distribution(
    series: Series, genomes: pd.DataFrame, title: str, *, stacked: bool
) -> go.Figure | None:
    """Points for a few genomes, a histogram for more; None if there is no value at all."""
    present = {name: values.dropna() for name, values in series.items()}
    present = {name: values for name, values in present.items() if len(values)}
    if not present:
        return None
    if max(map(len, present.values())) <= MAX_STRIP:
        return _strip(present, genomes, title)
    return _histogram(present, title, stacked)


def _strip(series: Series, genomes: pd.DataFrame, title: str) -> go.Figure:
    figure = _figure(title, "")
    for (name, values), colour in zip(series.items(), PALETTE, strict=False):
        figure.add_trace(_dots(values, genomes, name, colour, size=12))
    return figure.update_yaxes(_rows(len(series)))


def _dots(
    values: pd.Series[float], genomes: pd.DataFrame, label: str, colour: str, size: int
) -> go.Scatter:
    """Values of one row of the plot, each with the genome's name."""
    return go.Scatter(
        x=values,
        y=[_wrap(label)] * len(values),
        text=_names(genomes, values.index),
        customdata=values.index.to_numpy(),
        mode="markers",
        marker={"color": colour, "size": size, "opacity": 0.75},
        showlegend=False,
        hovertemplate="<b>%{text}</b><br>%{x:,.4~g}<extra></extra>",
    )


def _wrap(label: str) -> str:
    """Break a long label of an axis into lines."""
    return "<br>".join(_escape(line) for line in textwrap.wrap(label, LABEL_WIDTH))


def _histogram(series: Series, title: str, stacked: bool) -> go.Figure:
    figure = _figure(title, "Genomes")
    values = np.concatenate([part.to_numpy() for part in series.values()])
    edges = np.histogram_bin_edges(values, bins=min(60, 2 * math.isqrt(len(values))))
    for (name, part), colour in zip(series.items(), PALETTE, strict=False):
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=np.histogram(part, edges)[0],
            width=np.diff(edges),
            name=_escape(name),
            marker={"color": colour, "opacity": 1 if stacked else 0.65},
            hovertemplate="about %{x:,.4~g}: %{y:,} genomes<extra></extra>",
        )
    figure.update_layout(
        barmode="stack" if stacked else "overlay", bargap=0, showlegend=len(series) > 1
    )
    return figure


def _boxes(series: Series, genomes: pd.DataFrame, title: str) -> go.Figure | None:
    """One row a stage on a logarithmic axis: points, or a box with the genomes that lie above."""
    present = {name: values[values > 0] for name, values in series.items()}
    present = {name: values for name, values in present.items() if len(values)}
    if not present:
        return None
    if max(map(len, present.values())) <= MAX_STRIP:
        figure = _strip(present, genomes, title)
    else:
        figure = _boxes_of_many(present, genomes, title)
    return figure.update_xaxes(_log_axis(pd.concat(present.values())))


def _boxes_of_many(series: Series, genomes: pd.DataFrame, title: str) -> go.Figure:
    figure = _figure(title, "")
    quartiles = {name: values.quantile([0.25, 0.5, 0.75]) for name, values in series.items()}
    figure.add_trace(_box(series, quartiles))
    for name, values in series.items():
        shown = _outliers(values, quartiles[name])
        figure.add_trace(_dots(shown, genomes, name, ORANGE, size=7))
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
    """Return the last values within 1.5 boxes of the box (Tukey's whiskers)."""
    reach = 1.5 * (quartiles[0.75] - quartiles[0.25])
    inside = values[values.between(quartiles[0.25] - reach, quartiles[0.75] + reach)]
    return float(inside.min()), float(inside.max())


def _outliers(values: pd.Series[float], quartiles: pd.Series[float]) -> pd.Series[float]:
    return values[values > _fences(values, quartiles)[1]].nlargest(MAX_OUTLIERS)


def _rows(count: int) -> dict[str, Any]:
    """Return an axis of so many named rows, the first at the top, with room above and below."""
    return {"type": "category", "range": [count - 0.5, -0.5]}


def _log_axis(values: pd.Series[float]) -> dict[str, Any]:
    """Return a logarithmic axis labelled in full: Plotly's own labels are 2, 5, 1 and so on.

    Plotly labels the axis of values that lie so close together that few round numbers are there.
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


def _whole_ticks(largest: int) -> dict[str, int]:
    """Keep the axis of a few genomes from showing halves of them."""
    return {"dtick": 1} if largest < 8 else {}
