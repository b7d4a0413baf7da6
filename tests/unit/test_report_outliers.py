"""Outliers: genomes far from the others of their species, and what they may be."""

import numpy as np
import pytest

from bactofleet.report.cohort import tabulate
from bactofleet.report.outliers import find_outliers, outlier_columns

SPECIES = {"Staphylococcus aureus": (2.83e6, 32.7, 60), "Escherichia coli": (5.1e6, 50.6, 90)}


def genomes(count, *changed, species="Staphylococcus aureus", seed=1):
    """Return rows of genomes that vary as a species does; `changed` alters the first of them."""
    rng = np.random.default_rng(seed)
    size, gc, contigs = SPECIES[species]
    rows = []
    for _ in range(count):
        length = int(size * rng.normal(1, 0.02))
        rows.append(
            {
                "status": "complete",
                "species": species,
                "genome_size": int(length * rng.normal(1, 0.01)),
                "assembler_total_contig": int(contigs * rng.lognormal(0, 0.4)),
                "assembler_total_contig_length": length,
                "assembler_n50_contig_length": int(rng.lognormal(12, 0.4)),
                "assembler_gc_percent": float(rng.normal(gc, 0.1)),
                "annotator_total_cds": int(length / 1075 * rng.normal(1, 0.01)),
                "qc_original_coverage": float(rng.lognormal(4.7, 0.4)),
            }
        )
    for row, change in zip(rows, changed, strict=False):
        row.update(
            {name: value(row) if callable(value) else value for name, value in change.items()}
        )
    return [{"sample": f"{species[0]}{index}", **row} for index, row in enumerate(rows)]


def find(rows):
    return find_outliers(tabulate(rows))


@pytest.mark.parametrize(
    ("change", "name", "meaning"),
    [
        ({"assembler_gc_percent": 38.0}, "GC high", "Not the species in the sample sheet"),
        ({"assembler_gc_percent": 30.0}, "GC low", "Not the species in the sample sheet"),
        ({"assembler_total_contig_length": 4_600_000}, "size high", "Contaminated or mixed"),
        ({"assembler_total_contig_length": 1_900_000}, "size low", "is missing"),
        (
            {"genome_size": lambda row: 2 * row["genome_size"]},
            "size against expected low",
            "is missing",
        ),
        ({"qc_original_coverage": 9.0}, "depth low", "Low sequencing depth"),
        ({"assembler_total_contig": 900}, "contigs high", "mixture of strains"),
        ({"assembler_n50_contig_length": 6_000}, "N50 low", "a poor library"),
        (
            {"assembler_gc_percent": 38.0, "assembler_total_contig": 700},
            "GC high",
            "a second species in the sample",
        ),
        ({"annotator_total_cds": 3_900}, "CDS high", "Genes disrupted"),
    ],
)
def test_a_planted_outlier_is_found_named_and_explained(change, name, meaning):
    outlier = find(genomes(200, change)).found[0]

    assert (outlier.genome, outlier.deviations[0].name) == (0, name)
    assert meaning in outlier.meaning


def test_its_value_and_the_usual_range_are_reported():
    [deviation, *_] = find(genomes(200, {"assembler_gc_percent": 38.0})).found[0].deviations

    assert deviation.value == "38.0 %"
    assert 32.0 < float(deviation.low.split()[0]) < 32.7 < float(deviation.high.split()[0]) < 33.4


def test_the_farthest_is_first_and_of_a_genome_the_farthest_property():
    mixed = {"assembler_gc_percent": 34.0, "assembler_total_contig_length": 5_500_000}

    found = find(genomes(200, {"assembler_gc_percent": 33.6}, mixed)).found

    assert [outlier.genome for outlier in found[:2]] == [1, 0]
    assert found[0].names.startswith("size")
    assert "GC high" in found[0].names
    assert found[0].score == max(deviation.score for deviation in found[0].deviations)


def test_a_genome_is_compared_with_its_own_species():
    misnamed = {"assembler_gc_percent": 50.6, "assembler_total_contig_length": 5_100_000}

    found = find([*genomes(100, misnamed), *genomes(100, species="Escherichia coli")]).found

    assert found[0].genome == 0
    assert len(found) < 5


def test_contigs_of_long_reads_are_compared_with_each_other():
    long = {"assembler_total_contig": 3, "assembler_n50_contig_length": 2_800_000}
    long |= {"qc_long_final_total_bp": 280_000_000}
    broken = long | {"assembler_total_contig": 60, "assembler_n50_contig_length": 160_000}

    found = find([*genomes(60), *genomes(100, broken, *[long] * 99, seed=2)]).found

    of_contigs = [outlier for outlier in found if {"contigs", "N50"} & {*outlier.names.split()}]
    assert [outlier.genome for outlier in of_contigs] == [60]
    assert {"contigs high", "N50 low"} <= {*of_contigs[0].names.split("; ")}


def test_good_values_beyond_the_usual_are_no_outliers():
    good = {
        "assembler_total_contig": 1,
        "assembler_n50_contig_length": 2_800_000,
        "qc_original_coverage": 5_000.0,
    }

    assert 0 not in {outlier.genome for outlier in find(genomes(200, good)).found}


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_cohort_has_few(seed):
    outliers = find(genomes(2_000, seed=seed))

    assert outliers.judged == 2_000
    assert len(outliers.found) < 0.01 * 2_000


def test_of_three_genomes_none_is_judged():
    outliers = find(genomes(3, {"assembler_gc_percent": 60.0}))

    assert (outliers.found, outliers.judged) == ([], 0)


def test_clones_are_no_outliers_for_a_difference_that_means_nothing():
    [clone] = genomes(1)
    rows = [clone | {"sample": f"s{index}"} for index in range(50)]
    rows[0] |= {"assembler_gc_percent": clone["assembler_gc_percent"] + 0.2}
    rows[1] |= {"assembler_total_contig_length": clone["assembler_total_contig_length"] + 50_000}

    assert find(rows).found == []


def test_where_two_species_share_a_name_neither_is_called_outlier():
    two = [*genomes(60), *genomes(40, species="Escherichia coli")]

    outliers = find([row | {"species": None} for row in two])

    assert len(outliers.found) < 5
    assert "GC (species not given)" in outliers.mixed


def test_only_complete_genomes_are_compared():
    excluded = {"status": "excluded", "assembler_total_contig_length": 25_000_000}

    assert 0 not in {outlier.genome for outlier in find(genomes(200, excluded)).found}


def test_the_columns_say_what_is_far_and_how_far():
    table = tabulate(genomes(50, {"assembler_gc_percent": 38.0}))

    columns = outlier_columns(table, find_outliers(table))

    assert columns["outlier"][0].startswith("GC high")
    assert columns["outlier_score"][0] > 3.5
    assert columns["outlier"].isna().sum() >= 45


def test_a_cohort_without_outliers_has_empty_columns_of_their_types():
    table = tabulate(genomes(3))

    columns = outlier_columns(table, find_outliers(table))

    assert columns.isna().all(axis=None)
    assert [str(dtype) for dtype in columns.dtypes] == ["string", "Float64", "string"]
