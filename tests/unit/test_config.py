"""The configuration: every option known, checked at once, and fingerprinted where it matters."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bactofleet.core.config import (
    COSTLY,
    NOT_PARAMETERS,
    check_config,
    load_schema,
    parameters_of,
)
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import fingerprint

REPOSITORY = Path(__file__).parents[2]
SCHEMA = load_schema(REPOSITORY / "workflow/schemas/config.schema.yaml")
DIGEST = "0123456789abcdef" * 4
SHIPPED = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())


def check(**options: Any) -> dict[str, Any]:
    return check_config(options, SCHEMA, "config.yaml")


def problems_of(**options: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        check(**options)
    return caught.value.problems


def test_the_shipped_configuration_holds_every_option_with_the_default_of_the_schema() -> None:
    defaults = {name: option["default"] for name, option in SCHEMA["properties"].items()}

    assert defaults == SHIPPED


def test_defaults_are_themselves_allowed() -> None:
    assert check(**SHIPPED) == SHIPPED


def test_options_left_out_get_their_defaults() -> None:
    assert check(coverage=50) == SHIPPED | {"coverage": 50}


def test_an_unknown_option_is_named_with_those_that_are_known() -> None:
    (problem,) = problems_of(coverge=50)

    assert problem.startswith(
        "config.yaml: unknown option 'coverge'; options are amrfinder, assembler, assembler_options"
    )


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("coverage", "deep", "a number"),
        ("coverage", 0, "at least 1"),
        ("coverage", 20_000, "at most 10000"),
        ("threads", 2.5, "a whole number"),
        ("threads", True, "a whole number"),
        ("threads", 0, "at least 1"),
        ("memory_mb", 1000, "at least 4000"),
        ("min_proportion", 1.5, "at most 1"),
        ("phix", "perhaps", "true or false"),
        ("assembler", "velvet", "one of skesa, spades, megahit"),
        ("results", "", "a folder, or s3://bucket/prefix"),
        ("proteins", None, "text"),
        ("keep", "reads", "a list"),
        ("prokka_evalue", -1, "at least 0"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    option: str, value: object, allowed: str
) -> None:
    assert problems_of(**{option: value}) == [
        f"config.yaml: {option} must be {allowed}, not {value!r}"
    ]


def test_a_wrong_item_of_a_list_is_named() -> None:
    (problem,) = problems_of(keep=["reads", "sam"])

    assert problem == "config.yaml: keep.1 must be one of reads, bam, not 'sam'"


def test_all_problems_are_reported_at_once() -> None:
    problems = problems_of(coverage=0, threads="all", colour="blue", assembler="velvet")

    assert len(problems) == 4


def test_a_smallest_genome_larger_than_the_largest_is_refused() -> None:
    (problem,) = problems_of(min_genome_size=5_000_000, max_genome_size=2_000_000)

    assert "min_genome_size must be at most max_genome_size (2000000), not 5000000" in problem


def test_a_configuration_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="the whole file must be options with"):
        check_config(["coverage"], SCHEMA, "config.yaml")  # type: ignore[arg-type]


# --- places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "place", "problem"),
    [
        ("results", "~/res", "must be a whole path, without '~' and '$'"),
        ("scratch", "$TMPDIR/x", "must be a whole path, without '~' and '$'"),
        ("samples", "~me/samples.tsv", "must be a whole path, without '~' and '$'"),
        ("results", "run{1}", "no braces"),
        ("scratch", "a\nb", "no braces or control characters"),
        ("results", "gs://bucket/x", "must be a folder or s3://BUCKET/prefix"),
        ("results", "s3://", "must be s3://BUCKET/prefix"),
        ("results", "s3:/bucket", "must be s3://BUCKET/prefix"),
        ("results", "s3://My_Bucket/x", "must be s3://BUCKET/prefix"),
        ("results", "s3://bucket/x?y", "must be s3://BUCKET/prefix"),
        ("scratch", "s3://bucket/x", "must be a path"),
        ("proteins", "https://host/p.faa", "must be a path, or s3://BUCKET/KEY#sha256=..."),
        ("proteins", f"https://host/p.faa?key=x#sha256={DIGEST}", "must be a path, or"),
        ("proteins", f"https://me:key@host/p.faa#sha256={DIGEST}", "must be a path, or"),
        ("proteins", f"http://host/p.faa#sha256={DIGEST}", "must be a path, or"),
        ("proteins", f"s3://bucket/p.tar.gz#sha256={DIGEST}", "must name a FASTA file"),
        ("mlst_schemes", f"s3://bucket/schemes#sha256={DIGEST}", "must name an archive"),
        ("species_references", f"s3://bucket/a.msh#sha256={DIGEST}", "must name an archive"),
    ],
)
def test_a_place_that_would_be_another_is_refused(option: str, place: str, problem: str) -> None:
    (found,) = problems_of(**{option: place})

    assert found.startswith(f"config.yaml: {option} must ")
    assert repr(place) in found
    assert problem in found


@pytest.mark.parametrize(
    ("option", "place"),
    [
        ("results", "s3://my-bucket.lab"),
        ("results", "s3://bucket/a b/"),
        ("results", "Doe, J/run 1"),
        ("scratch", "/fast/ä"),
    ],
)
def test_places_that_can_be_worked_with_are_taken(option: str, place: str) -> None:
    assert check_config({option: place}, SCHEMA, "config.yaml")[option] == place


# --- words of the command line --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "word", "meant"),
    [("phix", "yes", True), ("phix", "Off", False), ("max_cost", "null", None)],
)
def test_what_a_word_means_in_a_file_it_means_on_the_command_line(
    option: str, word: str, meant: object
) -> None:
    assert check_config({option: word}, SCHEMA, "config.yaml")[option] is meant


def test_a_name_that_was_read_as_a_number_is_asked_for_in_brackets() -> None:
    (problem,) = problems_of(redo=202301)

    assert "one that reads like a number as redo=[NAME]" in problem


# --- the fingerprint ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("samples", "other.tsv"),
        ("results", "s3://bucket/other"),
        ("scratch", "/fast"),
        ("redo", "changed"),
        ("threads", 8),
        ("memory_mb", 16_000),
    ],
)
def test_where_and_how_genomes_are_made_is_no_parameter(option: str, value: object) -> None:
    assert parameters_of(SHIPPED | {option: value}) == parameters_of(SHIPPED)


@pytest.mark.parametrize("option", ["coverage", "assembler", "keep", "min_reads", "polish"])
def test_what_a_genome_becomes_is_a_parameter(option: str) -> None:
    assert option in parameters_of(SHIPPED)


def test_the_contents_of_the_proteins_are_a_parameter(tmp_path: Path) -> None:
    proteins = tmp_path / "proteins.faa"
    config = SHIPPED | {"proteins": str(proteins)}
    proteins.write_text(">a\nMKV\n")
    before = parameters_of(config)

    proteins.write_text(">a\nMKL\n")

    assert parameters_of(config) != before


def test_references_on_s3_count_by_their_checksum() -> None:
    addresses = (f"{place}/s.tgz#sha256={DIGEST}" for place in ("s3://bucket/x", "https://host"))
    made = [parameters_of(SHIPPED | {"mlst_schemes": address}) for address in addresses]

    assert [one["mlst_schemes"] for one in made] == [f"sha256:{DIGEST}"] * 2


@pytest.mark.parametrize("changed", ["mine.msh", "mine.tsv"])
def test_the_contents_of_a_sketch_and_its_table_are_a_parameter(
    tmp_path: Path, changed: str
) -> None:
    for folder in ("here", "there"):
        for name in ("mine.msh", "mine.tsv"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / name).write_text(name)
    made = [
        parameters_of(SHIPPED | {"species_references": str(tmp_path / folder / "mine.msh")})
        for folder in ("here", "there")
    ]

    (tmp_path / "there" / changed).write_text("other")

    assert made[0] == made[1]
    config = SHIPPED | {"species_references": str(tmp_path / "there/mine.msh")}
    assert parameters_of(config) != made[1]


def test_where_the_proteins_lie_is_none(tmp_path: Path) -> None:
    for name in ("here.faa", "there.faa"):
        (tmp_path / name).write_text(">a\nMKV\n")

    here, there = (
        parameters_of(SHIPPED | {"proteins": str(tmp_path / name)})
        for name in ("here.faa", "there.faa")
    )

    assert here == there


def test_a_fingerprint_depends_on_contents_and_not_on_their_order() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


# --- an option is said once -----------------------------------------------------------------------


def test_what_is_said_of_options_is_said_of_ones_that_exist() -> None:
    assert set(SCHEMA["properties"]) >= NOT_PARAMETERS | COSTLY
    assert not NOT_PARAMETERS & COSTLY


def test_what_costs_time_is_said_to_do_so() -> None:
    assert "rfam" in COSTLY  # Infernal takes minutes


def test_every_option_that_decides_is_taken_by_the_rule_of_a_stage() -> None:
    rules = "".join(
        (REPOSITORY / f"workflow/rules/{stage}.smk").read_text()
        for stage in ("download", "qc", "assembly", "typing", "annotation")
    )

    assert [name for name in parameters_of(SHIPPED) if f'"{name}"' not in rules] == []
