"""Array jobs: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html."""

import pytest
from aws.batch_helpers import describe, finished, log_of, register, run, submit, wait_for_status
from botocore.exceptions import ClientError


def indexes(jobs):
    return [job["arrayProperties"]["index"] for job in jobs]


def test_a_child_is_told_its_index_attempt_id_queue_and_compute_environment(shared_aws):
    definition = register(shared_aws, "env | grep ^AWS_BATCH | sort")

    job_id = submit(shared_aws, definition, size=2)

    finished(shared_aws, job_id)
    for index in (0, 1):
        assert log_of(shared_aws, describe(shared_aws, f"{job_id}:{index}")) == [
            "AWS_BATCH_CE_NAME=spot",
            f"AWS_BATCH_JOB_ARRAY_INDEX={index}",
            "AWS_BATCH_JOB_ATTEMPT=1",
            f"AWS_BATCH_JOB_ID={job_id}:{index}",
            "AWS_BATCH_JQ_NAME=genomes",
        ]


def test_a_plain_job_has_no_index(shared_aws):
    job = run(shared_aws, "echo ${AWS_BATCH_JOB_ARRAY_INDEX-none}")

    assert log_of(shared_aws, job) == ["none"]


def test_variables_of_definition_and_submission_are_merged_by_name(shared_aws):
    declared = [{"name": "A", "value": "definition"}, {"name": "B", "value": "definition"}]
    definition = register(shared_aws, "echo $A $B", container={"environment": declared})
    override = {"environment": [{"name": "B", "value": "submission"}]}

    job = finished(shared_aws, submit(shared_aws, definition, containerOverrides=override))

    assert log_of(shared_aws, job) == ["definition submission"]


def test_a_parent_is_pending_while_children_run_and_counts_them(shared_aws, gate):
    waits = register(shared_aws, gate.wait, container=gate.container)
    job_id = submit(shared_aws, waits, size=2)
    wait_for_status(shared_aws, f"{job_id}:0", "RUNNING")
    wait_for_status(shared_aws, f"{job_id}:1", "RUNNING")

    parent = describe(shared_aws, job_id)

    assert parent["status"] == "PENDING"
    assert parent["arrayProperties"]["size"] == 2
    assert parent["arrayProperties"]["statusSummary"]["RUNNING"] == 2


def test_a_parent_succeeds_when_all_children_have(shared_aws):
    parent = finished(shared_aws, submit(shared_aws, register(shared_aws), size=2))

    assert parent["status"] == "SUCCEEDED"
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 2


def test_a_parent_fails_when_the_last_child_has_ended_if_any_has_failed(shared_aws, gate):
    fails_first = f"[ $AWS_BATCH_JOB_ARRAY_INDEX = 1 ] || exit 1; {gate.wait}"
    definition = register(shared_aws, fails_first, container=gate.container)
    job_id = submit(shared_aws, definition, size=2)
    wait_for_status(shared_aws, f"{job_id}:0", "FAILED")

    before = describe(shared_aws, job_id)
    gate.open()
    after = finished(shared_aws, job_id)

    assert before["status"] == "PENDING"
    assert after["status"] == "FAILED"
    assert describe(shared_aws, f"{job_id}:1")["status"] == "SUCCEEDED"


@pytest.mark.parametrize("size", [1, 10_001])
def test_an_array_has_2_to_10000_children(shared_aws, size):
    with pytest.raises(ClientError, match=f"between 2 and 10000, not {size}"):
        submit(shared_aws, register(shared_aws), size=size)


def test_list_jobs_lists_children_of_one_status_with_index_and_exit_code(shared_aws):
    exits_index = register(shared_aws, "exit $AWS_BATCH_JOB_ARRAY_INDEX")
    job_id = submit(shared_aws, exits_index, size=3)
    finished(shared_aws, job_id)

    failed = shared_aws.client("batch").list_jobs(arrayJobId=job_id, jobStatus="FAILED")

    summaries = failed["jobSummaryList"]
    assert indexes(summaries) == [1, 2]
    assert [job["container"]["exitCode"] for job in summaries] == [1, 2]
    assert summaries[0]["jobId"] == f"{job_id}:1"
    assert "attempts" not in summaries[0]


