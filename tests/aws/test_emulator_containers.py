"""What a container of the emulated Batch may do, and what it finds around it.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
"""

import json
import urllib.error
import urllib.request

import boto3
import docker
import pytest
from aws.batch_helpers import (
    IMAGE,
    describe,
    finished,
    log_of,
    register,
    run,
    submit,
    wait_for,
    wait_for_status,
)
from botocore.utils import IMDSFetcher


def scratch_volume(host):
    return {
        "volumes": [{"name": "scratch", "host": host}],
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch"}],
    }


def test_a_root_file_system_can_be_read_only(shared_aws):
    job = run(shared_aws, "touch /here", container={"readonlyRootFilesystem": True})

    assert job["container"]["exitCode"] == 1
    assert "Read-only file system" in log_of(shared_aws, job)[0]


def test_a_container_runs_as_the_user_of_its_definition(shared_aws):
    job = run(shared_aws, "id -u", container={"user": "1234"})

    assert log_of(shared_aws, job) == ["1234"]


def test_a_container_has_the_shared_memory_and_ulimits_of_its_definition(shared_aws):
    limits = {
        "linuxParameters": {"sharedMemorySize": 128},
        "ulimits": [{"name": "nofile", "softLimit": 2000, "hardLimit": 3000}],
    }

    job = run(shared_aws, "df -m --output=size /dev/shm | tail -1; ulimit -n", container=limits)

    assert [line.strip() for line in log_of(shared_aws, job)] == ["128", "2000"]


def test_a_host_volume_is_a_new_folder_on_each_host_and_gone_with_it(
    start_aws, monkeypatch, tmp_path
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the emulator makes its hosts' folders
    aws = start_aws()
    writes = "ls /scratch; touch /scratch/file; df --output=target /scratch | tail -1; exit 1"
    volume = scratch_volume({"sourcePath": "/mnt/nvme"})
    properties = {**volume, "user": "1234", "readonlyRootFilesystem": True}

    job = run(aws, writes, container=properties, retryStrategy={"attempts": 2})

    assert [log_of(aws, attempt) for attempt in job["attempts"]] == [["/scratch"]] * 2
    assert list(tmp_path.glob("emulated-host-*")) == []


def test_a_volume_without_a_host_path_is_a_new_docker_volume_that_root_owns(shared_aws):
    before = docker_volumes()

    job = run(shared_aws, "stat --format '%U %a' /scratch", container=scratch_volume({}))

    assert log_of(shared_aws, job) == ["root 755"]
    assert docker_volumes() == before


def docker_volumes():
    return {volume.id for volume in docker.from_env().volumes.list()}


def test_a_privileged_container_is_refused(shared_aws):
    job = run(shared_aws, "true", container={"privileged": True})

    assert job["container"]["reason"].startswith("CannotCreateContainerError: privileged")


def test_a_command_that_does_not_exist_is_a_task_that_failed_to_start(shared_aws):
    job = run(shared_aws, "true", container={"command": ["no-such-command"]})

    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"].startswith("CannotStartContainerError:")


def test_logs_go_to_the_stream_that_the_log_configuration_names(shared_aws):
    shared_aws.client("logs").create_log_group(logGroupName="runs")
    options = {"awslogs-group": "runs", "awslogs-stream-prefix": "run-1"}
    configuration = {"logDriver": "awslogs", "options": options}

    job = run(shared_aws, "echo hello", container={"logConfiguration": configuration})

    assert job["container"]["logStreamName"].startswith("run-1/default/")
    assert log_of(shared_aws, job, group="runs") == ["hello"]


def test_logs_can_be_read_while_the_job_runs(shared_aws):
    job_id = submit(shared_aws, register(shared_aws, "for i in 1 2 3 4; do echo $i; sleep 1; done"))
    shared_aws.reclaim(job=job_id, after_log="4")
    finished(shared_aws, job_id)

    assert log_of(shared_aws, describe(shared_aws, job_id))[:3] == ["1", "2", "3"]


def test_a_log_group_that_does_not_exist_keeps_the_task_from_starting(shared_aws):
    configuration = {"logDriver": "awslogs", "options": {"awslogs-group": "no-such-group"}}

    job = run(shared_aws, "true", container={"logConfiguration": configuration})

    assert job["statusReason"] == "Task failed to start"
    assert "The specified log group does not exist" in job["container"]["reason"]


def test_a_container_gets_the_credentials_of_its_job_role(shared_aws, gate):
    definition = register(
        shared_aws,
        f"echo $AWS_CONTAINER_CREDENTIALS_FULL_URI; {gate.wait}",
        container={"jobRoleArn": shared_aws.job_role_arn, **gate.container},
    )
    job_id = submit(shared_aws, definition)
    job = wait_for_log(shared_aws, job_id)
    with urllib.request.urlopen(log_of(shared_aws, job)[0]) as reply:  # noqa: S310
        credentials = json.load(reply)

    boto3.client(
        "s3",
        endpoint_url=shared_aws.endpoint_url,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["Token"],
    ).put_object(Bucket=shared_aws.bucket, Key="from-the-job", Body=b"x")

    request = shared_aws.requests()[-1]
    assert credentials["RoleArn"] == shared_aws.job_role_arn
    assert request["caller"] == f"job/{job_id}"


def test_a_container_can_ask_its_instance_for_type_id_zone_and_life_cycle(shared_aws, gate):
    says_endpoint = f"echo $AWS_EC2_METADATA_SERVICE_ENDPOINT; {gate.wait}"
    definition = register(shared_aws, says_endpoint, container=gate.container)
    job_id = submit(shared_aws, definition)
    imds = InstanceMetadata(log_of(shared_aws, wait_for_log(shared_aws, job_id))[0])

    (started,) = (one for one in shared_aws.containers() if one["job"] == job_id)
    assert imds.get("instance-id") == started["instance_id"]
    assert imds.get("instance-type") == started["instance_type"]
    assert started["instance_type"] in ("c6i.large", "m6i.large", "r6i.large")
    assert imds.get("placement/availability-zone").startswith("us-east-1")
    assert imds.get("instance-life-cycle") == "spot"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        imds.get("instance-id", token="no-token")


def test_a_container_can_ask_for_its_image(shared_aws, gate):
    says_endpoint = f"echo $ECS_CONTAINER_METADATA_URI_V4; {gate.wait}"
    definition = register(shared_aws, says_endpoint, container=gate.container)
    job_id = submit(shared_aws, definition)
    job = wait_for_log(shared_aws, job_id)
    with urllib.request.urlopen(log_of(shared_aws, job)[0]) as reply:  # noqa: S310
        container = json.load(reply)

    assert container["Image"] == IMAGE
    assert container["ImageID"] == docker.from_env().images.get(IMAGE).id
    assert container["Limits"] == {"CPU": 1024, "Memory": 256}


class InstanceMetadata(IMDSFetcher):
    """Asks IMDSv2 as botocore does."""

    def __init__(self, endpoint):
        super().__init__(base_url=endpoint)
        self.endpoint = endpoint

    def get(self, path, token=None):
        headers = {"X-aws-ec2-metadata-token": token or self._fetch_metadata_token()}
        url = f"{self.endpoint}/latest/meta-data/{path}"
        request = urllib.request.Request(url, headers=headers)  # noqa: S310
        with urllib.request.urlopen(request) as reply:  # noqa: S310
            return reply.read().decode()


def wait_for_log(aws, job_id):
    """Wait until a job's first line can be read."""
    job = wait_for_status(aws, job_id, "RUNNING")
    wait_for(lambda: log_of(aws, job), bool)
    return job
