"""A thousand stubbed jobs through the executor, as bench/fleet runs 67,000."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "fleet"))

from executors import ARRAY
from measure import VCPUS, Controller, measure

GENOMES = 1000
LIMIT_S = 300


def test_a_thousand_jobs_are_one_submission_and_one_download_each():
    measured = measure(ARRAY, GENOMES, LIMIT_S)

    assert measured.batch_calls["RegisterJobDefinition"] == 1
    assert measured.batch_calls["SubmitJob"] == 1
    assert sum(measured.batch_calls.values()) <= 0.01 * GENOMES + GENOMES / 100
    assert sum(measured.s3_requests.values()) <= 1.1 * GENOMES


def test_a_thousand_jobs_finish_although_batch_takes_ten_requests_a_second(start_aws, tmp_path):
    aws = start_aws(stub=ARRAY.stub, spot_vcpus=VCPUS)
    aws.throttle("batch:*", per_second=10)

    controller = Controller(ARRAY, GENOMES, aws, tmp_path)

    controller.wait(LIMIT_S)
    assert len(list((tmp_path / "results").glob("*.json"))) == GENOMES