def test_list_jobs_leaves_out_what_only_describe_jobs_tells(shared_aws):
    job_id = submit(shared_aws, register(shared_aws, "exit 1"), size=2)
    described = finished(shared_aws, f"{job_id}:0")
    finished(shared_aws, job_id)

    failed = shared_aws.client("batch").list_jobs(arrayJobId=job_id, jobStatus="FAILED")

    left_out = {"jobDefinition", "startedAt", "statusReason", "isCancelled", "isTerminated"}
    assert left_out <= described.keys()
    assert not left_out & failed["jobSummaryList"][0].keys()


def test_list_jobs_lists_running_jobs_when_no_status_is_asked_for(shared_aws, gate):
    one_waits = f"[ $AWS_BATCH_JOB_ARRAY_INDEX = 0 ] || {{ {gate.wait}; }}"
    definition = register(shared_aws, one_waits, container=gate.container)
    job_id = submit(shared_aws, definition, size=2)
    wait_for_status(shared_aws, f"{job_id}:0", "SUCCEEDED")
    wait_for_status(shared_aws, f"{job_id}:1", "RUNNING")

    running = shared_aws.client("batch").list_jobs(arrayJobId=job_id)

    assert indexes(running["jobSummaryList"]) == [1]


def test_list_jobs_gives_pages_of_the_asked_size(shared_aws):
    job_id = submit(shared_aws, register(shared_aws), size=3)
    finished(shared_aws, job_id)
    asked = {"arrayJobId": job_id, "jobStatus": "SUCCEEDED", "maxResults": 2}

    first = shared_aws.client("batch").list_jobs(**asked)
    second = shared_aws.client("batch").list_jobs(**asked, nextToken=first["nextToken"])

    assert indexes(first["jobSummaryList"]) == [0, 1]
    assert indexes(second["jobSummaryList"]) == [2]
    assert "nextToken" not in second


def test_list_jobs_gives_a_thousand_children_at_most(start_aws):
    aws = start_aws(stub="aws.stub_functions:succeed", spot_vcpus=2000)
    job_id = submit(aws, register(aws), size=1001)
    finished(aws, job_id)

    page = aws.client("batch").list_jobs(arrayJobId=job_id, jobStatus="SUCCEEDED")

    assert len(page["jobSummaryList"]) == 1000
    assert "nextToken" in page


@pytest.mark.parametrize("selectors", [{}, {"jobQueue": "genomes", "arrayJobId": "x"}])
def test_list_jobs_takes_a_queue_or_an_array_but_not_both(shared_aws, selectors):
    with pytest.raises(ClientError, match="Exactly one of"):
        shared_aws.client("batch").list_jobs(**selectors)


def test_list_jobs_of_a_queue_shows_parents_and_not_children(shared_aws):
    job_id = submit(shared_aws, register(shared_aws), size=2, jobName="parents-only")
    finished(shared_aws, job_id)
    by_name = [{"name": "JOB_NAME", "values": ["parents-*"]}]

    listed = shared_aws.client("batch").list_jobs(jobQueue=shared_aws.queue, filters=by_name)

    assert [job["jobId"] for job in listed["jobSummaryList"]] == [job_id]


def test_describe_jobs_takes_100_ids_at_most(shared_aws):
    with pytest.raises(ClientError, match="at most 100"):
        shared_aws.client("batch").describe_jobs(jobs=[str(i) for i in range(101)])


def test_describe_jobs_leaves_out_what_it_does_not_know(shared_aws):
    assert shared_aws.client("batch").describe_jobs(jobs=["no-such-job"])["jobs"] == []
