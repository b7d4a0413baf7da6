"""Calls to Batch that may be throttled, or whose answers may be lost."""

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ConnectTimeoutError

from snakemake_executor_plugin_aws_batch_array.client import ArrayBatchClient, RateLimiter
from snakemake_executor_plugin_aws_batch_array.retrying import Retrier

REQUEST = {"jobQueue": "genomes", "jobName": "run-0000"}


def make_error(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "SubmitJob"
    )


class FakeBatch:
    """A Batch that answers SubmitJob with what it was told, in that order.

    An exception named in `effective` comes after the job was made.
    """

    def __init__(self, *answers: Exception, effective: bool = False) -> None:
        self.answers = list(answers)
        self.effective = effective
        self.jobs: list[str] = []

    def client(self, *_: Any, **__: Any) -> "FakeBatch":
        return self

    def submit_job(self, **request: Any) -> dict[str, str]:
        error = self.answers.pop(0) if self.answers else None
        if error is None or self.effective:
            self.jobs.append(request["jobName"])
        if error is not None:
            raise error
        return {"jobId": f"job-{len(self.jobs)}"}

    def list_jobs(self, **request: Any) -> dict[str, Any]:
        (name,) = request["filters"][0]["values"]
        found = [{"jobId": f"job-{i}"} for i, job in enumerate(self.jobs, 1) if job == name]
        return {"jobSummaryList": found}


def submit(batch: FakeBatch) -> str:
    retrier = Retrier(logging.getLogger(), pause=lambda _: None)
    return ArrayBatchClient(batch, retrier, sleep=lambda _: None).submit_once(**REQUEST)


LOST = ConnectionClosedError(endpoint_url="http://localhost")


def test_a_throttled_submission_is_repeated_until_it_passes():
    batch = FakeBatch(*[make_error("TooManyRequestsException", 429)] * 30)

    assert submit(batch) == "job-1"
    assert len(batch.jobs) == 1


@pytest.mark.parametrize("error", [LOST, make_error("ServerException", 500)])
def test_a_job_whose_answer_was_lost_is_found_by_its_name(error):
    batch = FakeBatch(error, effective=True)

    assert submit(batch) == "job-1"
    assert len(batch.jobs) == 1


@pytest.mark.parametrize(
    "error", [LOST, ConnectTimeoutError(endpoint_url="http://localhost"), make_error("x", 503)]
)
def test_a_submission_that_had_no_effect_is_repeated(error):
    batch = FakeBatch(error)

    assert submit(batch) == "job-1"
    assert len(batch.jobs) == 1


def test_a_refused_submission_is_an_error_at_once():
    batch = FakeBatch(make_error("AccessDeniedException", 403))

    with pytest.raises(ClientError):
        submit(batch)

    assert batch.jobs == []


def test_jobs_that_an_answer_left_out_are_asked_for_again(monkeypatch: pytest.MonkeyPatch):
    answers = [["b"], [], ["a"]]
    batch = FakeBatch()
    monkeypatch.setattr(
        batch,
        "describe_jobs",
        lambda jobs: {"jobs": [{"jobId": job} for job in answers.pop(0)]},
        raising=False,
    )

    found = ArrayBatchClient(batch, sleep=lambda _: None).describe_existing(["a", "b"])

    assert sorted(found) == ["a", "b"]


def test_jobs_are_described_by_name_where_a_list_gives_only_their_ids():
    class Batch(FakeBatch):
        def list_jobs(self, **request: Any) -> dict[str, Any]:
            assert request["filters"] == [{"name": "JOB_NAME", "values": ["run-*"]}]
            page = int(request.get("nextToken", 0))
            more = {"nextToken": "1"} if page == 0 else {}
            return {"jobSummaryList": [{"jobId": f"job-{page}"}], **more}

        def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
            return {"jobs": [{"jobId": job, "status": "RUNNING"} for job in jobs]}

    found = ArrayBatchClient(Batch(), sleep=lambda _: None).describe_named("genomes", "run-")

    assert {job: detail["status"] for job, detail in found.items()} == {
        "job-0": "RUNNING",
        "job-1": "RUNNING",
    }


def test_calls_are_spread_over_the_second(monkeypatch: pytest.MonkeyPatch):
    pauses: list[float] = []
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    monkeypatch.setattr("time.sleep", pauses.append)
    limiter = RateLimiter(per_second=40)

    for _ in range(3):
        limiter.wait()

    assert pauses == pytest.approx([0.0, 0.025, 0.05])
