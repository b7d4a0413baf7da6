"""Plots: with units, without empty ones, and of a size that does not follow the cohort's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bactofleet.report import figures
from bactofleet.report.cohort import tabulate
from bactofleet.report.outliers import find_outliers, outlier_columns


def genomes(count, **changes):
    rng = np.random.default_rng(1)
    rows: list[dict[str, Any]] = [
        {
            "sample": f"s{index}",
            "status": "complete",
            "species": "Escherichia coli",
            "genome_size": 5_000_000,
            "genome_size_source": "given",
            "assembler_total_contig": int(rng.integers(20, 200)),
            "assembler_total_contig_length": int(rng.normal(5e6, 1e5)),
            "assembler_n50_contig_length": int(rng.integers(50_000, 500_000)),
            "qc_original_coverage": float(rng.uniform(50, 200)),
            "qc_final_coverage": 100.0,
            "assembly_seconds": float(rng.lognormal(6, 0.5)),
            "assembly_max_rss_mb": float(rng.lognormal(8, 0.2)),
        }
        for index in range(count)
    ]
    return tabulate([row | changes for row in rows])


def draw(plot: Callable[..., figures.Plot | None], table: pd.DataFrame) -> figures.Plot:
    drawn = plot(table)
    assert drawn
    return drawn


def names(table):
    return [plot.name for plot in figures.build_plots(table)]


def test_a_complete_cohort_has_a_plot_of_each_kind_but_of_reasons():
    assert names(genomes(40)) == ["contiguity", "size", "difference", "depth", "minutes", "memory"]


def test_long_reads_have_a_plot_of_their_lengths_and_qualities():
    table = genomes(3).assign(
        rank=["gold", None, "silver"],
        qc_long_final_read_n50=[9_000, 12_000, None],
        qc_long_final_qual_mean=[18.5, 21.0, None],
    )

    plot = next(plot for plot in figures.build_plots(table) if plot.name == "long")

    drawn = {trace.name: (*trace.x, *trace.y) for trace in plot.figure.data}
    assert drawn == {"gold": (9.0, 18.5), "complete": (12.0, 21.0)}
    axes = plot.figure.layout.xaxis, plot.figure.layout.yaxis
    assert [axis.title.text for axis in axes] == ["N50 of the reads (kb)", "Mean quality (Phred)"]


def test_genomes_whose_sheet_names_no_species_have_a_row_that_says_so():
    size = draw(figures.plot_assembly_size, genomes(3, species=""))

    assert set(size.figure.data[0].y) == {"species not given"}


def test_plots_without_data_are_left_out():
    assert names(tabulate([{"sample": "a", "status": "waiting"}])) == []


def test_reasons_are_plotted_as_soon_as_there_is_one():
    table = tabulate([{"sample": "a", "status": "failed", "reason_type": "tool"}])

    [plot] = figures.build_plots(table)

    assert plot.figure.data[0].y == ("unknown stage: tool",)


def test_a_few_genomes_are_points_that_carry_their_names():
    depth = draw(figures.plot_depth, genomes(3))

    assert [trace.type for trace in depth.figure.data] == ["scatter", "scatter"]
    assert depth.figure.data[0].text == ("s0", "s1", "s2")


def test_more_genomes_are_a_histogram_that_counts_each_once():
    size = draw(figures.plot_assembly_size, genomes(100))

    assert size.figure.data[0].type == "bar"
    assert sum(size.figure.data[0].y) == 100


def test_above_the_limit_the_cloud_is_a_density_that_counts_each_once(monkeypatch):
    monkeypatch.setattr(figures, "MAX_POINTS", 99)

    [trace] = draw(figures.plot_contiguity, genomes(100)).figure.data

    assert trace.type == "heatmap"
    assert np.sum(trace.text) == 100


def test_boxes_have_the_quartiles_and_the_whiskers_of_tukey():
    table = genomes(101).assign(assembly_seconds=[*range(60, 6060, 60), 60_000])

    box = draw(figures.plot_minutes, table).figure.data[0]

    assert (box.q1[0], box.median[0], box.q3[0]) == (26, 51, 76)
    assert (box.lowerfence[0], box.upperfence[0]) == (1, 100)


@pytest.mark.parametrize(("count", "words"), [(3, "Each genome is a point."), (40, "Boxes:")])
def test_captions_speak_of_boxes_where_there_are_some(count, words):
    assert draw(figures.plot_minutes, genomes(count)).caption.startswith(words)


def test_the_caption_speaks_of_rings_where_there_are_some():
    table = genomes(40)
    assert "Rings" not in draw(figures.plot_contiguity, table).caption

    table["outlier"] = table["outlier"].astype("string")
    table["outlier_score"] = table["outlier_score"].astype("Float64")
    table.loc[3, ["outlier", "outlier_score"]] = ["contigs high", 9.0]
    assert "Rings are outliers." in draw(figures.plot_contiguity, table).caption


def test_rings_are_between_the_clouds_and_not_around_a_genome_of_another_one():
    rows = []
    for species, size, gc in (("E. coli", 5e6, 50.6), ("S. aureus", 2.8e6, 32.7)):
        table = genomes(30, species=species, assembler_gc_percent=gc).to_dict("records")
        for index, row in enumerate(table):
            rows.append(row | {"assembler_total_contig_length": round(size * (1 + index / 1e3))})
    rows[0] |= {"assembler_total_contig_length": 2_810_000, "assembler_gc_percent": 32.7}
    rows[1] |= {"assembler_total_contig_length": 4_000_000, "assembler_gc_percent": 41.0}
    table = tabulate([row | {"sample": f"g{index}"} for index, row in enumerate(rows)])
    table = table.assign(**outlier_columns(table, find_outliers(table)))

    drawn = draw(figures.plot_composition, table).figure

    assert table["outlier"][[0, 1]].notna().all()
    assert [list(trace.text) for trace in drawn.data if trace.meta == "rings"] == [["g1"]]


def test_without_multiqc_there_are_distributions_of_the_tools_numbers():
    reads = {"qc_original_qual_mean": 34.0, "qc_final_qual_mean": 36.0, "qc_final_total_bp": 75}
    genes = {"annotator_total_cds": 4_700, "annotator_total_trna": 86, "annotator_total_rrna": 22}
    table = genomes(40, **reads, **genes, qc_original_total_bp=100)

    plots = {plot.name: plot.figure for plot in figures.build_tool_plots(table)}

    assert list(plots) == ["qual_mean", "kept", "coding", "rna"]
    assert sum(plots["kept"].data[0].y) == 40
    (kept,) = (
        x for x, y in zip(plots["kept"].data[0].x, plots["kept"].data[0].y, strict=True) if y
    )
    assert kept == pytest.approx(75, abs=0.1)


def test_genomes_above_the_whiskers_are_named_points():
    table = genomes(101).assign(assembly_seconds=[*range(60, 6060, 60), 60_000])

    points = draw(figures.plot_minutes, table).figure.data[1]

    assert (list(points.x), points.text) == ([1000], ("s100",))


def test_the_difference_is_in_percent_of_the_expected_size():
    table = genomes(1, assembler_total_contig_length=5_500_000)

    assert draw(figures.plot_size_difference, table).figure.data[0].x[0] == pytest.approx(10)


def test_plots_of_ten_times_the_genomes_are_hardly_larger():
    small, large = (
        sum(len(plot.figure.to_json()) for plot in figures.build_plots(genomes(count)))
        for count in (3_000, 30_000)
    )

    assert large < 1.2 * small


@pytest.mark.parametrize("count", [2, 50, 3_000])
def test_every_axis_of_numbers_has_a_title_and_those_with_a_unit_name_it(count):
    axes = {
        plot.name: (plot.figure.layout.xaxis.title.text, plot.figure.layout.yaxis.title.text)
        for plot in figures.build_plots(genomes(count))
    }

    assert axes["contiguity"] == ("Contigs", "N50 (kb)")
    assert axes["size"][0] == "Assembly size (Mb)"
    assert axes["difference"][0] == "Difference from the expected size (%)"
    assert axes["depth"][0] == "Depth (x)"
    assert axes["minutes"][0] == "Wall time (minutes)"
    assert axes["memory"][0] == "Peak memory (GB)"


def test_a_logarithmic_axis_of_one_value_has_room_around_it_and_labels():
    axis = draw(figures.plot_contiguity, genomes(1, assembler_total_contig=32)).figure.layout.xaxis

    assert 10 ** axis.range[0] < 32 < 10 ** axis.range[1]
    assert (axis.tickvals, axis.nticks) == (None, 5)


def test_a_logarithmic_axis_is_labelled_with_plain_numbers():
    contigs = [*range(20, 200)]
    table = genomes(180).assign(assembler_total_contig=contigs)

    axis = draw(figures.plot_contiguity, table).figure.layout.xaxis

    assert {"20", "50", "100"} <= set(axis.ticktext)


def test_markup_in_names_is_shown_and_not_followed():
    table = genomes(1, species="<b>coli</b>", sample="<a href='x'>s</a>")

    trace = draw(figures.plot_assembly_size, table).figure.data[0]

    assert trace.y == ("&lt;b&gt;coli&lt;/b&gt;",)
    assert trace.text == ("&lt;a href='x'&gt;s&lt;/a&gt;",)
