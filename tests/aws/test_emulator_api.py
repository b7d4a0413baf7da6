"""Limits, faults and the log of the emulated AWS's requests."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from aws.batch_helpers import finished, register, submit, wait_for
from aws.emulator import provision
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError


def impatient_client(aws, service="batch", access_key="x"):
    """A client that tries everything once."""
    return boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=aws.region,
        aws_access_key_id=access_key,
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )


def variable(size_bytes):
    return [{"name": "LONG", "value": "x" * size_bytes}]


def test_submit_job_takes_30_kib(shared_aws):
    definition = register(shared_aws)

    with pytest.raises(ClientError, match="at most 30720"):
        submit(shared_aws, definition, containerOverrides={"environment": variable(30 * 1024)})


def test_register_job_definition_takes_24_kib(shared_aws):
    with pytest.raises(ClientError, match="at most 24576"):
        register(shared_aws, container={"environment": variable(24 * 1024)})


def test_names_of_jobs_and_definitions_have_no_dots(shared_aws):
    definition = register(shared_aws)
    batch = impatient_client(shared_aws)

    with pytest.raises(ClientError, match="Job name should match valid pattern"):
        batch.submit_job(jobName="a.b", jobQueue=shared_aws.queue, jobDefinition=definition)
    with pytest.raises(ClientError, match="Job definition name should match valid pattern"):
        batch.register_job_definition(
            jobDefinitionName="a.b",
            type="container",
            containerProperties={"image": "x", "vcpus": 1, "memory": 256},
        )


def test_variables_of_batch_cannot_be_set(shared_aws):
    reserved = {"environment": [{"name": "AWS_BATCH_JOB_ID", "value": "x"}]}

    with pytest.raises(ClientError, match="may not start with AWS_BATCH"):
        register(shared_aws, container=reserved)


def test_fargate_has_its_own_table_of_sizes(shared_aws):
    with pytest.raises(ClientError, match=r"Fargate resource requirements \(1.00 vCPU, 256 MiB\)"):
        register(shared_aws, platformCapabilities=["FARGATE"])


@pytest.mark.parametrize("operation", ["batch:DescribeJobs", "batch:*"])
def test_a_throttled_operation_answers_429_too_many_requests(shared_aws, operation):
    batch = impatient_client(shared_aws)
    shared_aws.throttle(operation, per_second=2)

    with pytest.raises(ClientError, match="TooManyRequestsException") as error:
        for _ in range(5):
            batch.describe_jobs(jobs=["x"])

    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_throttled_operation_lets_through_what_it_should(shared_aws):
    shared_aws.throttle("batch:DescribeJobs", per_second=5)
    batch = shared_aws.client("batch")

    answers = [batch.describe_jobs(jobs=["x"])["jobs"] for _ in range(10)]

    assert answers == [[]] * 10


def test_a_call_whose_response_is_lost_has_taken_effect(start_aws):
    aws = start_aws(stub="aws.stub_functions:succeed")
    definition = register(aws)
    aws.lose_response("batch:SubmitJob", times=1)

    with pytest.raises(ConnectionClosedError):
        impatient_client(aws).submit_job(
            jobName="lost", jobQueue=aws.queue, jobDefinition=definition
        )

    by_name = [{"name": "JOB_NAME", "values": ["lost"]}]
    listed = aws.client("batch").list_jobs(jobQueue=aws.queue, filters=by_name)
    assert len(listed["jobSummaryList"]) == 1
    assert aws.requests()[-2]["status"] == 0


def test_a_held_request_waits_undone_until_faults_are_cleared(start_aws):
    aws = start_aws(stub="aws.stub_functions:succeed")
    s3 = aws.client("s3")
    aws.hold("s3:PutObject", resource="*/held")
    s3.put_object(Bucket=aws.bucket, Key="other", Body=b"")

    with ThreadPoolExecutor() as pool:
        held = pool.submit(s3.put_object, Bucket=aws.bucket, Key="held", Body=b"")
        wait_for(aws.count_held, lambda held: held == 1)
        listed = s3.list_objects_v2(Bucket=aws.bucket)["Contents"]
        aws.clear_faults()
        held.result()

    assert [item["Key"] for item in listed] == ["other"]
    statuses = [r["status"] for r in aws.requests() if r["resource"].endswith("/held")]
    assert statuses == [503, 200]


def test_the_first_of_held_requests_can_pass(start_aws):
    aws = start_aws(stub="aws.stub_functions:succeed")
    s3 = aws.client("s3")
    aws.hold("s3:PutObject", resource="*/held/*", after=1)

    s3.put_object(Bucket=aws.bucket, Key="held/first", Body=b"")
    with ThreadPoolExecutor() as pool:
        held = pool.submit(s3.put_object, Bucket=aws.bucket, Key="held/second", Body=b"")
        wait_for(aws.count_held, lambda held: held == 1)
        aws.clear_faults()
        held.result()

    statuses = [r["status"] for r in aws.requests() if "/held/" in r["resource"]]
    assert statuses == [200, 503, 200]


@pytest.mark.parametrize("service", ["batch", "s3", "logs"])
def test_a_service_can_fail_as_often_as_wanted(shared_aws, service):
    shared_aws.fail(f"{service}:*", status=503, code="ServiceUnavailable", times=2)
    ask = {
        "batch": lambda client: client.describe_jobs(jobs=["x"]),
        "s3": lambda client: client.list_buckets(),
        "logs": lambda client: client.describe_log_groups(),
    }[service]

    for _ in range(2):
        with pytest.raises(ClientError, match="ServiceUnavailable") as error:
            ask(impatient_client(shared_aws, service))
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503

    ask(impatient_client(shared_aws, service))


def test_chance_decides_of_a_share_the_same_for_the_same_seed(shared_aws):
    def look():
        shared_aws.clear_faults()
        shared_aws.fail("batch:*", share=0.5, seed=3)
        return [is_refused(shared_aws) for _ in range(20)]

    first = look()

    assert 0 < sum(first) < 20
    assert look() == first


def is_refused(aws):
    try:
        impatient_client(aws).describe_jobs(jobs=["x"])
    except ClientError:
        return True
    return False


def test_a_cut_connection_has_done_nothing(shared_aws):
    definition = register(shared_aws)
    shared_aws.disconnect("batch:SubmitJob", times=1)
    job = {"jobName": "cut", "jobQueue": shared_aws.queue, "jobDefinition": definition}

    with pytest.raises(ConnectionClosedError):
        impatient_client(shared_aws).submit_job(**job)

    by_name = [{"name": "JOB_NAME", "values": ["cut"]}]
    listed = shared_aws.client("batch").list_jobs(jobQueue=shared_aws.queue, filters=by_name)
    assert listed["jobSummaryList"] == []


def test_one_answer_can_be_empty(shared_aws):
    batch = shared_aws.client("batch")
    job_id = submit(shared_aws, register(shared_aws))
    shared_aws.answer_empty("batch:DescribeJobs", times=1)

    assert batch.describe_jobs(jobs=[job_id])["jobs"] == []
    assert [job["jobId"] for job in batch.describe_jobs(jobs=[job_id])["jobs"]] == [job_id]


@pytest.mark.parametrize(
    ("service", "code"), [("batch", "ExpiredTokenException"), ("s3", "ExpiredToken")]
)
def test_an_expired_token_is_refused_and_a_renewed_one_is_not(shared_aws, service, code):
    ask = {
        "batch": lambda client: client.describe_jobs(jobs=["x"]),
        "s3": lambda client: client.list_buckets(),
    }[service]
    shared_aws.expire_token()

    with pytest.raises(ClientError) as error:
        ask(impatient_client(shared_aws, service, provision.CONTROLLER_KEY))

    assert error.value.response["Error"]["Code"] == code
    ask(impatient_client(shared_aws, service, provision.RENEWED_KEY))


def test_a_new_job_can_be_unknown_for_a_while(shared_aws):
    shared_aws.hide_submitted()
    batch = shared_aws.client("batch")

    job_id = submit(shared_aws, register(shared_aws))

    assert batch.describe_jobs(jobs=[job_id])["jobs"] == []
    shared_aws.clear_faults()
    assert [job["jobId"] for job in batch.describe_jobs(jobs=[job_id])["jobs"]] == [job_id]


def test_a_finished_job_is_forgotten_after_a_time(start_aws):
    aws = start_aws(stub="aws.stub_functions:succeed")
    batch = aws.client("batch")
    job_id = submit(aws, register(aws), size=2)
    finished(aws, job_id)

    aws.forget_after(seconds=0)

    wait_for(
        lambda: batch.describe_jobs(jobs=[job_id, f"{job_id}:0"])["jobs"], lambda jobs: not jobs
    )
    assert batch.list_jobs(arrayJobId=job_id, jobStatus="SUCCEEDED")["jobSummaryList"] == []


def test_a_deregistered_definition_takes_no_jobs(shared_aws):
    definition = register(shared_aws)
    shared_aws.client("batch").deregister_job_definition(jobDefinition=definition)

    with pytest.raises(ClientError, match="is not active"):
        submit(shared_aws, definition)


def test_the_request_log_tells_operation_iam_action_object_status_and_caller(shared_aws):
    s3 = shared_aws.client("s3")

    s3.put_object(Bucket=shared_aws.bucket, Key="a/b", Body=b"12345")
    with pytest.raises(ClientError):
        s3.head_object(Bucket=shared_aws.bucket, Key="none")

    put, head = shared_aws.requests()[-2:]
    assert (put["operation"], put["action"], put["status"]) == ("PutObject", "s3:PutObject", 200)
    assert (put["resource"], put["caller"]) == ("genomes-bucket/a/b", "controller")
    assert put["request_bytes"] >= 5
    assert (head["operation"], head["action"], head["status"]) == (
        "HeadObject",
        "s3:GetObject",
        404,
    )


@pytest.mark.parametrize(
    ("service", "method", "arguments", "action"),
    [
        ("iam", "list_roles", {}, "iam:ListRoles"),
        ("logs", "describe_log_groups", {}, "logs:DescribeLogGroups"),
        ("batch", "describe_job_queues", {}, "batch:DescribeJobQueues"),
        ("batch", "terminate_jobs", {"jobs": ["x"], "reason": "x"}, "batch:TerminateJob"),
        ("s3", "list_objects_v2", {"Bucket": "genomes-bucket"}, "s3:ListBucket"),
    ],
)
def test_the_request_log_names_the_iam_action(shared_aws, service, method, arguments, action):
    getattr(shared_aws.client(service), method)(**arguments)

    assert shared_aws.requests()[-1]["action"] == action


def test_a_stubbed_child_does_what_its_function_does(start_aws):
    aws = start_aws(stub="aws.stub_functions:put_index")
    bucket = {"environment": [{"name": "BUCKET", "value": aws.bucket}]}

    job_id = submit(aws, register(aws, container=bucket), size=3)

    assert finished(aws, job_id)["status"] == "SUCCEEDED"
    listed = aws.client("s3").list_objects_v2(Bucket=aws.bucket)
    assert [item["Key"] for item in listed["Contents"]] == ["0.txt", "1.txt", "2.txt"]
    assert aws.containers() == []


def test_a_stubbed_child_is_retried_like_a_container(start_aws):
    aws = start_aws(stub="aws.stub_functions:succeed_on_the_second_attempt")

    job = finished(aws, submit(aws, register(aws, retryStrategy={"attempts": 2})))

    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [75, 0]


def test_the_emulator_listens_on_loopback_only(shared_aws):
    assert shared_aws.endpoint_url.startswith("http://127.0.0.1:")
