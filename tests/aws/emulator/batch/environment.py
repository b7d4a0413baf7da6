"""The environment of each attempt.

AWS: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html, for the credentials
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html and for ECS's
metadata https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
moto 5.2.5 sets AWS_BATCH_JOB_ID only, in one list that all children share.
"""

from .engine import Task


def batch_variables(task: Task) -> dict[str, str]:
    """What Batch tells a container about itself."""
    job = task.job
    variables = {
        "AWS_BATCH_JOB_ID": job.job_id,
        "AWS_BATCH_JOB_ATTEMPT": str(task.attempt.number),
        "AWS_BATCH_JQ_NAME": job.spec.queue.name,
        "AWS_BATCH_CE_NAME": task.host.environment,
    }
    if job.index is not None:
        variables["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
    return variables


def container_environment(task: Task, endpoint_url: str) -> dict[str, str]:
    """All variables of an attempt's container; a new dictionary for each.

    The role's credentials, the container's and the instance's metadata are found as on ECS, but on
    loopback.  On Fargate there is no instance to ask, but the region is told.
    """
    declared = {v["name"]: v["value"] for v in task.job.spec.container.get("environment", [])}
    variables = {
        "AWS_ENDPOINT_URL": endpoint_url,
        "ECS_CONTAINER_METADATA_URI_V4": f"{endpoint_url}/emulator/tasks/{task.attempt.task_id}",
    }
    if task.job.spec.container.get("jobRoleArn"):
        credentials = f"{endpoint_url}/emulator/credentials/{task.attempt.task_id}"
        variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = credentials
    if task.host.container_instance_arn:
        host = f"{endpoint_url}/emulator/hosts/{task.host.instance_id}"
        variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = host
    else:
        variables |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": task.job.arn.split(":")[3]}
    return variables | declared | batch_variables(task)
