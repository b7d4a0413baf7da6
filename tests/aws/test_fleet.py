"""Fleets of stubbed jobs through the executor, as bench/fleet runs 67,000."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "fleet"))

from aws.emulator.client import EmulatedAWS
from executors import ARRAY, PEER, POLL_S
from measure import VCPUS, Controller, measure
from phases import Fleet, Phase
from workloads import WORKLOADS

GENOMES = 1000
ONE_RULE = WORKLOADS["one-rule"]
LIMIT_S = 300
# Three sizes of a cohort. What a further genome takes is compared between the first two and the
# last two. Calls of functions are counted: seconds depend on what else the machine does.
TINY, SMALL, LARGE = 20, 150, 600
# A dry run makes nearly the same calls each time; the others look at AWS as long as they take.
SLACK = {"dry run": 1.05, "run": 1.2, "10 to do": 1.2, "nothing to do": 1.2}
MEMORY_SLACK = 1.75
COUNTER = Path(__file__).parents[2] / "bench" / "fleet" / "count_calls.py"
# What a run asks once, and a page of ListJobs.
BATCH_CALLS = 10


def test_a_thousand_jobs_are_one_submission_and_one_download_each():
    measured = measure(ARRAY, ONE_RULE, GENOMES, LIMIT_S)

    assert measured.batch_calls["RegisterJobDefinition"] == 1
    assert measured.batch_calls["SubmitJob"] == 1
    # One for each look, however long the run takes, a page of children for at least a hundred of
    # them, and five that are made once.
    looks = 1 + measured.collected_s / POLL_S
    assert sum(measured.batch_calls.values()) <= 5 + looks + GENOMES / 100
    assert sum(measured.s3_requests.values()) <= 1.1 * GENOMES


def test_a_thousand_jobs_finish_although_batch_takes_ten_requests_a_second(start_aws, tmp_path):
    aws = start_aws(stub=ONE_RULE.stubs[ARRAY.name], spot_vcpus=VCPUS)
    aws.throttle("batch:*", per_second=10)

    controller = Controller(ARRAY, ONE_RULE, GENOMES, aws, tmp_path)

    controller.wait(LIMIT_S)
    assert len(list((tmp_path / "results").glob("*.json"))) == GENOMES


def test_the_real_workflow_is_compared_with_the_executor_that_has_no_arrays():
    genomes, workload = 3, WORKLOADS["genomes"]

    array, peer = (measure(executor, workload, genomes, LIMIT_S) for executor in (ARRAY, PEER))

    assert array.batch_calls["SubmitJob"] == 1
    assert peer.batch_calls["SubmitJob"] == genomes
    # With a default storage provider Snakemake asks it for each file of each stage.
    assert sum(array.s3_requests.values()) < sum(peer.s3_requests.values())


class CountedFleet(Fleet):
    """A fleet whose controllers count the functions that they call."""

    def __init__(self, aws: EmulatedAWS, folder: Path, genomes: int) -> None:
        super().__init__(aws, folder, genomes)
        self._files: list[Path] = []

    def wrap(self, command: list[str]) -> list[str]:
        python, *words = command
        self._files.append(self.folder / f"calls-{len(self._files)}")
        return [python, str(COUNTER), str(self._files[-1]), *words]

    def read_calls(self) -> dict[str, int]:
        """Calls of each run."""
        return {name: int(path.read_text()) for name, path in zip(SLACK, self._files, strict=True)}


@dataclass(frozen=True)
class Cohort:
    """What a cohort of some size took: its phases, the lines of its logs, the calls of its runs."""

    phases: dict[str, Phase]
    lines: dict[str, int]
    calls: dict[str, int]


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Cohort]:
    """Cohorts of all sizes."""
    measured = {}
    for genomes in (TINY, SMALL, LARGE):
        folder = tmp_path_factory.mktemp("fleet") / "project"
        with EmulatedAWS(stub="stubs:return_receipts", spot_vcpus=VCPUS) as aws:
            fleet = CountedFleet(aws, folder, genomes)
            phases = {phase.name: phase for phase in fleet.iter_phases()}
            measured[genomes] = Cohort(phases, fleet.count_log_lines(), fleet.read_calls())
    return measured


@pytest.mark.parametrize("run", SLACK)
def test_a_further_genome_takes_no_more_calls_in_a_large_cohort_than_in_a_small_one(
    cohorts: dict[int, Cohort], run: str
) -> None:
    tiny, small, large = (cohorts[size].calls[run] for size in (TINY, SMALL, LARGE))

    in_small = (small - tiny) / (SMALL - TINY)
    in_large = (large - small) / (LARGE - SMALL)
    assert in_large < SLACK[run] * in_small


def test_memory_does_not_grow_faster_than_the_cohort(cohorts: dict[int, Cohort]) -> None:
    small, large = cohorts[SMALL].phases, cohorts[LARGE].phases

    most = LARGE / SMALL * MEMORY_SLACK
    assert all(large[name].peak_mib < most * small[name].peak_mib for name in small)


def test_calls_of_the_real_workflow_do_not_grow_and_each_receipt_is_one_request(
    cohorts: dict[int, Cohort],
) -> None:
    phases = cohorts[LARGE].phases
    calls = {name: sum(phase.batch_calls.values()) for name, phase in phases.items()}
    looks = {name: phase.seconds / POLL_S for name, phase in phases.items()}

    assert not {name: n for name, n in calls.items() if n > BATCH_CALLS + looks[name]}
    assert phases["collect"].s3_requests == {"GetObject": LARGE}
    assert phases["dry run"].s3_requests == phases["dry run"].batch_calls == {}


def test_logs_of_the_real_workflow_do_not_grow_with_the_cohort(
    cohorts: dict[int, Cohort],
) -> None:
    small, large = cohorts[SMALL].lines, cohorts[LARGE].lines
    # More looks at AWS and more arrays have a line each.
    assert all(large[name] < small[name] + SMALL / 2 for name in small)
