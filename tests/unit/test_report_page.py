"""report.html: one file without any address to fetch from, in which names are only names."""

import json
import re
from collections import Counter

import plotly.offline
import pytest
from support.report_pages import embedded, first_match, unpack, unpack_columns

from bactofleet.report.cohort import Cohort, tabulate
from bactofleet.report.outliers import find_outliers
from bactofleet.report.page import render_page

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'"


def render(rows, *, tails=None, title="Genomes", left_out=None, **counted):
    genomes = tabulate(rows)
    cohort = Cohort(
        genomes,
        tails or {},
        versions=Counter(counted.get("versions", ())),
        parameters=Counter(counted.get("parameters", ())),
        rank_limits=Counter(counted.get("rank_limits", {})),
        outliers=find_outliers(genomes),
    )
    return render_page(cohort, title, left_out)


def test_no_element_refers_to_anything_outside_the_page():
    page = render([{"sample": "a", "status": "complete"}])

    assert set(re.findall(r'(?:src|href)="([^"#]+)"', page)) == {
        "cohort.tsv",
        "cohort.parquet",
        "timings.tsv",
        "multiqc_report.html",
    }
    assert not re.search(r"@import|url\(", page)


def test_the_policy_forbids_the_network_and_scripts_that_are_not_the_pages_own():
    page = render([{"sample": "a", "status": "complete"}])

    policy = first_match(r'Content-Security-Policy" content="([^"]*)"', page)

    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy.partition("script-src")[2].partition(";")[0]


def test_hostile_text_is_escaped_wherever_it_appears():
    row = dict.fromkeys(("sample", "species", "reason_type", "reason_message"), HOSTILE)
    settings = Counter([(HOSTILE, HOSTILE), (HOSTILE, "2")])

    page = render(
        [row | {"status": "failed"}, row | {"status": "excluded"}],
        tails={HOSTILE: [HOSTILE]},
        versions=settings,
        parameters=settings,
        title=HOSTILE,
        left_out=HOSTILE,
    )

    assert "<img" not in page
    assert "<script>alert" not in page
    assert page.count("<script") == 3


def test_the_data_of_the_table_have_every_column_but_the_checksum():
    page = render([{"sample": "a", "status": "complete", "tarball_sha256": "0", "qc_x": 1.5}])

    columns = unpack_columns(page)

    assert columns["sample"]["values"] == ["a"]
    assert columns["qc_x"] | {"meaning": ""} == {
        "name": "qc_x",
        "unit": "",
        "meaning": "",
        "heading": "",
        "numeric": True,
        "words": None,
        "values": [1.5],
    }
    assert "tarball_sha256" not in columns


def test_a_column_of_few_words_has_them_to_choose_from_and_one_of_names_has_not():
    rows = [{"sample": f"s{index}", "status": "failed"} for index in range(50)]
    rows[7]["status"] = "complete"

    columns = unpack_columns(render(rows))

    assert columns["status"]["words"] == ["complete", "failed"]
    assert columns["sample"]["words"] is None
    assert columns["species"]["words"] is None


def test_points_are_coloured_by_own_columns_and_those_of_few_words():
    rows = [
        {"sample": f"s{index}", "status": "complete", "assembler_total_contig": 9}
        | {"assembler_n50_contig_length": 1000, "species": "A b", "sheet_day": f"day {index}"}
        for index in range(50)
    ]
    rows[0]["species"] = "C d"

    page = render(rows)

    choice = first_match(r'(?s)<select id="colour">(.*?)</select>', page)
    assert re.findall(r'value="(\w*)"', choice) == ["", "species", "sheet_day"]
    assert set(json.loads(embedded(page, "data"))["clouds"]) == {"contiguity"}


def test_in_place_of_multiqc_the_page_has_the_numbers_of_the_tools():
    rows = [{"sample": "a", "status": "complete", "qc_final_qual_mean": 36.0}]

    assert 'data-plot="qual_mean"' in render(rows, left_out="there are too many")
    assert 'data-plot="qual_mean"' not in render(rows)


def test_the_ends_of_the_logs_of_failed_genomes_are_on_the_page():
    page = render([{"sample": "a", "status": "failed"}], tails={"a": ["last words"]})

    assert json.loads(unpack(json.loads(embedded(page, "data"))["tails"])) == [
        ["a", ["last words"]]
    ]


def test_missing_values_are_null():
    page = render([{"sample": "a", "qc_final_coverage": 1.0}, {"sample": "b"}])

    columns = unpack_columns(page)

    assert columns["qc_final_coverage"]["values"] == [1.0, None]
    assert columns["species"]["values"] == [None, None]


def test_the_embedded_library_is_of_the_version_that_the_figures_are_made_for():
    library = unpack(embedded(render([{"sample": "a", "status": "complete"}]), "plotly"))

    version = first_match(r"plotly\.js \(cartesian - minified\) v([\d.]+)", library)

    assert version == plotly.offline.get_plotlyjs_version()


def test_failures_are_reported_with_where_why_and_the_end_of_the_log():
    row = {
        "sample": "SRX1",
        "status": "failed",
        "reason_stage": "assembly",
        "reason_type": "infrastructure",
        "reason_message": "out of memory",
        "reason_exit_code": 137,
        "reason_log": "logs/SRX1.log",
    }

    page = render([row], tails={"SRX1": ["last words"]})

    for text in ("SRX1", "out of memory", "assembly · infrastructure · exit 137", "last words"):
        assert text in page


