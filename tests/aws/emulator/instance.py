"""What a container can ask about where it runs: its role's credentials, itself, its instance.

AWS: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html (IMDSv2),
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-response.html
"""

import json
import secrets
from datetime import UTC, datetime
from typing import Any

from moto.sts.models import sts_backends
from werkzeug.exceptions import NotFound, Unauthorized
from werkzeug.wrappers import Request, Response

from .batch.backend import ArrayBatchBackend
from .batch.engine import Task
from .batch.hosts import Host
from .request_log import RequestLog

SESSION_S = 6 * 3600


class InstanceServices:
    """Credentials and metadata of the tasks that run."""

    def __init__(self, batch: ArrayBatchBackend, log: RequestLog) -> None:
        self._batch = batch
        self._log = log
        self._tokens: set[str] = set()

    def credentials(self, task_id: str) -> Response:
        """Temporary credentials of a task's job role, as the ECS agent gives them."""
        task = self._task(lambda task: task.attempt.task_id == task_id)
        role_arn = task.job.spec.container["jobRoleArn"]
        sts = sts_backends[self._batch.account_id][self._batch.partition]
        session = sts.assume_role(
            region_name=self._batch.region_name,
            role_session_name=task_id,
            role_arn=role_arn,
            policy="",
            duration=SESSION_S,
            external_id="",
        )
        self._log.name_caller(session.access_key_id, f"job/{task.job.job_id}")
        values = {
            "RoleArn": role_arn,
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "Token": session.session_token,
            "Expiration": _iso(session.expiration),
        }
        return Response(json.dumps(values), mimetype="application/json")

    def container(self, task_id: str) -> Response:
        """A task's only container, as ECS's agent describes it; what is not known is left out.

        On EC2 the agent's ``ImageID`` is the id that Docker has for the image
        (``RecordContainerReference`` of https://github.com/aws/amazon-ecs-agent).
        """
        task = self._task(lambda task: task.attempt.task_id == task_id)
        spec, attempt = task.job.spec, task.attempt
        values = {
            "Name": "default",
            "Image": spec.container["image"],
            "ImageID": attempt.image_id,
            "Labels": {"com.amazonaws.ecs.task-arn": attempt.task_arn},
            "DesiredStatus": "RUNNING",
            "KnownStatus": "RUNNING",
            "Limits": {"CPU": int(spec.vcpus * 1024), "Memory": spec.memory_mib},
            "Type": "NORMAL",
        }
        return Response(json.dumps(values), mimetype="application/json")

    def metadata(self, instance_id: str, path: str, request: Request) -> Response:
        """One path of IMDSv2: a token for PUT, then values for those who have one."""
        host = self._task(lambda task: task.host.instance_id == instance_id).host
        if request.method == "PUT" and path == "latest/api/token":
            token = secrets.token_urlsafe(32)
            self._tokens.add(token)
            return Response(token)
        if request.headers.get("X-aws-ec2-metadata-token") not in self._tokens:
            raise Unauthorized
        return Response(_metadata(host, path))

    def _task(self, fits: Any) -> Task:
        found = next((task for task in self._batch.engine.running() if fits(task)), None)
        if found is None:
            raise NotFound
        return found


def _metadata(host: Host, path: str) -> str:
    region = host.zone[:-1]
    values = {
        "latest/meta-data/instance-id": host.instance_id,
        "latest/meta-data/instance-type": host.instance_type,
        "latest/meta-data/instance-life-cycle": host.life_cycle,
        "latest/meta-data/placement/availability-zone": host.zone,
        "latest/meta-data/placement/region": region,
        "latest/dynamic/instance-identity/document": json.dumps(
            {
                "instanceId": host.instance_id,
                "instanceType": host.instance_type,
                "availabilityZone": host.zone,
                "region": region,
                "pendingTime": _iso(host.launched),
            }
        ),
    }
    if path not in values:
        raise NotFound
    return values[path]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
