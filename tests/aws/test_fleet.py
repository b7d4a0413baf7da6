"""Fleets of stubbed jobs through the executor, as bench/fleet runs 67,000."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "fleet"))

from emulator.client import EmulatedAWS
from executors import ARRAY, POLL_S
from measure import VCPUS, Controller, measure
from phases import Fleet, Phase

GENOMES = 1000
LIMIT_S = 300
# Two sizes of a cohort, and how much more CPU time than in proportion the larger one may take: the
# same work takes up to half as much more on busy cores. With the square it grew 4 times.
SMALL, LARGE = 250, 1000
SLACK = 1.75
# What a run asks once, and a page of ListJobs.
BATCH_CALLS = 10


def test_a_thousand_jobs_are_one_submission_and_one_download_each():
    measured = measure(ARRAY, GENOMES, LIMIT_S)

    assert measured.batch_calls["RegisterJobDefinition"] == 1
    assert measured.batch_calls["SubmitJob"] == 1
    # One for each look, however long the run takes, a page of children for at least a hundred of
    # them, and five that are made once.
    looks = 1 + measured.collected_s / POLL_S
    assert sum(measured.batch_calls.values()) <= 5 + looks + GENOMES / 100
    assert sum(measured.s3_requests.values()) <= 1.1 * GENOMES


def test_a_thousand_jobs_finish_although_batch_takes_ten_requests_a_second(start_aws, tmp_path):
    aws = start_aws(stub=ARRAY.stub, spot_vcpus=VCPUS)
    aws.throttle("batch:*", per_second=10)

    controller = Controller(ARRAY, GENOMES, aws, tmp_path)

    controller.wait(LIMIT_S)
    assert len(list((tmp_path / "results").glob("*.json"))) == GENOMES


Cohort = tuple[dict[str, Phase], dict[str, int]]


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Cohort]:
    """The phases of the real workflow with cohorts of two sizes, and the lines of their logs."""
    measured = {}
    for genomes in (SMALL, LARGE):
        folder = tmp_path_factory.mktemp("fleet") / "project"
        with EmulatedAWS(stub="stubs:return_receipts", spot_vcpus=VCPUS) as aws:
            fleet = Fleet(aws, folder, genomes)
            phases = {phase.name: phase for phase in fleet.iter_phases()}
            measured[genomes] = phases, fleet.count_log_lines()
    return measured


def test_no_phase_of_the_real_workflow_grows_faster_than_the_cohort(
    cohorts: dict[int, Cohort],
) -> None:
    (small, _), (large, _) = cohorts[SMALL], cohorts[LARGE]
    most = LARGE / SMALL * SLACK

    grown = {name: large[name].cpu_s / small[name].cpu_s for name in small}
    assert not {name: factor for name, factor in grown.items() if factor > most}
    assert all(large[name].peak_mib < most * small[name].peak_mib for name in small)


def test_calls_of_the_real_workflow_do_not_grow_and_each_receipt_is_one_request(
    cohorts: dict[int, Cohort],
) -> None:
    phases, _ = cohorts[LARGE]
    calls = {name: sum(phase.batch_calls.values()) for name, phase in phases.items()}
    looks = {name: phase.seconds / POLL_S for name, phase in phases.items()}

    assert not {name: n for name, n in calls.items() if n > BATCH_CALLS + looks[name]}
    assert phases["collect"].s3_requests == {"GetObject": LARGE}
    assert phases["dry run"].s3_requests == phases["dry run"].batch_calls == {}


def test_logs_of_the_real_workflow_do_not_grow_with_the_cohort(
    cohorts: dict[int, Cohort],
) -> None:
    (_, small), (_, large) = cohorts[SMALL], cohorts[LARGE]
    # More looks at AWS and more arrays have a line each.
    assert all(large[name] < small[name] + SMALL / 2 for name in small)
