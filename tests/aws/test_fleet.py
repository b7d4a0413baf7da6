"""A thousand stubbed jobs through the executor, as bench/fleet runs 67,000."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "fleet"))

from executors import ARRAY, POLL_S
from measure import VCPUS, Controller, measure

GENOMES = 1000
LIMIT_S = 300


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
