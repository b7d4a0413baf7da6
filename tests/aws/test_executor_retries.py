"""What becomes of genomes that fail, in one run with one of each kind."""

from collections.abc import Iterator

import pytest
from aws.controller import Controller, PretendGenomes
from aws.emulator.client import EmulatedAWS

# Sample: what its assembly does (workflow/scripts/assemble.py).
BEHAVIOURS = {
    "good": "succeed",
    "reclaimed-once": "wait:60:1",
    "reclaimed-thrice": "wait:60:3",
    "reclaimed-as-143": "wait:60:1",
    "reclaimed-as-137": "wait:60:1",
    "broken": "exit:1",
    "late-files": "exit:75:2",
    "other-processor": "exit:132:1",
    "hungry": "memory:600",
}
FAILING = {"broken"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A run with a genome of every kind."""
    with EmulatedAWS(spot_vcpus=4) as aws:
        controller = PretendGenomes(aws, tmp_path_factory.mktemp("run"), list(BEHAVIOURS))
        controller.set_behaviours(BEHAVIOURS)
        aws.reclaim(after_log="output: scratch/reclaimed-once/contigs.txt", attempts=[1])
        aws.reclaim(after_log="output: scratch/reclaimed-thrice/contigs.txt", name="*-0000")
        for code in ("143", "137"):
            text = f"output: scratch/reclaimed-as-{code}/contigs.txt"
            aws.reclaim(after_log=text, attempts=[1], shows=code)
        assert controller.run(timeout_s=300) == 1, controller.log
        yield controller


def get_rows(finished: Controller, table: str, sample: str) -> list[dict[str, str]]:
    target = f"results/receipts/{sample}.json"
    return [row for row in finished.get_table(table) if row["target"] == target]


def get_outcomes(finished: Controller, sample: str) -> list[tuple[str, str]]:
    """Outcome and queue of every attempt, in the order in which they ran."""
    rows = sorted(get_rows(finished, "usage.tsv", sample), key=lambda row: row["started"])
    return [(row["outcome"], row["queue"]) for row in rows]


def test_only_what_cannot_succeed_is_missing(finished: Controller) -> None:
    assert set(finished.get_receipts()) == set(BEHAVIOURS) - FAILING, finished.log


def test_a_reclaimed_genome_finishes_on_its_second_attempt(finished: Controller) -> None:
    assert get_outcomes(finished, "reclaimed-once") == [
        ("reclaimed", "genomes"),
        ("succeeded", "genomes"),
    ]


@pytest.mark.parametrize("code", ["143", "137"])
def test_a_lost_host_that_leaves_an_exit_code_is_a_lost_host(
    finished: Controller, code: str
) -> None:
    assert get_outcomes(finished, f"reclaimed-as-{code}") == [
        ("reclaimed", "genomes"),
        ("succeeded", "genomes"),
    ]


def test_a_genome_reclaimed_three_times_finishes_on_the_fallback_queue(
    finished: Controller,
) -> None:
    assert get_outcomes(finished, "reclaimed-thrice") == [
        ("reclaimed", "genomes"),
        ("reclaimed", "genomes"),
        ("reclaimed", "genomes"),
        ("succeeded", "genomes-fallback"),
    ]
    (row,) = get_rows(finished, "failures.tsv", "reclaimed-thrice")
    assert row["reclaimed"] == "3"
    assert row["next"] == "retried on genomes-fallback"


def test_a_tool_that_fails_is_tried_once(finished: Controller) -> None:
    assert get_outcomes(finished, "broken") == [("exit 1", "genomes")]
    (row,) = get_rows(finished, "failures.tsv", "broken")
    assert (row["exit_code"], row["next"]) == ("1", "final")


def test_staging_that_fails_twice_is_complete_at_the_third_attempt(finished: Controller) -> None:
    assert get_outcomes(finished, "late-files") == [
        ("exit 75", "genomes"),
        ("exit 75", "genomes"),
        ("succeeded", "genomes"),
    ]


def test_an_illegal_instruction_gets_another_host(finished: Controller) -> None:
    assert get_outcomes(finished, "other-processor") == [
        ("exit 132", "genomes"),
        ("succeeded", "genomes"),
    ]


def test_a_genome_killed_for_memory_comes_back_with_more(finished: Controller) -> None:
    rows = get_rows(finished, "usage.tsv", "hungry")

    assert [(row["outcome"], row["memory_mib"]) for row in rows] == [
        ("exit 137", "512"),
        ("succeeded", "1024"),
    ]
    (failure,) = get_rows(finished, "failures.tsv", "hungry")
    assert failure["cause"] == "out of memory"


def test_the_reason_and_the_last_lines_of_the_log_are_reported(finished: Controller) -> None:
    (row,) = get_rows(finished, "failures.tsv", "broken")

    assert row["reason"] == "failed; exit code 1; assembly: told to fail with 1"
    assert "results/receipts/broken.json failed (final): failed; exit code 1" in finished.log
    assert "cannot assemble these reads" in finished.log
    assert row["log_url"].startswith("https://us-east-1.console.aws.amazon.com/cloudwatch/")
    assert row["log_url"] in finished.log


def test_how_many_attempts_lost_their_host_is_reported(finished: Controller) -> None:
    assert "6 attempts lost their host" in finished.log


def test_the_bucket_is_clean_after_failures_too(finished: Controller) -> None:
    complete = set(BEHAVIOURS) - FAILING

    assert finished.get_keys() == sorted(f"results/{sample}.tar.gz" for sample in complete)
