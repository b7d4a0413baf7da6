"""The plots of the report, as Plotly figures with units on every axis.

The size of a figure does not grow with the cohort: above `MAX_POINTS` genomes a scatter plot
becomes a heat map with the outliers on top, histograms are binned here, and boxes are drawn from
quartiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from bactofleet.genome.stage import STAGES
from bactofleet.report.drawing import (
    BLUE,
    PALETTE,
    PURPLE,
    VERMILION,
    boxes,
    density,
    distribution,
    escape,
    log_axis,
    new_figure,
    points,
    whole_ticks,
    wrap,
)
from bactofleet.report.outliers import find_strays
from bactofleet.report.ranks import RANKS
from bactofleet.report.values import numbers, texts

MAX_POINTS = 2_500
# The page finds the trace by its `meta`.
RINGS = {"showlegend": False, "meta": "rings"}
MAX_OUTLIERS = 40
MAX_SPECIES = 5
OTHER_SPECIES = "other species"
# Smallest share (%) whose bar has room for its number.
MIN_LABELLED_SHARE = 8

COLOURS = {
    "gold": "#e0a800",
    "silver": "#9aa7b5",
    "bronze": "#a05a2c",
    "exclude": "#7a4fb5",
    "unranked": "#c9ced6",
    "complete": BLUE,
    "excluded": PURPLE,
    "failed": VERMILION,
    "unreadable": "#4b5563",
    "waiting": "#8a8f98",
}


@dataclass(frozen=True)
class Cloud:
    """What the points of a scatter plot are, so that the page can draw them in other colours.

    `x` and `y` are a column and the factor by which the axis shows it. Only genomes with one of
    `statuses` have a point. `hover` is Plotly's template of the text at a point.
    """

    x: tuple[str, float]
    y: tuple[str, float]
    statuses: tuple[str, ...]
    hover: str


@dataclass(frozen=True)
class Plot:
    """A figure with its heading and a caption that says how to read it."""

    name: str
    heading: str
    caption: str
    figure: go.Figure
    cloud: Cloud | None = None


def build_plots(genomes: pd.DataFrame) -> list[Plot]:
    """Return the plots that have data, in the order of the page."""
    plots = (
        plot_contiguity(genomes),
        plot_composition(genomes),
        plot_ranks(genomes),
        plot_assembly_size(genomes),
        plot_size_difference(genomes),
        plot_depth(genomes),
        plot_long_reads(genomes),
        plot_minutes(genomes),
        plot_memory(genomes),
        plot_reasons(genomes),
    )
    return [plot for plot in plots if plot is not None]


def build_tool_plots(genomes: pd.DataFrame) -> list[Plot]:
    """Return distributions of what fastp and prokka counted, for cohorts without MultiQC."""
    plots = (
        _plot_reads(genomes, "qual_mean", "Read quality", "Mean quality (Phred)"),
        _plot_reads(genomes, "read_mean", "Read length", "Mean length (bp)"),
        plot_kept(genomes),
        plot_coding(genomes),
        plot_rna(genomes),
    )
    return [plot for plot in plots if plot is not None]


def _plot_reads(genomes: pd.DataFrame, metric: str, heading: str, title: str) -> Plot | None:
    """Plot a mean over the reads of each genome before and after cleaning."""
    series = {
        "before cleaning": numbers(genomes, f"qc_original_{metric}"),
        "after cleaning and capping": numbers(genomes, f"qc_final_{metric}"),
    }
    figure = distribution(series, genomes, title, stacked=False)
    return figure and Plot(metric, heading, "By fastp; all genomes with reads.", figure)


def plot_kept(genomes: pd.DataFrame) -> Plot | None:
    """Plot the share of the bases that cleaning and capping leave."""
    share = 100 * numbers(genomes, "qc_final_total_bp") / numbers(genomes, "qc_original_total_bp")
    figure = distribution({"bases": share}, genomes, "Bases kept (%)", stacked=False)
    caption = "Share of the bases that remain after cleaning and capping the depth."
    return figure and Plot("kept", "Bases kept", caption, figure)


def plot_coding(genomes: pd.DataFrame) -> Plot | None:
    """Plot the coding sequences per Mb by species."""
    complete = genomes[genomes["status"] == "complete"]
    size = numbers(complete, "assembler_total_contig_length") / 1e6
    density = numbers(complete, "annotator_total_cds") / size.where(size > 0)
    species = _common_species(complete)
    series = {name: density[species == name] for name in species.cat.categories}
    figure = distribution(series, complete, "Coding sequences per Mb", stacked=True)
    caption = "By species. Genomes far to the right may have genes broken by sequence errors."
    return figure and Plot("coding", "Coding sequences", caption, figure)


def plot_rna(genomes: pd.DataFrame) -> Plot | None:
    """Plot the numbers of RNA genes."""
    complete = genomes[genomes["status"] == "complete"]
    kinds = {"transfer RNA": "trna", "ribosomal RNA": "rrna"}
    series = {name: numbers(complete, f"annotator_total_{kind}") for name, kind in kinds.items()}
    figure = distribution(series, complete, "Genes", stacked=False)
    caption = "Few genes of transfer RNA are a sign of an incomplete assembly."
    return figure and Plot("rna", "RNA genes", caption, figure)


def plot_contiguity(genomes: pd.DataFrame) -> Plot | None:
    """Plot N50 against the number of contigs, both on logarithmic axes."""
    x = numbers(genomes, "assembler_total_contig")
    y = numbers(genomes, "assembler_n50_contig_length") / 1e3
    cloud = pd.DataFrame({"x": x, "y": y, "kind": _rank_or_status(genomes)})[(x > 0) & (y > 0)]
    if cloud.empty:
        return None
    figure = new_figure("Contigs", "N50 (kb)")
    figure.update_xaxes(log_axis(cloud["x"])).update_yaxes(log_axis(cloud["y"]))
    hover = "%{x:,} contigs<br>N50 %{y:,.0f} kb"
    shown = Cloud(
        ("assembler_total_contig", 1),
        ("assembler_n50_contig_length", 1e-3),
        ("complete", "excluded"),
        hover,
    )
    _add_cloud(figure, genomes, cloud, COLOURS, hover, is_log=True)
    rings = _ring_outliers(figure, genomes, cloud, hover, "contigs|N50")
    caption = f"Good assemblies are at the upper left: few contigs, and long ones.{rings}"
    return Plot("contiguity", "N50 against contigs", caption, figure, shown)


def plot_composition(genomes: pd.DataFrame) -> Plot | None:
    """Plot GC against the size of the complete assemblies: each species forms a cloud."""
    complete = genomes[genomes["status"] == "complete"]
    species = _common_species(complete)
    size = numbers(complete, "assembler_total_contig_length") / 1e6
    gc = numbers(complete, "assembler_gc_percent")
    cloud = pd.DataFrame({"x": size, "y": gc, "kind": species}).dropna()
    if cloud.empty:
        return None
    figure = new_figure("Assembly size (Mb)", "GC (%)")
    colours = dict(zip(species.cat.categories, PALETTE, strict=False))
    hover = "%{x:,.2f} Mb<br>GC %{y:.1f} %"
    _add_cloud(figure, genomes, cloud, colours, hover, is_log=False)
    strays = cloud[cloud.index.isin(find_strays(genomes))]
    rings = _ring_outliers(figure, genomes, strays, hover, "size|GC")
    caption = (
        f"A genome between clouds may be contaminated; one in another cloud, mislabelled.{rings}"
    )
    shown = Cloud(
        ("assembler_total_contig_length", 1e-6), ("assembler_gc_percent", 1), ("complete",), hover
    )
    return Plot("composition", "GC against assembly size", caption, figure, shown)


def plot_ranks(genomes: pd.DataFrame) -> Plot | None:
    """Plot the shares of the ranks by species."""
    ranked = genomes[genomes["rank"].notna()]
    if ranked.empty:
        return None
    species = _common_species(ranked)
    counts = pd.crosstab(species, texts(ranked, "rank"))
    totals = counts.sum(axis=1)
    figure = new_figure("Share of the complete genomes (%)", "")
    for rank in filter(counts.columns.__contains__, RANKS):
        shares = 100 * counts[rank] / totals
        figure.add_bar(
            x=shares,
            y=[wrap(f"{name} ({total:,})") for name, total in totals.items()],
            text=[f"{share:.0f} %" if share >= MIN_LABELLED_SHARE else "" for share in shares],
            customdata=counts[rank],
            name=rank,
            marker_color=COLOURS[rank],
            orientation="h",
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            width=0.6,
            hovertemplate=f"%{{customdata:,}} {rank}, %{{x:.1f}} %<extra></extra>",
        )
    figure.update_layout(barmode="stack", showlegend=True, legend_traceorder="normal")
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(range=[0, 100])
    return Plot("ranks", "Quality", "Ranks by Bactopia's cut-offs, by species.", figure)


def plot_assembly_size(genomes: pd.DataFrame) -> Plot | None:
    """Plot the sizes of the complete assemblies by species."""
    complete = genomes[genomes["status"] == "complete"]
    sizes = numbers(complete, "assembler_total_contig_length") / 1e6
    species = _common_species(complete)
    series = {name: sizes[species == name] for name in species.cat.categories}
    figure = distribution(series, complete, "Assembly size (Mb)", stacked=True)
    return figure and Plot("size", "Assembly size", "Complete genomes, by species.", figure)


def plot_size_difference(genomes: pd.DataFrame) -> Plot | None:
    """Plot the differences between the sizes of the assemblies and the expected sizes."""
    complete = genomes[genomes["status"] == "complete"]
    expected = numbers(complete, "genome_size")
    size = numbers(complete, "assembler_total_contig_length")
    difference = 100 * (size / expected.where(expected > 0) - 1)
    estimated = texts(complete, "genome_size_source") == "estimated"
    series = {
        "size given": difference[~estimated],
        "size estimated from the reads": difference[estimated],
    }
    figure = distribution(series, complete, "Difference from the expected size (%)", stacked=True)
    if figure is None:
        return None
    figure.update_xaxes(rangemode="tozero")
    caption = "Far to the right of 0: contamination or mixed samples. Far to the left: incomplete."
    return Plot("difference", "Assembly size against expected", caption, figure)


def plot_depth(genomes: pd.DataFrame) -> Plot | None:
    """Plot the depth of the reads before and after cleaning and downsampling."""
    series = {
        "before cleaning": numbers(genomes, "qc_original_coverage"),
        "after cleaning and capping": numbers(genomes, "qc_final_coverage"),
    }
    figure = distribution(series, genomes, "Depth (x)", stacked=False)
    caption = "Bases in the reads divided by the expected genome size; all genomes with reads."
    return figure and Plot("depth", "Depth", caption, figure)


def plot_long_reads(genomes: pd.DataFrame) -> Plot | None:
    """Plot the quality of the cleaned long reads against their length."""
    x = numbers(genomes, "qc_long_final_read_n50") / 1e3
    y = numbers(genomes, "qc_long_final_qual_mean")
    cloud = pd.DataFrame({"x": x, "y": y, "kind": _rank_or_status(genomes)}).dropna()
    if cloud.empty:
        return None
    figure = new_figure("N50 of the reads (kb)", "Mean quality (Phred)")
    figure.update_xaxes(rangemode="tozero")
    hover = "N50 %{x:,.1f} kb<br>quality %{y:.1f}"
    _add_cloud(figure, genomes, cloud, COLOURS, hover, is_log=False)
    shown = Cloud(
        ("qc_long_final_read_n50", 1e-3),
        ("qc_long_final_qual_mean", 1),
        ("complete", "excluded"),
        hover,
    )
    caption = "After cleaning. Half of the bases are in reads of at least the N50."
    return Plot("long", "Long reads", caption, figure, shown)


def plot_minutes(genomes: pd.DataFrame) -> Plot | None:
    """Plot the wall time of each stage."""
    series = {stage: numbers(genomes, f"{stage}_seconds") / 60 for stage in STAGES}
    figure = boxes(series, genomes, "Wall time (minutes)")
    caption = _caption_boxes(figure, "the slowest genomes.")
    return figure and Plot("minutes", "Wall time per stage", caption, figure)


def plot_memory(genomes: pd.DataFrame) -> Plot | None:
    """Plot the peak memory of each stage."""
    series = {stage: numbers(genomes, f"{stage}_max_rss_mb") / 1000 for stage in STAGES}
    figure = boxes(series, genomes, "Peak memory (GB)")
    caption = _caption_boxes(figure, "the largest, which decide how much memory a job needs.")
    return figure and Plot("memory", "Peak memory per stage", caption, figure)


def plot_reasons(genomes: pd.DataFrame) -> Plot | None:
    """Plot why genomes are excluded, failed or unreadable."""
    parts = genomes[genomes["status"].isin(["excluded", "failed", "unreadable"])]
    if parts.empty:
        return None
    stage = texts(parts, "reason_stage", "unknown stage")
    reasons = stage + ": " + texts(parts, "reason_type", "reason not given")
    counts = pd.DataFrame({"status": parts["status"], "reason": reasons}).value_counts()
    figure = new_figure("Genomes", "")
    for status, group in counts.groupby(level="status"):
        figure.add_bar(
            x=group.to_numpy(),
            y=[escape(reason) for _, reason in group.index],
            text=[f"{count:,}" for count in group],
            name=str(status),
            marker_color=COLOURS[str(status)],
            orientation="h",
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    figure.update_layout(barmode="stack", showlegend=True)
    figure.update_yaxes(categoryorder="total ascending", type="category")
    # Beyond the longest bar there is room for its number.
    largest = counts.max()
    figure.update_xaxes(range=[0, 1.25 * largest], tickformat=",d", **whole_ticks(largest))
    return Plot("reasons", "Genomes without a result", "Genomes by stage and reason.", figure)


def _rank_or_status(genomes: pd.DataFrame) -> pd.Series[Any]:
    return texts(genomes, "rank").where(genomes["rank"].notna(), texts(genomes, "status"))


def _common_species(genomes: pd.DataFrame) -> pd.Series[Any]:
    """Return the species of each genome as categories, the commonest first, rare ones as one."""
    species = texts(genomes, "species", "species not given")
    common = species.value_counts().index[:MAX_SPECIES]
    order = pd.CategoricalDtype(list(dict.fromkeys([*common, OTHER_SPECIES])))
    grouped = species.where(species.isin(common), OTHER_SPECIES).astype(order)
    return grouped.cat.remove_unused_categories()


def _add_cloud(
    figure: go.Figure,
    genomes: pd.DataFrame,
    cloud: pd.DataFrame,
    colours: Mapping[str, str],
    hover: str,
    *,
    is_log: bool,
) -> None:
    """Add genomes as points at `x` and `y`, coloured by `kind`, or as a heat map if many."""
    if len(cloud) > MAX_POINTS:
        figure.add_trace(density(cloud["x"], cloud["y"], hover, is_log=is_log))
    else:
        size = 7 if len(cloud) > 200 else 10
        for kind in filter(set(cloud["kind"]).__contains__, colours):
            part = cloud[cloud["kind"] == kind]
            marker = {"color": colours[kind], "size": size, "opacity": 0.75}
            style = {"name": escape(kind), "marker": marker, "showlegend": True}
            figure.add_trace(points(genomes, part["x"], part["y"], hover, **style))


def _caption_boxes(figure: go.Figure | None, far: str) -> str:
    """Return a caption that explains boxes and the points outside (`far`), or points alone."""
    if figure is None or not any(isinstance(trace, go.Box) for trace in figure.data):
        return "Each genome is a point."
    return f"Boxes: median and quartiles; whiskers: 1.5 interquartile ranges; points: {far}"


def _ring_outliers(
    figure: go.Figure, genomes: pd.DataFrame, cloud: pd.DataFrame, hover: str, signs: str
) -> str:
    """Put rings around the most extreme outliers whose names match the regular expression `signs`.

    Returns a sentence for the caption, empty if there are none.
    """
    scores = numbers(genomes, "outlier_score")[texts(genomes, "outlier").str.contains(signs)]
    far = cloud.loc[scores[scores.index.isin(cloud.index)].nlargest(MAX_OUTLIERS).index]
    if far.empty:
        return ""
    ring = {"symbol": "circle-open", "size": 14, "color": VERMILION, "line": {"width": 2}}
    figure.add_trace(points(genomes, far["x"], far["y"], hover, marker=ring, **RINGS))
    return " Rings are outliers."