def test_exclusions_are_grouped_by_reason_the_commonest_first():
    reasons = ["assembly", "low-read-count", "low-read-count"]
    rows = [
        {"sample": f"s{index}", "status": "excluded", "reason_type": reason}
        for index, reason in enumerate(reasons)
    ]

    page = render(rows)

    assert page.index(">low-read-count<") < page.index(">assembly<")
    assert "s1, s2" in page
    assert 'data-status="=excluded" data-reason_type="=low-read-count"' in page
    assert ">2 genomes</button>" in page


def test_failures_are_grouped_by_cause_the_commonest_first_and_lead_to_the_table():
    causes = [("tool", "qc"), ("infrastructure", "download"), ("infrastructure", "download")]
    rows = [
        {"sample": f"s{index}", "status": "failed", "reason_type": kind, "reason_stage": stage}
        for index, (kind, stage) in enumerate(causes)
    ]

    page = render(rows)

    commonest = 'data-reason_type="=infrastructure" data-reason_stage="=download"'
    assert page.index(commonest) < page.index('data-reason_type="=tool" data-reason_stage="=qc"')
    assert ">2 genomes</button>" in page


def test_of_very_many_failures_the_page_lists_the_first_and_says_so():
    rows = [{"sample": f"s{index}", "status": "failed"} for index in range(1_234)]

    page = render(rows)

    assert "The first 50 of 1,234" in page
    assert page.count("<li>") == 50


@pytest.mark.parametrize(("images", "warned"), [(("1", "1"), False), (("1", "2"), True)])
def test_genomes_made_with_different_images_are_warned_of(images, warned):
    rows = [{"sample": image, "status": "complete", "fingerprint_image": image} for image in images]

    assert ("Not all genomes were made with the same" in render(rows)) is warned


def test_a_left_out_multiqc_report_is_not_linked_but_explained():
    page = render([{"sample": "a", "status": "complete"}], left_out="there are too many")

    assert "multiqc_report.html" not in page
    assert "there are too many" in page


def test_ranks_are_counted_with_what_keeps_genomes_from_a_better_one():
    ranks = ["gold", "gold", "silver", "exclude"]
    rows = [
        {"sample": f"s{index}", "status": "complete", "rank": rank}
        for index, rank in enumerate(ranks)
    ]

    page = render(rows, rank_limits={"depth": 2})

    tiles = re.findall(r'data-rank="=(\w+)".*?<strong>(\d+)</strong>', page, flags=re.DOTALL)
    assert tiles == [("gold", "2"), ("silver", "1"), ("exclude", "1")]
    assert "depth (2)" in page


def make_species(count, **first):
    rows = [
        {
            "sample": f"s{index}",
            "status": "complete",
            "species": "Vibrio cholerae",
            "assembler_gc_percent": 47.5 + 0.01 * (index % 7),
        }
        for index in range(count)
    ]
    return [rows[0] | first, *rows[1:]]


def test_genes_are_counted_over_the_genomes_that_were_searched():
    genes = ("mecA; tet(K)", "mecA", "none", None)

    page = render(
        [
            {"sample": f"g{number}", "status": "complete", "resistance_genes": cell}
            for number, cell in enumerate(genes)
        ]
    )

    section = page.partition('<section id="resistance">')[2].partition("</section>")[0]
    assert "2 kinds in 3 searched genomes" in section
    assert re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', section) == [
        ("mecA", "2"),
        ("tet(K)", "1"),
    ]


def test_the_section_has_what_amrfinderplus_found_where_it_searched():
    cells = {"amrfinder_genes": "gyrA_S84L; mecA", "amrfinder_virulence": "none"}
    page = render([{"sample": "a", "status": "complete"} | cells])

    section = page.partition('<section id="resistance">')[2].partition("</section>")[0]
    assert "Resistance by AMRFinderPlus" in section
    assert "gyrA_S84L" in section
    assert "Resistance predicted to" not in section


def test_there_is_no_section_of_resistance_if_no_genome_was_searched():
    assert 'id="resistance"' not in render([{"sample": "a", "status": "complete"}])


def test_outliers_are_listed_after_the_problems_and_lead_to_the_table():
    page = render(make_species(30, assembler_gc_percent=40.0))

    assert page.index('id="problems"') < page.index('id="outliers"') < page.index('id="plots"')
    assert "1 of 30 complete genomes are far" in page
    assert 'data-genome="s0"' in page
    assert "Not the species in the sample sheet?" in page


def test_kinds_of_outliers_come_first_with_their_counts_the_commonest_first():
    rows = make_species(100)
    for index, row in enumerate(rows):
        row["assembler_total_contig_length"] = 9_000_000 if 0 < index < 6 else 4_000_000
    rows[0]["assembler_gc_percent"] = 60.0

    page = render(rows)

    meanings = re.findall(r'data-outlier_meaning="=(\w+).*?<strong>(\d+)</strong>', page)
    assert meanings == [("Contaminated", "5"), ("Not", "1")]


def test_that_there_is_no_outlier_is_said():
    assert "None of 30 complete genomes is far" in render(make_species(30))


def test_of_three_genomes_it_is_said_that_no_outliers_are_looked_for():
    assert "this needs at least 20 complete genomes" in render(
        make_species(3, assembler_gc_percent=40.0)
    )


def test_of_many_outliers_that_may_mean_the_same_the_farthest_are_listed():
    rows = make_species(600)
    for index in range(100):
        rows[index]["assembler_gc_percent"] = 40.0 - 0.01 * index

    page = render(rows)

    assert "100 genomes</span>" in page
    assert re.findall(r'data-genome="(\w+)"', page) == [f"s{99 - index}" for index in range(8)]
